//! Who asks, for which organization, in which language.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::ErrorCode;
use finops_contract::accounts::{Locale, Role};
use finops_contract::api_keys::Scope;
use tracing_actix_web::RequestId;
use uuid::Uuid;

use super::error::{ApiError, ApiResult};
use crate::platform::auth::{ApiKeyIdentity, Permission, accounts, api_keys};
use crate::platform::clock::Clock;
use crate::platform::db::OrganizationId;
use crate::platform::state::State;

/// The header with which an administrator of the platform acts in another organization than their own.
pub const ORGANIZATION_HEADER: &str = "x-organization-id";
/// The header that holds an API key, for callers whose `Authorization` is somebody else's.
pub const API_KEY_HEADER: &str = "x-api-key";

/// Who makes a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person, with the e-mail address they have now.
    User {
        /// Their account.
        id: Uuid,
        /// Their e-mail address.
        email: String,
    },
    /// A program, with the name its key has now.
    ApiKey {
        /// The key.
        id: Uuid,
        /// Its name.
        name: String,
    },
    /// A job.
    System {
        /// Its name.
        job: &'static str,
    },
    /// Somebody at the command line of the machine.
    Cli,
}

/// The context of a change: who, where, when, on whose behalf.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Who.
    pub actor: Actor,
    /// The organization acted in.
    pub organization: OrganizationId,
    /// What they may do. An API key is no more than a user; its scopes say what it may do at all.
    pub role: Role,
    /// The key, if a program asks.
    pub key: Option<Arc<ApiKeyIdentity>>,
    /// Which request.
    pub request_id: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// The language of the answer.
    pub locale: Locale,
    /// The session's family of refresh tokens, so that changing a password can spare it.
    pub session: Option<Uuid>,
    /// The time, and ids.
    pub clock: Clock,
}

impl Ctx {
    /// The context of a job or of the command line, which may do everything in one organization.
    pub fn trusted(actor: Actor, organization: OrganizationId, clock: Clock) -> Self {
        let locale = Locale::default();
        let role = Role::Admin;
        Self { actor, organization, role, key: None, request_id: None, ip: None, locale, session: None, clock }
    }

    /// Refuses who may not do this.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn require(&self, permission: Permission) -> ApiResult<()> {
        if permission.granted_to(self.role) { Ok(()) } else { Err(ErrorCode::Forbidden.into()) }
    }

    /// The account that asks.
    ///
    /// # Errors
    /// `api_key_not_allowed` for a program, `forbidden` for a job or the command line.
    pub fn user_id(&self) -> ApiResult<Uuid> {
        match &self.actor {
            Actor::User { id, .. } => Ok(*id),
            Actor::ApiKey { .. } => Err(ErrorCode::ApiKeyNotAllowed.into()),
            Actor::System { .. } | Actor::Cli => Err(ErrorCode::Forbidden.into()),
        }
    }

    /// The account or API key that asks.
    ///
    /// # Errors
    /// `forbidden` for a job or the command line.
    pub fn caller_id(&self) -> ApiResult<Uuid> {
        self.key.as_ref().map_or_else(|| self.user_id(), |key| Ok(key.id))
    }

    /// Refuses an API key without this scope. People have all of them, within what they see.
    ///
    /// # Errors
    /// `api_key_scope`.
    pub fn require_scope(&self, scope: Scope) -> ApiResult<()> {
        let lacks = self.key.as_ref().is_some_and(|key| !key.scopes.contains(scope));
        if lacks { Err(ErrorCode::ApiKeyScope.into()) } else { Ok(()) }
    }

    /// The time of this request.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Finds out who asks. A request of an API key is taken out of its quota.
    ///
    /// # Errors
    /// `unauthenticated`, `token_expired`, `api_key_invalid`, `rate_limited`; `not_found` for an organization that is not
    /// theirs.
    pub async fn of(request: &HttpRequest) -> ApiResult<Self> {
        let state = request.app_data::<web::Data<State>>().cloned();
        let state = state.ok_or_else(|| ApiError::internal(anyhow::anyhow!("the state is not registered")))?;
        match api_key(request)? {
            Some(text) => Self::of_key(request, &state, text).await,
            None => Self::of_session(request, &state).await,
        }
    }

    async fn of_session(request: &HttpRequest, state: &State) -> ApiResult<Self> {
        let token = bearer(request).ok_or(ErrorCode::Unauthenticated)?;
        let claims = state.tokens.verify(token, state.clock.now())?;
        let mut tx = state.db.platform().await?;
        let account = accounts::signed_in(&mut tx, claims.sub, claims.sid).await?.ok_or(ErrorCode::Unauthenticated)?;
        let organization = match requested_organization(request)? {
            Some(other) if other != account.organization => {
                let exists = account.role == Role::Admin && accounts::organization_exists(&mut tx, other).await?;
                if exists { other } else { return Err(ErrorCode::NotFound.into()) }
            }
            _ => account.organization,
        };
        tx.commit().await?;
        let locale = locale(request).unwrap_or(account.locale);
        request.extensions_mut().insert(locale);
        Ok(Self {
            actor: Actor::User { id: account.id, email: account.email },
            organization,
            role: account.role,
            key: None,
            request_id: Some(request_id(request)),
            ip: client_ip(request, state.config.trusted_proxy_hops),
            locale,
            session: Some(claims.sid),
            clock: state.clock.clone(),
        })
    }

    async fn of_key(request: &HttpRequest, state: &State, text: &str) -> ApiResult<Self> {
        let key = state.api_keys.authenticate(text).await?;
        if requested_organization(request)?.is_some_and(|other| other != key.organization) {
            return Err(ErrorCode::NotFound.into());
        }
        if let Some(allowance) = state.api_keys.charge(&key).await? {
            // The answer says how much is left, whatever it is.
            request.extensions_mut().insert(allowance);
            if !allowance.granted {
                return Err(ApiError::new(ErrorCode::RateLimited).with_retry_after(allowance.resets_in));
            }
        }
        Ok(Self::with_key(request, state, key))
    }

    fn with_key(request: &HttpRequest, state: &State, key: Arc<ApiKeyIdentity>) -> Self {
        Self {
            actor: Actor::ApiKey { id: key.id, name: key.name.clone() },
            organization: key.organization,
            role: Role::User,
            key: Some(key),
            request_id: Some(request_id(request)),
            ip: client_ip(request, state.config.trusted_proxy_hops),
            locale: locale(request).unwrap_or_default(),
            session: None,
            clock: state.clock.clone(),
        }
    }

    /// Whose API key it is, as far as was known at most so long ago; without its quota, which is counted in the database. For
    /// what has to be answered while that is away.
    ///
    /// # Errors
    /// `blocked`.
    pub async fn remembered(request: &HttpRequest, at_most: TimeDelta) -> ApiResult<Option<Self>> {
        let state = request.app_data::<web::Data<State>>();
        let (Some(state), Some(text)) = (state, api_key(request)?) else { return Ok(None) };
        let Some(key) = state.api_keys.remembered(text, at_most).await? else { return Ok(None) };
        let elsewhere = requested_organization(request)?.is_some_and(|other| other != key.organization);
        Ok((!elsewhere).then(|| Self::with_key(request, state, key)))
    }

    /// What stood before the handler found out, or what is found out now.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn known_or_of(request: &HttpRequest) -> ApiResult<Self> {
        let known = request.extensions().get::<Self>().cloned();
        match known {
            Some(ctx) => Ok(ctx),
            None => Self::of(request).await,
        }
    }
}

/// Only who is signed in: an operation that programs may call takes [`Keyed`] instead.
impl FromRequest for Ctx {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let ctx = Self::known_or_of(&request).await?;
            if ctx.key.is_some() { Err(ErrorCode::ApiKeyNotAllowed.into()) } else { Ok(ctx) }
        })
    }
}

/// A scope, as a type.
pub trait KeyScope: 'static {
    /// The scope.
    const SCOPE: Scope;
}

/// [`Scope::Ingest`].
#[derive(Debug)]
pub enum Ingest {}
/// [`Scope::Read`].
#[derive(Debug)]
pub enum Read {}
/// [`Scope::Guard`].
#[derive(Debug)]
pub enum Guard {}

impl KeyScope for Ingest {
    const SCOPE: Scope = Scope::Ingest;
}

impl KeyScope for Read {
    const SCOPE: Scope = Scope::Read;
}

impl KeyScope for Guard {
    const SCOPE: Scope = Scope::Guard;
}

/// The caller of an operation that API keys with a scope may call too. The operation's description names the scope beside
/// the session: `security(("session" = []), ("api_key" = ["read"]))`.
#[derive(Clone, Debug)]
pub struct Keyed<S>(Ctx, PhantomData<S>);

impl<S> Deref for Keyed<S> {
    type Target = Ctx;

    fn deref(&self) -> &Ctx {
        &self.0
    }
}

impl<S: KeyScope> FromRequest for Keyed<S> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let ctx = Ctx::known_or_of(&request).await?;
            ctx.require_scope(S::SCOPE)?;
            Ok(Self(ctx, PhantomData))
        })
    }
}

/// The API key that a request carries: in a header of its own, which goes before, or as its bearer token.
fn api_key(request: &HttpRequest) -> ApiResult<Option<&str>> {
    if let Some(value) = request.headers().get(API_KEY_HEADER) {
        return Ok(Some(value.to_str().map_err(|_| ErrorCode::ApiKeyInvalid)?));
    }
    Ok(bearer(request).filter(|token| token.starts_with(api_keys::PREFIX)))
}

/// The token of `Authorization: Bearer …`.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn requested_organization(request: &HttpRequest) -> ApiResult<Option<OrganizationId>> {
    let Some(value) = request.headers().get(ORGANIZATION_HEADER) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok()).ok_or(ErrorCode::NotFound)?;
    Ok(Some(OrganizationId(id)))
}

/// The id under which the logs know this request.
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default()
}

/// The first of `Accept-Language` that we speak.
pub fn locale(request: &HttpRequest) -> Option<Locale> {
    let header = request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut wanted: Vec<(f32, &str)> = header
        .split(',')
        .filter_map(|part| {
            let (tag, quality) = part.split_once(";q=").unwrap_or((part, "1"));
            Some((quality.trim().parse().ok()?, tag.trim().split('-').next()?))
        })
        .collect();
    wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
    wanted.into_iter().find_map(|(_, tag)| Locale::from_tag(&tag.to_ascii_lowercase()))
}

/// The caller's address: the peer's, or what the outermost trusted proxy saw. `X-Forwarded-For` is read from its end,
/// because everything before our own proxies' entries is the caller's word.
pub fn client_ip(request: &HttpRequest, trusted_hops: u8) -> Option<String> {
    let peer = request.peer_addr().map(|address| address.ip().to_string());
    if trusted_hops == 0 {
        return peer;
    }
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let index = forwarded.len().checked_sub(usize::from(trusted_hops));
    match index.and_then(|index| forwarded.get(index)).and_then(|text| text.parse::<std::net::IpAddr>().ok()) {
        Some(address) => Some(address.to_string()),
        None => peer,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use finops_contract::accounts::Locale;

    use super::{client_ip, locale};

    #[test]
    fn forwarded_addresses_are_believed_only_from_configured_hops() {
        let peer = "10.0.0.1:1".parse().unwrap();
        let request =
            || TestRequest::default().peer_addr(peer).insert_header(("x-forwarded-for", "6.6.6.6, 203.0.113.9"));
        assert_eq!(client_ip(&request().to_http_request(), 0).as_deref(), Some("10.0.0.1"));
        assert_eq!(client_ip(&request().to_http_request(), 1).as_deref(), Some("203.0.113.9"));
        assert_eq!(client_ip(&request().to_http_request(), 3).as_deref(), Some("10.0.0.1"));
    }

    #[test]
    fn the_preferred_language_that_we_speak_is_taken() {
        let of = |header| locale(&TestRequest::default().insert_header(("accept-language", header)).to_http_request());
        assert_eq!(of("en-US,en;q=0.9,ko;q=0.8"), Some(Locale::En));
        assert_eq!(of("fr, ko;q=0.3, en;q=0.2"), Some(Locale::Ko));
        assert_eq!(of("fr"), None);
    }
}
