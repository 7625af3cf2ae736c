//! The pages, one folder a feature.

pub mod auth;
pub mod explore;
pub mod home;
pub mod projects;
