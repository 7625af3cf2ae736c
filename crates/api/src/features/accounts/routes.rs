//! `/api/auth` and `/api/invitations`.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use finops_contract::accounts::{
    ChangePasswordRequest, CreateInvitationRequest, CreatedInvitation, Invitation, InvitationLookup, InvitationPreview,
    LoginRequest, Me, RegisterRequest, RegistrationInfo, Role, Session, UpdateMeRequest,
};
use finops_contract::{ErrorCode, ListQuery, Page};
use serde_json::json;
use uuid::Uuid;

use super::domain::{SESSION_LIFETIME, grantable, invitable, normalize_email};
use super::service::{self, Opened, Origin};
use super::{invitations, sessions, store};
use crate::features::{audit, teams};
use crate::platform::auth::{OpaqueToken, Permission};
use crate::platform::db;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::extract::SIGN_IN_LIMIT;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Path, Query, ctx};
use crate::platform::state::State;

/// The cookie of the refresh token. It travels to `/api/auth` only.
const COOKIE: &str = "finops_refresh";
const COOKIE_PATH: &str = "/api/auth";

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(get_registration)
        .service(register_account)
        .service(begin_session)
        .service(refresh_session)
        .service(end_session)
        .service(end_all_sessions)
        .service(get_me)
        .service(update_me)
        .service(change_password)
        .service(look_up_invitation)
        .service(list_invitations)
        .service(create_invitation)
        .service(revoke_invitation);
}

fn origin(request: &HttpRequest, state: &State) -> Origin {
    Origin { ip: ctx::client_ip(request, state.config.trusted_proxy_hops), request_id: ctx::request_id(request) }
}

fn cookie(state: &State, value: &str, max_age: Duration) -> Cookie<'static> {
    Cookie::build(COOKIE, value.to_owned())
        .path(COOKIE_PATH)
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(state.config.secure_cookies())
        .max_age(max_age)
        .finish()
}

fn answer(state: &State, mut status: actix_web::HttpResponseBuilder, opened: &Opened) -> HttpResponse {
    let max_age = Duration::seconds(SESSION_LIFETIME.num_seconds());
    status.cookie(cookie(state, opened.refresh.reveal(), max_age)).json(&opened.session)
}

fn presented(request: &HttpRequest) -> ApiResult<OpaqueToken> {
    let cookie = request.cookie(COOKIE).ok_or(ErrorCode::RefreshInvalid)?;
    Ok(OpaqueToken::presented(cookie.value()))
}

/// Whether a stranger may register
#[utoipa::path(tag = "auth", security(()), responses((status = 200, description = "Who may register", body = RegistrationInfo)))]
#[get("/auth/registration")]
async fn get_registration(state: web::Data<State>) -> ApiResult<web::Json<RegistrationInfo>> {
    let mut tx = state.db.platform().await?;
    let first_account = !store::account_exists(&mut tx).await?;
    tx.commit().await?;
    Ok(web::Json(RegistrationInfo { mode: state.config.registration, first_account }))
}

/// Make an account
///
/// Founds an organization, or joins one with an invitation. The first account runs the platform.
#[utoipa::path(tag = "auth", security(()), request_body = RegisterRequest, responses((status = 201, description = "Registered and signed in", body = Session)))]
#[post("/auth/register")]
async fn register_account(
    request: HttpRequest,
    state: web::Data<State>,
    body: Json<RegisterRequest, SIGN_IN_LIMIT>,
) -> ApiResult<HttpResponse> {
    let opened = service::register(&state, &origin(&request, &state), body.0).await?;
    Ok(answer(&state, HttpResponse::Created(), &opened))
}

/// Sign in
#[utoipa::path(tag = "auth", security(()), request_body = LoginRequest, responses((status = 200, description = "Signed in", body = Session)))]
#[post("/auth/login")]
async fn begin_session(
    request: HttpRequest,
    state: web::Data<State>,
    body: Json<LoginRequest, SIGN_IN_LIMIT>,
) -> ApiResult<HttpResponse> {
    let opened = service::login(&state, &origin(&request, &state), body.0).await?;
    Ok(answer(&state, HttpResponse::Ok(), &opened))
}

/// Stay signed in
///
/// Exchanges the refresh cookie for a new one and a new access token.
#[utoipa::path(tag = "auth", security(()), responses((status = 200, description = "Still signed in", body = Session)))]
#[post("/auth/refresh")]
async fn refresh_session(request: HttpRequest, state: web::Data<State>) -> ApiResult<HttpResponse> {
    let opened = service::refresh(&state, &origin(&request, &state), &presented(&request)?).await?;
    Ok(answer(&state, HttpResponse::Ok(), &opened))
}

/// Sign out
#[utoipa::path(tag = "auth", security(()), responses((status = 204, description = "Signed out")))]
#[post("/auth/logout")]
async fn end_session(request: HttpRequest, state: web::Data<State>) -> ApiResult<HttpResponse> {
    if let Ok(token) = presented(&request) {
        service::logout(&state, &origin(&request, &state), &token).await?;
    }
    Ok(HttpResponse::NoContent().cookie(cookie(&state, "", Duration::ZERO)).finish())
}

/// Sign out everywhere
///
/// Every session of the account ends, this one too.
#[utoipa::path(tag = "auth", responses((status = 204, description = "Signed out everywhere")))]
#[delete("/auth/sessions")]
async fn end_all_sessions(ctx: Ctx, state: web::Data<State>) -> ApiResult<HttpResponse> {
    let user = ctx.user_id()?;
    let mut tx = state.db.platform().await?;
    let home = store::home(&mut tx, user).await?;
    db::enter(&mut tx, home).await?;
    sessions::end_sessions(&mut tx, home, user, None, ctx.now()).await?;
    let ctx = Ctx { organization: home, ..ctx };
    audit::record(&mut tx, &ctx, audit::Change::new("session.end_all", user, "")).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().cookie(cookie(&state, "", Duration::ZERO)).finish())
}

/// Who is signed in
#[utoipa::path(tag = "auth", responses((status = 200, description = "The account, and the organization it acts in", body = Me)))]
#[get("/auth/me")]
async fn get_me(ctx: Ctx, state: web::Data<State>) -> ApiResult<web::Json<Me>> {
    let mut tx = state.db.platform().await?;
    let me = service::me(&mut tx, ctx.organization, ctx.user_id()?).await?;
    tx.commit().await?;
    Ok(web::Json(me))
}

/// Change one's own name or language
#[utoipa::path(tag = "auth", request_body = UpdateMeRequest, responses((status = 200, description = "As it is now", body = Me)))]
#[patch("/auth/me")]
async fn update_me(ctx: Ctx, state: web::Data<State>, body: Json<UpdateMeRequest>) -> ApiResult<web::Json<Me>> {
    let user = ctx.user_id()?;
    let mut tx = state.db.platform().await?;
    let before = service::me(&mut tx, ctx.organization, user).await?;
    let home = store::update_user(&mut tx, user, body.0.name.as_deref(), body.0.locale).await?;
    let me = service::me(&mut tx, ctx.organization, user).await?;
    db::enter(&mut tx, home).await?;
    let change = audit::Change::new("account.update", user, me.email.clone())
        .before(json!({"name": before.name, "locale": before.locale}))
        .after(json!({"name": me.name, "locale": me.locale}));
    audit::record(&mut tx, &Ctx { organization: home, ..ctx }, change).await?;
    tx.commit().await?;
    Ok(web::Json(me))
}

/// Change one's own password
///
/// Every other session of the account ends.
#[utoipa::path(tag = "auth", request_body = ChangePasswordRequest, responses((status = 204, description = "Changed")))]
#[post("/auth/password")]
async fn change_password(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<ChangePasswordRequest>,
) -> ApiResult<HttpResponse> {
    service::change_password(&state, ctx, body.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What an invitation's secret stands for
#[utoipa::path(tag = "auth", security(()), request_body = InvitationLookup, responses((status = 200, description = "The invitation", body = InvitationPreview)))]
#[post("/auth/invitation")]
async fn look_up_invitation(
    state: web::Data<State>,
    body: Json<InvitationLookup, SIGN_IN_LIMIT>,
) -> ApiResult<web::Json<InvitationPreview>> {
    let mut tx = state.db.platform().await?;
    let token = OpaqueToken::presented(&body.0.token);
    let found =
        invitations::lock_invitation(&mut tx, &token, state.clock.now()).await?.ok_or(ErrorCode::InvitationInvalid)?;
    tx.commit().await?;
    let role = Role::from_name(&found.role).unwrap_or(Role::User);
    Ok(web::Json(InvitationPreview { email: found.email, organization_name: found.organization_name, role }))
}

/// Invitations that were not accepted yet
#[utoipa::path(tag = "organization", params(ListQuery), responses((status = 200, description = "Open invitations", body = Page<Invitation>)))]
#[get("/invitations")]
async fn list_invitations(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<ListQuery>,
) -> ApiResult<web::Json<Page<Invitation>>> {
    ctx.require(Permission::MembersWrite)?;
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let rows =
        invitations::list_invitations(&mut tx, ctx.organization, keyset.after, keyset.fetch(), ctx.now()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(rows, |invitation| invitation.id)))
}

/// Invite somebody
///
/// The link is shown this once. An older open invitation to the same address is void.
#[utoipa::path(tag = "organization", request_body = CreateInvitationRequest, responses((status = 201, description = "Invited", body = CreatedInvitation)))]
#[post("/invitations")]
async fn create_invitation(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<CreateInvitationRequest>,
) -> ApiResult<HttpResponse> {
    ctx.require(Permission::MembersWrite)?;
    grantable(body.0.role, ctx.role)?;
    invitable(state.config.registration)?;
    let token = OpaqueToken::generate()?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    if store::is_member(&mut tx, ctx.organization, &normalize_email(&body.0.email)).await? {
        return Err(ErrorCode::EmailTaken.into());
    }
    if let Some(team) = body.0.team_id {
        teams::require(&mut tx, ctx.organization, team, "/teamId").await?;
    }
    let invitation =
        invitations::insert_invitation(&mut tx, ctx.organization, &body.0, &token, ctx.user_id()?, &ctx.clock).await?;
    let change = audit::Change::new("invitation.create", invitation.id, invitation.email.clone());
    audit::record(&mut tx, &ctx, change.after(&invitation)).await?;
    tx.commit().await?;
    let link = format!("{}/register#invite={}", state.config.public_url, token.reveal());
    Ok(HttpResponse::Created().json(CreatedInvitation { invitation, token: token.reveal().to_owned(), link }))
}

/// Withdraw an invitation
#[utoipa::path(tag = "organization", params(("invitationId" = Uuid, Path, description = "The invitation")), responses((status = 204, description = "Withdrawn")))]
#[delete("/invitations/{invitationId}")]
async fn revoke_invitation(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::MembersWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let revoked =
        invitations::revoke_invitation(&mut tx, ctx.organization, id.0, ctx.now()).await?.ok_or(ErrorCode::NotFound)?;
    let change = audit::Change::new("invitation.revoke", revoked.id, revoked.email.clone());
    audit::record(&mut tx, &ctx, change.before(&revoked)).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
