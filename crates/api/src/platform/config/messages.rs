//! What messages are sent with: the service's own accounts at mail and SMS services, its built-in channels, and what the guard of
//! tenants' addresses lets through.

use finops_providers::{Guard, MailRoute, SmtpSecurity, SmtpServer, TwilioSms};
use secrecy::{ExposeSecret as _, SecretString};

use super::Reader;
use super::variables::{Variable, plain, secret};

/// The accounts that messages are sent with.
#[derive(Debug)]
pub struct Messages {
    /// How mail goes out; none does without it.
    pub mail: Option<MailSettings>,
    /// How text messages go out; none does without it.
    pub sms: Option<SmsSettings>,
    /// Where Resend's API is.
    pub resend_base_url: String,
    /// Where SendGrid's API is.
    pub sendgrid_base_url: String,
    /// Where Twilio's API is.
    pub twilio_base_url: String,
    /// Where PagerDuty's Events API is.
    pub pagerduty_base_url: String,
    /// The addresses of the built-in e-mail channel. There is none without a way for mail.
    pub admin_email: Vec<String>,
    /// The built-in Slack channel's webhook.
    pub slack_webhook_url: Option<SecretString>,
    /// The built-in PagerDuty channel's routing key.
    pub pagerduty_key: Option<SecretString>,
    /// `host:port` of addresses that tenants may name though they are not public.
    pub outbound_allow: Vec<String>,
}

/// Who mail is from, and who carries it.
#[derive(Debug)]
pub struct MailSettings {
    /// `mail@example.com` or `Name <mail@example.com>`.
    pub from: String,
    /// Who carries it.
    pub carrier: MailCarrier,
}

/// Who carries mail.
#[derive(Debug)]
pub enum MailCarrier {
    /// Resend, by a key of it.
    Resend(SecretString),
    /// SendGrid, by a key of it.
    SendGrid(SecretString),
    /// A mail server.
    Smtp(SmtpServer),
}

/// An account at Twilio.
#[derive(Debug)]
pub struct SmsSettings {
    /// The account.
    pub account_sid: String,
    /// Its token.
    pub token: SecretString,
    /// A number, a sender's name, or a messaging service.
    pub from: String,
}

pub(super) const VARIABLES: &[Variable] = &[
    plain("MAIL_FROM", None, "sender of mail, mail@example.com or Name <mail@example.com>; needed to send any"),
    secret("RESEND_API_KEY", "sends mail by Resend; goes before SendGrid, which goes before SMTP"),
    plain("RESEND_BASE_URL", Some("https://api.resend.com"), "where Resend's API is"),
    secret("SENDGRID_API_KEY", "sends mail by SendGrid"),
    plain("SENDGRID_BASE_URL", Some("https://api.sendgrid.com"), "where SendGrid's API is"),
    plain("SMTP_HOST", None, "sends mail by this server"),
    plain("SMTP_PORT", None, "its port; 587 with starttls, 465 with tls, 25 with none"),
    plain("SMTP_SECURITY", Some("starttls"), "starttls, tls, or none on the same machine or network"),
    plain("SMTP_USER", None, "user name at that server, if it wants one"),
    secret("SMTP_PASSWORD", "their password"),
    plain("TWILIO_ACCOUNT_SID", None, "sends SMS by this Twilio account"),
    secret("TWILIO_AUTH_TOKEN", "its token"),
    plain(
        "TWILIO_FROM",
        None,
        "the number, name or messaging service that SMS are from (TWILIO_FROM_NUMBER does as well)",
    ),
    plain("TWILIO_FROM_NUMBER", None, "the same"),
    plain("TWILIO_BASE_URL", Some("https://api.twilio.com"), "where Twilio's API is"),
    plain("PAGERDUTY_BASE_URL", Some("https://events.pagerduty.com"), "where PagerDuty's Events API is"),
    plain(
        "ADMIN_EMAIL",
        None,
        "built-in e-mail channel, comma-separated addresses. Built-in channels are those of the organization that the \
         first account of all founded; they can be tested there, and are changed here alone",
    ),
    secret("SLACK_WEBHOOK_URL", "built-in Slack channel of that organization"),
    secret("PAGERDUTY_INTEGRATION_KEY", "built-in PagerDuty channel of that organization"),
    plain(
        "OUTBOUND_ALLOW",
        None,
        "comma-separated host:port that tenants' webhooks and mail servers may name though they are not public; for \
         development",
    ),
];

pub(super) fn read(read: &mut Reader<'_>) -> Messages {
    let messages = Messages {
        mail: mail(read),
        sms: sms(read),
        resend_base_url: base_url(read, "RESEND_BASE_URL"),
        sendgrid_base_url: base_url(read, "SENDGRID_BASE_URL"),
        twilio_base_url: base_url(read, "TWILIO_BASE_URL"),
        pagerduty_base_url: base_url(read, "PAGERDUTY_BASE_URL"),
        admin_email: list(read, "ADMIN_EMAIL"),
        slack_webhook_url: read.raw("SLACK_WEBHOOK_URL").map(Into::into),
        pagerduty_key: read.raw("PAGERDUTY_INTEGRATION_KEY").map(Into::into),
        outbound_allow: list(read, "OUTBOUND_ALLOW"),
    };
    if !messages.admin_email.is_empty() && MailRoute::new(&messages.admin_email[0], &messages.admin_email).is_err() {
        read.problem("ADMIN_EMAIL", "must be 1 to 50 mail addresses, comma-separated");
    }
    if messages.slack_webhook_url.as_ref().is_some_and(|url| !read.is_url(url.expose_secret())) {
        read.problem("SLACK_WEBHOOK_URL", "must be an http or https URL");
    }
    let is_key = |key: &SecretString| {
        key.expose_secret().len() == 32 && key.expose_secret().bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if messages.pagerduty_key.as_ref().is_some_and(|key| !is_key(key)) {
        read.problem("PAGERDUTY_INTEGRATION_KEY", "must be 32 letters and digits");
    }
    if Guard::new(&messages.outbound_allow).is_err() {
        read.problem("OUTBOUND_ALLOW", "must be host:port, comma-separated");
    }
    messages
}

fn mail(read: &mut Reader<'_>) -> Option<MailSettings> {
    let carrier = if let Some(key) = read.raw("RESEND_API_KEY") {
        MailCarrier::Resend(key.into())
    } else if let Some(key) = read.raw("SENDGRID_API_KEY") {
        MailCarrier::SendGrid(key.into())
    } else {
        MailCarrier::Smtp(mail_server(read)?)
    };
    let from = read.raw("MAIL_FROM").unwrap_or_default();
    if MailRoute::new(&from, [&from]).is_err() {
        read.problem("MAIL_FROM", "must be the sender of mail, mail@example.com or Name <mail@example.com>");
    }
    Some(MailSettings { from, carrier })
}

fn mail_server(read: &mut Reader<'_>) -> Option<SmtpServer> {
    let host = read.raw("SMTP_HOST")?;
    let securities = [("starttls", SmtpSecurity::StartTls), ("tls", SmtpSecurity::Tls), ("none", SmtpSecurity::Plain)];
    let security = read.choice("SMTP_SECURITY", &securities);
    let usual = match security {
        SmtpSecurity::StartTls => 587,
        SmtpSecurity::Tls => 465,
        SmtpSecurity::Plain => 25,
    };
    let port = match read.raw("SMTP_PORT") {
        None => usual,
        Some(_) => read.parse("SMTP_PORT", usual, "a port number"),
    };
    let authority = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.clone() };
    if Guard::new([format!("{authority}:{port}")]).is_err() {
        read.problem("SMTP_HOST", "must be a host name or an address");
    }
    let credentials = match (read.raw("SMTP_USER"), read.raw("SMTP_PASSWORD")) {
        (Some(user), Some(password)) => Some((user, password.into())),
        (None, None) => None,
        (None, Some(_)) => {
            read.problem("SMTP_USER", "is missing: there is a password");
            None
        }
        (Some(_), None) => {
            read.problem("SMTP_PASSWORD", "is missing: there is a user name");
            None
        }
    };
    Some(SmtpServer { host: authority, port, security, credentials, extra_roots: Vec::new() })
}

fn sms(read: &mut Reader<'_>) -> Option<SmsSettings> {
    let account_sid = read.raw("TWILIO_ACCOUNT_SID")?;
    if !TwilioSms::is_account(&account_sid) {
        read.problem("TWILIO_ACCOUNT_SID", "must be AC and 32 hexadecimal digits");
    }
    let from = read.raw("TWILIO_FROM").or_else(|| read.raw("TWILIO_FROM_NUMBER")).unwrap_or_default();
    if from.is_empty() {
        read.problem("TWILIO_FROM", "is missing: say what number SMS are from");
    }
    let token = read.required("TWILIO_AUTH_TOKEN", "the token of the Twilio account");
    Some(SmsSettings { account_sid, token, from })
}

fn base_url(read: &mut Reader<'_>, name: &str) -> String {
    let url = read.raw(name).unwrap_or_default().trim_end_matches('/').to_owned();
    if !read.is_url(&url) {
        read.problem(name, "must be an http or https URL");
    }
    url
}

fn list(read: &Reader<'_>, name: &str) -> Vec<String> {
    let text = read.raw(name).unwrap_or_default();
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{MINIMUM, read};
    use super::super::{Config, ConfigError};
    use super::MailCarrier;

    fn with(more: &[(&'static str, &'static str)]) -> Result<Config, ConfigError> {
        read(&[&MINIMUM[..], more].concat())
    }

    #[test]
    fn nothing_goes_out_by_itself() {
        let messages = with(&[]).unwrap().messages;
        assert!(messages.mail.is_none() && messages.sms.is_none() && messages.slack_webhook_url.is_none());
        assert!(messages.outbound_allow.is_empty());
        assert_eq!(messages.pagerduty_base_url, "https://events.pagerduty.com");
        assert_eq!(messages.sendgrid_base_url, "https://api.sendgrid.com");
    }

    #[test]
    fn resend_goes_before_sendgrid_and_sendgrid_before_a_server() {
        let all = [
            ("MAIL_FROM", "FinOps <alerts@example.com>"),
            ("SMTP_HOST", "smtp.example.com"),
            ("SENDGRID_API_KEY", "SG.x"),
            ("RESEND_API_KEY", "re_x"),
        ];
        let carrier = |most: usize| with(&all[..most]).unwrap().messages.mail.map(|mail| mail.carrier);
        assert!(carrier(1).is_none());
        assert!(matches!(carrier(2), Some(MailCarrier::Smtp(server)) if server.port == 587));
        assert!(matches!(carrier(3), Some(MailCarrier::SendGrid(_))));
        assert!(matches!(carrier(4), Some(MailCarrier::Resend(_))));
    }

    #[test]
    fn what_is_half_or_wrong_is_named() {
        for (more, name) in [
            (&[("RESEND_API_KEY", "re_x")][..], "MAIL_FROM"),
            (&[("SENDGRID_API_KEY", "SG.x"), ("MAIL_FROM", "nobody")], "MAIL_FROM"),
            (&[("SMTP_HOST", "a b"), ("MAIL_FROM", "a@example.com")], "SMTP_HOST"),
            (&[("SMTP_HOST", "h"), ("MAIL_FROM", "a@example.com"), ("SMTP_SECURITY", "some")], "SMTP_SECURITY"),
            (&[("SMTP_HOST", "h"), ("MAIL_FROM", "a@example.com"), ("SMTP_USER", "a")], "SMTP_PASSWORD"),
            (&[("SMTP_HOST", "h"), ("MAIL_FROM", "a@example.com"), ("SMTP_PORT", "x")], "SMTP_PORT"),
            (&[("TWILIO_ACCOUNT_SID", "AC1")], "TWILIO_ACCOUNT_SID"),
            (&[("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000")], "TWILIO_AUTH_TOKEN"),
            (&[("ADMIN_EMAIL", "a@example.com,b")], "ADMIN_EMAIL"),
            (&[("SLACK_WEBHOOK_URL", "hooks.slack.com")], "SLACK_WEBHOOK_URL"),
            (&[("PAGERDUTY_INTEGRATION_KEY", "short")], "PAGERDUTY_INTEGRATION_KEY"),
            (&[("PAGERDUTY_BASE_URL", "ftp://x")], "PAGERDUTY_BASE_URL"),
            (&[("OUTBOUND_ALLOW", "127.0.0.1")], "OUTBOUND_ALLOW"),
        ] {
            let ConfigError(problems) = with(more).unwrap_err();
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name} is not in {problems:?}");
        }
    }
}
