//! The URL is the state of a page: what was chosen is in its query.

use std::time::Duration;

use crate::reactive::{effect, memo};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

/// A parameter of the query; follows the URL. Empty counts as absent.
pub fn use_param(name: &'static str) -> Memo<Option<String>> {
    let query = use_query_map();
    memo(move |_| query.with(|query| query.get_str(name).filter(|value| !value.is_empty()).map(str::to_owned)))
}

/// Sets parameters of the query and keeps the others. `None` removes one. Each call is a step of the browser's history
/// unless it replaces the present one.
pub fn use_set_params() -> impl Fn(&[(&str, Option<&str>)], bool) + Clone + Send + Sync + 'static {
    let query = use_query_map();
    let location = use_location();
    let navigate = use_navigate();
    move |changes, replace| {
        let mut params = query.get_untracked();
        for (name, value) in changes {
            params.remove(name);
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                params.insert((*name).to_owned(), value.to_owned());
            }
        }
        let path = location.pathname.get_untracked();
        let hash = location.hash.get_untracked();
        let target = format!("{path}{}{hash}", params.to_query_string());
        navigate(&target, NavigateOptions { replace, scroll: false, ..Default::default() });
    }
}

/// Whether a dialog is open, kept in the query: the link `?new=team` opens it, and closing it takes that away.
pub fn use_open(name: &'static str, value: &'static str) -> RwSignal<bool> {
    let param = use_param(name);
    let set = use_set_params();
    let wanted = memo(move |_| param.with(|param| param.as_deref() == Some(value)));
    let open = RwSignal::new(false);
    effect(move |_| open.set(wanted.get()));
    effect(move |before: Option<bool>| {
        let now = open.get();
        if before.is_some_and(|before| before != now) && wanted.get_untracked() != now {
            set(&[(name, now.then_some(value))], true);
        }
        now
    });
    open
}

/// A field of a filter whose value is a parameter of the query. Another value starts from the first page.
pub fn use_field(name: &'static str) -> RwSignal<String> {
    let param = use_param(name);
    let set = use_set_params();
    let value = RwSignal::new(String::new());
    effect(move |_| value.set(param.get().unwrap_or_default()));
    effect(move |before: Option<String>| {
        let now = value.get();
        let told = param.with_untracked(|param| param.clone().unwrap_or_default());
        if before.is_some_and(|before| before != now) && told != now {
            set(&[(name, Some(&now)), ("cursor", None)], false);
        }
        now
    });
    value
}

/// A text that is searched for: it goes to the URL once nothing more is typed, so that not every letter is a request.
pub fn use_search(name: &'static str) -> RwSignal<String> {
    let param = use_param(name);
    let set = StoredValue::new(use_set_params());
    let value = RwSignal::new(param.get_untracked().unwrap_or_default());
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    effect(move |_| {
        let told = param.get().unwrap_or_default();
        // What is being typed is newer than the URL.
        if waiting.with_value(Option::is_none) {
            value.set(told);
        }
    });
    effect(move |before: Option<()>| {
        let now = value.get();
        if before.is_none() || param.with_untracked(|told| told.as_deref().unwrap_or_default() == now.trim()) {
            return;
        }
        let tell = move || {
            waiting.try_set_value(None);
            set.try_with_value(|set| set(&[(name, Some(now.trim())), ("cursor", None)], true));
        };
        let before = waiting.try_update_value(|waiting| {
            let next = set_timeout_with_handle(tell, Duration::from_millis(250)).ok();
            std::mem::replace(waiting, next)
        });
        if let Some(before) = before.flatten() {
            before.clear();
        }
    });
    value
}

/// A path segment or a query value, escaped.
pub fn escape(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// A query from names and values; absent values are left out. Starts with `?` unless empty.
pub fn query(params: &[(&str, Option<&str>)]) -> String {
    let mut out = String::new();
    for (name, value) in params {
        if let Some(value) = value {
            out.push(if out.is_empty() { '?' } else { '&' });
            out.push_str(name);
            out.push('=');
            out.push_str(&escape(value));
        }
    }
    out
}

/// A path within the app to go to after signing in, or the home page: never another site.
pub fn safe_next(next: Option<&str>) -> String {
    match next {
        Some(path) if path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') => path.to_owned(),
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn only_own_pages_follow_a_sign_in() {
        assert_eq!(safe_next(Some("/projects?from=2026-11-01")), "/projects?from=2026-11-01");
        for elsewhere in [None, Some("//evil.example"), Some("https://evil.example"), Some("/\\evil.example"), Some("")]
        {
            assert_eq!(safe_next(elsewhere), "/");
        }
    }
}
