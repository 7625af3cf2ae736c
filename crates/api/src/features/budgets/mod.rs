//! Budgets: an amount a period for a scope, and how it stands.
//!
//! What is spent is what the costs say ([`costs::spending()`](crate::features::costs::spending())), by the days of the
//! organization's calendar. Another amount is another revision of the budget, of which every threshold may be crossed anew;
//! that each is crossed once is the database's word ([`cross`]). Projects' cost thresholds are budgets too, of the kind
//! `limit`.
//!
//! For whoever raises alarms and stops spending: [`in_force`] names the budgets, [`spender`] whose spending each is about,
//! [`standings`] (of many at once [`standings_of`]) says which thresholds are reached in the period that runs and in those
//! before it, and [`cross`] makes somebody the only one who noticed. [`Watch`] says again and again, at little cost, how much of
//! all of them is spent. Whatever changes what is spent says so by [`check_soon`].

mod calendar;
mod checks;
mod crossings;
mod domain;
mod forecast;
mod fx;
mod limits;
mod routes;
mod running;
mod service;
mod standing;
mod status;
mod store;

pub use calendar::{Calendar, Span};
pub use checks::{Said, check_soon, checked, said, to_check};
pub use crossings::{Crossing, Key as CrossingKey, cross, crossed_since};
pub use domain::percent_of;
pub use fx::{DailyRates, of_dollars};
pub use routes::routes;
pub use running::{Running, Watch};
pub use service::{calendar, in_force, past, standings, standings_of};
pub use standing::{Standing, spender};
pub use store::{ThresholdKey, thresholds_since};
