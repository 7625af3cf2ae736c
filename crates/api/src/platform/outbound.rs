//! The one HTTP client for the outside world.

use std::time::Duration;

/// What the service calls itself.
pub const USER_AGENT: &str = concat!("finops/", env!("CARGO_PKG_VERSION"));

/// The client for base URLs that the operator configures: no redirects, no proxy from the environment, bounded time.
///
/// # Errors
/// When the TLS backend cannot be set up.
#[expect(clippy::disallowed_methods, reason = "this is the client that everything else is given")]
pub fn operator_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .build()
}
