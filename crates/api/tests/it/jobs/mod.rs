//! The job queue against PostgreSQL. Nothing sleeps: handlers are held by signals, times are moved by SQL.

mod queue;
mod runner;
mod scratch;
mod takeover;
