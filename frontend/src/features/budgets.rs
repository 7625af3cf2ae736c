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
pub use page::BudgetsPage;
