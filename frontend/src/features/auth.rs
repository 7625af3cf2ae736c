//! Signing in and registering.

pub mod login;
pub mod register;

use finops_contract::accounts::Role;
use leptos::prelude::*;

pub use login::LoginPage;
pub use register::RegisterPage;

use crate::i18n::{Locale, Word, locale, set_locale, t, words};
use crate::ui::{Choice, SegmentedControl};

/// The fewest characters of a password.
pub const PASSWORD_MIN: usize = 12;

/// What a role is called.
pub const fn role_name(role: Role) -> Word {
    match role {
        Role::User => words::auth::ROLE_USER,
        Role::TenantAdmin => words::auth::ROLE_TENANT_ADMIN,
        Role::Admin => words::auth::ROLE_ADMIN,
    }
}

/// The sign of the product.
#[component]
pub fn Logo() -> AnyView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="8" class="logo-ground" />
            <path d="M8 22.5V18m5.3 4.5V13m5.4 9.5v-6M24 22.5v-13" class="logo-bars" />
        </svg>
    }
    .into_any()
}

/// One column, for who is not signed in.
#[component]
fn Entrance(
    /// The page.
    children: Children,
) -> AnyView {
    let languages = Locale::ALL.map(|l| Choice::new(l.tag(), l.own_name()));
    view! {
        <div class="entrance">
            <header class="entrance-head">
                <span class="brand"><Logo />{t(words::common::APP_NAME)}</span>
                <SegmentedControl
                    label=words::common::LANGUAGE
                    choices=languages.to_vec()
                    value=Signal::derive(|| locale().tag().to_owned())
                    on_change=|tag| set_locale(Locale::from_tag(tag).unwrap_or_default())
                />
            </header>
            <main class="entrance-main" id="main">{children()}</main>
        </div>
    }
    .into_any()
}

/// Whether this can be an e-mail address; the service decides.
pub fn looks_like_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !text.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::looks_like_email;

    #[test]
    fn an_address_has_a_name_and_a_host() {
        assert!(looks_like_email("finops@example.com"));
        for wrong in ["", "finops", "@example.com", "finops@example", "fin ops@example.com"] {
            assert!(!looks_like_email(wrong), "{wrong}");
        }
    }
}
