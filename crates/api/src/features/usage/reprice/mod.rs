//! Pricing past events anew, by the book as it is now: first what that would change, by model and project, then, if
//! somebody says so, the change itself. A job goes through the events in slices; one slice is one transaction, with the
//! events, their hourly sums, the difference and how far it is, so that sums and events never say different things.

mod jobs;
mod routes;
mod slice;
mod store;

pub(super) use jobs::jobs;
pub(super) use routes::routes;

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::ErrorCode;
use finops_contract::reprices::RepriceRequest;
use serde_json::json;
use uuid::Uuid;

use crate::features::audit;
use crate::features::prices::provider_name;
use crate::platform::db::Tx;
use crate::platform::http::{ApiResult, Ctx};
use crate::platform::jobs::NewJob;
use crate::platform::jobs::queue;

/// The longest time that is priced anew at once.
const LONGEST: TimeDelta = TimeDelta::days(400);
/// Attempts until it waits for somebody.
const ATTEMPTS: i32 = 5;

/// What is to be priced anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Events since this time, …
    pub from: DateTime<Utc>,
    /// … and before this one.
    pub to: DateTime<Utc>,
    /// Only of this provider.
    pub provider: Option<String>,
    /// Only of this model, as the caller or as the book names it.
    pub model: Option<String>,
    /// Whether events are changed.
    pub apply: bool,
}

impl Wish {
    /// Reads a request.
    ///
    /// # Errors
    /// `range_too_large`.
    fn read(request: RepriceRequest) -> ApiResult<Self> {
        let RepriceRequest { from, to, provider, model, apply } = request;
        if from >= to || to - from > LONGEST {
            return Err(ErrorCode::RangeTooLarge.into());
        }
        let provider = provider.map(|provider| provider_name(&provider).into_owned());
        Ok(Self { from, to, provider, model, apply })
    }
}

/// Asks for it, in the transaction that makes it worth while; nudge the jobs after that.
///
/// # Errors
/// The database's.
pub async fn request(tx: &mut Tx, ctx: &Ctx, wish: &Wish) -> sqlx::Result<Uuid> {
    let id = ctx.clock.new_id();
    store::insert(tx, ctx, id, wish).await?;
    let slot = id.to_string();
    let job = NewJob {
        organization_id: Some(ctx.organization),
        name: jobs::NAME,
        slot: &slot,
        payload: json!({"repriceId": id}),
        run_at: None,
        max_attempts: ATTEMPTS,
    };
    queue::enqueue(tx, &ctx.clock, job).await?;
    if wish.apply {
        let change = audit::Change::new("price.reprice", id, wish.name()).after(json!({
            "from": wish.from, "to": wish.to, "provider": wish.provider, "model": wish.model,
        }));
        audit::record(tx, ctx, change).await?;
    }
    Ok(id)
}

impl Wish {
    fn name(&self) -> String {
        let parts = [self.provider.as_deref(), self.model.as_deref()];
        let named: Vec<&str> = parts.into_iter().flatten().collect();
        if named.is_empty() { "*".into() } else { named.join("/") }
    }
}
