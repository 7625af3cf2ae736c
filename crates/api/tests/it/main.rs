//! Integration tests, one binary: linking dominates.

mod accounts;
mod admin_keys;
mod architecture;
mod cli;
mod collector;
mod costs;
mod crypto;
mod harness;
mod idempotency;
mod jobs;
mod operations;
mod projects;
mod support;
mod surface;
