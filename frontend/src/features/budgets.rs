//! Budgets: what may be spent, how much of it is, and where that leads.

mod brief;
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

pub use brief::{ProjectBudgets, use_project_budgets};
pub use detail::BudgetPage;
pub use facts::unknown_banner;
pub use meter::{Sure, bar, basis_badge, figure};
pub use model::{percent_text, share};
pub use page::BudgetsPage;
pub use wording::{action_name, alert_basis_name, basis_name, kind_name, period_name, scope_text, span_text};
