//! The price book: what a unit of every model costs, since when, and who says so; and what organizations negotiated
//! instead.
//!
//! Public prices belong to no organization: all read them, the platform's scope writes them. An entry (a model at a
//! provider, everywhere or in one region) never changes; a change ends it and begins another, from now on or later. The
//! first price that becomes known of a model also holds for the time before. What an organization negotiated is its own
//! rows. [`Books`] keeps both in memory; [`Book::price`] answers from there, exactly or not at all.

mod book;
mod cache;
mod changes;
mod decide;
mod domain;
mod explain;
mod import;
mod jobs;
mod list;
mod litellm;
mod negotiated;
mod overrides;
mod resolve;
mod routes;
mod service;
mod source;
mod store;
mod terms;
#[cfg(test)]
mod tests;

pub use book::Book;
pub use cache::Books;
pub use domain::{Lookup, Priced, Reason, Resolution, provider_name};
pub use import::install;
pub use jobs::jobs;
pub use routes::routes;
pub use source::Incoming;
