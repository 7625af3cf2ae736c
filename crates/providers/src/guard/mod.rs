//! The guard for addresses that tenants give: webhooks, Slack's URLs, mail servers.
//!
//! A URL's form is checked before anything is looked up. Its name is looked up once, for the connection itself, and the
//! connection is made to the addresses that were checked: a name that answers otherwise a moment later changes nothing.
//! One address that is not public condemns the whole answer.

mod addresses;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::error::ProviderError;

/// Why we do not go there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no absolute URL with a host.
    #[error("not a URL")]
    NotAUrl,
    /// It is not `https`.
    #[error("not https")]
    Scheme,
    /// It has a user name or a password in it: they belong elsewhere, and would end up in logs.
    #[error("user name or password in the URL")]
    UserInfo,
    /// The host's name is one of a local network, such as `localhost` or `metadata.google.internal`.
    #[error("a name of a local network")]
    LocalName,
    /// The host is, or stands for, an address that is not a public one.
    #[error("an address that is not public")]
    Address,
}

impl Refused {
    /// A stable code to store, translate and show.
    pub fn user_reason(self) -> &'static str {
        match self {
            Self::NotAUrl => "not_a_url",
            Self::Scheme => "not_https",
            Self::UserInfo => "user_info",
            Self::LocalName => "local_name",
            Self::Address => "private_address",
        }
    }
}

/// Names that are never public, and everything below them (RFC 6761, 6762, 8375, and what clouds and routers use).
const LOCAL_NAMES: [&str; 12] = [
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
    "test",
    "onion",
];

/// Decides where a tenant's address may lead.
#[derive(Clone)]
pub struct Guard {
    /// `host:port`, lower case.
    allowed: Arc<HashSet<String>>,
    lookup: Arc<dyn Resolve>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Guard {
    /// Takes the exceptions, `host:port` each (`127.0.0.1:9000`, `[::1]:9000`, `mailpit:1025`): what a tenant's address
    /// names exactly so is believed, over `http` too. For development, demo and tests; empty in production.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when an entry is not `host:port`.
    pub fn new<S: AsRef<str>>(allowed: impl IntoIterator<Item = S>) -> Result<Self, ProviderError> {
        let entry = |entry: S| {
            let url = Url::parse(&format!("tcp://{}", entry.as_ref())).ok()?;
            let bare = url.path().is_empty() && url.username().is_empty() && url.query().is_none();
            Some(authority(url.host_str().filter(|_| bare)?, url.port()?))
        };
        let allowed: Option<HashSet<String>> = allowed.into_iter().map(entry).collect();
        let reason = "an exception of the outbound guard is not host:port";
        let allowed = allowed.ok_or(ProviderError::InvalidRequest { reason })?;
        Ok(Self { allowed: Arc::new(allowed), lookup: Arc::new(System) })
    }

    /// The same with names looked up by `lookup` instead of the system. Its answers are checked like the system's.
    #[must_use]
    pub fn with_lookup(self, lookup: Arc<dyn Resolve>) -> Self {
        Self { lookup, ..self }
    }

    /// Checks a URL as far as that is possible without looking its name up: for forms, before it is stored.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check_url(&self, text: &str) -> Result<(), Refused> {
        self.admit(text).map(drop)
    }

    /// Checks a mail server's host as far as that is possible without looking it up.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check_host(&self, host: &str, port: u16) -> Result<(), Refused> {
        // The URL parser knows every spelling of an address, such as 0x7f.1.
        let url = Url::parse(&format!("https://{host}/")).map_err(|_| Refused::NotAUrl)?;
        let bare = url.username().is_empty() && url.password().is_none() && url.port().is_none() && url.path() == "/";
        let name = url.host_str().filter(|_| bare && url.query().is_none() && url.fragment().is_none());
        let name = name.ok_or(Refused::NotAUrl)?;
        if self.excepts(name, port) { Ok(()) } else { check_name(&url) }
    }

    /// Whether it is one of the exceptions.
    pub(crate) fn excepts(&self, host: &str, port: u16) -> bool {
        self.allowed.contains(&authority(host, port))
    }

    /// The parsed URL, and whether it is one of the exceptions.
    fn admit(&self, text: &str) -> Result<(Url, bool), Refused> {
        let url = Url::parse(text).map_err(|_| Refused::NotAUrl)?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(if url.scheme() == "https" { Refused::NotAUrl } else { Refused::Scheme });
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::UserInfo);
        }
        let http = matches!(url.scheme(), "http" | "https");
        if http && self.excepts(host, port) {
            return Ok((url, true));
        }
        if url.scheme() != "https" {
            return Err(Refused::Scheme);
        }
        check_name(&url)?;
        Ok((url, false))
    }

    /// The addresses of a mail server, each checked.
    pub(crate) async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        self.check_host(host, port).map_err(Unreachable::Refused)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<IpAddr> = match host.parse() {
            Ok(address) => vec![address],
            Err(_) => {
                let name = host.parse::<Name>().map_err(|_| Unreachable::NoSuchHost)?;
                let found = self.lookup.resolve(name).await.map_err(|_| Unreachable::NoSuchHost)?;
                found.map(|address| address.ip()).collect()
            }
        };
        if !self.excepts(host, port) && !found.iter().all(|address| addresses::is_public(*address)) {
            return Err(Unreachable::Refused(Refused::Address));
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

/// Why a host has no address for us.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    Refused(Refused),
    NoSuchHost,
}

/// `host:port` as the exceptions are kept.
fn authority(host: &str, port: u16) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What can be said of an `https` URL's host without looking it up. The parser has turned every spelling of an IPv4
/// address (octal, hexadecimal, one number) into the address.
fn check_name(url: &Url) -> Result<(), Refused> {
    let host = url.host_str().ok_or(Refused::NotAUrl)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return if addresses::is_public(address) { Ok(()) } else { Err(Refused::Address) };
    }
    let name = bare.trim_end_matches('.');
    let below = |local: &str| name.strip_suffix(local).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    // A name without a dot is completed by the machine's search list, which is about its own network.
    if name.is_empty() || !name.contains('.') || LOCAL_NAMES.iter().any(|local| below(local)) {
        return Err(Refused::LocalName);
    }
    Ok(())
}

/// The HTTP client for URLs that tenants give. Cheap to clone; make one a process.
///
/// It follows no redirect and knows no proxy: either would take a checked request somewhere else.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    guard: Guard,
    outside: reqwest::Client,
    /// For the guard's exceptions.
    inside: reqwest::Client,
}

impl GuardedClient {
    /// Makes it. `user_agent` is what it calls itself.
    ///
    /// # Errors
    /// When the TLS backend cannot be set up.
    pub fn new(guard: Guard, user_agent: &str) -> reqwest::Result<Self> {
        let outside = client(user_agent).dns_resolver(Arc::new(Checked(guard.lookup.clone()))).build()?;
        let inside = client(user_agent).build()?;
        Ok(Self { guard, outside, inside })
    }

    /// The guard itself, for checking what is entered.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The parsed URL and the client that may go there.
    pub(crate) fn admit(&self, url: &str) -> Result<(Url, &reqwest::Client), Refused> {
        let (url, excepted) = self.guard.admit(url)?;
        Ok((url, if excepted { &self.inside } else { &self.outside }))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the client for the addresses that tenants give")]
fn client(user_agent: &str) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(2)
}

/// Looks names up and lets no answer pass that is not public throughout.
struct Checked(Arc<dyn Resolve>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.resolve(name);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            if found.iter().all(|address| addresses::is_public(address.ip())) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(Box::new(Refused::Address) as _)
            }
        })
    }
}

/// Whether our own guard made a request fail.
pub(crate) fn refusal(error: &reqwest::Error) -> Option<Refused> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Some(*refused);
        }
        source = error.source();
    }
    None
}

/// The system's resolver.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
