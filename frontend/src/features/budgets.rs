//! Budgets: what may be spent, how much of it is, and where that leads.

mod currency;
pub mod detail;
mod draft;
mod facts;
pub mod form;
mod history;
pub mod limits;
mod meter;
mod model;
pub mod page;
mod scope;
mod table;
mod thresholds;
mod wording;

pub use detail::BudgetPage;
pub use meter::bar;
pub use model::percent_text;
pub use page::BudgetsPage;
pub use wording::{action_name, alert_basis_name, kind_name, period_name, scope_text, span_text};
