//! Workers that stall, die, or are told to stop.

use std::sync::Arc;
use std::time::Duration;

use finops_api::platform::jobs::{JobContext, JobOutcome, Jobs, JobsHandle, Settings};
use finops_contract::jobs::JobState;
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use super::scratch::{Scratch, Work, new_job};

const LONG: Duration = Duration::from_secs(3600);

/// Never sends a heartbeat within a test.
fn silent() -> Settings {
    Settings { lease: 2 * LONG, heartbeat: LONG, ..Settings::default() }
}

fn worker<F, R>(scratch: &Scratch, settings: Settings, run: F) -> JobsHandle
where
    F: Fn(JobContext) -> R + Send + Sync + 'static,
    R: Future<Output = JobOutcome> + Send + 'static,
{
    scratch.replica().settings(settings).handler(Work { name: "work", run }).build().expect("a runner").start()
}

fn quick(scratch: &Scratch) -> Jobs {
    scratch.runs("work", async |_| JobOutcome::Done(json!("quick")))
}

#[tokio::test]
async fn a_stalled_worker_is_replaced_and_its_late_end_writes_nothing() {
    let scratch = Scratch::new().await;
    let id = scratch.enqueue(new_job("work", "1")).await;
    let (began, mut begun) = mpsc::unbounded_channel();
    let wake = Arc::new(Notify::new());
    let (woken, db) = (Arc::clone(&wake), scratch.db());
    let stalled = worker(&scratch, silent(), move |job| {
        let (began, woken, db) = (began.clone(), Arc::clone(&woken), db.clone());
        async move {
            let mut tx = db.background().platform().await.expect("a transaction");
            assert!(job.still_mine(&mut tx).await.expect("an answer"));
            tx.commit().await.expect("committed");
            began.send(None).expect("sent");
            woken.notified().await;
            let mut tx = db.background().platform().await.expect("a transaction");
            began.send(Some(job.still_mine(&mut tx).await.expect("an answer"))).expect("sent");
            JobOutcome::Done(json!("late"))
        }
    });
    assert_eq!(begun.recv().await, Some(None));
    assert_eq!(quick(&scratch).run_due().await.expect("ran"), 0, "the lease holds");
    assert_eq!(scratch.sql("UPDATE jobs SET lease_until = now() - interval '1 second'").await, 1);
    assert_eq!(quick(&scratch).run_due().await.expect("ran"), 1);

    wake.notify_one();
    assert_eq!(begun.recv().await, Some(Some(false)));
    stalled.shutdown(Duration::from_secs(10)).await;
    let job = scratch.job(id).await;
    assert_eq!((job.state, job.attempts, job.result), (JobState::Succeeded, 2, Some(json!("quick"))));
}

#[tokio::test]
async fn while_a_transaction_holds_the_fence_nobody_takes_over() {
    let scratch = Scratch::new().await;
    let id = scratch.enqueue(new_job("work", "1")).await;
    let (began, mut begun) = mpsc::unbounded_channel();
    let wake = Arc::new(Notify::new());
    let (woken, db) = (Arc::clone(&wake), scratch.db());
    let slow = worker(&scratch, silent(), move |job| {
        let (began, woken, db) = (began.clone(), Arc::clone(&woken), db.clone());
        async move {
            began.send(()).expect("sent");
            woken.notified().await;
            let mut tx = db.background().platform().await.expect("a transaction");
            assert!(job.still_mine(&mut tx).await.expect("an answer"));
            began.send(()).expect("sent");
            woken.notified().await;
            tx.commit().await.expect("committed");
            JobOutcome::Done(json!("slow"))
        }
    });
    begun.recv().await.expect("it began");
    scratch.sql("UPDATE jobs SET lease_until = now() - interval '1 second'").await;
    wake.notify_one();
    begun.recv().await.expect("it holds the fence");
    assert_eq!(quick(&scratch).run_due().await.expect("ran"), 0);
    wake.notify_one();
    slow.shutdown(Duration::from_secs(10)).await;
    let job = scratch.job(id).await;
    assert_eq!((job.state, job.attempts, job.result), (JobState::Succeeded, 1, Some(json!("slow"))));
}

#[tokio::test]
async fn heartbeats_extend_the_lease() {
    let scratch = Scratch::new().await;
    scratch.enqueue(new_job("work", "1")).await;
    let (began, mut begun) = mpsc::unbounded_channel();
    let settings = Settings { heartbeat: Duration::from_millis(10), lease: LONG, ..Settings::default() };
    let alive = worker(&scratch, settings, move |job| {
        began.send(()).expect("sent");
        async move {
            job.lost().await;
            JobOutcome::Done(json!("in time"))
        }
    });
    begun.recv().await.expect("it began");
    scratch.sql("UPDATE jobs SET lease_until = now() - interval '1 second'").await;
    let extended = async {
        let long = "UPDATE jobs SET name = name WHERE lease_until > now() + interval '50 minutes'";
        while scratch.sql(long).await == 0 {}
    };
    tokio::time::timeout(Duration::from_secs(20), extended).await.expect("the lease was extended");
    alive.shutdown(LONG).await;
    assert_eq!(scratch.sql("UPDATE jobs SET name = name WHERE state = 'succeeded' AND attempts = 1").await, 1);
}

#[tokio::test]
async fn a_worker_learns_that_its_lease_is_lost() {
    let scratch = Scratch::new().await;
    scratch.enqueue(new_job("work", "1")).await;
    let (began, mut begun) = mpsc::unbounded_channel();
    let settings = Settings { heartbeat: Duration::from_millis(20), ..Settings::default() };
    let robbed = worker(&scratch, settings, move |job| {
        let began = began.clone();
        async move {
            began.send(job.is_lost()).expect("sent");
            job.lost().await;
            began.send(job.is_lost()).expect("sent");
            JobOutcome::interrupted()
        }
    });
    assert_eq!(begun.recv().await, Some(false));
    let stolen = "UPDATE jobs SET lease_owner = gen_random_uuid(), lease_until = now() + interval '1 hour'";
    assert_eq!(scratch.sql(stolen).await, 1);
    assert_eq!(begun.recv().await, Some(true));
    robbed.shutdown(Duration::from_secs(10)).await;
    let running = scratch.sql("UPDATE jobs SET name = name WHERE state = 'running' AND attempts = 1").await;
    assert_eq!(running, 1, "the thief's lease is untouched");
}

#[tokio::test]
async fn a_job_that_kills_its_workers_dies() {
    let scratch = Scratch::new().await;
    let id = scratch.enqueue(new_job("work", "1")).await;
    scratch
        .sql(
            "UPDATE jobs SET state = 'running', attempts = 3, lease_owner = gen_random_uuid(),
                lease_until = now() - interval '1 second'",
        )
        .await;
    assert_eq!(quick(&scratch).run_due().await.expect("ran"), 0);
    let job = scratch.job(id).await;
    assert_eq!((job.state, job.last_error.as_deref()), (JobState::Dead, Some("its worker stopped answering")));
}

#[tokio::test]
async fn shutdown_gives_back_what_does_not_end() {
    let scratch = Scratch::new().await;
    let id = scratch.enqueue(new_job("work", "1")).await;
    let (began, mut begun) = mpsc::unbounded_channel();
    let db = scratch.db();
    let deaf = worker(&scratch, Settings::default(), move |job| {
        let (began, db) = (began.clone(), db.clone());
        async move {
            // It even holds the row.
            let mut tx = db.background().platform().await.expect("a transaction");
            assert!(job.still_mine(&mut tx).await.expect("an answer"));
            began.send(()).expect("sent");
            std::future::pending().await
        }
    });
    begun.recv().await.expect("it began");
    deaf.shutdown(Duration::ZERO).await;
    let job = scratch.job(id).await;
    assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
    assert_eq!(quick(&scratch).run_due().await.expect("ran"), 1, "another takes over at once");
    assert_eq!(scratch.job(id).await.result, Some(json!("quick")));
}

#[tokio::test]
async fn shutdown_waits_for_what_heeds_it() {
    for outcome in [JobOutcome::interrupted(), JobOutcome::retry("cut short")] {
        let scratch = Scratch::new().await;
        let id = scratch.enqueue(new_job("work", "1")).await;
        let (began, mut begun) = mpsc::unbounded_channel();
        let heeding = worker(&scratch, Settings::default(), move |job| {
            let (began, outcome) = (began.clone(), outcome.clone());
            async move {
                began.send(()).expect("sent");
                job.lost().await;
                outcome
            }
        });
        begun.recv().await.expect("it began");
        scratch.enqueue(new_job("work", "2")).await;
        heeding.shutdown(LONG).await;
        assert_eq!(scratch.job(id).await.attempts, 0);
        assert_eq!(quick(&scratch).run_due().await.expect("ran"), 2);
    }
}
