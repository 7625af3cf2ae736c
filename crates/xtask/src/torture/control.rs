//! The promises about alerts and stops, by their numbers.

mod budgets;
mod sinks;
mod world;

pub(super) use budgets::{crossed_by_many, flooded, guarded};
pub(super) use sinks::{killed_between, refused};

/// Seconds from what crosses a threshold to the first attempt to tell somebody.
const TOLD: f64 = 60.0;
/// The same, as it usually is.
const USUALLY_TOLD: f64 = 5.0;
