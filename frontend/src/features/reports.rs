//! The weekly report: the week as a page, the e-mail it is sent as, who gets it, and what came of it.

mod draft;
mod effect;
pub mod mail;
mod model;
pub mod page;
mod ranking;
pub mod recipients;
mod report;
mod rest;
pub mod trial;
mod wording;

pub use page::ReportsPage;
