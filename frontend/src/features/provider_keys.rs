//! One's own keys at providers, in the settings.

pub mod card;
pub mod form;
mod model;

pub use card::ProviderKeysCard;
