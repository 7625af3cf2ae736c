//! `/api/blocks`.

use actix_web::{HttpResponse, get, post, web};
use finops_contract::Page;
use finops_contract::blocks::{
    ApproveBlockRequest, Block, BlockDetail, BlockPreview, BlocksQuery, CreateBlockRequest, DeclineBlockRequest,
    LiftBlockRequest, PreviewBlockRequest,
};
use uuid::Uuid;

use super::list::Filter;
use super::{preview, service};
use crate::platform::auth::Permission;
use crate::platform::http::cursor::Keyset;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiResult, Ctx, Json, Path, Query};
use crate::platform::state::State;

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(preview_block)
        .service(list_blocks)
        .service(create_block)
        .service(approve_block)
        .service(decline_block)
        .service(lift_block)
        .service(get_block);
}

/// See what a block would stop
///
/// Nothing is changed. Whoever sees the thing may ask.
#[utoipa::path(
    tag = "blocks",
    request_body = PreviewBlockRequest,
    responses((status = 200, description = "What would stop, what would go on, and who decides", body = BlockPreview))
)]
#[post("/blocks/preview")]
async fn preview_block(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<PreviewBlockRequest>,
) -> ApiResult<web::Json<BlockPreview>> {
    let mut tx = state.db.analytics(ctx.organization).await?;
    let preview = preview::of(&mut tx, &ctx, &body.0).await?;
    tx.commit().await?;
    Ok(web::Json(preview))
}

/// Stop something in an emergency
///
/// For who runs the organization; an API key also for whoever made it. It takes effect with the answer: the guard and every
/// replica refuse within a second, a project leaves collection, an Admin key is not used any more. The provider is told
/// afterwards, where the team allows it; `provider` says how that goes. With `twoPersonBlocks` it is `requested` until another
/// person approves it.
///
/// Another block of the same thing is `already_blocked`; only a stop takes the place of a throttle, once it is in force.
#[utoipa::path(tag = "blocks", request_body = CreateBlockRequest, responses((status = 201, description = "Stopped, or `requested`", body = Block)))]
#[post("/blocks")]
async fn create_block(ctx: Ctx, state: web::Data<State>, body: Json<CreateBlockRequest>) -> ApiResult<HttpResponse> {
    Ok(HttpResponse::Created().json(service::create(&state, &ctx, &body.0).await?))
}

/// Blocks, the newest first
///
/// Of what the caller sees; lifted and declined ones too.
#[utoipa::path(tag = "blocks", params(BlocksQuery), responses((status = 200, description = "Blocks", body = Page<Block>)))]
#[get("/blocks")]
async fn list_blocks(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<BlocksQuery>,
) -> ApiResult<web::Json<Page<Block>>> {
    let keyset = Keyset::read(query.0.limit, query.0.cursor.as_deref())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let filter = Filter { after: keyset.after, query: Some(&query.0), ..Filter::default() };
    let blocks = service::list(&mut tx, &ctx, &filter, keyset.fetch()).await?;
    tx.commit().await?;
    Ok(web::Json(keyset.page(blocks, |block| block.id)))
}

/// A block with its history
#[utoipa::path(
    tag = "blocks",
    params(("blockId" = Uuid, Path, description = "The block")),
    responses((status = 200, description = "The block, and who did what when, the newest first", body = BlockDetail))
)]
#[get("/blocks/{blockId}")]
async fn get_block(ctx: Ctx, state: web::Data<State>, id: Path<Uuid>) -> ApiResult<web::Json<BlockDetail>> {
    let mut tx = state.db.tenant(ctx.organization).await?;
    let block = service::detail(&mut tx, &ctx, id.0).await?;
    tx.commit().await?;
    Ok(web::Json(block))
}

/// Approve what waits for a second person
///
/// A block that was asked for, or its lift: `question` says which, and where that does not wait any more the answer is
/// `block_settled`. Whoever asked for it cannot (`second_person_needed`), as long as the organization wants two.
#[utoipa::path(
    tag = "blocks",
    params(("blockId" = Uuid, Path, description = "The block")),
    request_body = ApproveBlockRequest,
    responses((status = 200, description = "In force, or lifted", body = Block))
)]
#[post("/blocks/{blockId}/approve")]
async fn approve_block(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<ApproveBlockRequest>,
) -> ApiResult<web::Json<Block>> {
    ctx.require(Permission::BlocksWrite)?;
    Ok(web::Json(service::approve(&state, &ctx, id.0, body.0.question).await?))
}

/// Decline what waits for a second person
///
/// The block never is in force, or stays in force. Whoever asked for it takes it back so.
#[utoipa::path(
    tag = "blocks",
    params(("blockId" = Uuid, Path, description = "The block")),
    request_body = DeclineBlockRequest,
    responses((status = 200, description = "Declined", body = Block))
)]
#[post("/blocks/{blockId}/decline")]
async fn decline_block(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<DeclineBlockRequest>,
) -> ApiResult<web::Json<Block>> {
    Ok(web::Json(service::decline(&state, &ctx, id.0, body.0.question, &body.0.reason).await?))
}

/// Lift a block
///
/// What the block took away is put back: the Project ID with what came in under it meanwhile, the Admin key, and, some seconds
/// later, limits at the provider. What somebody gave away or changed meanwhile stays so, and `restoration` and `provider` say
/// that. A throttle that gave way to the block is over, and is not put back. After the block of a hard budget the guard goes on
/// answering `budget_exceeded` until the budget is raised or its period is over. For who runs the organization; an API key also for whoever stopped their own, unless a budget did. With
/// `twoPersonBlocks` another person must approve it.
#[utoipa::path(
    tag = "blocks",
    params(("blockId" = Uuid, Path, description = "The block")),
    request_body = LiftBlockRequest,
    responses((status = 200, description = "Lifted, or `liftRequest` waits", body = Block))
)]
#[post("/blocks/{blockId}/lift")]
async fn lift_block(
    ctx: Ctx,
    state: web::Data<State>,
    id: Path<Uuid>,
    body: Json<LiftBlockRequest>,
) -> ApiResult<web::Json<Block>> {
    Ok(web::Json(service::lift(&state, &ctx, id.0, &body.0.reason).await?))
}
