//! Where clients that tell somebody something come from.

use std::sync::Arc;
use std::time::Duration;

use finops_contract::channels::{Carrier, CarrierAccount};
use finops_providers::{
    Guard, GuardedClient, MailRoute, Notifier, NotifyPolicy, PagerDutyEvents, ProviderError, ResendMailer,
    SendGridMailer, SignedWebhook, SlackWebhook, SmtpMailer, SmtpServer, TwilioSms, WebhookSecret,
};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::config::{Config, MailCarrier, MailSettings};
use super::outbound;

/// A client that is ready to tell something.
pub type Messenger = Box<dyn Notifier>;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum Unsendable {
    /// The service has no account for this.
    #[error("the service is not set up for this kind of message")]
    NotConfigured,
    /// What the channel holds does not make a client (any more): the guard's exceptions may have changed.
    #[error(transparent)]
    Invalid(#[from] ProviderError),
}

impl Unsendable {
    /// A stable code to store and show.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotConfigured => "channel_not_configured",
            Self::Invalid(_) => "refused_destination",
        }
    }
}

/// Makes clients that tell somebody something: over the service's own accounts, whose addresses are trusted, and to addresses
/// that tenants give, past the guard.
#[derive(Clone, Debug)]
pub struct Notifiers {
    http: reqwest::Client,
    /// For what tenants name.
    tenants: GuardedClient,
    /// For what the operator named, which is let through wherever it is.
    operator: GuardedClient,
    config: Arc<Config>,
    timeout: Duration,
}

impl Notifiers {
    /// How long one attempt may take.
    pub const TIMEOUT: Duration = Duration::from_secs(15);

    /// Clients as the service was told to make them.
    ///
    /// # Errors
    /// When the TLS backend cannot be set up, or an exception of the guard is none.
    pub fn new(config: Arc<Config>) -> anyhow::Result<Self> {
        let allowed = &config.messages.outbound_allow;
        let tenants = GuardedClient::new(Guard::new(allowed)?, outbound::USER_AGENT)?;
        let operator = GuardedClient::new(Guard::new(operators(&config))?, outbound::USER_AGENT)?;
        Ok(Self { http: outbound::operator_client()?, tenants, operator, config, timeout: Self::TIMEOUT })
    }

    /// The same with another patience.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// The guard of what tenants name.
    pub fn guard(&self) -> &Guard {
        self.tenants.guard()
    }

    /// Whether the service has a way to send mail.
    pub fn has_mail(&self) -> bool {
        self.config.messages.mail.is_some()
    }

    /// Whether the service has a way to send SMS.
    pub fn has_sms(&self) -> bool {
        self.config.messages.sms.is_some()
    }

    /// Mail by the service's own way.
    ///
    /// # Errors
    /// When there is none, or an address is none.
    pub fn mail(&self, to: &[String]) -> Result<Messenger, Unsendable> {
        let MailSettings { from, carrier } = self.config.messages.mail.as_ref().ok_or(Unsendable::NotConfigured)?;
        let route = MailRoute::new(from, to)?;
        match carrier {
            MailCarrier::Resend(key) => self.resend(key.clone(), route),
            MailCarrier::SendGrid(key) => self.sendgrid(key.clone(), route),
            MailCarrier::Smtp(server) => {
                let mailer = SmtpMailer::new(self.operator.guard().clone(), server.clone(), route)?;
                Ok(Box::new(mailer.with_policy(self.policy())))
            }
        }
    }

    /// Mail by a tenant's own account.
    ///
    /// # Errors
    /// When an address or the key is none, or the account is not for mail.
    pub fn account_mail(
        &self,
        account: &CarrierAccount,
        key: SecretString,
        to: &[String],
    ) -> Result<Messenger, Unsendable> {
        let route = MailRoute::new(&account.from, to)?;
        match account.carrier {
            Carrier::Resend => self.resend(key, route),
            Carrier::Sendgrid => self.sendgrid(key, route),
            Carrier::Twilio => Err(Unsendable::NotConfigured),
        }
    }

    fn resend(&self, key: SecretString, route: MailRoute) -> Result<Messenger, Unsendable> {
        let mailer = ResendMailer::new(self.http.clone(), &self.config.messages.resend_base_url, key, route)?;
        Ok(Box::new(mailer.with_policy(self.policy())))
    }

    fn sendgrid(&self, key: SecretString, route: MailRoute) -> Result<Messenger, Unsendable> {
        let mailer = SendGridMailer::new(self.http.clone(), &self.config.messages.sendgrid_base_url, key, route)?;
        Ok(Box::new(mailer.with_policy(self.policy())))
    }

    /// Mail by a tenant's own server.
    ///
    /// # Errors
    /// When an address is none, or the guard does not let us go there.
    pub fn own_mail(&self, server: SmtpServer, from: &str, to: &[String]) -> Result<Messenger, Unsendable> {
        let mailer = SmtpMailer::new(self.guard().clone(), server, MailRoute::new(from, to)?)?;
        Ok(Box::new(mailer.with_policy(self.policy())))
    }

    /// An SMS to one number.
    ///
    /// # Errors
    /// When the service has no account for it, or the number is none.
    pub fn sms(&self, to: &str) -> Result<Messenger, Unsendable> {
        let sms = self.config.messages.sms.as_ref().ok_or(Unsendable::NotConfigured)?;
        self.twilio(&sms.account_sid, sms.token.clone(), &sms.from, to)
    }

    /// An SMS to one number by a tenant's own account.
    ///
    /// # Errors
    /// When the account is not for SMS, or the number or the token is none.
    pub fn account_sms(
        &self,
        account: &CarrierAccount,
        token: SecretString,
        to: &str,
    ) -> Result<Messenger, Unsendable> {
        let sid = account.account_sid.as_deref().ok_or(Unsendable::NotConfigured)?;
        self.twilio(sid, token, &account.from, to)
    }

    fn twilio(&self, sid: &str, token: SecretString, from: &str, to: &str) -> Result<Messenger, Unsendable> {
        let client = TwilioSms::new(self.http.clone(), &self.config.messages.twilio_base_url, sid, token, from, to)?;
        Ok(Box::new(client.with_policy(self.policy())))
    }

    /// A tenant's Slack.
    ///
    /// # Errors
    /// When the guard does not let us go there.
    pub fn slack(&self, url: SecretString) -> Result<Messenger, Unsendable> {
        Ok(Box::new(SlackWebhook::new(self.tenants.clone(), url)?.with_policy(self.policy())))
    }

    /// The Slack of the service's own settings.
    ///
    /// # Errors
    /// When there is none.
    pub fn operators_slack(&self) -> Result<Messenger, Unsendable> {
        let url = self.config.messages.slack_webhook_url.clone().ok_or(Unsendable::NotConfigured)?;
        Ok(Box::new(SlackWebhook::new(self.operator.clone(), url)?.with_policy(self.policy())))
    }

    /// A tenant's webhook; the newest secret first.
    ///
    /// # Errors
    /// When the guard does not let us go there, or a secret is none.
    pub fn webhook(&self, url: SecretString, secrets: &[SecretString]) -> Result<Messenger, Unsendable> {
        let secrets = secrets.iter().map(WebhookSecret::parse).collect::<Result<_, _>>()?;
        Ok(Box::new(SignedWebhook::new(self.tenants.clone(), url, secrets)?.with_policy(self.policy())))
    }

    /// An integration of PagerDuty.
    ///
    /// # Errors
    /// When the key is none.
    pub fn pagerduty(&self, key: SecretString) -> Result<Messenger, Unsendable> {
        let client = PagerDutyEvents::new(self.http.clone(), &self.config.messages.pagerduty_base_url, key)?;
        Ok(Box::new(client.with_policy(self.policy())))
    }

    /// The integration of the service's own settings.
    ///
    /// # Errors
    /// When there is none.
    pub fn operators_pagerduty(&self) -> Result<Messenger, Unsendable> {
        self.pagerduty(self.config.messages.pagerduty_key.clone().ok_or(Unsendable::NotConfigured)?)
    }

    fn policy(&self) -> NotifyPolicy {
        NotifyPolicy { timeout: self.timeout, ..NotifyPolicy::default() }
    }
}

/// What the operator named, wherever it is: its mail server and its Slack.
fn operators(config: &Config) -> Vec<String> {
    let mut allowed = config.messages.outbound_allow.clone();
    if let Some(MailSettings { carrier: MailCarrier::Smtp(SmtpServer { host, port, .. }), .. }) = &config.messages.mail
    {
        allowed.push(format!("{host}:{port}"));
    }
    let slack = config.messages.slack_webhook_url.as_ref().and_then(|url| Url::parse(url.expose_secret()).ok());
    allowed.extend(slack.as_ref().and_then(authority));
    allowed
}

/// `host:port` of a URL.
pub fn authority(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}
