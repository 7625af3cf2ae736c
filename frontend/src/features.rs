//! The pages, one folder a feature.

pub mod auth;
