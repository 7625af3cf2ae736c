//! The pages, one folder a feature.

pub mod ask;
pub mod audit;
pub mod auth;
pub mod moment;
pub mod settings;
pub mod setup;
pub mod teams;
