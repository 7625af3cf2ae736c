//! Putting in, looking at, trying again, clearing away.

use std::time::Duration;

use finops_api::platform::jobs::queue::{self, ListFilter};
use finops_api::platform::jobs::{JobOutcome, NewJob};
use finops_contract::jobs::JobState;
use serde_json::json;
use tokio::task::JoinSet;

use super::scratch::{Scratch, new_job};

#[tokio::test(flavor = "multi_thread")]
async fn one_slot_is_one_job_however_many_put_it_in() {
    let scratch = Scratch::new().await;
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (db, clock) = (scratch.db(), scratch.clock.clone());
        tasks.spawn(async move {
            let mut tx = db.platform().await.expect("a transaction");
            let enqueued = queue::enqueue(&mut tx, &clock, new_job("work", "once")).await.expect("enqueued");
            tx.commit().await.expect("committed");
            enqueued
        });
    }
    let enqueued = tasks.join_all().await;
    assert_eq!(enqueued.iter().filter(|enqueued| enqueued.created).count(), 1);
    assert!(enqueued.iter().all(|one| one.id == enqueued[0].id));
}

#[tokio::test]
async fn a_job_that_was_rolled_back_was_never_there() {
    let scratch = Scratch::new().await;
    let mut tx = scratch.db().platform().await.expect("a transaction");
    queue::enqueue(&mut tx, &scratch.clock, new_job("work", "once")).await.expect("enqueued");
    tx.rollback().await.expect("rolled back");
    let jobs = scratch.runs("work", async |_| JobOutcome::Done(json!({})));
    assert_eq!(jobs.run_due().await.expect("ran"), 0);
}

#[tokio::test]
async fn an_organization_sees_its_own_jobs_only() {
    let scratch = Scratch::new().await;
    let (ours, theirs) = (scratch.organization().await, scratch.organization().await);
    let job = |organization| NewJob { organization_id: Some(organization), ..new_job("work", "same") };
    let id = scratch.enqueue(job(theirs)).await;
    scratch.enqueue(new_job("work", "platform")).await;

    let mut tx = scratch.db().tenant(ours).await.expect("a transaction");
    assert_eq!(queue::get(&mut tx, id).await.expect("an answer"), None);
    assert_eq!(queue::list(&mut tx, ListFilter::default(), 10).await.expect("an answer"), []);
    assert!(!queue::retry_dead(&mut tx, id).await.expect("an answer"));
    let refused = queue::enqueue(&mut tx, &scratch.clock, job(ours)).await;
    assert!(matches!(refused, Err(sqlx::Error::RowNotFound)), "{refused:?}");
    queue::enqueue(&mut tx, &scratch.clock, job(theirs)).await.expect_err("row-level security");

    let mut tx = scratch.db().tenant(theirs).await.expect("a transaction");
    let again = queue::enqueue(&mut tx, &scratch.clock, job(theirs)).await.expect("an answer");
    assert_eq!((again.id, again.created), (id, false));
    assert_eq!(queue::list(&mut tx, ListFilter::default(), 10).await.expect("an answer").len(), 1);
}

#[tokio::test]
async fn lists_newest_first_page_by_page() {
    let scratch = Scratch::new().await;
    let organization = scratch.organization().await;
    let mut ids = Vec::new();
    for slot in ["1", "2", "3", "4", "5"] {
        ids.insert(0, scratch.enqueue(new_job("work", slot)).await);
    }
    let other = NewJob { organization_id: Some(organization), ..new_job("other", "1") };
    let other = scratch.enqueue(other).await;

    let mut tx = scratch.db().platform().await.expect("a transaction");
    let mut page = async |filter: ListFilter<'_>| {
        let jobs = queue::list(&mut tx, filter, 2).await.expect("an answer");
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let work = ListFilter { name: Some("work"), ..ListFilter::default() };
    assert_eq!(page(work).await, ids[..2]);
    assert_eq!(page(ListFilter { before: Some(ids[1]), ..work }).await, ids[2..4]);
    assert_eq!(page(ListFilter { before: Some(ids[3]), ..work }).await, ids[4..]);
    assert!(page(ListFilter { state: Some(JobState::Dead), ..work }).await.is_empty());
    assert_eq!(page(ListFilter { organization_id: Some(organization), ..ListFilter::default() }).await, [other]);
}

#[tokio::test]
async fn dead_jobs_can_be_tried_again_and_finished_ones_are_cleared_away() {
    let scratch = Scratch::new().await;
    let id = scratch.enqueue(new_job("work", "1")).await;
    let failing = scratch.runs("work", async |_| JobOutcome::dead("no\0 way"));
    assert_eq!(failing.run_due().await.expect("ran"), 1);
    let dead = scratch.job(id).await;
    assert_eq!((dead.state, dead.last_error.as_deref()), (JobState::Dead, Some("no way")));
    assert_eq!(failing.run_due().await.expect("ran"), 0);

    let mut tx = scratch.db().platform().await.expect("a transaction");
    assert!(queue::retry_dead(&mut tx, id).await.expect("an answer"));
    assert!(!queue::retry_dead(&mut tx, id).await.expect("an answer"));
    tx.commit().await.expect("committed");
    let working = scratch.runs("work", async |_| JobOutcome::Done(json!({"rows": "7\0"})));
    assert_eq!(working.run_due().await.expect("ran"), 1);
    let done = scratch.job(id).await;
    assert_eq!((done.state, done.attempts, done.last_error), (JobState::Succeeded, 1, None));
    assert_eq!(done.result, Some(json!({"rows": "7"})));
    assert!(done.started_at.is_some() && done.finished_at.is_some());

    scratch.enqueue(new_job("work", "2")).await;
    let mut tx = scratch.db().platform().await.expect("a transaction");
    assert_eq!(queue::prune(&mut tx, Duration::from_secs(3600)).await.expect("an answer"), 0);
    assert_eq!(queue::prune(&mut tx, Duration::ZERO).await.expect("an answer"), 1);
    let backlog = queue::backlog(&mut tx).await.expect("an answer");
    assert_eq!(backlog.len(), 1);
    assert_eq!((backlog[0].name.as_str(), backlog[0].queued, backlog[0].due, backlog[0].running), ("work", 1, 1, 0));
}
