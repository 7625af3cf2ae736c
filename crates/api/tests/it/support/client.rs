//! A caller of the API, and what it is answered.

use std::sync::Arc;

use finops_api::platform::auth::Tokens;
use finops_api::platform::clock::Clock;
use finops_contract::accounts::{Me, Session};
use finops_contract::{ErrorCode, Problem};
use futures_util::StreamExt as _;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::openapi;

/// A caller. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: Token,
    headers: Vec<(&'static str, String)>,
    me: Option<Arc<Me>>,
}

/// How a caller says who they are.
#[derive(Clone, Debug)]
enum Token {
    None,
    /// This one, whatever the time.
    Fixed(String),
    /// Of one session, made anew for every request: the app does so through the refresh cookie.
    Session {
        tokens: Arc<Tokens>,
        clock: Clock,
        user: Uuid,
        session: Uuid,
    },
}

/// The content type of answers without an end.
const EVENT_STREAM: &str = "text/event-stream";

#[expect(clippy::disallowed_methods, reason = "the service's own client is for the outside world")]
fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

impl Client {
    /// Somebody who is not signed in.
    pub(crate) fn anonymous(url: String) -> Self {
        Self { http: http(), url, token: Token::None, headers: Vec::new(), me: None }
    }

    /// Somebody who is, and stays so however far the clock is moved.
    pub(super) fn signed_in(url: String, tokens: &Arc<Tokens>, clock: &Clock, session: &Session) -> Self {
        let claims = tokens.verify(&session.access_token, clock.now()).expect("a token of ours");
        let (tokens, clock) = (Arc::clone(tokens), clock.clone());
        let token = Token::Session { tokens, clock, user: claims.sub, session: claims.sid };
        Self { token, me: Some(Arc::new(session.user.clone())), ..Self::anonymous(url) }
    }

    /// The same caller at another replica.
    #[must_use]
    pub(crate) fn at(&self, url: String) -> Self {
        Self { url, ..self.clone() }
    }

    /// The same caller with exactly this token.
    #[must_use]
    pub(crate) fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Token::Fixed(token.into()), ..self.clone() }
    }

    /// The same caller with this header on every request.
    #[must_use]
    pub(crate) fn with_header(&self, name: &'static str, value: impl ToString) -> Self {
        let mut client = self.clone();
        client.headers.retain(|(other, _)| *other != name);
        client.headers.push((name, value.to_string()));
        client
    }

    /// Who they were when they signed in.
    pub(crate) fn me(&self) -> &Me {
        self.me.as_ref().expect("somebody who is signed in")
    }

    /// Their account.
    pub(crate) fn id(&self) -> Uuid {
        self.me().id
    }

    /// Their own organization.
    pub(crate) fn organization(&self) -> Uuid {
        self.me().organization.id
    }

    /// A request that can still be changed. The path begins with a slash: `/api/teams`.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        match &self.token {
            Token::None => request,
            Token::Fixed(token) => request.bearer_auth(token),
            Token::Session { tokens, clock, user, session } => {
                request.bearer_auth(tokens.issue(*user, *session, clock.now()).expect("a token"))
            }
        }
    }

    /// Whether the service is ready; nothing, if nobody answers.
    pub(crate) async fn is_ready(&self) -> Option<bool> {
        let answer = self.request(Method::GET, "/ready").send().await.ok()?;
        Some(answer.status().is_success())
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// `POST` with a JSON body.
    pub(crate) async fn post(&self, path: &str, body: impl Serialize) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body)).await
    }

    /// `PUT` with a JSON body.
    pub(crate) async fn put(&self, path: &str, body: impl Serialize) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(&body)).await
    }

    /// `PATCH` with a JSON body.
    pub(crate) async fn patch(&self, path: &str, body: impl Serialize) -> Answer {
        Answer::of(self.request(Method::PATCH, path).json(&body)).await
    }

    /// `DELETE`.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// Any method without a body.
    pub(crate) async fn send(&self, method: Method, path: &str) -> Answer {
        Answer::of(self.request(method, path)).await
    }
}

/// What came back, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What was asked, for messages.
    pub(crate) asked: String,
    /// The HTTP status.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// The body as text.
    pub(crate) text: String,
}

impl Answer {
    /// Sends a request and reads the answer, which must be as the API's description says.
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.expect("an answer");
        let answer = Self::read(format!("{method} {path}"), response).await;
        openapi::check(&method, &path, answer.status, answer.header("content-type"), &answer.text);
        answer
    }

    async fn read(asked: String, response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let endless = headers.get("content-type").is_some_and(|value| value == EVENT_STREAM);
        // A stream is asked for, not waited for: its beginning says that it is one.
        let text = if endless {
            let beginning = response.bytes_stream().next().await.expect("a beginning").expect("a body");
            String::from_utf8_lossy(&beginning).into_owned()
        } else {
            response.text().await.expect("a body")
        };
        Self { asked, status, headers, text }
    }

    /// A header's value; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The body as JSON; null if it is empty, a stream or metrics.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let kind = self.header("content-type");
        if self.text.is_empty() || kind == EVENT_STREAM || kind.starts_with("application/openmetrics-text") {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text))
    }

    /// The body of a success, as JSON.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {} {}", self.asked, self.status, self.text);
        self.json()
    }

    /// The body of a success, as what the contract says it is.
    #[track_caller]
    pub(crate) fn read_as<T: DeserializeOwned>(&self) -> T {
        self.expect_as(self.ok())
    }

    #[track_caller]
    fn expect_as<T: DeserializeOwned>(&self, value: Value) -> T {
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text))
    }

    /// A success of exactly this status; returns its body.
    #[track_caller]
    pub(crate) fn status(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text);
        self.ok()
    }

    /// A success of exactly this status, as what the contract says it is.
    #[track_caller]
    pub(crate) fn expect<T: DeserializeOwned>(&self, status: u16) -> T {
        self.expect_as(self.status(status))
    }

    /// A failure with this code, in every respect as failures are.
    #[track_caller]
    pub(crate) fn problem(&self, code: ErrorCode) -> Problem {
        assert_eq!(self.status, code.status(), "{}: {}", self.asked, self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}: {}", self.asked, self.text);
        let problem: Problem = self.expect_as(self.json());
        assert_eq!((problem.code.as_str(), problem.status), (code.name(), code.status()), "{}", self.asked);
        assert_eq!(problem.kind, format!("/problems/{code}"), "{}", self.asked);
        assert!(!problem.request_id.is_empty() && !problem.title.is_empty() && !problem.detail.is_empty());
        assert_eq!(problem.request_id, self.header("x-request-id"), "{}", self.asked);
        problem
    }

    /// A failure because of this field.
    #[track_caller]
    pub(crate) fn field(&self, pointer: &str, code: &str) {
        let problem = self.problem(ErrorCode::ValidationFailed);
        let found = problem.errors.iter().any(|error| error.pointer == pointer && error.code == code);
        assert!(found, "{}: {:?}", self.asked, problem.errors);
    }
}
