//! The app people look at: a client-side rendered Leptos application.
//!
//! `main.rs` mounts it; everything is a library so that the pure parts (`model.rs` files, formatting, chart scales) are
//! tested on the host with `cargo test -p finops-frontend`.

pub mod api;
pub mod app;
pub mod data;
pub mod features;
pub mod format;
pub mod i18n;
pub mod order;
pub mod period;
pub mod pieces;
pub mod reactive;
pub mod session;
pub mod shell;
pub mod storage;
pub mod theme;
pub mod ui;
pub mod url;
