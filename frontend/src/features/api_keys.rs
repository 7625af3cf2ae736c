//! Keys of our own API, in the settings.

pub mod card;
pub mod dialogs;
pub mod form;
mod model;

pub use card::ApiKeysCard;
