//! Who is signed in. The access token stays in the memory of [`crate::api::client`]; a reload asks the refresh cookie.

use std::sync::LazyLock;

use finops_contract::accounts::{Me, Role, Session};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use crate::api::{self, ApiError, client};
use crate::i18n::{self, Locale};
use crate::{data, shell, storage};

/// Where this tab stands.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// The refresh cookie is being asked.
    Starting,
    /// The service did not answer that question.
    Unreachable(ApiError),
    /// Nobody is signed in. Whether somebody was, until now.
    Out {
        /// The session ended by itself.
        expired: bool,
    },
    /// Somebody is.
    In(Box<Me>),
}

static STATE: LazyLock<ArcRwSignal<State>> = LazyLock::new(|| ArcRwSignal::new(State::Starting));

/// Where this tab stands; follows changes when read in a reactive closure.
pub fn state() -> State {
    STATE.get()
}

/// Where this tab stands, without following it.
pub fn state_untracked() -> State {
    STATE.get_untracked()
}

/// Who is signed in; follows changes.
pub fn me() -> Option<Me> {
    STATE.with(|state| match state {
        State::In(me) => Some((**me).clone()),
        _ => None,
    })
}

/// Whether someone with at least this role is signed in; follows changes.
pub fn is_at_least(role: Role) -> bool {
    STATE.with(|state| matches!(state, State::In(me) if me.role >= role))
}

/// Whether the person may manage the organization: its teams, keys, people.
pub fn manages() -> bool {
    is_at_least(Role::TenantAdmin)
}

/// The IANA zone of the organization.
pub fn time_zone() -> String {
    me().map_or_else(|| "Asia/Seoul".to_owned(), |me| me.organization.time_zone)
}

/// Asks the refresh cookie who is signed in, and listens to the other tabs.
pub fn start() {
    listen();
    resume();
}

/// Asks the refresh cookie.
pub fn resume() {
    // A browser that never signed in is not asked: that would be a request, an error in its console, and time.
    if storage::is_available() && storage::get("session").is_none() {
        STATE.set(State::Out { expired: false });
        return;
    }
    STATE.set(State::Starting);
    spawn_local(async {
        match client::refresh().await {
            Ok(session) => enter(session),
            Err(error) if error.status == 401 || error.status == 403 => {
                storage::remove("session");
                STATE.set(State::Out { expired: false });
            }
            Err(error) => STATE.set(State::Unreachable(error)),
        }
    });
}

/// Somebody has signed in.
pub fn enter(session: Session) {
    client::set_token(Some(session.access_token));
    storage::set("session", "1");
    let locale = Locale::from_tag(session.user.locale.tag());
    if let (Some(locale), None) = (locale, storage::get("locale")) {
        i18n::set_locale(locale);
    }
    STATE.set(State::In(Box::new(session.user)));
}

/// The person or their organization has changed.
pub fn update(change: impl FnOnce(&mut Me)) {
    STATE.update(|state| {
        if let State::In(me) = state {
            change(me);
        }
    });
}

/// Signs out, here and in the other tabs.
pub fn sign_out() {
    spawn_local(async {
        // Signed out here even if the service does not hear of it.
        let _ = api::post_empty("/auth/logout").await;
        forget(false);
        if let Ok(channel) = BroadcastChannel::new(CHANNEL) {
            let _ = channel.post_message(&"out".into());
            channel.close();
        }
    });
}

/// The session has ended by itself.
pub(crate) fn ended() {
    if STATE.with_untracked(|state| matches!(state, State::In(_))) {
        forget(true);
    }
}

fn forget(expired: bool) {
    client::set_token(None);
    storage::remove("session");
    data::forget();
    shell::forget_freshness();
    STATE.set(State::Out { expired });
}

const CHANNEL: &str = "finops.session";

fn listen() {
    let Ok(channel) = BroadcastChannel::new(CHANNEL) else { return };
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        if event.data().as_string().as_deref() == Some("out") {
            forget(false);
        }
    });
    channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    // Both live as long as the tab.
    heard.forget();
    std::mem::forget(channel);
}
