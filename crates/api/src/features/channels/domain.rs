//! What a channel may be told to be.

use finops_contract::FieldError;
use finops_contract::channels::{
    Channel, ChannelType, CreateChannelRequest, MailSecurity, MailServer, MailServerRequest, UpdateChannelRequest,
};
use finops_providers::{Guard, MailRoute, Refused};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use validator::ValidateEmail as _;

use super::kept::Kept;
use crate::platform::http::{ApiError, ApiResult};
use crate::platform::notifiers;

/// Addresses or numbers of one channel.
const RECIPIENTS: std::ops::RangeInclusive<usize> = 1..=20;
/// The longest URL.
const URL: usize = 2_000;
/// The longest user name or password of a mail server.
const CREDENTIAL: usize = 255;
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
}

impl Settings {
    /// A channel's.
    pub(super) fn of(channel: &Channel) -> Self {
        let Channel { addresses, numbers, smtp, .. } = channel;
        Self { addresses: addresses.clone(), numbers: numbers.clone(), smtp: smtp.clone() }
    }
}

/// The fields of a type, as a request gives them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'a> {
    addresses: Option<&'a [String]>,
    numbers: Option<&'a [String]>,
    smtp: Option<Option<&'a MailServerRequest>>,
    url: Option<&'a str>,
    routing_key: Option<&'a str>,
}

impl<'a> From<&'a CreateChannelRequest> for Fields<'a> {
    fn from(request: &'a CreateChannelRequest) -> Self {
        Self {
            addresses: request.addresses.as_deref(),
            numbers: request.numbers.as_deref(),
            smtp: request.smtp.as_ref().map(Some),
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
        self.smtp.is_some() || self.url.is_some() || self.routing_key.is_some()
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
            ("/addresses", fields.addresses.is_some(), &[Email][..]),
            ("/numbers", fields.numbers.is_some(), &[Sms]),
            ("/routingKey", fields.routing_key.is_some(), &[Pagerduty]),
            ("/smtp", fields.smtp.is_some(), &[Email]),
            ("/url", fields.url.is_some(), &[Slack, Webhook]),
        ] {
            if strange(given, kinds) {
                faults.push(fault(pointer, "not_for_type", "belongs to channels of another type"));
            }
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
        Ok(())
    }

    /// What people tell its secret by.
    pub(super) fn masked(&self) -> Option<String> {
        masked(self.kept.url.as_ref(), self.kept.routing_key.as_ref())
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

fn fault(pointer: &str, code: &str, message: &str) -> FieldError {
    FieldError { pointer: pointer.into(), code: code.into(), message: message.into() }
}

fn counted(pointer: &str, items: &[String]) -> Result<(), FieldError> {
    if RECIPIENTS.contains(&items.len()) { Ok(()) } else { Err(fault(pointer, "length", "must be 1 to 20")) }
}

fn read_addresses(given: &[String]) -> Result<Vec<String>, FieldError> {
    counted("/addresses", given)?;
    let mut read: Vec<String> = Vec::new();
    for (number, address) in given.iter().enumerate() {
        let address = address.trim();
        if !address.validate_email() || MailRoute::new(address, [address]).is_err() {
            return Err(fault(&format!("/addresses/{number}"), "email", "must be an e-mail address"));
        }
        if !read.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            read.push(address.to_owned());
        }
    }
    Ok(read)
}

fn read_numbers(given: &[String]) -> Result<Vec<String>, FieldError> {
    counted("/numbers", given)?;
    let mut read: Vec<String> = Vec::new();
    for (place, number) in given.iter().enumerate() {
        let number = number.trim();
        let is_number = number.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
        });
        if !is_number {
            let message = "must be + and 7 to 15 digits, the country code first";
            return Err(fault(&format!("/numbers/{place}"), "telephone_number", message));
        }
        if !read.iter().any(|known| known == number) {
            read.push(number.to_owned());
        }
    }
    Ok(read)
}

fn read_url(given: &str, guard: &Guard) -> Result<SecretString, FieldError> {
    if given.len() > URL {
        return Err(fault("/url", "length", "must be at most 2000 characters"));
    }
    guard.check_url(given).map_err(|refused| refusal("/url", refused))?;
    // As it is understood, so that what is stored is what was checked.
    let url = Url::parse(given).map_err(|_| refusal("/url", Refused::NotAUrl))?;
    Ok(SecretString::from(url.as_str()))
}

fn read_key(given: &str) -> Result<SecretString, FieldError> {
    let key = given.trim();
    if key.len() == 32 && key.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Ok(SecretString::from(key))
    } else {
        Err(fault("/routingKey", "format", "must be 32 letters and digits"))
    }
}

fn read_server(given: &MailServerRequest, guard: &Guard) -> Result<MailServer, FieldError> {
    let usual = match given.security {
        MailSecurity::Tls => 465,
        MailSecurity::Starttls => 587,
    };
    let (host, port) = (given.host.trim().to_ascii_lowercase(), given.port.unwrap_or(usual));
    if port == 0 {
        return Err(fault("/smtp/port", "range", "must be 1 to 65535"));
    }
    guard.check_host(&host, port).map_err(|refused| refusal("/smtp/host", refused))?;
    let is_fit = |text: &Option<String>| {
        text.as_ref()
            .is_none_or(|text| (1..=CREDENTIAL).contains(&text.chars().count()) && !text.chars().any(char::is_control))
    };
    for (pointer, text) in [("/smtp/username", &given.username), ("/smtp/password", &given.password)] {
        if !is_fit(text) {
            return Err(fault(pointer, "length", "must be 1 to 255 characters"));
        }
    }
    if MailRoute::new(&given.from, [&given.from]).is_err() {
        return Err(fault("/smtp/from", "email", "must be mail@example.com or Name <mail@example.com>"));
    }
    let (security, username, from) = (given.security, given.username.clone(), given.from.trim().to_owned());
    Ok(MailServer { host, port, security, username, from })
}

fn refusal(pointer: &str, refused: Refused) -> FieldError {
    let message = match refused {
        Refused::NotAUrl => "is not an address",
        Refused::Scheme => "must begin with https://",
        Refused::UserInfo => "must not hold a user name or a password",
        Refused::LocalName => "is a name of a local network; it must be a public one",
        Refused::Address => "is not a public address",
    };
    fault(pointer, refused.user_reason(), message)
}

#[cfg(test)]
mod tests {
    use finops_contract::channels::{ChannelType, MailSecurity, MailServerRequest};
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
}
