//! `Idempotency-Key`: a change that is sent again answers what it answered the first time.
//!
//! Every change under `/api` takes the header, without a line in its handler. A key belongs to one account, or to one
//! API key, acting in one organization, stands for one request (method, address, body), and is kept for a day. An answer may carry a
//! secret that is shown once, so bodies are kept like secrets are: sealed. What may turn out otherwise when it is tried
//! again (5xx, time-outs, 401, 429) and what opens a session (an answer that sets a cookie) frees its key instead.
//!
//! The answer is written after the change has committed. A process that dies in between leaves a key that says "still
//! running" until the time limit of its request has passed, and then lets it run again.

mod store;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpResponse, web};
use aws_lc_rs::digest::{Context, SHA256};
use chrono::TimeDelta;
use finops_contract::ErrorCode;

pub use self::store::prune;
use self::store::{Claim, Stored};
use super::ctx::Ctx;
use super::error::{ApiError, ApiResult};
use super::extract;
use super::middleware::{refuse, time_limit};
use crate::platform::state::State;

/// The header.
pub const HEADER: &str = "idempotency-key";
/// Says that an answer is a repetition.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long a key is remembered.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How much longer than its time limit a request may hold its key: the time to write the answer down.
const GRACE: TimeDelta = TimeDelta::seconds(5);

/// Answers repetitions of changes. Around [`super::middleware::problems`], so that what it keeps is what was answered.
///
/// # Errors
/// What the request fails with.
pub async fn replay(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let claimed = match claim(&mut request).await {
        Ok(None) => return Ok(next.call(request).await?.map_into_boxed_body()),
        Ok(Some(claimed)) => claimed,
        Err(error) => return Ok(refuse(request, &error)),
    };
    let (keeper, answer) = match claimed {
        (keeper, Claim::Made) => (keeper, next.call(request).await),
        (keeper, Claim::Stored(stored)) => {
            return Ok(match keeper.read(stored).await {
                Ok(answer) => request.into_response(answer),
                Err(error) => refuse(request, &error),
            });
        }
    };
    match answer {
        Ok(response) if is_final(response.status(), response.headers()) => keeper.keep(response).await,
        other => {
            keeper.free().await;
            Ok(other?.map_into_boxed_body())
        }
    }
}

/// Whether trying again would answer the same.
fn is_final(status: StatusCode, headers: &HeaderMap) -> bool {
    let passing =
        [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    !status.is_server_error() && !passing.contains(&status) && !headers.contains_key(SET_COOKIE)
}

/// Takes the key of a request that has one; nothing for all others, and for callers whom the handler will refuse.
async fn claim(request: &mut ServiceRequest) -> ApiResult<Option<(Keeper, Claim)>> {
    let change = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let Some(key) = request.headers().get(HEADER).filter(|_| change && is_taken_at(request.path())) else {
        return Ok(None);
    };
    let key = readable(key)?;
    let Ok(ctx) = Ctx::of(request.request()).await else { return Ok(None) };
    let state = request.app_data::<web::Data<State>>().cloned();
    let state = state.ok_or_else(|| ApiError::internal(anyhow::anyhow!("the state is not registered")))?;
    let fingerprint = fingerprint(request, &ctx).await?;
    let limit = TimeDelta::from_std(time_limit(request.path())).unwrap_or(KEPT);
    request.extensions_mut().insert(ctx.clone());
    let keeper = Keeper { caller: ctx.caller_id()?, id: ctx.clock.new_id(), state, ctx, key };
    let claim = keeper.claim(&fingerprint, limit + GRACE).await?;
    Ok(Some((keeper, claim)))
}

/// Whether the header means something at this address. A request is compared as a whole, which files of any size cannot
/// be; what comes twice there is known by what it holds.
pub fn is_taken_at(path: &str) -> bool {
    path.starts_with("/api/") && !extract::is_streamed(path)
}

fn readable(key: &HeaderValue) -> ApiResult<String> {
    let text = key.to_str().ok().filter(|text| (1..=255).contains(&text.len()));
    text.map(str::to_owned).ok_or_else(|| {
        ApiError::new(ErrorCode::BadRequest).with_detail("Idempotency-Key is 1 to 255 visible ASCII characters")
    })
}

/// What makes a request this one: its method, its address, all of its body, and what its caller may do: somebody who was
/// demoted since is not given the answer that they got before.
async fn fingerprint(request: &mut ServiceRequest, ctx: &Ctx) -> ApiResult<Vec<u8>> {
    let mut hash = Context::new(&SHA256);
    let head = format!("{:?} {} {}?{}", ctx.role, request.method(), request.path(), request.query_string());
    hash.update(head.as_bytes());
    hash.update(&[0]);
    let mut payload = request.take_payload();
    let body = extract::read_body(request.request(), &mut payload, extract::body_limit(request.path())).await?.freeze();
    hash.update(&body);
    request.set_payload(Payload::from(body));
    Ok(hash.finish().as_ref().to_vec())
}

/// Holds a key while its request runs.
struct Keeper {
    state: web::Data<State>,
    ctx: Ctx,
    caller: uuid::Uuid,
    key: String,
    /// The id of the row, new with every claim.
    id: uuid::Uuid,
}

impl Keeper {
    async fn claim(&self, fingerprint: &[u8], lease: TimeDelta) -> ApiResult<Claim> {
        let mut tx = self.state.db.tenant(self.ctx.organization).await?;
        let place = store::Place { organization: self.ctx.organization, caller: self.caller, key: &self.key };
        let claim = store::claim(&mut tx, &place, self.id, fingerprint, self.ctx.now(), lease).await?;
        tx.commit().await?;
        Ok(claim)
    }

    /// The answer of the first request.
    async fn read(&self, stored: Stored) -> ApiResult<HttpResponse> {
        let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
        let mut answer = HttpResponse::build(status);
        answer.insert_header((REPLAYED, "true"));
        if let Some(content_type) = stored.content_type {
            answer.content_type(content_type);
        }
        if !stored.has_body {
            return Ok(answer.finish());
        }
        let lost = || {
            let detail = "the first request was carried out, but its answer could not be kept";
            ApiError::new(ErrorCode::Conflict).with_detail(detail)
        };
        let sealed = stored.body.ok_or_else(lost)?;
        let body = store::open(&self.state.secrets, self.ctx.organization, stored.id, &sealed).await?;
        Ok(answer.body(body))
    }

    /// Writes an answer down and passes it on.
    async fn keep(
        self,
        response: ServiceResponse<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
        let (request, response) = response.into_parts();
        let (response, body) = response.into_parts();
        let body = to_bytes(body).await.map_err(|_| ApiError::internal(anyhow::anyhow!("the answer broke off")))?;
        let answer = store::Answer {
            status: response.status().as_u16(),
            content_type: response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()),
            body: &body,
        };
        if let Err(error) = self.store(&answer).await {
            // The change is made: its answer must go out all the same. A repetition is told that it was.
            tracing::error!(%error, "the answer of a change could not be kept for its repetition");
        }
        Ok(ServiceResponse::new(request, response.set_body(BoxBody::new(body))))
    }

    async fn store(&self, answer: &store::Answer<'_>) -> ApiResult<()> {
        let organization = self.ctx.organization;
        // The key service is asked outside of the transaction; if it does not answer, the status at least is kept.
        let sealed = store::seal(&self.state.secrets, organization, self.id, answer.body).await;
        let mut tx = self.state.db.tenant(organization).await?;
        let body = sealed.as_ref().ok().and_then(Option::as_ref);
        store::finish(&mut tx, organization, self.id, answer, body, self.ctx.now()).await?;
        tx.commit().await?;
        sealed.map(drop)
    }

    /// Lets the request be tried again.
    async fn free(&self) {
        let freed = async {
            let mut tx = self.state.db.tenant(self.ctx.organization).await?;
            store::free(&mut tx, self.ctx.organization, self.id).await?;
            tx.commit().await
        };
        if let Err(error) = freed.await {
            tracing::warn!(%error, "an idempotency key could not be freed; it frees itself when its time is up");
        }
    }
}
