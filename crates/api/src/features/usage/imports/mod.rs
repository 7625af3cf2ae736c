//! Files of events, of any size, in memory never more than a slice of them.
//!
//! An upload is cut into slices of whole lines as it arrives (`lines`, `upload`), each in a transaction of its own with
//! how far the upload is, so a broken one goes on from there. Once the file is whole, a job takes slice after slice the
//! way of all events and deletes it with what became of its lines (`jobs`).
//!
//! Exactly once: an event is known by its id, and a line without one has a hash over all lines up to it. So a job that
//! was killed, a file that is sent again, and a file that has grown since, find their events stored. A slice that was
//! begun before asks which of its events were stored since then: those were its own, so the counts are right too.

mod csv;
mod jobs;
mod lines;
mod routes;
mod store;
mod upload;

pub(super) use self::jobs::jobs;
pub(super) use self::routes::routes;
