//! `/api/channels`.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use finops_contract::Page;
use finops_contract::channels::{
    Channel, ChannelTest, ChannelsQuery, CreateChannelRequest, CreatedChannel, UpdateChannelRequest,
};
use uuid::Uuid;

use super::{service, store};
use crate::features::deliveries;
use crate::platform::auth::Permission;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(list_channels)
        .service(create_channel)
        .service(get_channel)
        .service(update_channel)
        .service(delete_channel)
        .service(test_channel)
        .service(rotate_channel_secret);
}

/// Channels, the newest first
///
/// Masked: a URL, a key or a password never comes back.
#[utoipa::path(tag = "channels", params(ChannelsQuery), responses((status = 200, description = "Channels", body = Page<Channel>)))]
#[get("/channels")]
async fn list_channels(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<ChannelsQuery>,
) -> ApiResult<web::Json<Page<Channel>>> {
    ctx.require(Permission::ChannelsWrite)?;
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let filter = store::Filter { id: None, kind: query.0.kind, team: query.0.team_id, after: keyset.after };
    let mut tx = state.db.tenant(ctx.organization).await?;
    let channels = store::list(&mut tx, ctx.organization, filter, keyset.fetch(), ctx.now()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(channels, |channel| channel.id)))
}

/// Set up a channel
///
/// URLs and mail servers must be public; a refusal says why by the field's code (`not_a_url`, `not_https`, `user_info`,
/// `local_name`, `private_address`). A webhook's answer holds its secret, this once. `POST /channels/{channelId}/test` tries it.
#[utoipa::path(
    tag = "channels",
    request_body = CreateChannelRequest,
    responses((status = 201, description = "Set up", body = CreatedChannel))
)]
#[post("/channels")]
async fn create_channel(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<CreateChannelRequest>,
) -> ApiResult<HttpResponse> {
    ctx.require(Permission::ChannelsWrite)?;
    Ok(HttpResponse::Created().json(service::create(&state, &ctx, &body.0).await?))
}

/// A channel
#[utoipa::path(
    tag = "channels",
    params(("channelId" = Uuid, Path, description = "The channel")),
    responses((status = 200, description = "The channel", body = Channel))
)]
#[get("/channels/{channelId}")]
async fn get_channel(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<Channel>> {
    ctx.require(Permission::ChannelsWrite)?;
    Ok(web::Json(service::get(&state, &ctx, id.0).await?))
}

/// Change a channel
///
/// All of it but its type. Another address, URL or key, and enabling it again, forget how it did before.
#[utoipa::path(
    tag = "channels",
    params(("channelId" = Uuid, Path, description = "The channel")),
    request_body = UpdateChannelRequest,
    responses((status = 200, description = "As it is now", body = Channel))
)]
#[patch("/channels/{channelId}")]
async fn update_channel(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<UpdateChannelRequest>,
) -> ApiResult<web::Json<Channel>> {
    ctx.require(Permission::ChannelsWrite)?;
    Ok(web::Json(service::update(&state, &ctx, id.0, &body.0).await?))
}

/// Delete a channel
///
/// What is secret about it is erased. What was sent to it stays.
#[utoipa::path(
    tag = "channels",
    params(("channelId" = Uuid, Path, description = "The channel")),
    responses((status = 204, description = "Deleted"))
)]
#[delete("/channels/{channelId}")]
async fn delete_channel(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<HttpResponse> {
    ctx.require(Permission::ChannelsWrite)?;
    service::delete(&state, &ctx, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Try a channel
///
/// Sends one message now, whether the channel is enabled or not, and answers what became of it within ten seconds. It is not
/// tried again. Ten at once, and thirty an hour, an organization.
#[utoipa::path(
    tag = "channels",
    params(("channelId" = Uuid, Path, description = "The channel")),
    responses((status = 200, description = "What became of it, delivered or not", body = ChannelTest))
)]
#[post("/channels/{channelId}/test")]
async fn test_channel(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<ChannelTest>> {
    ctx.require(Permission::ChannelsWrite)?;
    Ok(web::Json(deliveries::try_channel(&state, &ctx, id.0).await?))
}

/// Give a webhook another secret
///
/// The answer holds it, this once. For a day, each request is signed by both, so that receivers can change theirs meanwhile.
#[utoipa::path(
    tag = "channels",
    params(("channelId" = Uuid, Path, description = "The channel")),
    responses((status = 200, description = "The new secret signs", body = CreatedChannel))
)]
#[post("/channels/{channelId}/rotate-secret")]
async fn rotate_channel_secret(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
) -> ApiResult<web::Json<CreatedChannel>> {
    ctx.require(Permission::ChannelsWrite)?;
    Ok(web::Json(service::rotate_secret(&state, &ctx, id.0).await?))
}
