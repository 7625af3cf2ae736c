//! Integration tests, one binary: linking dominates.

mod admin_keys;
mod collector;
mod costs;
mod crypto;
mod harness;
mod jobs;
mod projects;
mod support;
