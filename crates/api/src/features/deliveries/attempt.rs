//! One attempt, outside of any transaction.

use std::time::{Duration, Instant};

use finops_providers::Notice;

use super::domain::Ended;
use super::plan::Work;
use crate::features::channels::Unopened;
use crate::platform::notifiers::{Messenger, Notifiers};
use crate::platform::state::State;

/// Makes it; returns how it ended, and how long it took.
pub(super) async fn make(state: &State, notifiers: &Notifiers, work: &Work) -> (Ended, Duration) {
    let began = Instant::now();
    let ended = match open(state, notifiers, work).await {
        Err(error) => Ended::from(error),
        Ok(messenger) => {
            // The same on every attempt: receivers know by it what they have already.
            let notice = Notice { id: work.id.to_string(), ..work.notice.clone() };
            Ended::from(messenger.notify(&notice).await)
        }
    };
    let took = began.elapsed();
    state.metrics.deliveries.attempt(work.kind.name(), took);
    (ended, took)
}

async fn open(state: &State, notifiers: &Notifiers, work: &Work) -> Result<Messenger, Unopened> {
    let recipient = work.recipient.as_deref();
    match &work.ready {
        Some(ready) => ready.open(state, notifiers, work.lane.organization, recipient).await,
        None => Ok(notifiers.mail(recipient.map(str::to_owned).as_slice())?),
    }
}
