//! The variables of the environment: what each is for, and what it is now.

use std::fmt::Write as _;

use serde::Serialize;

use super::messages;

/// One variable of the environment.
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) default: Option<&'static str>,
    secret: bool,
    about: &'static str,
}

pub(super) const fn plain(name: &'static str, default: Option<&'static str>, about: &'static str) -> Variable {
    Variable { name, default, secret: false, about }
}

pub(super) const fn secret(name: &'static str, about: &'static str) -> Variable {
    Variable { name, default: None, secret: true, about }
}

const VARIABLES: &[Variable] = &[
    plain("FINOPS_ENV", Some("production"), "production or development"),
    plain("HOST", Some("0.0.0.0"), "address to listen on"),
    plain("PORT", Some("8080"), "port to listen on"),
    plain("PUBLIC_URL", Some("http://localhost:8080"), "where people reach the app; links point here"),
    secret("DATABASE_URL", "PostgreSQL 15 or newer, postgres://user:password@host:5432/database"),
    plain(
        "DATABASE_POOL_SIZE",
        Some("10"),
        "connections for requests; cost queries and jobs take half as many more each",
    ),
    secret("JWT_SECRET", "signs access tokens, at least 32 bytes"),
    plain("JWT_EXPIRATION_MINUTES", Some("15"), "how long an access token lasts, 1 to 1440"),
    plain("REGISTRATION", Some("invite"), "open, invite or closed; the first account can always be made"),
    secret("ENCRYPTION_KEY", "local master key, 32 bytes in hex or base64; not needed with AWS KMS"),
    secret("ENCRYPTION_KEY_PREVIOUS", "former master keys, comma-separated, until `finops rekey` has run"),
    plain("AWS_KMS_KEY_ID", None, "KMS key id, ARN or alias; used instead of ENCRYPTION_KEY"),
    plain("AWS_REGION", None, "region of the KMS key"),
    plain("AWS_ENDPOINT_URL_KMS", None, "another KMS endpoint than the region's"),
    secret(
        "CRON_SECRET",
        "what the caller of /api/cron/daily-batch presents; without it the endpoint refuses everyone",
    ),
    plain("OPENAI_BASE_URL", Some("https://api.openai.com/v1"), "where OpenAI's API is"),
    plain(
        "USAGE_POLL_INTERVAL",
        Some("60"),
        "seconds between two polls of the providers' usage, 60 to 3600; 0 polls nothing",
    ),
    plain(
        "BUDGET_CHECK_INTERVAL",
        Some("300"),
        "seconds between two checks of budgets that nothing was reported about, 10 to 3600; what is reported is checked at once",
    ),
    plain("COST_AGGREGATION_INTERVAL", Some("3600"), "seconds that the sums of /api/metrics may be old, 1 to 86400"),
    plain(
        "GUARD_ON_DATABASE_LOSS",
        Some("closed"),
        "whether the guard lets calls through (open) or not (closed) when the database has been away for 30 seconds",
    ),
    secret("PRICE_MAP_URL", "list of public prices (LiteLLM's format) that is read every day; off without it"),
    plain("JOBS_ENABLED", Some("true"), "whether this process runs background jobs"),
    plain("PROMETHEUS_METRICS_ENABLED", Some("true"), "whether /metrics answers"),
    plain("TRUSTED_PROXY_HOPS", Some("0"), "reverse proxies in front whose X-Forwarded-For is believed"),
    plain("APP_DIR", None, "directory of the built app, unless it is embedded"),
    plain("LOG_FORMAT", Some("json"), "json or text"),
];

/// All of them.
pub(super) fn variables() -> impl Iterator<Item = &'static Variable> {
    VARIABLES.iter().chain(messages::VARIABLES)
}

/// A variable with its value and what it is for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    name: &'static str,
    /// A secret's is masked; none when it is not set and has no default.
    value: Option<String>,
    is_default: bool,
    about: &'static str,
}

/// Every variable of the process's environment.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn settings() -> Vec<Setting> {
    let setting = |variable: &Variable| {
        let set = std::env::var(variable.name).ok().filter(|value| !value.is_empty());
        let is_default = set.is_none() && variable.default.is_some();
        let shown = set.map(|value| if variable.secret { "********".to_owned() } else { value });
        let value = shown.or_else(|| variable.default.map(str::to_owned));
        Setting { name: variable.name, value, is_default, about: variable.about }
    };
    variables().map(setting).collect()
}

/// The same for people, as `finops config` prints it.
pub fn describe(settings: &[Setting]) -> String {
    let mut text = String::new();
    for setting in settings {
        let shown = match (&setting.value, setting.is_default) {
            (Some(default), true) => format!("{default} (default)"),
            (Some(value), false) => value.clone(),
            (None, _) => "(not set)".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<27} {:<42} {}", setting.name, shown, setting.about);
    }
    text
}
