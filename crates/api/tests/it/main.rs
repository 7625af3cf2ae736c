//! Integration tests, one binary: linking dominates.

mod crypto;
mod harness;
mod jobs;
mod support;
