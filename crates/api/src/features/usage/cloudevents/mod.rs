//! CloudEvents 1.0, as OpenMeter's clients send them: one call an event, or one side of a call.
//!
//! `source` and `id` together are what an event is known by. `data` is an event of ours; where it says OpenMeter's `type`
//! (`input`, `output`, `system`) and `tokens`, it is that side. `subject` is OpenMeter's customer, so it is our learner.

mod envelope;
mod routes;

pub(super) use self::routes::routes;
