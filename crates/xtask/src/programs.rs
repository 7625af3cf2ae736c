//! The simulator and the service as processes: migrated, started, and waited for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::http::Client;
use crate::paths;
use crate::services::{self, Ledger, Service};

/// Variables of the service's environment.
pub(crate) type Environment = [(String, OsString)];

/// Built programs, and where their logs go.
pub(crate) struct Programs<'a> {
    /// The checkout.
    pub(crate) root: &'a Path,
    /// Where cargo put the programs.
    pub(crate) bin: PathBuf,
    /// The directory for logs.
    pub(crate) home: &'a Path,
    /// Remembers what runs.
    pub(crate) ledger: &'a Ledger,
}

/// Where the simulator listens.
pub(crate) struct Address {
    /// Its base URL, which is where it is steered.
    pub(crate) base: String,
    /// What OpenAI's base URL is replaced by.
    pub(crate) openai: String,
    /// A Slack webhook that works.
    pub(crate) slack: String,
    /// Accounts at the vendors that messages go to.
    vendors: Value,
}

/// What the service is told about a vendor, and the variables by which a person shows that they have an account of their own.
type Vendor = (&'static [&'static str], &'static [(&'static str, &'static str)]);

const VENDORS: [Vendor; 3] = [
    (
        &["RESEND_API_KEY", "SENDGRID_API_KEY", "SMTP_HOST"],
        &[("RESEND_API_KEY", "/resend/key"), ("RESEND_BASE_URL", "/resend/baseUrl")],
    ),
    (
        &["TWILIO_ACCOUNT_SID"],
        &[
            ("TWILIO_ACCOUNT_SID", "/twilio/accountSid"),
            ("TWILIO_AUTH_TOKEN", "/twilio/token"),
            ("TWILIO_FROM", "/twilio/from"),
            ("TWILIO_BASE_URL", "/twilio/baseUrl"),
        ],
    ),
    (&["PAGERDUTY_INTEGRATION_KEY"], &[("PAGERDUTY_BASE_URL", "/pagerduty/baseUrl")]),
];

impl Address {
    /// What the service is told so that its messages end up here: of every vendor at which the person has no account of their own
    /// (`is_set` says which variables they gave), and that tenants may name this address. `allowed` is what they may name besides.
    pub(crate) fn vendors(&self, is_set: impl Fn(&str) -> bool, allowed: Option<&str>) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        for (own, told) in VENDORS {
            if own.iter().any(|name| is_set(name)) {
                continue;
            }
            let text = |pointer| self.vendors.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            variables.extend(told.iter().map(|(name, pointer)| (*name, text(pointer))));
        }
        if !is_set("MAIL_FROM") {
            variables.push(("MAIL_FROM", "FinOps for AI <alerts@finops.example>".to_owned()));
        }
        let host = self.base.trim_start_matches("http://");
        let allowed = allowed.filter(|allowed| !allowed.is_empty()).map(|allowed| format!("{allowed},"));
        variables.push(("OUTBOUND_ALLOW", format!("{}{host}", allowed.unwrap_or_default())));
        variables
    }
}

/// The environment of a service on loopback that only answers: it runs no jobs, and has secrets of its own.
///
/// # Errors
/// When there is no random source.
pub(crate) fn quiet(database: String, port: u16) -> Result<Vec<(String, OsString)>> {
    let variables = [
        ("FINOPS_ENV", "development".to_owned()),
        ("HOST", "127.0.0.1".to_owned()),
        ("PORT", port.to_string()),
        ("PUBLIC_URL", format!("http://127.0.0.1:{port}")),
        ("DATABASE_URL", database),
        ("JWT_SECRET", paths::hex(&paths::random::<32>()?)),
        ("ENCRYPTION_KEY", paths::hex(&paths::random::<32>()?)),
        ("JOBS_ENABLED", "false".to_owned()),
        ("LOG_FORMAT", "json".to_owned()),
    ];
    Ok(variables.map(|(name, value)| (name.to_owned(), value.into())).into())
}

impl Programs<'_> {
    /// Starts the simulator with one of its presets; port 0 takes any free one.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn simulator(&self, port: u16, preset: &str) -> Result<(Service, Address)> {
        let out = self.home.join("simulator.out");
        let mut command = Command::new(self.bin.join("finops-simulator"));
        command.args(["--port", &port.to_string(), "--preset", preset]);
        let log = self.home.join("simulator.log");
        let mut service = Service::start("the simulator", &mut command, &log, Some(&out), Some(self.ledger))?;
        let hello = service.wait_for(Duration::from_secs(30), || {
            let text = std::fs::read_to_string(&out).ok()?;
            text.lines().find_map(|line| serde_json::from_str::<Value>(line).ok())
        })?;
        let text =
            |name: &str| hello[name].as_str().map(str::to_owned).with_context(|| format!("no `{name}` in {hello}"));
        let (base, openai, slack) = (text("baseUrl")?, text("openaiBaseUrl")?, text("slackWebhookUrl")?);
        let address = Address { base, openai, slack, vendors: hello };
        Ok((service, address))
    }

    /// Brings the database up to date.
    ///
    /// # Errors
    /// When a migration fails, with the tail of the log.
    pub(crate) fn migrate(&self, env: &Environment) -> Result<()> {
        let log = self.home.join("migrate.log");
        let file = paths::fresh_log(&log)?;
        services::run(self.finops("migrate", env).stdout(file.try_clone()?).stderr(file)).map_err(|error| {
            match services::is_stopped(&error) {
                true => error,
                false => anyhow!("{error:#}; the end of {}:\n{}", log.display(), paths::tail(&log, 20)),
            }
        })
    }

    /// Starts the service, which was told `port` in its environment, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn serve(&self, env: &Environment, port: u16) -> Result<Service> {
        let log = self.home.join("finops.log");
        // The service drains its requests for up to 35 s.
        let mut service = Service::start("the service", &mut self.finops("serve", env), &log, None, Some(self.ledger))?
            .grace(Duration::from_secs(40));
        let client = Client::new(&format!("http://127.0.0.1:{port}"));
        service.wait_for(Duration::from_secs(60), || {
            client.send("GET", "/ready", None).ok().filter(|answer| answer.status == 200)
        })?;
        Ok(service)
    }

    /// Runs a command of the service's to its end; answers what it printed.
    ///
    /// # Errors
    /// When it fails; the message carries what it wrote to standard error.
    pub(crate) fn answer(&self, arguments: &[&str], env: &Environment) -> Result<String> {
        let (verb, rest) = arguments.split_first().context("a command")?;
        services::capture_long(self.finops(verb, env).args(rest))
    }

    /// One of the service's commands.
    pub(crate) fn finops(&self, verb: &str, env: &Environment) -> Command {
        let mut command = Command::new(self.bin.join("finops"));
        command.current_dir(self.root).arg(verb).envs(env.iter().map(|(name, value)| (name, value)));
        command
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Address;

    #[test]
    fn a_vendor_is_simulated_unless_the_person_has_an_account() {
        let address = Address {
            base: "http://127.0.0.1:9000".into(),
            openai: String::new(),
            slack: String::new(),
            vendors: json!({ "resend": { "key": "re_1", "baseUrl": "http://r" }, "twilio": { "token": "t" } }),
        };
        let names = |variables: &[(&'static str, String)]| -> Vec<&'static str> {
            variables.iter().map(|(name, _)| *name).collect()
        };
        let all = address.vendors(|_| false, None);
        assert!(all.contains(&("RESEND_API_KEY", "re_1".into())) && all.contains(&("TWILIO_AUTH_TOKEN", "t".into())));
        assert_eq!(all.last(), Some(&("OUTBOUND_ALLOW", "127.0.0.1:9000".into())));
        let own = address.vendors(|name| name == "SMTP_HOST" || name == "MAIL_FROM", Some("mailpit:1025"));
        assert!(!names(&own).contains(&"RESEND_API_KEY") && !names(&own).contains(&"MAIL_FROM"));
        assert_eq!(own.last(), Some(&("OUTBOUND_ALLOW", "mailpit:1025,127.0.0.1:9000".into())));
    }
}
