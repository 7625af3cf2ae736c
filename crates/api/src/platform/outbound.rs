//! The one HTTP client for the outside world.

use std::time::Duration;

/// The client for base URLs that the operator configures: no redirects, no proxy from the environment, bounded time.
///
/// # Errors
/// When the TLS backend cannot be set up.
#[expect(clippy::disallowed_methods, reason = "this is the client that everything else is given")]
pub fn operator_client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("finops/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .build()
}
