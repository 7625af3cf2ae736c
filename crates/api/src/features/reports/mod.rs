//! The weekly report: what a week cost, which projects made the most of it, what to do next; and what came of saying so.
//!
//! Every figure is somebody else's word: costs' ([`costs::spending()`](crate::features::costs::spending())), outcomes' beside
//! costs (`value`), alerts', blocks'. What is made of them ([`rank`], [`suggest`]) is pure, and so is the mail (`mail`), which
//! says nothing that the report does not.
//!
//! A report is sent on Monday, at nine in the organization's zone (`jobs`): `weekly_reports` has one row an organization and
//! week, written with its mails in one transaction, so whoever else is at it sends nothing. One that was sent stays as it was.
//! Its links and its picture carry a token of one recipient and one report, by which `weekly_report_sends` learns who read it
//!; what was done afterwards is in the audit log (`effect`).

mod domain;
mod effect;
mod find;
mod jobs;
mod mail;
mod rank;
mod recipients;
mod routes;
mod service;
mod store;
mod suggest;
mod wording;

pub use jobs::jobs;
pub use routes::{root_routes, routes};
