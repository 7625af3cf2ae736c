//! Configuration: environment variables, read once at start, checked together.

mod messages;
mod variables;

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use finops_contract::accounts::RegistrationMode;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

pub use self::messages::{MailCarrier, MailSettings, Messages, SmsSettings};
use self::variables::variables;
pub use self::variables::{Setting, describe, settings};
use super::db::PoolSizes;

/// Connections that store usage events: one for each transaction of the committer, and one to spare.
const INGEST_CONNECTIONS: u32 = 3;
/// Connections of the guard: two transactions that hold money for calls, and two that read.
const GUARD_CONNECTIONS: u32 = 4;

/// Everything the service can be told from outside.
#[derive(Debug)]
pub struct Config {
    /// Whether this is a production deployment: secrets must be given, cookies are Secure.
    pub production: bool,
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on.
    pub port: u16,
    /// Where people reach the app; links point here.
    pub public_url: String,
    /// Where PostgreSQL is.
    pub database_url: SecretString,
    /// Connections for requests.
    pub database_pool_size: u32,
    /// Signs access tokens; at least 32 bytes.
    pub jwt_secret: SecretString,
    /// How long an access token lasts, in minutes.
    pub jwt_expiration_minutes: u32,
    /// Who may register.
    pub registration: RegistrationMode,
    /// How secrets are encrypted.
    pub encryption: Encryption,
    /// What the daily batch's caller presents.
    pub cron_secret: Option<SecretString>,
    /// Where OpenAI's API is.
    pub openai_base_url: String,
    /// How often the providers' usage is polled, in seconds; 0 polls nothing.
    pub usage_poll_interval: u32,
    /// How often budgets are checked whether or not anything changed, in seconds.
    pub budget_check_interval: u32,
    /// How old the sums of an organization's metrics may be, in seconds.
    pub cost_aggregation_interval: u32,
    /// Where the list of public prices is that updates the book every day. It may hold a token.
    pub price_map_url: Option<SecretString>,
    /// What messages are sent with.
    pub messages: Messages,
    /// What the guard answers when the database has been away for longer than its figures are believed.
    pub guard_on_database_loss: OnDatabaseLoss,
    /// Whether this process runs background jobs.
    pub jobs_enabled: bool,
    /// Whether `/metrics` answers.
    pub metrics_enabled: bool,
    /// Reverse proxies in front of the service; only their forwarded addresses are believed.
    pub trusted_proxy_hops: u8,
    /// Where the built app is, unless it is embedded.
    pub app_dir: Option<PathBuf>,
    /// How log lines look.
    pub log_format: LogFormat,
}

/// How secrets are encrypted.
#[derive(Debug)]
pub enum Encryption {
    /// Data keys come from AWS KMS.
    Kms {
        /// The key's id, ARN or alias.
        key_id: String,
        /// The region it lives in.
        region: Option<String>,
        /// Another endpoint than the region's, for local stand-ins.
        endpoint: Option<String>,
    },
    /// Data keys are wrapped with a local master key.
    Local {
        /// 32 bytes.
        master_key: SecretBox<[u8; 32]>,
        /// Master keys that still decrypt, until `finops rekey` has run.
        previous: Vec<SecretBox<[u8; 32]>>,
    },
}

/// What the guard answers when nobody knows what was spent and what is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDatabaseLoss {
    /// Calls may be made.
    Open,
    /// They may not: somebody decided that some of them must not be.
    Closed,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a terminal.
    Text,
}

/// What is wrong with the configuration, all of it at once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is not complete:\n{}", .0.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// Reads variables and collects what is wrong with them.
struct Reader<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn raw(&self, name: &str) -> Option<String> {
        let variable = variables().find(|variable| variable.name == name);
        debug_assert!(variable.is_some(), "{name} is not listed");
        (self.get)(name)
            .filter(|value| !value.is_empty())
            .or_else(|| variable.and_then(|variable| variable.default).map(str::to_owned))
    }

    fn problem(&mut self, name: &str, what: &str) {
        self.problems.push(format!("{name} {what}"));
    }

    fn is_url(&self, text: &str) -> bool {
        reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    }

    fn parse<T: FromStr>(&mut self, name: &str, fallback: T, expected: &str) -> T {
        match self.raw(name).as_deref().map(str::parse) {
            Some(Ok(value)) => value,
            _ => {
                self.problem(name, &format!("must be {expected}"));
                fallback
            }
        }
    }

    fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> T {
        let value = self.raw(name).unwrap_or_default();
        if let Some((_, choice)) = choices.iter().find(|(text, _)| *text == value) {
            return *choice;
        }
        let names: Vec<_> = choices.iter().map(|(text, _)| *text).collect();
        self.problem(name, &format!("must be one of: {}", names.join(", ")));
        choices[0].1
    }

    fn log_format(&mut self) -> LogFormat {
        self.choice("LOG_FORMAT", &[("json", LogFormat::Json), ("text", LogFormat::Text)])
    }

    fn required(&mut self, name: &str, hint: &str) -> SecretString {
        let value = self.raw(name).unwrap_or_default();
        if value.is_empty() {
            self.problem(name, &format!("is missing: {hint}"));
        }
        value.into()
    }

    fn master_key(&mut self, name: &str, text: &str) -> SecretBox<[u8; 32]> {
        let bytes = decode_hex(text).or_else(|| STANDARD.decode(text).ok()).and_then(|bytes| bytes.try_into().ok());
        match bytes {
            Some(key) => SecretBox::new(Box::new(key)),
            None => {
                self.problem(name, "must be 32 bytes in hex or base64 (generate one: openssl rand -base64 32)");
                SecretBox::new(Box::new([0; 32]))
            }
        }
    }

    fn encryption(&mut self) -> Encryption {
        if let Some(key_id) = self.raw("AWS_KMS_KEY_ID") {
            let (region, endpoint) = (self.raw("AWS_REGION"), self.raw("AWS_ENDPOINT_URL_KMS"));
            return Encryption::Kms { key_id, region, endpoint };
        }
        let master_key =
            self.required("ENCRYPTION_KEY", "give AWS_KMS_KEY_ID, or a local master key (openssl rand -base64 32)");
        let master_key = match master_key.expose_secret() {
            "" => SecretBox::new(Box::new([0; 32])),
            text => self.master_key("ENCRYPTION_KEY", text),
        };
        let previous = self.raw("ENCRYPTION_KEY_PREVIOUS").unwrap_or_default();
        let previous = previous.split(',').map(str::trim).filter(|text| !text.is_empty());
        let previous = previous.map(|text| self.master_key("ENCRYPTION_KEY_PREVIOUS", text)).collect();
        Encryption::Local { master_key, previous }
    }
}

/// What bringing the schema up to date needs.
#[derive(Debug)]
pub struct DatabaseConfig {
    /// Where PostgreSQL is.
    pub url: SecretString,
    /// How log lines look.
    pub log_format: LogFormat,
}

const DATABASE_HINT: &str = "postgres://user:password@host:5432/database";

impl DatabaseConfig {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut read = Reader { get: &|name| std::env::var(name).ok(), problems: Vec::new() };
        let (url, log_format) = (read.required("DATABASE_URL", DATABASE_HINT), read.log_format());
        if read.problems.is_empty() { Ok(Self { url, log_format }) } else { Err(ConfigError(read.problems)) }
    }
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names every variable that is missing or wrong, and what it should be.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// Reads variables from anywhere.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn read(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut read = Reader { get, problems: Vec::new() };
        let production = read.choice("FINOPS_ENV", &[("production", true), ("development", false)]);
        let jwt_secret = read.required("JWT_SECRET", "generate one: openssl rand -base64 32");
        if !jwt_secret.expose_secret().is_empty() && jwt_secret.expose_secret().len() < 32 {
            read.problem("JWT_SECRET", "must be at least 32 bytes (generate one: openssl rand -base64 32)");
        }
        let config = Self {
            production,
            host: read.parse("HOST", IpAddr::from([0, 0, 0, 0]), "an IP address"),
            port: read.parse("PORT", 8080, "a port number"),
            public_url: read.raw("PUBLIC_URL").unwrap_or_default().trim_end_matches('/').to_owned(),
            database_url: read.required("DATABASE_URL", DATABASE_HINT),
            database_pool_size: read.parse("DATABASE_POOL_SIZE", 10, "a number"),
            jwt_secret,
            jwt_expiration_minutes: read.parse("JWT_EXPIRATION_MINUTES", 15, "a number of minutes"),
            registration: read.choice(
                "REGISTRATION",
                &[
                    ("open", RegistrationMode::Open),
                    ("invite", RegistrationMode::Invite),
                    ("closed", RegistrationMode::Closed),
                ],
            ),
            encryption: read.encryption(),
            cron_secret: read.raw("CRON_SECRET").map(Into::into),
            openai_base_url: read.raw("OPENAI_BASE_URL").unwrap_or_default().trim_end_matches('/').to_owned(),
            usage_poll_interval: read.parse("USAGE_POLL_INTERVAL", 60, "a number of seconds"),
            budget_check_interval: read.parse("BUDGET_CHECK_INTERVAL", 300, "a number of seconds"),
            cost_aggregation_interval: read.parse("COST_AGGREGATION_INTERVAL", 3600, "a number of seconds"),
            price_map_url: read.raw("PRICE_MAP_URL").map(Into::into),
            messages: messages::read(&mut read),
            guard_on_database_loss: read.choice(
                "GUARD_ON_DATABASE_LOSS",
                &[("closed", OnDatabaseLoss::Closed), ("open", OnDatabaseLoss::Open)],
            ),
            jobs_enabled: read.parse("JOBS_ENABLED", true, "true or false"),
            metrics_enabled: read.parse("PROMETHEUS_METRICS_ENABLED", true, "true or false"),
            trusted_proxy_hops: read.parse("TRUSTED_PROXY_HOPS", 0, "a small number"),
            app_dir: read.raw("APP_DIR").map(Into::into),
            log_format: read.log_format(),
        };
        config.check(&mut read);
        if read.problems.is_empty() { Ok(config) } else { Err(ConfigError(read.problems)) }
    }

    /// Whether what was read holds together.
    fn check(&self, read: &mut Reader<'_>) {
        if !(1..=200).contains(&self.database_pool_size) {
            read.problem("DATABASE_POOL_SIZE", "must be 1 to 200");
        }
        if !(1..=1440).contains(&self.jwt_expiration_minutes) {
            read.problem("JWT_EXPIRATION_MINUTES", "must be 1 to 1440");
        }
        if self.usage_poll_interval != 0 && !(60..=3600).contains(&self.usage_poll_interval) {
            read.problem("USAGE_POLL_INTERVAL", "must be 60 to 3600, or 0");
        }
        if !(10..=3600).contains(&self.budget_check_interval) {
            read.problem("BUDGET_CHECK_INTERVAL", "must be 10 to 3600");
        }
        if !(1..=86_400).contains(&self.cost_aggregation_interval) {
            read.problem("COST_AGGREGATION_INTERVAL", "must be 1 to 86400");
        }
        let price_map = self.price_map_url.as_ref().map(|url| url.expose_secret());
        let urls = [
            ("PUBLIC_URL", Some(self.public_url.as_str())),
            ("OPENAI_BASE_URL", Some(self.openai_base_url.as_str())),
            ("PRICE_MAP_URL", price_map),
        ];
        for (name, url) in urls.into_iter().filter_map(|(name, url)| Some((name, url?))) {
            if !read.is_url(url) {
                read.problem(name, "must be an http or https URL");
            }
        }
        if self.cron_secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < 16) {
            read.problem("CRON_SECRET", "must be at least 16 bytes");
        }
    }

    /// Connections of each pool: cost queries and jobs take half as many as requests.
    pub fn pool_sizes(&self) -> PoolSizes {
        let half = (self.database_pool_size / 2).max(2);
        PoolSizes {
            api: self.database_pool_size,
            analytics: half,
            jobs: half,
            ingest: INGEST_CONNECTIONS,
            guard: GUARD_CONNECTIONS,
        }
    }

    /// Whether cookies may only travel over TLS: always, but on this machine's own address.
    pub fn secure_cookies(&self) -> bool {
        let host = reqwest::Url::parse(&self.public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
        !matches!(host.as_deref(), Some("localhost" | "127.0.0.1" | "[::1]"))
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Config, ConfigError, Encryption};

    pub(super) fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let map: HashMap<_, _> = variables.iter().copied().collect();
        Config::read(&|name| map.get(name).map(|value| (*value).to_owned()))
    }

    pub(super) const MINIMUM: [(&str, &str); 3] = [
        ("DATABASE_URL", "postgres://localhost/finops"),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("ENCRYPTION_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
    ];

    #[test]
    fn the_minimum_is_three_variables() {
        let config = read(&MINIMUM).unwrap();
        assert!(config.production && config.port == 8080 && config.jobs_enabled);
        assert!(matches!(config.encryption, Encryption::Local { .. }));
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let ConfigError(problems) =
            read(&[("PORT", "eighty"), ("JWT_SECRET", "short"), ("PUBLIC_URL", "ftp://x")]).unwrap_err();
        for name in ["PORT", "JWT_SECRET", "DATABASE_URL", "ENCRYPTION_KEY", "PUBLIC_URL"] {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name} is not in {problems:?}");
        }
    }

    #[test]
    fn a_kms_key_replaces_the_master_key() {
        let config = read(&[MINIMUM[0], MINIMUM[1], ("AWS_KMS_KEY_ID", "alias/finops")]).unwrap();
        assert!(matches!(config.encryption, Encryption::Kms { key_id, .. } if key_id == "alias/finops"));
    }

    #[test]
    fn a_master_key_must_be_32_bytes() {
        for bad in ["abc", "AAAA", "zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"] {
            let mut variables = MINIMUM;
            variables[2].1 = bad;
            assert!(read(&variables).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let shown = format!("{:?}", read(&MINIMUM).unwrap());
        assert!(!shown.contains("0123456789abcdef") && !shown.contains("postgres://"), "{shown}");
    }
}
