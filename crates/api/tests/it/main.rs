//! Integration tests, one binary: linking dominates.

mod accounts;
mod admin_keys;
mod api_keys;
mod architecture;
mod audit;
mod canary;
mod cli;
mod collector;
mod costs;
mod crypto;
mod harness;
mod http;
mod idempotency;
mod isolation;
mod jobs;
mod operations;
mod organizations;
mod prices;
mod projects;
mod provider_keys;
mod support;
mod surface;
mod teams;
mod usage;
