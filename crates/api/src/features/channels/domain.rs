//! What a channel may be told to be.

use finops_contract::FieldError;
use finops_contract::channels::{
    CarrierAccount, CarrierAccountRequest, Channel, ChannelType, CreateChannelRequest, MailServer, MailServerRequest,
    UpdateChannelRequest,
};
use finops_providers::Guard;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::reading::{fault, read_account, read_addresses, read_key, read_numbers, read_server, read_url};
use crate::platform::http::{ApiError, ApiResult};
use crate::platform::notifiers;

/// A text shorter than this would be known by its last four characters.
const TELLING: usize = 12;

/// What is not secret about a channel, beside its name. Stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Settings {
    /// Of an e-mail channel.
    pub(super) addresses: Vec<String>,
    /// Of an SMS channel.
    pub(super) numbers: Vec<String>,
    /// Of an e-mail channel that has one of its own.
    pub(super) smtp: Option<MailServer>,
    /// Of an e-mail or SMS channel that has one of its own.
    pub(super) account: Option<CarrierAccount>,
}

impl Settings {
    /// A channel's.
    pub(super) fn of(channel: &Channel) -> Self {
        let Channel { addresses, numbers, smtp, account, .. } = channel;
        Self { addresses: addresses.clone(), numbers: numbers.clone(), smtp: smtp.clone(), account: account.clone() }
    }

    /// Whether messages go by a way of the organization's own.
    pub(super) const fn has_own_way(&self) -> bool {
        self.smtp.is_some() || self.account.is_some()
    }
}

/// The fields of a type, as a request gives them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'a> {
    addresses: Option<&'a [String]>,
    numbers: Option<&'a [String]>,
    smtp: Option<Option<&'a MailServerRequest>>,
    account: Option<Option<&'a CarrierAccountRequest>>,
    url: Option<&'a str>,
    routing_key: Option<&'a str>,
}

impl<'a> From<&'a CreateChannelRequest> for Fields<'a> {
    fn from(request: &'a CreateChannelRequest) -> Self {
        Self {
            addresses: request.addresses.as_deref(),
            numbers: request.numbers.as_deref(),
            smtp: request.smtp.as_ref().map(Some),
            account: request.account.as_ref().map(Some),
            url: request.url.as_deref(),
            routing_key: request.routing_key.as_deref(),
        }
    }
}

impl<'a> From<&'a UpdateChannelRequest> for Fields<'a> {
    fn from(request: &'a UpdateChannelRequest) -> Self {
        Self {
            addresses: request.addresses.as_deref(),
            numbers: request.numbers.as_deref(),
            smtp: request.smtp.as_ref().map(Option::as_ref),
            account: request.account.as_ref().map(Option::as_ref),
            url: request.url.as_deref(),
            routing_key: request.routing_key.as_deref(),
        }
    }
}

impl Fields<'_> {
    /// Whether any is given.
    pub(super) const fn any(&self) -> bool {
        self.addresses.is_some() || self.numbers.is_some() || self.touch_secrets()
    }

    /// Whether one is given that is secret, or holds a secret.
    pub(super) const fn touch_secrets(&self) -> bool {
        self.smtp.is_some() || self.account.is_some() || self.url.is_some() || self.routing_key.is_some()
    }
}

/// A channel's settings and secrets, to be changed.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) kind: ChannelType,
    pub(super) settings: Settings,
    pub(super) kept: Kept,
}

impl Draft {
    /// One without anything yet.
    pub(super) fn new(kind: ChannelType) -> Self {
        Self { kind, settings: Settings::default(), kept: Kept::default() }
    }

    /// Takes over what a request gives.
    ///
    /// # Errors
    /// `validation_failed` with every field at fault: another type's, wrong ones, and missing ones.
    pub(super) fn apply(&mut self, fields: Fields<'_>, guard: &Guard) -> ApiResult<()> {
        let mut faults = Vec::new();
        self.belong(fields, &mut faults);
        if faults.is_empty() {
            let mut note = |result: Result<(), FieldError>| faults.extend(result.err());
            note(
                fields
                    .addresses
                    .map_or(Ok(()), |given| read_addresses(given).map(|read| self.settings.addresses = read)),
            );
            note(fields.numbers.map_or(Ok(()), |given| read_numbers(given).map(|read| self.settings.numbers = read)));
            note(fields.url.map_or(Ok(()), |given| read_url(given, guard).map(|read| self.kept.url = Some(read))));
            note(
                fields
                    .routing_key
                    .map_or(Ok(()), |given| read_key(given).map(|read| self.kept.routing_key = Some(read))),
            );
            note(fields.smtp.map_or(Ok(()), |given| self.take_server(given, guard)));
            note(fields.account.map_or(Ok(()), |given| self.take_account(given)));
        }
        if faults.is_empty() {
            faults
                .extend(self.missing().map(|pointer| fault(pointer, "required", "is what this type of channel needs")));
        }
        if faults.is_empty() { Ok(()) } else { Err(ApiError::fields(faults)) }
    }

    fn belong(&self, fields: Fields<'_>, faults: &mut Vec<FieldError>) {
        use ChannelType::{Email, Pagerduty, Slack, Sms, Webhook};
        let strange = |given: bool, kinds: &[ChannelType]| given && !kinds.contains(&self.kind);
        for (pointer, given, kinds) in [
            ("/account", fields.account.is_some(), &[Email, Sms][..]),
            ("/addresses", fields.addresses.is_some(), &[Email]),
            ("/numbers", fields.numbers.is_some(), &[Sms]),
            ("/routingKey", fields.routing_key.is_some(), &[Pagerduty]),
            ("/smtp", fields.smtp.is_some(), &[Email]),
            ("/url", fields.url.is_some(), &[Slack, Webhook]),
        ] {
            if strange(given, kinds) {
                faults.push(fault(pointer, "not_for_type", "belongs to channels of another type"));
            }
        }
        if matches!((fields.smtp, fields.account), (Some(Some(_)), Some(Some(_)))) {
            faults.push(fault("/account", "not_both", "must not be given with a mail server: one of them is used"));
        }
    }

    fn missing(&self) -> Option<&'static str> {
        let (settings, kept) = (&self.settings, &self.kept);
        let (pointer, is_missing) = match self.kind {
            ChannelType::Email => ("/addresses", settings.addresses.is_empty()),
            ChannelType::Sms => ("/numbers", settings.numbers.is_empty()),
            ChannelType::Slack | ChannelType::Webhook => ("/url", kept.url.is_none()),
            ChannelType::Pagerduty => ("/routingKey", kept.routing_key.is_none()),
        };
        is_missing.then_some(pointer)
    }

    /// A password that is left out stays, as long as it goes to the same place under the same name.
    fn take_server(&mut self, given: Option<&MailServerRequest>, guard: &Guard) -> Result<(), FieldError> {
        let Some(given) = given else {
            (self.settings.smtp, self.kept.password) = (None, None);
            return Ok(());
        };
        let server = read_server(given, guard)?;
        let same = |known: &MailServer| {
            (&known.host, known.port, &known.username) == (&server.host, server.port, &server.username)
        };
        let kept = self.kept.password.take().filter(|_| self.settings.smtp.as_ref().is_some_and(same));
        let password = given.password.as_deref().map(SecretString::from).or(kept);
        match (&server.username, &password) {
            (Some(_), None) => return Err(fault("/smtp/password", "required", "belongs to the user name")),
            (None, Some(_)) => return Err(fault("/smtp/username", "required", "belongs to the password")),
            _ => {}
        }
        (self.settings.smtp, self.kept.password) = (Some(server), password);
        (self.settings.account, self.kept.account_key) = (None, None);
        Ok(())
    }

    /// A key that is left out stays, as long as it is the same account's.
    fn take_account(&mut self, given: Option<&CarrierAccountRequest>) -> Result<(), FieldError> {
        let Some(given) = given else {
            (self.settings.account, self.kept.account_key) = (None, None);
            return Ok(());
        };
        let (account, key) = read_account(given, self.kind)?;
        let same =
            |known: &CarrierAccount| (known.carrier, &known.account_sid) == (account.carrier, &account.account_sid);
        let kept = self.kept.account_key.take().filter(|_| self.settings.account.as_ref().is_some_and(same));
        let key = key.or(kept).ok_or_else(|| fault("/account/key", "required", "opens the account"))?;
        (self.settings.account, self.kept.account_key) = (Some(account), Some(key));
        (self.settings.smtp, self.kept.password) = (None, None);
        Ok(())
    }

    /// What people tell its secret by.
    pub(super) fn masked(&self) -> Option<String> {
        masked(self.kept.url.as_ref(), self.kept.routing_key.as_ref().or(self.kept.account_key.as_ref()))
    }

    /// `host:port` of what the tenant named.
    pub(super) fn host(&self) -> Option<String> {
        if let Some(server) = &self.settings.smtp {
            return Some(format!("{}:{}", server.host, server.port));
        }
        let url = self.kept.url.as_ref()?;
        Url::parse(url.expose_secret()).ok().as_ref().and_then(notifiers::authority)
    }
}

/// What people tell a URL or a key by.
pub(super) fn masked(url: Option<&SecretString>, key: Option<&SecretString>) -> Option<String> {
    let end = |text: &str| {
        let last: Vec<char> = text.chars().rev().take(4).collect();
        if text.chars().count() < TELLING { String::new() } else { last.into_iter().rev().collect() }
    };
    if let Some(key) = key {
        return Some(format!("…{}", end(key.expose_secret())));
    }
    let url = Url::parse(url?.expose_secret()).ok()?;
    let origin = url.origin().ascii_serialization();
    let rest = url.as_str().strip_prefix(&origin).unwrap_or_default();
    Some(format!("{origin}/…{}", end(rest)))
}

#[cfg(test)]
mod tests {
    use finops_contract::channels::{Carrier, CarrierAccountRequest, ChannelType, MailSecurity, MailServerRequest};
    use finops_providers::Guard;
    use secrecy::ExposeSecret as _;

    use super::{Draft, Fields};
    use crate::platform::http::ApiResult;

    fn guard() -> Guard {
        Guard::new(Vec::<String>::new()).unwrap()
    }

    fn faults(result: ApiResult<()>) -> Vec<(String, String)> {
        result.unwrap_err().fields.into_iter().map(|field| (field.pointer, field.code)).collect()
    }

    #[test]
    fn each_type_takes_its_own_fields_and_needs_them() {
        for kind in ChannelType::ALL {
            let missing = faults(Draft::new(*kind).apply(Fields::default(), &guard()));
            assert!(matches!(&missing[..], [(_, code)] if code == "required"), "{kind:?}: {missing:?}");
            let all = Fields {
                addresses: Some(&[]),
                numbers: Some(&[]),
                smtp: Some(None),
                account: Some(None),
                url: Some(""),
                routing_key: Some(""),
            };
            let strange = faults(Draft::new(*kind).apply(all, &guard()));
            assert!(strange.len() >= 3 && strange.iter().all(|(_, code)| code == "not_for_type"), "{strange:?}");
        }
    }

    #[test]
    fn recipients_are_counted_checked_and_named_once() {
        let take = |addresses: &[&str]| {
            let given: Vec<String> = addresses.iter().map(|address| (*address).to_owned()).collect();
            let mut draft = Draft::new(ChannelType::Email);
            draft
                .apply(Fields { addresses: Some(&given), ..Fields::default() }, &guard())
                .map(|()| draft.settings.addresses)
        };
        assert_eq!(
            take(&[" a@example.com", "A@Example.com", "b@example.com"]).unwrap(),
            ["a@example.com", "b@example.com"]
        );
        assert_eq!(faults(take(&[]).map(drop))[0], ("/addresses".to_owned(), "length".to_owned()));
        for bad in ["a", "A <a@example.com>", "a@example.com\r\nBcc: b@example.com", ""] {
            let found = faults(take(&["a@example.com", bad]).map(drop));
            assert_eq!(found, [("/addresses/1".to_owned(), "email".to_owned())], "{bad}");
        }
        let numbers = |number: &str| {
            let given = [number.to_owned()];
            Draft::new(ChannelType::Sms).apply(Fields { numbers: Some(&given), ..Fields::default() }, &guard())
        };
        assert!(numbers("+821012345678").is_ok());
        for bad in ["821012345678", "+0101234567", "+82 10 1234", "+1", "+1234567890123456"] {
            assert_eq!(faults(numbers(bad)), [("/numbers/0".to_owned(), "telephone_number".to_owned())], "{bad}");
        }
    }

    #[test]
    fn what_is_secret_is_told_by_its_ends() {
        let shown = |kind, fields| {
            let mut draft = Draft::new(kind);
            draft.apply(fields, &guard()).unwrap();
            (draft.masked().unwrap_or_default(), draft.host().unwrap_or_default())
        };
        let url = |url| Fields { url: Some(url), ..Fields::default() };
        for (text, masked, host) in [
            (
                "https://hooks.slack.com/services/T0/B0/secret-a1B2",
                "https://hooks.slack.com/…a1B2",
                "hooks.slack.com:443",
            ),
            ("https://example.com:8443/hook?token=0123456789", "https://example.com:8443/…6789", "example.com:8443"),
            ("https://example.com/hook", "https://example.com/…", "example.com:443"),
        ] {
            assert_eq!(shown(ChannelType::Webhook, url(text)), (masked.to_owned(), host.to_owned()));
        }
        let key = Fields { routing_key: Some("0123456789abcdef0123456789abWXYZ"), ..Fields::default() };
        assert_eq!(shown(ChannelType::Pagerduty, key), ("…WXYZ".to_owned(), String::new()));
    }

    #[test]
    fn a_password_stays_for_the_same_place_alone() {
        let addresses = ["a@example.com".to_owned()];
        let server = |host: &str, password: Option<&str>| MailServerRequest {
            host: host.to_owned(),
            port: None,
            security: MailSecurity::Starttls,
            username: Some("u".to_owned()),
            password: password.map(str::to_owned),
            from: "alerts@example.com".to_owned(),
        };
        let mut draft = Draft::new(ChannelType::Email);
        let given = server("SMTP.example.com", Some("secret"));
        let fields = Fields { addresses: Some(&addresses), smtp: Some(Some(&given)), ..Fields::default() };
        draft.apply(fields, &guard()).unwrap();
        assert_eq!(draft.host().as_deref(), Some("smtp.example.com:587"));
        let again = server("smtp.example.com", None);
        let mut same = draft.clone();
        same.apply(Fields { smtp: Some(Some(&again)), ..Fields::default() }, &guard()).unwrap();
        assert_eq!(same.kept.password.as_ref().map(|password| password.expose_secret()), Some("secret"));
        let elsewhere = server("smtp.example.org", None);
        let moved = draft.clone().apply(Fields { smtp: Some(Some(&elsewhere)), ..Fields::default() }, &guard());
        assert_eq!(faults(moved), [("/smtp/password".to_owned(), "required".to_owned())]);
        for host in ["127.0.0.1", "localhost", "mail.internal", "10.0.0.1", "a b", "u@smtp.example.com"] {
            let hostile = server(host, Some("x"));
            let refused =
                faults(draft.clone().apply(Fields { smtp: Some(Some(&hostile)), ..Fields::default() }, &guard()));
            assert_eq!(refused[0].0, "/smtp/host", "{host}");
        }
        draft.apply(Fields { smtp: Some(None), ..Fields::default() }, &guard()).unwrap();
        assert!(draft.settings.smtp.is_none() && draft.kept.is_empty());
    }

    #[test]
    fn an_account_is_of_who_carries_and_its_key_stays_with_it() {
        fn with(given: &CarrierAccountRequest) -> Fields<'_> {
            Fields { account: Some(Some(given)), ..Fields::default() }
        }
        let account = |carrier, sid: Option<&str>, key: Option<&str>, from: &str| CarrierAccountRequest {
            carrier,
            account_sid: sid.map(str::to_owned),
            key: key.map(str::to_owned),
            from: from.to_owned(),
        };
        let numbers = ["+821012345678".to_owned()];
        let addresses = ["a@example.com".to_owned()];
        let (sid, key) = (format!("AC{}", "0".repeat(32)), "0".repeat(32));
        let twilio = account(Carrier::Twilio, Some(&sid), Some(&key), "+15005550006");
        let mut sms = Draft::new(ChannelType::Sms);
        sms.apply(Fields { numbers: Some(&numbers), ..with(&twilio) }, &guard()).unwrap();
        assert_eq!((sms.masked().as_deref(), sms.host()), (Some("…0000"), None));
        // Another sender, the same account: the key stays. Another account: it does not.
        sms.apply(with(&account(Carrier::Twilio, Some(&sid), None, "FinOps")), &guard()).unwrap();
        assert_eq!(sms.kept.account_key.as_ref().map(|key| key.expose_secret().len()), Some(32));
        let elsewhere = format!("AC{}", "1".repeat(32));
        let other = account(Carrier::Twilio, Some(&elsewhere), None, "FinOps");
        let at = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(faults(sms.clone().apply(with(&other), &guard())), at("/account/key", "required"));
        for (kind, given, pointer, code) in [
            (ChannelType::Email, twilio.clone(), "/account/carrier", "not_for_type"),
            (ChannelType::Sms, account(Carrier::Twilio, None, Some(&key), "x"), "/account/accountSid", "required"),
            (ChannelType::Sms, account(Carrier::Twilio, Some("AC1"), Some(&key), "x"), "/account/accountSid", "format"),
            (ChannelType::Sms, account(Carrier::Twilio, Some(&sid), Some(&key), ""), "/account/from", "format"),
            (
                ChannelType::Email,
                account(Carrier::Resend, None, Some("SG.0123456789"), "a@example.com"),
                "/account/key",
                "format",
            ),
            (
                ChannelType::Email,
                account(Carrier::Sendgrid, None, Some("re_0123456789"), "a@example.com"),
                "/account/key",
                "format",
            ),
            (
                ChannelType::Email,
                account(Carrier::Resend, None, Some("re_0123 456789"), "a@example.com"),
                "/account/key",
                "format",
            ),
            (ChannelType::Email, account(Carrier::Resend, None, None, "a@example.com"), "/account/key", "required"),
            (
                ChannelType::Email,
                account(Carrier::Resend, None, Some("re_0123456789"), "nobody"),
                "/account/from",
                "email",
            ),
            (
                ChannelType::Email,
                account(Carrier::Resend, Some(&sid), Some("re_0123456789"), "a@example.com"),
                "/account/accountSid",
                "unexpected",
            ),
        ] {
            let fields = match kind {
                ChannelType::Sms => Fields { numbers: Some(&numbers), ..with(&given) },
                _ => Fields { addresses: Some(&addresses), ..with(&given) },
            };
            assert_eq!(faults(Draft::new(kind).apply(fields, &guard())), at(pointer, code), "{given:?}");
        }
        // A server and an account are each other's end, and never given together.
        let (resend, server) = (
            account(Carrier::Resend, None, Some("re_0123456789"), "a@example.com"),
            MailServerRequest {
                host: "smtp.example.com".into(),
                port: None,
                security: MailSecurity::Tls,
                username: None,
                password: None,
                from: "a@example.com".into(),
            },
        );
        let mut mail = Draft::new(ChannelType::Email);
        mail.apply(Fields { addresses: Some(&addresses), ..with(&resend) }, &guard()).unwrap();
        let both = Fields { smtp: Some(Some(&server)), ..with(&resend) };
        assert_eq!(faults(mail.clone().apply(both, &guard())), at("/account", "not_both"));
        mail.apply(Fields { smtp: Some(Some(&server)), ..Fields::default() }, &guard()).unwrap();
        assert!(mail.settings.account.is_none() && mail.kept.is_empty());
        mail.apply(with(&resend), &guard()).unwrap();
        assert!(mail.settings.smtp.is_none() && mail.settings.has_own_way());
        mail.apply(Fields { account: Some(None), ..Fields::default() }, &guard()).unwrap();
        assert!(!mail.settings.has_own_way() && mail.kept.is_empty());
    }
}
