//! Events as they come in, as server-sent events.
//!
//! Asked of the database once a second rather than told by the committer: what another replica stores is seen the same
//! way, and a reader costs a query a second whatever the rate of events.

use std::time::Duration;

use actix_web::web::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::usage::{UsageEvent, UsageEventsQuery};
use futures_util::Stream;
use futures_util::stream;

use super::store;
use crate::platform::http::{ApiResult, Ctx};
use crate::platform::state::State;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// How many of one look's events are shown; the latest of them.
const MOST: u16 = 200;
/// How far back an event that comes in may have happened and still be shown: the tail is of what happens now.
const WINDOW: TimeDelta = TimeDelta::hours(1);
/// A stream ends after this many looks. Whoever still watches asks again, with a token that is still good.
const LOOKS: u32 = 600;
/// Looks without an event after which a comment keeps the connection open.
const QUIET: u32 = 15;

struct Tail {
    state: State,
    ctx: Ctx,
    query: UsageEventsQuery,
    since: DateTime<Utc>,
    looks: u32,
    quiet: u32,
}

/// The stream, from now on or from a moment that an earlier stream named.
pub(super) fn stream(
    state: State,
    ctx: Ctx,
    query: UsageEventsQuery,
    since: Option<DateTime<Utc>>,
) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    let now = ctx.now();
    let since = since.map_or(now, |since| since.max(now - WINDOW));
    let tail = Tail { state, ctx, query, since, looks: 0, quiet: 0 };
    stream::unfold(Some(tail), |tail| async {
        let mut tail = tail?;
        if tail.looks == 0 {
            tail.looks = 1;
            // Headers travel with the first bytes, and the reader wants to know that it is connected.
            return Some((Ok(Bytes::from_static(b"retry: 2000\n: connected\n\n")), Some(tail)));
        }
        tail.next().await.map(|bytes| (Ok(bytes), Some(tail)))
    })
}

impl Tail {
    /// What came in since the last look; waits until there is something to say. Nothing at the stream's end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            tokio::time::sleep(EVERY).await;
            self.looks += 1;
            if self.looks > LOOKS || self.state.stopping.has_begun() {
                return None;
            }
            let events = match self.look().await {
                Ok(events) => events,
                // The reader asks again, and is told then what is wrong.
                Err(error) => {
                    tracing::debug!(code = %error.code, "a tail of events ended");
                    return None;
                }
            };
            self.quiet += 1;
            if let Some(last) = events.iter().map(|event| event.received_at).max() {
                (self.since, self.quiet) = (last, 0);
                return Some(events.iter().map(frame).collect::<String>().into());
            }
            if self.quiet.is_multiple_of(QUIET) {
                return Some(Bytes::from_static(b": still here\n\n"));
            }
        }
    }

    /// Events that came in since the last look, the earliest first.
    async fn look(&self) -> ApiResult<Vec<UsageEvent>> {
        let mut query = self.query.clone();
        query.from = Some(self.ctx.now() - WINDOW);
        (query.to, query.limit, query.cursor) = (None, Some(MOST), None);
        let mut tx = self.state.db.analytics(self.ctx.organization).await?;
        let mut events = store::list_since(&mut tx, &self.ctx, &query, Some(self.since)).await?.data;
        tx.commit().await?;
        events.sort_by_key(|event| event.received_at);
        Ok(events)
    }
}

/// One event as a frame. Its id is when it came in, so that a reader who lost the connection goes on from there.
fn frame(event: &UsageEvent) -> String {
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("id: {}\nevent: usage\ndata: {data}\n\n", event.received_at.to_rfc3339())
}
