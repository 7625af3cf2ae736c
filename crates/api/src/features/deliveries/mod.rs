//! Deliveries: the outbox. What is to be told is put into the transaction of what it reports ([`enqueue`]), and sent outside of it.
//!
//! A message is one row of `deliveries` a channel, number or person, rendered, in its language. What is sent one after the other
//! (a channel, one number of it, a person) is a lane. `delivery_queue` says when which lane is due, and nothing else, because the
//! sender ([`sender`]) looks for that across organizations; `delivery_lanes` holds the lease of the one attempt that is under way
//! in a lane. Putting something into the outbox only inserts, so two who do it never wait for each other.
//!
//! One attempt ([`plan`], [`attempt`], [`finish`]): in a transaction the next message is chosen and the attempt written down
//! as begun; it is made; in another transaction what came of it is written. Whoever dies in between leaves a lease that runs out,
//! and the same message is sent once more, under the same id.
//!
//! - **Order.** Of a lane's due messages the oldest goes first, and the next one waits until it is delivered, dead, or has failed
//!   for the first time: then it steps aside until its next attempt. Holding the rest back for longer would make one message that a
//!   receiver stumbles over silence the channel for a day, alarms that came later included. What rests the whole lane is the other
//!   side's own wish (`429` with `Retry-After`).
//! - **Fairness.** Attempts at once are limited by organization and by host, over all replicas, and places are given to
//!   organizations in turn: sinks that hang keep only their own organization's places.
//! - **Grouping.** Of a group (what is about one thing) a lane tells at most one message in five minutes. What comes in between is
//!   held and told together when they are over. A lane that told sixty messages in an hour goes on with one digest in five minutes,
//!   except where programs listen: webhooks, and PagerDuty, which folds by itself; and except what is urgent (critical alerts, news
//!   of blocks), which waits for its group alone.
//! - **Time.** Schedules and groups go by the service's clock, leases by the database's.

mod attempt;
mod claim;
mod digest;
mod domain;
mod finish;
mod jobs;
mod outgoing;
mod plan;
mod routes;
mod sender;
mod service;
mod store;
mod together;

pub use crate::features::channels::ChannelType;
pub use jobs::jobs;
pub use outgoing::{Outgoing, To, enqueue};
pub use routes::routes;
pub use service::{allow_test, try_channel};
pub use store::administrators;

use crate::platform::state::State;

/// Wakes this process's sender after the commit. Without it a message waits for the next second.
pub fn nudge(state: &State) {
    state.outbox.nudge();
}
