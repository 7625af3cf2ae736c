//! The pages, one folder a feature.

pub mod ask;
pub mod audit;
pub mod auth;
pub mod events;
pub mod explore;
pub mod home;
pub mod integration;
pub mod moment;
pub mod projects;
pub mod settings;
pub mod setup;
pub mod teams;
