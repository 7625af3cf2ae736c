//! The service: JSON REST API, collector and jobs, and the host of the app.

pub mod platform;
