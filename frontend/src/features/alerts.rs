//! Alerts: what somebody should know of, what raises them, where they are told, and what came of telling.

mod acts;
pub mod channel_form;
pub mod channels;
pub mod deliveries;
mod delivery;
pub mod detail;
mod draft;
pub mod list;
mod model;
pub mod page;
pub mod rules;
pub mod tried;
mod wording;

pub use detail::AlertPage;
pub use page::AlertsPage;
