//! The service: JSON REST API, collector and jobs, and the host of the app.

pub mod app;
pub mod cli;
pub mod features;
pub mod platform;
pub mod serve;
