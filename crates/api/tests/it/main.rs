//! Integration tests, one binary: linking dominates.

mod accounts;
mod crypto;
mod harness;
mod idempotency;
mod jobs;
mod operations;
mod support;
mod surface;
