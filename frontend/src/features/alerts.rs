//! Alerts: what somebody should know of, what raises them, where they are told, and what came of telling.

mod acts;
mod channel_form;
mod channels;
mod deliveries;
mod delivery;
pub mod detail;
mod draft;
mod list;
mod model;
pub mod page;
mod rules;
mod tried;
mod wording;

pub use detail::AlertPage;
pub use page::AlertsPage;
