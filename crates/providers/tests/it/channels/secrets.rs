//! Credentials, and URLs that are credentials, are in no log, however talkative, and in no error.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use finops_providers::{
    Guard, Notifier, PagerDutyEvents, ResendMailer, SendGridMailer, SignedWebhook, SlackWebhook, SmtpMailer,
    SmtpSecurity, SmtpServer, TwilioSms, WebhookSecret,
};

use super::smtp_server::{Habits, MailServer};
use super::{guarded, http, notice, policy, route};
use crate::secrets::logged;
use crate::server::{Reply, Server};

/// Long enough for PagerDuty; in no vendor's words.
const CANARY: &str = "CANARY00000000000000000000000000";

const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Everybody who tells something, set up for one server.
fn notifiers(server: &Server, mail: &MailServer) -> Vec<Box<dyn Notifier>> {
    let base = server.base();
    let url = format!("{base}/{CANARY}");
    let secret = WebhookSecret::parse(&WebhookSecret::text(&[7; 32])).unwrap();
    let smtp = SmtpServer {
        host: "127.0.0.1".into(),
        port: mail.port,
        security: SmtpSecurity::Plain,
        credentials: Some(("alerts".into(), CANARY.into())),
        extra_roots: vec![],
    };
    let guard = Guard::new([format!("127.0.0.1:{}", mail.port)]).unwrap();
    let twilio = TwilioSms::new(http(), base, ACCOUNT, CANARY.into(), "FinOps", "+821012345678").unwrap();
    vec![
        Box::new(ResendMailer::new(http(), base, CANARY.into(), route()).unwrap().with_policy(policy())),
        Box::new(SendGridMailer::new(http(), base, CANARY.into(), route()).unwrap().with_policy(policy())),
        Box::new(twilio.with_policy(policy())),
        Box::new(PagerDutyEvents::new(http(), base, CANARY.into()).unwrap().with_policy(policy())),
        Box::new(SlackWebhook::new(guarded(server), url.clone().into()).unwrap().with_policy(policy())),
        Box::new(SignedWebhook::new(guarded(server), url.into(), vec![secret]).unwrap().with_policy(policy())),
        Box::new(SmtpMailer::new(guard, smtp, route()).unwrap().with_policy(policy())),
    ]
}

#[tokio::test]
async fn nothing_is_said_about_credentials() {
    let echo = || {
        let words = format!(r#"{{"name":"{CANARY}","message":"{CANARY}","errors":[{{"message":"{CANARY}"}}]}}"#);
        Reply::status(401, words)
    };
    let log = logged(async {
        tracing::trace!("listening");
        let server = Server::always(echo).await;
        let mail = MailServer::start(Habits { instead: Some(("AUTH", "535 5.7.8 No")), ..Habits::default() }).await;
        for notifier in notifiers(&server, &mail) {
            let error = notifier.notify(&notice()).await.unwrap_err();
            // What a webhook's receiver says is its own affair; it is the only one here whose 401 may pass.
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("CANARY") || error.is_transient(), "{shown}");
        }
    })
    .await;
    assert!(log.contains("listening"), "{log}");
    let basic = STANDARD.encode(format!("{ACCOUNT}:{CANARY}"));
    let plain = STANDARD.encode(format!("\0alerts\0{CANARY}"));
    let signing = STANDARD.encode([7; 32]);
    for secret in [CANARY, basic.as_str(), plain.as_str(), signing.as_str()] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
