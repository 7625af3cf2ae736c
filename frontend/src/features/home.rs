//! Home: what was spent, why it changed, and what to do about it.

mod actions;
pub mod model;
pub mod page;
pub mod periods;
mod table;
mod urgent;

use leptos::prelude::*;

pub use page::HomePage;

use crate::i18n::{t, words};
use crate::session;
use crate::ui::{ButtonKind, LinkButton};

/// The way from having no data to having some, for who may walk it.
pub fn to_setup() -> AnyView {
    session::manages()
        .then(|| view! { <LinkButton href="/setup" kind=ButtonKind::Primary>{t(words::home::TO_SETUP)}</LinkButton> })
        .into_any()
}
