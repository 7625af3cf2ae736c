//! Registering, signing in and refreshing: what one transaction does.

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::accounts::{ChangePasswordRequest, LoginRequest, Me, RegisterRequest, Role, Session};
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use super::domain::{Refresh, acceptable_password, founder_role, invitable, judge, normalize_email};
use super::invitations::{self, OpenInvitation};
use super::sessions::{self, RefreshRow};
use super::store::{self, NewUser};
use crate::features::{audit, organizations};
use crate::platform::auth::OpaqueToken;
use crate::platform::auth::passwords::Verdict;
use crate::platform::auth::rate_limit::{self, Limit};
use crate::platform::db::{self, OrganizationId, Tx};
use crate::platform::http::{Actor, ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// From one address, at any accounts: 20 attempts, then one every 5 seconds.
const PER_ADDRESS: Limit = Limit { burst: 20.0, per_second: 0.2 };
/// From one address, at one account: 5 attempts, then one every 30 seconds. The owner's own address is another
/// bucket, so guessing from elsewhere does not lock them out.
const PER_ACCOUNT: Limit = Limit { burst: 5.0, per_second: 1.0 / 30.0 };
/// At one account, from all addresses together that have not signed in to it lately: many machines guess no faster than
/// this. Whoever has is let through, so that guessing does not lock the owner out.
const FROM_STRANGERS: Limit = Limit { burst: 30.0, per_second: 1.0 / 60.0 };
/// How long an address stays known after a sign-in.
const KNOWN: TimeDelta = TimeDelta::days(30);

/// A session that was just begun or continued: what to answer, and the refresh token for the cookie.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) session: Session,
    pub(super) refresh: OpaqueToken,
}

/// Where a request without an account comes from.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) ip: Option<String>,
    pub(super) request_id: String,
}

impl Origin {
    fn address(&self) -> String {
        self.ip.as_deref().map_or_else(|| "unknown".into(), rate_limit::network)
    }
}

/// Takes an attempt from the buckets of the caller's address and of the account at that address.
async fn slow_down(state: &State, origin: &Origin, email: &str) -> ApiResult<()> {
    let now = state.clock.now();
    let mut tx = state.db.platform().await?;
    let (address, account) = (origin.address(), ["account", email, &origin.address()]);
    let buckets: [(Limit, &[&str]); 2] = [(PER_ADDRESS, &["address", &address]), (PER_ACCOUNT, &account)];
    let taken = rate_limit::take_all(&mut tx, &buckets, now).await;
    tx.commit().await?;
    taken
}

async fn slow_strangers_down(state: &State, origin: &Origin, email: &str) -> ApiResult<()> {
    let now = state.clock.now();
    let mut tx = state.db.platform().await?;
    if rate_limit::is_noted(&mut tx, &["known", email, &origin.address()], now).await? {
        return Ok(());
    }
    let taken = rate_limit::take(&mut tx, FROM_STRANGERS, &["strangers", email], now).await;
    tx.commit().await?;
    taken
}

/// Begins a session for an account whose organization the transaction has entered.
async fn open(state: &State, tx: &mut Tx, organization: OrganizationId, user: Uuid, family: Uuid) -> ApiResult<Opened> {
    let refresh = OpaqueToken::generate()?;
    sessions::insert_refresh_token(tx, organization, user, family, &refresh, &state.clock).await?;
    let session = Session {
        access_token: state.tokens.issue(user, family, state.clock.now())?,
        token_type: "Bearer".into(),
        expires_in: state.tokens.lifetime(),
        user: me(tx, organization, user).await?,
    };
    Ok(Opened { session, refresh })
}

/// Who is signed in, acting in an organization. In the platform scope.
pub(super) async fn me(tx: &mut Tx, organization: OrganizationId, user: Uuid) -> ApiResult<Me> {
    let row = store::user(tx, user).await?.ok_or(ErrorCode::Unauthenticated)?;
    let organization = organizations::find(tx, organization).await?.ok_or(ErrorCode::NotFound)?;
    Ok(Me {
        id: row.id,
        email: row.email,
        name: row.name,
        role: row.role,
        locale: row.locale,
        organization,
        created_at: row.created_at,
    })
}

/// The context of a change that an account makes before it has a session.
fn ctx_of(state: &State, origin: &Origin, organization: OrganizationId, id: Uuid, email: &str, role: Role) -> Ctx {
    let actor = Actor::User { id, email: email.to_owned() };
    let mut ctx = Ctx::trusted(actor, organization, state.clock.clone());
    (ctx.role, ctx.ip, ctx.request_id) = (role, origin.ip.clone(), Some(origin.request_id.clone()));
    ctx
}

/// Registers an account: the first one, a founder's, or an invited one.
pub(super) async fn register(state: &State, origin: &Origin, request: RegisterRequest) -> ApiResult<Opened> {
    let email = normalize_email(&request.email);
    acceptable_password(&request.password, "/password", &[&email, &request.name])?;
    slow_down(state, origin, &email).await?;
    let hash = state.passwords.hash(SecretString::from(request.password)).await.map_err(ApiError::internal)?;
    let mut tx = state.db.platform().await?;
    let first = !store::any_account_exists(&mut tx).await?;
    let invitation = match &request.invitation_token {
        Some(token) => Some(invited(&mut tx, state, token, &email).await?),
        None => None,
    };
    let (organization, role) = match &invitation {
        Some(invitation) => (invitation.organization, Role::from_name(&invitation.role).unwrap_or(Role::User)),
        None => {
            let role = founder_role(state.config.registration, first)?;
            let name = request.organization_name.as_deref();
            let name =
                name.ok_or_else(|| ApiError::field("/organizationName", "required", "name the organization to found"))?;
            (found(&mut tx, state, name).await?, role)
        }
    };
    db::enter(&mut tx, organization).await?;
    let locale = request.locale.unwrap_or_default();
    let user = NewUser { email: &email, name: &request.name, password_hash: &hash, role, locale };
    let id = store::insert_user(&mut tx, organization, &user, &state.clock).await.map_err(|error| {
        if db::violates(&error, "users_email") { ErrorCode::EmailTaken.into() } else { ApiError::from(error) }
    })?;
    if let Some(invitation) = &invitation {
        invitations::accept_invitation(&mut tx, invitation, state.clock.now()).await?;
        if let Some(team) = invitation.team_id {
            invitations::join_team(&mut tx, organization, team, id, state.clock.now()).await?;
        }
    }
    let ctx = ctx_of(state, origin, organization, id, &email, role);
    let change = audit::Change::new("account.register", id, email.clone());
    audit::record(&mut tx, &ctx, change.after(json!({"role": role, "invited": invitation.is_some()}))).await?;
    store::touch_login(&mut tx, organization, id, state.clock.now()).await?;
    let opened = open(state, &mut tx, organization, id, state.clock.new_id()).await?;
    tx.commit().await?;
    Ok(opened)
}

async fn invited(tx: &mut Tx, state: &State, token: &str, email: &str) -> ApiResult<OpenInvitation> {
    invitable(state.config.registration)?;
    let found = invitations::lock_invitation(tx, &OpaqueToken::presented(token), state.clock.now()).await?;
    found.filter(|invitation| invitation.email == email).ok_or_else(|| ErrorCode::InvitationInvalid.into())
}

async fn found(tx: &mut Tx, state: &State, name: &str) -> ApiResult<OrganizationId> {
    let organization = OrganizationId(state.clock.new_id());
    store::insert_organization(tx, organization, name, state.clock.now()).await?;
    Ok(organization)
}

/// Signs in. Unknown and known addresses take the same time and get the same answer.
pub(super) async fn login(state: &State, origin: &Origin, request: LoginRequest) -> ApiResult<Opened> {
    let email = normalize_email(&request.email);
    slow_down(state, origin, &email).await?;
    slow_strangers_down(state, origin, &email).await?;
    let mut tx = state.db.platform().await?;
    let credentials = store::credentials_by_email(&mut tx, &email).await?;
    tx.commit().await?;
    let stored = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
    let password = SecretString::from(request.password);
    let verdict = state.passwords.verify(password.clone(), stored).await.map_err(ApiError::internal)?;
    let Some(credentials) = credentials.filter(|_| verdict != Verdict::Wrong) else {
        return Err(ErrorCode::InvalidCredentials.into());
    };
    let (organization, user) = (credentials.organization, credentials.id);
    let rehashed = match verdict {
        Verdict::RightButOutdated => Some(state.passwords.hash(password).await.map_err(ApiError::internal)?),
        Verdict::Right | Verdict::Wrong => None,
    };
    let mut tx = state.db.platform().await?;
    db::enter(&mut tx, organization).await?;
    rate_limit::refund(&mut tx, &["account", &email, &origin.address()]).await?;
    rate_limit::note(&mut tx, &["known", &email, &origin.address()], state.clock.now() + KNOWN).await?;
    if let Some(hash) = rehashed {
        store::set_password_hash(&mut tx, organization, user, &hash).await?;
    }
    store::touch_login(&mut tx, organization, user, state.clock.now()).await?;
    let opened = open(state, &mut tx, organization, user, state.clock.new_id()).await?;
    let ctx = ctx_of(state, origin, organization, user, &email, opened.session.user.role);
    audit::record(&mut tx, &ctx, audit::Change::new("session.begin", user, email)).await?;
    tx.commit().await?;
    Ok(opened)
}

/// Continues a session: the token is exchanged for its successor. One that was used before ends the session.
pub(super) async fn refresh(state: &State, origin: &Origin, token: &OpaqueToken) -> ApiResult<Opened> {
    let now = state.clock.now();
    let mut tx = state.db.platform().await?;
    let row = sessions::lock_refresh_token(&mut tx, token).await?.ok_or(ErrorCode::RefreshInvalid)?;
    let ended = row.revoked_at.is_some() || row.user_deleted;
    match judge(row.used_at, ended, row.expires_at, now) {
        Refresh::Live => {
            sessions::mark_refresh_used(&mut tx, &row, now).await?;
            let opened = open(state, &mut tx, row.organization, row.user_id, row.family_id).await?;
            tx.commit().await?;
            Ok(opened)
        }
        Refresh::Replayed => {
            end(state, origin, &mut tx, &row, "session.end_replayed").await?;
            tx.commit().await?;
            tracing::warn!(user = %row.user_id, "a used refresh token came back: its session was ended");
            Err(ErrorCode::RefreshInvalid.into())
        }
        Refresh::Raced | Refresh::Ended => Err(ErrorCode::RefreshInvalid.into()),
    }
}

/// Ends the session of a refresh token, if it stands for one that has not ended.
pub(super) async fn logout(state: &State, origin: &Origin, token: &OpaqueToken) -> ApiResult<()> {
    let mut tx = state.db.platform().await?;
    if let Some(row) = sessions::lock_refresh_token(&mut tx, token).await?
        && row.revoked_at.is_none()
    {
        end(state, origin, &mut tx, &row, "session.end").await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends a session, and says so in the audit log of its organization.
async fn end(state: &State, origin: &Origin, tx: &mut Tx, row: &RefreshRow, action: &'static str) -> ApiResult<()> {
    sessions::end_session(tx, row.organization, row.family_id, state.clock.now()).await?;
    if let Some(user) = store::user(tx, row.user_id).await? {
        db::enter(tx, row.organization).await?;
        let ctx = ctx_of(state, origin, row.organization, user.id, &user.email, user.role);
        audit::record(tx, &ctx, audit::Change::new(action, user.id, user.email)).await?;
    }
    Ok(())
}

/// Changes a password; the account's other sessions end. Guessing the current one is slowed down like signing in.
pub(super) async fn change_password(state: &State, ctx: Ctx, request: ChangePasswordRequest) -> ApiResult<()> {
    let user = ctx.user_id()?;
    let known = if let Actor::User { email, .. } = &ctx.actor { email } else { "" };
    acceptable_password(&request.new_password, "/newPassword", &[known])?;
    let bucket = ["password", &user.to_string()];
    let mut tx = state.db.platform().await?;
    let attempt = rate_limit::take(&mut tx, PER_ACCOUNT, &bucket, ctx.now()).await;
    let home = store::home(&mut tx, user).await?;
    let stored = store::password_hash(&mut tx, home, user).await?;
    tx.commit().await?;
    attempt?;
    let current = state.passwords.verify(request.current_password.into(), Some(stored)).await;
    if current.map_err(ApiError::internal)? == Verdict::Wrong {
        return Err(ApiError::field("/currentPassword", "wrong", "is not the current password"));
    }
    let hash = state.passwords.hash(request.new_password.into()).await.map_err(ApiError::internal)?;
    let mut tx = state.db.tenant(home).await?;
    rate_limit::refund(&mut tx, &bucket).await?;
    store::set_password_hash(&mut tx, home, user, &hash).await?;
    sessions::end_sessions(&mut tx, home, user, ctx.session, ctx.now()).await?;
    let ctx = Ctx { organization: home, ..ctx };
    audit::record(&mut tx, &ctx, audit::Change::new("account.change_password", user, "")).await?;
    tx.commit().await?;
    Ok(())
}
