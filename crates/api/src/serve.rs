//! The long-running commands: from the first listener to the last connection.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app;
use crate::features::Shared;
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::jobs::JobsHandle;
use crate::platform::state::State;

/// How long load balancers have to notice that this process is not ready any more. In production only: nobody balances
/// over a developer's machine.
const NOTICE: Duration = Duration::from_secs(3);
/// How long running jobs may take to end before they are given back.
const JOBS: Duration = Duration::from_secs(5);
/// How long the pools may take to close.
const CLOSE: Duration = Duration::from_secs(2);

// All of it, with `app::DRAIN` and the time in which jobs are given back, ends within the 35 s that deployments allow.
const _: () = assert!(NOTICE.as_secs() + JOBS.as_secs() + 3 + app::DRAIN.as_secs() + CLOSE.as_secs() <= 35);

/// Answers requests, and runs background jobs unless it was told not to, until the process is told to stop.
///
/// # Errors
/// When the address is taken, or a part cannot be put together.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let mut stop = StopSignal::new()?;
    let listener = TcpListener::bind((config.host, config.port))
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let state = State::new(config, Clock::system()).await?;
    let shared = Shared::new(&state);
    let jobs = if state.config.jobs_enabled { Some(start_jobs(&state, &shared)?) } else { None };
    tracing::info!(address = %listener.local_addr()?, jobs = jobs.is_some(), "listening");
    let server = app::serve(state.clone(), shared, listener, workers)?;
    let handle = server.handle();
    let mut server = std::pin::pin!(server);
    tokio::select! {
        ended = &mut server => ended?,
        () = stop.received() => {
            let stopping = async {
                leave(&state, jobs.as_ref()).await;
                handle.stop(true).await;
            };
            tokio::select! {
                ((), ended) = async { tokio::join!(stopping, &mut server) } => ended?,
                () = stop.received() => tracing::warn!("told to stop twice: stopping at once"),
            }
        }
    }
    close(&state).await;
    Ok(())
}

/// Runs background jobs alone, until the process is told to stop.
///
/// # Errors
/// When a part cannot be put together.
pub async fn jobs(config: Config) -> anyhow::Result<()> {
    let mut stop = StopSignal::new()?;
    let state = State::new(config, Clock::system()).await?;
    let jobs = start_jobs(&state, &Shared::new(&state))?;
    tracing::info!("running jobs");
    stop.received().await;
    tracing::info!("stopping");
    state.stopping.begin();
    jobs.shutdown(JOBS).await;
    close(&state).await;
    Ok(())
}

fn start_jobs(state: &State, shared: &Shared) -> anyhow::Result<JobsHandle> {
    let jobs = app::jobs(state, shared)?;
    state.metrics.watch_jobs(jobs.metrics());
    Ok(jobs.start())
}

/// Says that this process is not ready, waits until that is known, and gives back its jobs. Requests are still answered.
async fn leave(state: &State, jobs: Option<&JobsHandle>) {
    tracing::info!("stopping");
    state.stopping.begin();
    if state.config.production {
        tokio::time::sleep(NOTICE).await;
    }
    if let Some(jobs) = jobs {
        jobs.shutdown(JOBS).await;
    }
}

async fn close(state: &State) {
    if tokio::time::timeout(CLOSE, state.db.close()).await.is_err() {
        tracing::warn!("database connections were still in use at the end");
    }
}

/// SIGTERM or Ctrl-C.
struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for the signal to stop");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
