//! The pages, one folder a feature.

pub mod alerts;
pub mod api_keys;
pub mod ask;
pub mod audit;
pub mod auth;
pub mod blocks;
pub mod budgets;
pub mod drawer;
pub mod events;
pub mod explore;
pub mod home;
pub mod integration;
pub mod moment;
pub mod prices;
pub mod projects;
pub mod provider_keys;
pub mod reports;
pub mod settings;
pub mod setup;
pub mod teams;
pub mod worth;
