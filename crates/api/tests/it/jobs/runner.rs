//! How attempts run, end, and come again.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use finops_api::platform::clock::Clock;
use finops_api::platform::jobs::queue::{self, ListFilter};
use finops_api::platform::jobs::{Cadence, JobOutcome, NewJob, Schedule, Settings};
use finops_contract::jobs::JobState;
use serde_json::json;
use tokio::sync::mpsc;

use super::scratch::{Scratch, Work, new_job};

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_run_every_job_once() {
    let scratch = Scratch::new().await;
    let mut tx = scratch.db().platform().await.expect("a transaction");
    for n in 0..200 {
        let slot = n.to_string();
        let job = NewJob { payload: json!(n), ..new_job("work", &slot) };
        queue::enqueue(&mut tx, &scratch.clock, job).await.expect("enqueued");
    }
    tx.commit().await.expect("committed");

    let (ran, mut seen) = mpsc::unbounded_channel();
    let replica = || {
        let ran = ran.clone();
        scratch.runs("work", move |job| {
            let ran = ran.clone();
            async move {
                ran.send(job.payload::<usize>().expect("a number")).expect("sent");
                JobOutcome::Done(json!({}))
            }
        })
    };
    let (one, two) = (replica(), replica());
    let handles = [one.start(), two.start()];
    let mut times = vec![0; 200];
    for _ in 0..200 {
        times[seen.recv().await.expect("a job ran")] += 1;
    }
    for handle in handles {
        handle.shutdown(Duration::from_secs(10)).await;
    }
    assert!(seen.try_recv().is_err(), "a job ran twice");
    assert_eq!(times, vec![1; 200]);
    let done = scratch.sql("UPDATE jobs SET name = name WHERE state = 'succeeded' AND attempts = 1").await;
    assert_eq!(done, 200);
    let succeeded =
        [one, two].map(|jobs| jobs.metrics().get("work").expect("counts").succeeded.load(Ordering::Relaxed));
    assert_eq!(succeeded.iter().sum::<u64>(), 200);
}

#[tokio::test]
async fn a_panic_is_an_attempt_and_the_process_lives() {
    let scratch = Scratch::new().await;
    let panics = Work { name: "panics", run: async |_| panic!("on purpose, with a secret") };
    let works = Work { name: "works", run: async |_| JobOutcome::Done(json!({})) };
    let jobs = scratch.replica().handler(panics).handler(works).build().expect("a runner");
    let id = scratch.enqueue(new_job("panics", "1")).await;
    for attempt in 1..=3 {
        scratch.sql("UPDATE jobs SET run_at = now()").await;
        assert_eq!(jobs.run_due().await.expect("ran"), 1);
        let job = scratch.job(id).await;
        assert_eq!((job.attempts, job.last_error.as_deref()), (attempt, Some("the job panicked")));
        assert_eq!(job.state, if attempt < 3 { JobState::Queued } else { JobState::Dead });
        if attempt < 3 {
            let ceiling = Settings::default().backoff.ceiling(attempt).as_secs_f64();
            let waits = scratch.waits(id).await;
            assert!((-5.0..=ceiling).contains(&waits), "{waits}");
        }
    }
    let after = scratch.enqueue(new_job("works", "1")).await;
    assert_eq!(jobs.run_due().await.expect("ran"), 1);
    assert_eq!(scratch.job(after).await.state, JobState::Succeeded);
    let metrics = jobs.metrics();
    let counts = metrics.get("panics").expect("counts");
    let read = [&counts.claimed, &counts.failed, &counts.dead, &counts.succeeded].map(|n| n.load(Ordering::Relaxed));
    assert_eq!((read, counts.running.load(Ordering::Relaxed)), ([3, 3, 1, 0], 0));
}

#[tokio::test]
async fn a_retry_waits_as_long_as_it_was_told() {
    let scratch = Scratch::new().await;
    let jobs = scratch.runs("work", async |job| match job.attempt {
        1 => JobOutcome::Retry { error: "429".to_owned(), after: Some(Duration::from_secs(900)) },
        _ => JobOutcome::Done(json!({})),
    });
    let id = scratch.enqueue(new_job("work", "1")).await;
    assert_eq!(jobs.run_due().await.expect("ran"), 1);
    let waits = scratch.waits(id).await;
    assert!((800.0..=900.0).contains(&waits), "{waits}");
    assert_eq!(scratch.job(id).await.last_error.as_deref(), Some("429"));
    assert_eq!(jobs.run_due().await.expect("ran"), 0, "it is not due");
    scratch.sql("UPDATE jobs SET run_at = now()").await;
    assert_eq!(jobs.run_due().await.expect("ran"), 1);
    assert_eq!(scratch.job(id).await.state, JobState::Succeeded);
}

#[tokio::test]
async fn a_job_is_not_run_before_its_time() {
    let scratch = Scratch::new().await;
    let jobs = scratch.runs("work", async |_| JobOutcome::Done(json!({})));
    let run_at = Some(scratch.clock.now() + TimeDelta::hours(1));
    scratch.enqueue(NewJob { run_at, ..new_job("work", "1") }).await;
    assert_eq!(jobs.run_due().await.expect("ran"), 0);
}

#[tokio::test]
async fn putting_off_does_not_count() {
    let scratch = Scratch::new().await;
    let jobs = scratch.runs("work", async |_| JobOutcome::Reschedule { after: Duration::from_secs(300) });
    let id = scratch.enqueue(NewJob { max_attempts: 1, ..new_job("work", "1") }).await;
    for _ in 0..3 {
        scratch.sql("UPDATE jobs SET run_at = now()").await;
        assert_eq!(jobs.run_due().await.expect("ran"), 1);
        let job = scratch.job(id).await;
        assert_eq!((job.state, job.attempts), (JobState::Queued, 0));
        let waits = scratch.waits(id).await;
        assert!((200.0..=300.0).contains(&waits), "{waits}");
    }
}

#[tokio::test]
async fn organizations_take_turns() {
    let scratch = Scratch::new().await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&order);
    let run = move |job: finops_api::platform::jobs::JobContext| {
        seen.lock().expect("a lock").push(job.slot);
        async { JobOutcome::Done(json!({})) }
    };
    let settings = Settings { concurrency: 2, ..Settings::default() };
    let jobs = scratch.replica().handler(Work { name: "work", run }).settings(settings).build().expect("a runner");
    let (many, few) = (scratch.organization().await, scratch.organization().await);
    for slot in ["many 1", "many 2", "many 3", "many 4"] {
        scratch.enqueue(NewJob { organization_id: Some(many), ..new_job("work", slot) }).await;
    }
    scratch.enqueue(NewJob { organization_id: Some(few), ..new_job("work", "few 1") }).await;
    assert_eq!(jobs.run_due().await.expect("ran"), 5);
    let order = order.lock().expect("a lock");
    assert!(order[..2].contains(&"few 1".to_owned()), "{order:?}");
}

#[tokio::test]
async fn a_schedule_is_made_once_and_only_the_latest_is_caught_up_with() {
    let mut scratch = Scratch::new().await;
    scratch.clock = Clock::fixed("2026-03-01T08:00:00Z".parse().expect("a time"));
    let replica = || {
        let daily = Schedule { job: "daily", cadence: Cadence::Daily { hour: 0, minute: 0 } };
        let work = Work { name: "daily", run: async |_| JobOutcome::Done(json!({})) };
        scratch.replica().handler(work).schedule(daily).build().expect("a runner")
    };
    let (one, two) = (replica(), replica());
    let (first, second) = tokio::join!(one.run_due(), two.run_due());
    let ran = first.expect("ran") + second.expect("ran");
    assert_eq!(ran + one.run_due().await.expect("ran"), 1);
    scratch.clock.advance(TimeDelta::days(3));
    assert_eq!(two.run_due().await.expect("ran"), 1);
    assert_eq!(replica().run_due().await.expect("ran"), 0);

    let mut tx = scratch.db().platform().await.expect("a transaction");
    let made = queue::list(&mut tx, ListFilter::default(), 10).await.expect("an answer");
    let slots: Vec<(&str, i32)> = made.iter().map(|job| (job.slot.as_str(), job.max_attempts)).collect();
    assert_eq!(slots, [("2026-03-04T00:00:00Z", 3), ("2026-03-01T00:00:00Z", 3)]);
}

#[tokio::test]
async fn a_nudge_is_faster_than_the_poll() {
    let scratch = Scratch::new().await;
    let (ran, mut seen) = mpsc::unbounded_channel();
    let run = move |_| {
        ran.send(()).expect("sent");
        async { JobOutcome::Done(json!({})) }
    };
    let settings = Settings { poll: Duration::from_secs(3600), ..Settings::default() };
    let jobs = scratch.replica().handler(Work { name: "work", run }).settings(settings).build().expect("a runner");
    let handle = jobs.start();
    for slot in ["1", "2"] {
        scratch.enqueue(new_job("work", slot)).await;
        handle.nudge();
        seen.recv().await.expect("it ran");
    }
    handle.shutdown(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn what_cannot_work_is_not_built() {
    let scratch = Scratch::new().await;
    let work = || Work { name: "work", run: async |_| JobOutcome::Done(json!({})) };
    let schedule = |job, hour| Schedule { job, cadence: Cadence::Daily { hour, minute: 0 } };
    assert!(scratch.replica().handler(work()).handler(work()).build().is_err());
    assert!(scratch.replica().schedule(schedule("work", 0)).build().is_err());
    assert!(scratch.replica().handler(work()).schedule(schedule("work", 24)).build().is_err());
    let idle = Settings { concurrency: 0, ..Settings::default() };
    assert!(scratch.replica().settings(idle).build().is_err());
}
