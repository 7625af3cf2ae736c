//! Integration tests, one binary: linking dominates.

mod crypto;
mod jobs;
