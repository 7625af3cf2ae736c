//! The one place that talks to the service.
//!
//! The access token lives in this module's memory and nowhere else. When it has expired the refresh cookie is exchanged
//! for a new one, once for all requests that wait for it, and the request is sent again.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;

use finops_contract::ErrorCode;
use finops_contract::accounts::Session;
use js_sys::{Function, Promise, Reflect};
use leptos::prelude::window;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{AbortSignal, Headers, RequestCredentials, RequestInit, Response};

use super::ApiError;
use crate::i18n::locale_untracked;
use crate::pieces;

/// Milliseconds after which a request is given up.
const TIMEOUT: u32 = 40_000;

thread_local! {
    static TOKEN: RefCell<Option<String>> = const { RefCell::new(None) };
    static REFRESHING: RefCell<Option<Promise>> = const { RefCell::new(None) };
    // Counts changes, so that what was read before one is not taken for what is true after it.
    static CHANGES: Cell<u32> = const { Cell::new(0) };
    static UNDER_WAY: Cell<u32> = const { Cell::new(0) };
}

/// A request, counted while it lives.
struct UnderWay;

impl UnderWay {
    fn begin() -> Self {
        UNDER_WAY.set(UNDER_WAY.get() + 1);
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.set(UNDER_WAY.get() - 1);
        if is_quiet() {
            pieces::when_quiet();
        }
    }
}

/// Whether every request has been answered.
pub(crate) fn is_quiet() -> bool {
    UNDER_WAY.get() == 0
}

/// Reads.
///
/// # Errors
/// What the service or the network said.
pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T, ApiError> {
    read(&get_text(path).await?)
}

/// Reads, without parsing.
///
/// # Errors
/// What the service or the network said.
pub fn get_text(path: &str) -> Sent<'_> {
    Box::pin(send("GET", path, None, JSON))
}

/// Makes something.
///
/// # Errors
/// What the service or the network said.
pub async fn post<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, ApiError> {
    read(&change("POST", path, Some(write(body)), JSON).await?)
}

/// Asks for something to be done that has no parameters; its answer is not looked at.
///
/// # Errors
/// What the service or the network said.
pub async fn post_empty(path: &str) -> Result<(), ApiError> {
    change("POST", path, None, JSON).await.map(drop)
}

/// Changes what is named.
///
/// # Errors
/// What the service or the network said.
pub async fn patch<T: DeserializeOwned>(path: &str, body: &impl Serialize) -> Result<T, ApiError> {
    read(&change("PATCH", path, Some(write(body)), JSON).await?)
}

/// Puts something in its place. Without a body, what the address names.
///
/// # Errors
/// What the service or the network said.
pub async fn put(path: &str, body: Option<&impl Serialize>) -> Result<String, ApiError> {
    change("PUT", path, body.map(write), JSON).await
}

/// Removes something.
///
/// # Errors
/// What the service or the network said.
pub async fn delete(path: &str) -> Result<(), ApiError> {
    change("DELETE", path, None, JSON).await.map(drop)
}

const JSON: &str = "application/json";

/// Parses an answer.
///
/// # Errors
/// When the answer is not what the contract says.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    // An answer without a body reads as `null`, which is what `()` is.
    serde_json::from_str(if text.is_empty() { "null" } else { text }).map_err(|_| ApiError::unreadable(200))
}

fn write(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// How many changes this tab has made.
pub fn changes() -> u32 {
    CHANGES.get()
}

/// The access token from now on.
pub fn set_token(token: Option<String>) {
    TOKEN.set(token);
}

/// A request under way. Behind a pointer: what waits for one would otherwise hold a copy of all that it does.
pub type Sent<'a> = Pin<Box<dyn Future<Output = Result<String, ApiError>> + 'a>>;

fn change<'a>(method: &'a str, path: &'a str, body: Option<String>, kind: &'a str) -> Sent<'a> {
    Box::pin(async move {
        let answer = send(method, path, body, kind).await;
        CHANGES.set(CHANGES.get().wrapping_add(1));
        answer
    })
}

async fn send(method: &str, path: &str, body: Option<String>, kind: &str) -> Result<String, ApiError> {
    // The same key for a request that is sent again, so that it is done once.
    let once = (method != "GET" && !path.starts_with("/auth/")).then(random_key);
    let first = exchange(method, path, body.as_deref(), kind, once.as_deref()).await;
    let Err(error) = first else { return first };
    renew(error).await?;
    exchange(method, path, body.as_deref(), kind, once.as_deref()).await
}

/// A new access token for a request that was refused for want of one. Any other refusal stays what it is.
async fn renew(error: ApiError) -> Result<(), ApiError> {
    let expired = error.is(ErrorCode::TokenExpired) || error.is(ErrorCode::Unauthenticated);
    if !expired || TOKEN.with_borrow(Option::is_none) {
        return Err(error);
    }
    match refresh().await {
        Ok(_) => Ok(()),
        Err(refused) if refused.status == 401 => {
            crate::session::ended();
            Err(error)
        }
        Err(other) => Err(other),
    }
}

/// Begins to read server-sent events, after the one with the id `last`. Nobody waits for its end, so it does not count
/// as under way.
///
/// # Errors
/// What the service or the network said.
pub(super) async fn open(path: &str, last: Option<&str>, signal: &AbortSignal) -> Result<Response, ApiError> {
    match begin_stream(path, last, signal).await {
        Err(error) => {
            renew(error).await?;
            begin_stream(path, last, signal).await
        }
        begun => begun,
    }
}

async fn begin_stream(path: &str, last: Option<&str>, signal: &AbortSignal) -> Result<Response, ApiError> {
    let mut more = vec![("accept", "text/event-stream, application/problem+json")];
    more.extend(last.map(|last| ("last-event-id", last)));
    let init = request("GET", &more)?;
    init.set_signal(Some(signal));
    let response = fetch(path, &init).await?;
    if response.ok() { Ok(response) } else { Err(ApiError::from_body(response.status(), &text_of(&response).await?)) }
}

/// One request, one answer.
async fn exchange(
    method: &str,
    path: &str,
    body: Option<&str>,
    kind: &str,
    once: Option<&str>,
) -> Result<String, ApiError> {
    let _under_way = UnderWay::begin();
    let mut more = vec![("accept", "application/json, application/problem+json")];
    more.extend(body.map(|_| ("content-type", kind)));
    more.extend(once.map(|once| ("idempotency-key", once)));
    let init = request(method, &more)?;
    init.set_signal(Some(&AbortSignal::timeout_with_u32(TIMEOUT)));
    if let Some(body) = body {
        init.set_body(&JsValue::from_str(body));
    }
    let response = fetch(path, &init).await?;
    let text = text_of(&response).await?;
    if response.ok() { Ok(text) } else { Err(ApiError::from_body(response.status(), &text)) }
}

/// What all requests say of who asks, and in which language.
fn request(method: &str, more: &[(&str, &str)]) -> Result<RequestInit, ApiError> {
    let init = RequestInit::new();
    init.set_method(method);
    init.set_credentials(RequestCredentials::SameOrigin);
    let headers = Headers::new().map_err(|_| ApiError::offline())?;
    let set = |name: &str, value: &str| {
        // Fails only for names and values that are no HTTP, of which there are none here.
        let _ = headers.set(name, value);
    };
    set("accept-language", locale_untracked().tag());
    more.iter().for_each(|(name, value)| set(name, value));
    TOKEN.with_borrow(|token| {
        if let Some(token) = token {
            set("authorization", &format!("Bearer {token}"));
        }
    });
    init.set_headers(&headers);
    Ok(init)
}

async fn fetch(path: &str, init: &RequestInit) -> Result<Response, ApiError> {
    let answer = JsFuture::from(window().fetch_with_str_and_init(&format!("/api{path}"), init));
    Ok(answer.await.map_err(|_| ApiError::offline())?.unchecked_into())
}

async fn text_of(response: &Response) -> Result<String, ApiError> {
    let text = response.text().map_err(|_| ApiError::offline())?;
    Ok(JsFuture::from(text).await.map_err(|_| ApiError::offline())?.as_string().unwrap_or_default())
}

/// Exchanges the refresh cookie for a new access token. Everyone who asks while one exchange runs gets its result.
///
/// # Errors
/// With status 401 when there is no session any more.
pub async fn refresh() -> Result<Session, ApiError> {
    let running = REFRESHING.with_borrow(Clone::clone);
    let promise = running.unwrap_or_else(|| {
        let promise = future_to_promise(across_tabs(async {
            let answer = exchange("POST", "/auth/refresh", None, JSON, None).await;
            REFRESHING.set(None);
            answer.map(JsValue::from).map_err(|error| JsValue::from(error.status))
        }));
        REFRESHING.set(Some(promise.clone()));
        promise
    });
    match JsFuture::from(promise).await {
        Ok(text) => {
            let session: Session = read(&text.as_string().unwrap_or_default())?;
            set_token(Some(session.access_token.clone()));
            Ok(session)
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a status of HTTP")]
        Err(status) => Err(ApiError::unreadable(status.as_f64().unwrap_or(0.0) as u16)),
    }
}

/// Runs `work` while no other tab of this browser does: each refresh replaces the cookie that all of them share, and a
/// cookie that was used twice ends the session.
async fn across_tabs(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Result<JsValue, JsValue> {
    let locks = Reflect::get(&window().navigator(), &"locks".into())?;
    let Ok(request) = Reflect::get(&locks, &"request".into()).and_then(|f| f.dyn_into::<Function>()) else {
        // Only secure pages have locks.
        return work.await;
    };
    let mut work = Some(work);
    let held = Closure::<dyn FnMut() -> Promise>::new(move || match work.take() {
        Some(work) => future_to_promise(work),
        None => Promise::resolve(&JsValue::UNDEFINED),
    });
    let done: Promise = request.call2(&locks, &"finops.refresh".into(), held.as_ref())?.dyn_into()?;
    JsFuture::from(done).await
}

fn random_key() -> String {
    let half = || js_sys::Math::random().to_bits();
    format!("{:016x}{:016x}", half(), half())
}
