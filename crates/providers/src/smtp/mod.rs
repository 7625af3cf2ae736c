//! Mail by SMTP.

mod stream;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Message, MultiPart, SinglePart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};

use crate::capabilities::Notifier;
use crate::error::ProviderError;
use crate::guard::{Guard, Unreachable};
use crate::mail::{MailRoute, SUBJECT};
use crate::notice::{Delivered, Notice, NotifyError, NotifyPolicy, Said};
use stream::Metered;

/// How long a server that has the mail is given to say goodbye.
const FAREWELL: Duration = Duration::from_millis(500);

/// How the connection is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte (port 465).
    Tls,
    /// `STARTTLS` before anything else (port 587); a server that does not offer it gets nothing.
    StartTls,
    /// None. Only for servers that the guard lets through as an exception, on the same machine or network.
    Plain,
}

/// Where mail is handed in.
#[derive(Clone)]
pub struct SmtpServer {
    /// Its name, or an address (IPv6 in brackets).
    pub host: String,
    /// 465, 587, or what it listens on.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User name and password; None hands in without signing in.
    pub credentials: Option<(String, SecretString)>,
    /// Certificates in DER that are trusted beside the system's, for a company's own authority.
    pub extra_roots: Vec<Vec<u8>>,
}

impl std::fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = (&self.host, self.port, self.security);
        f.debug_tuple("SmtpServer").field(&shown).finish()
    }
}

/// Hands mail in to one server, whose addresses pass the guard like a webhook's.
///
/// SMTP knows no idempotency: an attempt whose answer was lost may have sent. Both mails have the same `Message-ID`,
/// by which many programs fold them into one.
#[derive(Debug, Clone)]
pub struct SmtpMailer {
    guard: Guard,
    server: SmtpServer,
    route: MailRoute,
    policy: NotifyPolicy,
}

impl SmtpMailer {
    /// Takes the guard, the server, and who writes to whom. A server that the operator configured is made an exception
    /// of its guard.
    ///
    /// # Errors
    /// [`ProviderError::InvalidRequest`] when the guard refuses the host as it stands ([`Guard::check_host`] says why),
    /// or the connection would be unprotected and the server is no exception.
    pub fn new(guard: Guard, server: SmtpServer, route: MailRoute) -> Result<Self, ProviderError> {
        let invalid = |reason| ProviderError::InvalidRequest { reason };
        guard.check_host(&server.host, server.port).map_err(|_| invalid("the mail server's host is not one"))?;
        if server.security == SmtpSecurity::Plain && !guard.excepts(&server.host, server.port) {
            return Err(invalid("mail is not sent unprotected"));
        }
        Ok(Self { guard, server, route, policy: NotifyPolicy::default() })
    }

    /// The same client under other limits.
    #[must_use]
    pub fn with_policy(self, policy: NotifyPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Gives the connection back on which the mail was handed in. Where it was not, lettre has closed it.
    async fn attempt(&self, message: &Message) -> Result<AsyncSmtpConnection, NotifyError> {
        let addresses = self.guard.resolve(&self.server.host, self.server.port).await.map_err(|error| match error {
            Unreachable::Refused(refused) => NotifyError::Destination(refused),
            Unreachable::NoSuchHost => NotifyError::later("no_such_host"),
        })?;
        let tcp = TcpStream::connect(addresses.as_slice()).await.map_err(|_| NotifyError::later("no_connection"))?;
        let mut connection = self.open(Metered::new(tcp)).await?;
        self.hand_in(&mut connection, message).await?;
        Ok(connection)
    }

    /// A protected connection that has been greeted.
    async fn open(&self, tcp: Metered<TcpStream>) -> Result<AsyncSmtpConnection, NotifyError> {
        let name = ClientId::Domain(self.route.from.email.domain().to_owned());
        let failed = |error: SmtpError| self.verdict(&error);
        match self.server.security {
            SmtpSecurity::Plain => {
                AsyncSmtpConnection::connect_with_transport(Box::new(tcp), &name).await.map_err(failed)
            }
            SmtpSecurity::StartTls => {
                let mut connection =
                    AsyncSmtpConnection::connect_with_transport(Box::new(tcp), &name).await.map_err(failed)?;
                if !connection.can_starttls() {
                    return Err(NotifyError::later("no_starttls"));
                }
                // lettre calls a certificate that does not hold a lost connection.
                connection.starttls(self.parameters()?, &name).await.map_err(|error| match error.status() {
                    Some(_) => failed(error),
                    None => tls_failed(),
                })?;
                Ok(connection)
            }
            SmtpSecurity::Tls => {
                let peer = ServerName::try_from(self.bare_host().to_owned()).map_err(|_| tls_failed())?;
                let connector = tokio_rustls::TlsConnector::from(Arc::new(self.config()?));
                let tls = connector.connect(peer, tcp).await.map_err(|_| tls_failed())?;
                AsyncSmtpConnection::connect_with_transport(Box::new(Metered::new(tls)), &name).await.map_err(failed)
            }
        }
    }

    async fn hand_in(&self, connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), NotifyError> {
        if let Some((user, password)) = &self.server.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, &credentials).await.map_err(|error| match self.verdict(&error) {
                // Whatever is wrong while signing in, it is not the message.
                NotifyError::Permanent { said } => NotifyError::Credentials { said },
                other => other,
            })?;
        }
        let taken = connection.send(message.envelope(), &message.formatted()).await;
        taken.map(drop).map_err(|error| self.verdict(&error))
    }

    /// What a reply code means. 530, 534, 535 and 538 are about signing in (RFC 4954), 454 is its passing failure.
    fn verdict(&self, error: &SmtpError) -> NotifyError {
        if error.is_client() {
            // The server lacks an extension that this mail needs, or every way of signing in that we know.
            return NotifyError::Permanent { said: Said::nothing("not_supported") };
        }
        let Some(status) = error.status().map(u16::from) else {
            return NotifyError::later(match () {
                () if error.is_tls() => "tls_failed",
                () if error.is_timeout() => "timeout",
                () if error.is_response() => "unexpected_answer",
                () => "connection_lost",
            });
        };
        let secret = self.server.credentials.as_ref().map_or("", |(_, password)| password.expose_secret());
        let words = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        let said = Said::status(status).message(&words, secret);
        match status {
            530 | 534 | 535 | 538 => NotifyError::Credentials { said },
            500.. => NotifyError::Permanent { said },
            _ => NotifyError::Later { said, retry_after: None },
        }
    }

    fn bare_host(&self) -> &str {
        self.server.host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.')
    }

    fn config(&self) -> Result<ClientConfig, NotifyError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = self.server.extra_roots.iter().map(|der| CertificateDer::from(der.clone()));
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider.clone())
            .map_err(|_| tls_failed())?;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|_| tls_failed())?.dangerous();
        Ok(builder.with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
    }

    fn parameters(&self) -> Result<TlsParameters, NotifyError> {
        let mut builder = TlsParameters::builder(self.bare_host().to_owned());
        for der in &self.server.extra_roots {
            builder = builder.add_root_certificate(Certificate::from_der(der.clone()).map_err(|_| tls_failed())?);
        }
        builder.build_rustls().map_err(|_| tls_failed())
    }

    fn message(&self, notice: &Notice) -> Result<Message, NotifyError> {
        let mut builder = Message::builder()
            .from(self.route.from.clone())
            .subject(notice.title(SUBJECT))
            .date((self.policy.now)())
            .message_id(Some(format!("<{}@{}>", notice.id, self.route.from.email.domain())))
            .header(AutoSubmitted);
        for to in &self.route.to {
            builder = builder.to(to.clone());
        }
        let message = match &notice.html {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(notice.plain(), html.clone())),
            None => builder.singlepart(SinglePart::plain(notice.plain())),
        };
        message.map_err(|_| NotifyError::invalid("the mail could not be built"))
    }
}

fn tls_failed() -> NotifyError {
    NotifyError::later("tls_failed")
}

#[async_trait]
impl Notifier for SmtpMailer {
    async fn notify(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        notice.check()?;
        let message = self.message(notice)?;
        let attempt = tokio::time::timeout(self.policy.timeout, self.attempt(&message)).await;
        let mut connection = attempt.unwrap_or_else(|_| Err(NotifyError::later("timeout")))?;
        // The mail is the server's now; whether it also takes a farewell changes nothing.
        let _ = tokio::time::timeout(FAREWELL, connection.quit()).await;
        Ok(Delivered { id: message.headers().get_raw("Message-ID").map(str::to_owned) })
    }
}

/// Keeps out-of-office replies away (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
