//! Who asks the guard: as everywhere, but for when the database is away.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::api_keys::Scope;

use super::BELIEVED;
use crate::features::Shared;
use crate::platform::http::{ApiError, ApiResult, Ctx};

/// How long the database may take to say whose API key it is, before what it said last does.
const PATIENCE: Duration = Duration::from_millis(300);
/// For how long a key that was in force is answered at all while the database is away: without figures, which are not
/// believed that long.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// The caller of a check: as [`Keyed`](crate::platform::http::Keyed), and an API key that was in force lately goes on to be
/// when the database does not say.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    ctx: Ctx,
    /// Whether they may be told anything: not if nobody said lately that they may.
    pub(super) is_known: bool,
}

impl Deref for Caller {
    type Target = Ctx;

    fn deref(&self) -> &Ctx {
        &self.ctx
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let caller = Self::of(&request).await?;
            caller.require_scope(Scope::Guard)?;
            Ok(caller)
        })
    }
}

impl Caller {
    async fn of(request: &HttpRequest) -> ApiResult<Self> {
        let is_away = request.app_data::<web::Data<Shared>>().is_some_and(|shared| shared.guard.is_away());
        if is_away && let Some(remembered) = Self::remembered(request).await? {
            return Ok(remembered);
        }
        let mut asking = std::pin::pin!(Ctx::known_or_of(request));
        let answer = match tokio::time::timeout(PATIENCE, &mut asking).await {
            Ok(answer) => answer,
            Err(_) => match Self::remembered(request).await? {
                Some(remembered) => return Ok(remembered),
                None => asking.await,
            },
        };
        match answer {
            Ok(ctx) => Ok(Self { ctx, is_known: true }),
            Err(error) if error.code == ErrorCode::Unavailable => Self::remembered(request).await?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    async fn remembered(request: &HttpRequest) -> ApiResult<Option<Self>> {
        if let Some(ctx) = Ctx::remembered(request, BELIEVED).await? {
            return Ok(Some(Self { ctx, is_known: true }));
        }
        let long_ago = Ctx::remembered(request, REMEMBERED).await?;
        Ok(long_ago.map(|ctx| Self { ctx, is_known: false }))
    }
}
