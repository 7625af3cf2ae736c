//! How many batches are read at a time, and what becomes of the others.

use finops_contract::ErrorCode;
use finops_contract::usage::UsageBatchAnswer;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use sqlx::Connection as _;

use crate::support::TestApp;
use crate::support::usage::assert_usage_sums_are_exact;

#[tokio::test]
async fn what_does_not_get_its_turn_soon_is_told_so_and_not_read() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let mut owner = app.database.owner().await;
    let mut busy = owner.begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE usage_event_ids IN EXCLUSIVE MODE").execute(&mut *busy).await.expect("locked");
    let batch = |nth: usize| {
        let events = [json!({"eventId": format!("evt-{nth}"), "model": "gpt-4o", "promptTokens": 1})];
        people.admin.post("/api/usage/bulk", json!({"events": events}))
    };
    let mut batches: FuturesUnordered<_> = (0..18).map(batch).collect();
    // Sixteen are on their way, whichever they are.
    for _ in 0..2 {
        let refused = batches.next().await.expect("an answer");
        refused.problem(ErrorCode::Unavailable);
        assert_eq!(refused.header("retry-after"), "1");
    }
    busy.rollback().await.expect("given back");
    while let Some(stored) = batches.next().await {
        assert_eq!(stored.read_as::<UsageBatchAnswer>().accepted, 1);
    }
    let listed = people.admin.get("/api/usage-events?from=2026-03-20T00:00:00Z").await.ok();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(16), "what was refused was not stored");
    assert_usage_sums_are_exact(&app).await;
}
