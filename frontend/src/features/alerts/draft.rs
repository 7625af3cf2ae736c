//! What the form about a channel says. Pure.

use finops_contract::accounts::Locale;
use finops_contract::channels::{
    Carrier, CarrierAccountRequest, Channel, ChannelType, CreateChannelRequest, MailSecurity, MailServerRequest,
    UpdateChannelRequest,
};

use super::model::lines;

/// Pointer and code of each field that is wrong.
pub(super) type Wrong = Vec<(&'static str, &'static str)>;

/// The most addresses or numbers of a channel.
const MOST: usize = 20;

/// What somebody has filled in of a mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerDraft {
    pub(super) host: String,
    pub(super) port: String,
    pub(super) security: MailSecurity,
    pub(super) username: String,
    pub(super) password: String,
    pub(super) from: String,
}

impl ServerDraft {
    fn read(&self, wrong: &mut Wrong) -> MailServerRequest {
        let filled = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        for (pointer, text) in [("/smtp/host", &self.host), ("/smtp/from", &self.from)] {
            if text.trim().is_empty() {
                wrong.push((pointer, "required"));
            }
        }
        let port = filled(&self.port).map(|port| port.parse::<u16>().ok().filter(|port| *port > 0));
        if port == Some(None) {
            wrong.push(("/smtp/port", "range"));
        }
        MailServerRequest {
            host: self.host.trim().to_owned(),
            port: port.flatten(),
            security: self.security,
            username: filled(&self.username),
            password: (!self.password.is_empty()).then(|| self.password.clone()),
            from: self.from.trim().to_owned(),
        }
    }
}

/// What somebody has filled in of an account at who carries messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AccountDraft {
    pub(super) carrier: Carrier,
    pub(super) sid: String,
    pub(super) key: String,
    pub(super) from: String,
}

impl AccountDraft {
    /// With whether its key is stored already.
    fn read(&self, before: Option<&Channel>, wrong: &mut Wrong) -> CarrierAccountRequest {
        let (sid, key) = (self.sid.trim(), self.key.trim());
        let account_sid = (self.carrier == Carrier::Twilio).then(|| sid.to_owned());
        let is_kept = before
            .and_then(|channel| channel.account.as_ref())
            .is_some_and(|known| known.carrier == self.carrier && known.account_sid == account_sid);
        for (pointer, is_missing) in [
            ("/account/accountSid", account_sid.as_deref() == Some("")),
            ("/account/key", key.is_empty() && !is_kept),
            ("/account/from", self.from.trim().is_empty()),
        ] {
            if is_missing {
                wrong.push((pointer, "required"));
            }
        }
        CarrierAccountRequest {
            carrier: self.carrier,
            account_sid,
            key: (!key.is_empty()).then(|| key.to_owned()),
            from: self.from.trim().to_owned(),
        }
    }
}

/// How messages of a channel go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As the service sends.
    Service,
    /// By a mail server of the organization's own.
    Server(ServerDraft),
    /// By an account of the organization's own.
    Account(AccountDraft),
}

/// What somebody has filled in of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) kind: ChannelType,
    pub(super) name: String,
    pub(super) locale: Locale,
    /// Nothing for the whole organization.
    pub(super) team: String,
    pub(super) addresses: String,
    /// Of mail and text messages.
    pub(super) way: Way,
    pub(super) url: String,
    pub(super) numbers: String,
    pub(super) routing_key: String,
}

impl Draft {
    fn shared(&self, wrong: &mut Wrong) {
        if self.name.trim().is_empty() {
            wrong.push(("/name", "required"));
        }
    }

    /// Several things, of which there must be some.
    fn several(text: &str, pointer: &'static str, wrong: &mut Wrong) -> Vec<String> {
        let items = lines(text);
        match items.len() {
            0 => wrong.push((pointer, "required")),
            1..=MOST => {}
            _ => wrong.push((pointer, "too_many")),
        }
        items
    }

    /// A new channel, or what is wrong.
    pub(super) fn create(&self) -> Result<CreateChannelRequest, Wrong> {
        let mut wrong = Wrong::new();
        self.shared(&mut wrong);
        let mut request = CreateChannelRequest {
            kind: self.kind,
            name: self.name.trim().to_owned(),
            locale: Some(self.locale),
            team_id: self.team.parse().ok(),
            enabled: None,
            addresses: None,
            smtp: None,
            account: None,
            url: None,
            numbers: None,
            routing_key: None,
        };
        let mut secret = |text: &str, pointer: &'static str| {
            if text.trim().is_empty() {
                wrong.push((pointer, "required"));
            }
            Some(text.trim().to_owned())
        };
        match self.kind {
            ChannelType::Slack | ChannelType::Webhook => request.url = secret(&self.url, "/url"),
            ChannelType::Pagerduty => request.routing_key = secret(&self.routing_key, "/routingKey"),
            ChannelType::Email => {
                request.addresses = Some(Self::several(&self.addresses, "/addresses", &mut wrong));
            }
            ChannelType::Sms => request.numbers = Some(Self::several(&self.numbers, "/numbers", &mut wrong)),
        }
        if self.has_way() {
            match &self.way {
                Way::Service => {}
                Way::Server(server) => request.smtp = Some(server.read(&mut wrong)),
                Way::Account(account) => request.account = Some(account.read(None, &mut wrong)),
            }
        }
        if wrong.is_empty() { Ok(request) } else { Err(wrong) }
    }

    /// What changes of a channel, or what is wrong. A secret that is left empty stays.
    pub(super) fn change(&self, before: &Channel) -> Result<UpdateChannelRequest, Wrong> {
        let mut wrong = Wrong::new();
        self.shared(&mut wrong);
        let (name, team) = (self.name.trim(), self.team.parse().ok());
        let mut request = UpdateChannelRequest {
            name: (name != before.name).then(|| name.to_owned()),
            locale: (self.locale != before.locale).then_some(self.locale),
            team_id: (team != before.team.as_ref().map(|team| team.id)).then_some(team),
            ..UpdateChannelRequest::default()
        };
        let typed = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        match before.kind {
            ChannelType::Slack | ChannelType::Webhook => request.url = typed(&self.url),
            ChannelType::Pagerduty => request.routing_key = typed(&self.routing_key),
            ChannelType::Email => {
                let addresses = Self::several(&self.addresses, "/addresses", &mut wrong);
                request.addresses = (addresses != before.addresses).then_some(addresses);
            }
            ChannelType::Sms => {
                let numbers = Self::several(&self.numbers, "/numbers", &mut wrong);
                request.numbers = (numbers != before.numbers).then_some(numbers);
            }
        }
        if self.has_way() {
            self.way(before, &mut request, &mut wrong);
        }
        if wrong.is_empty() { Ok(request) } else { Err(wrong) }
    }

    const fn has_way(&self) -> bool {
        matches!(self.kind, ChannelType::Email | ChannelType::Sms)
    }

    /// Another way, if one is wanted, or none of one's own any more. One is the other's end.
    fn way(&self, before: &Channel, request: &mut UpdateChannelRequest, wrong: &mut Wrong) {
        match &self.way {
            Way::Service => {
                request.smtp = before.smtp.is_some().then_some(None);
                request.account = before.account.is_some().then_some(None);
            }
            Way::Server(server) => {
                let server = server.read(wrong);
                let is_same = before.smtp.as_ref().is_some_and(|known| {
                    known.host == server.host
                        && Some(known.port) == server.port
                        && known.security == server.security
                        && known.username == server.username
                        && known.from == server.from
                });
                request.smtp = (!is_same || server.password.is_some()).then_some(Some(server));
            }
            Way::Account(account) => {
                let account = account.read(Some(before), wrong);
                let is_same = before.account.as_ref().is_some_and(|known| {
                    known.carrier == account.carrier
                        && known.account_sid == account.account_sid
                        && known.from == account.from
                });
                request.account = (!is_same || account.key.is_some()).then_some(Some(account));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(kind: ChannelType) -> Draft {
        Draft {
            kind,
            name: " 재무팀 ".into(),
            locale: Locale::Ko,
            team: String::new(),
            addresses: String::new(),
            way: Way::Service,
            url: String::new(),
            numbers: String::new(),
            routing_key: String::new(),
        }
    }

    fn server() -> ServerDraft {
        ServerDraft {
            host: " smtp.example.com ".into(),
            port: "587".into(),
            security: MailSecurity::Starttls,
            username: "a".into(),
            password: String::new(),
            from: "a@example.com".into(),
        }
    }

    fn email() -> Channel {
        serde_json::from_str(
            r#"{"id":"01936f00-0000-7000-8000-000000000001","type":"email","name":"재무팀","locale":"ko","team":null,"enabled":true,
            "builtIn":false,"addresses":["a@example.com"],"numbers":[],"masked":null,"health":{"state":"ok","since":null,"reason":null},
            "smtp":{"host":"smtp.example.com","port":587,"security":"starttls","username":"a","from":"a@example.com"},
            "formerSecretUntil":null,"createdAt":"2026-11-01T00:00:00Z","updatedAt":"2026-11-01T00:00:00Z"}"#,
        )
        .unwrap()
    }

    #[test]
    fn each_type_needs_its_own_and_sends_no_other() {
        for (kind, pointer) in [
            (ChannelType::Email, "/addresses"),
            (ChannelType::Slack, "/url"),
            (ChannelType::Webhook, "/url"),
            (ChannelType::Sms, "/numbers"),
            (ChannelType::Pagerduty, "/routingKey"),
        ] {
            assert_eq!(draft(kind).create().unwrap_err(), [(pointer, "required")]);
        }
        let request =
            Draft { url: " https://example.com/hook ".into(), ..draft(ChannelType::Webhook) }.create().unwrap();
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"type":"webhook","name":"재무팀","locale":"ko","url":"https://example.com/hook"}"#
        );
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let empty = ServerDraft { host: String::new(), port: "70000".into(), from: " ".into(), ..server() };
        let wrong =
            Draft { name: " ".into(), way: Way::Server(empty), ..draft(ChannelType::Email) }.create().unwrap_err();
        let pointers: Vec<_> = wrong.into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/name", "/addresses", "/smtp/host", "/smtp/from", "/smtp/port"]);
        let many = (0..21).map(|n| format!("+8210{n:08}")).collect::<Vec<_>>().join("\n");
        assert_eq!(
            Draft { numbers: many, ..draft(ChannelType::Sms) }.create().unwrap_err(),
            [("/numbers", "too_many")]
        );
    }

    #[test]
    fn only_what_changed_is_sent_and_a_secret_that_is_left_empty_stays() {
        let before = email();
        let same = Draft { addresses: "a@example.com".into(), way: Way::Server(server()), ..draft(ChannelType::Email) };
        assert_eq!(serde_json::to_string(&same.change(&before).unwrap()).unwrap(), "{}");
        let password = ServerDraft { password: "new".into(), ..server() };
        let changed = Draft { way: Way::Server(password), locale: Locale::En, ..same.clone() }.change(&before).unwrap();
        assert_eq!(changed.locale, Some(Locale::En));
        assert_eq!(changed.smtp.flatten().and_then(|server| server.password).as_deref(), Some("new"));
        let without = Draft { way: Way::Service, ..same }.change(&before).unwrap();
        assert_eq!(serde_json::to_string(&without).unwrap(), r#"{"smtp":null}"#);
    }

    #[test]
    fn an_account_takes_the_place_of_a_server_and_its_key_stays_with_it() {
        let account = |carrier, sid: &str, key: &str| {
            Way::Account(AccountDraft { carrier, sid: sid.into(), key: key.into(), from: "a@example.com".into() })
        };
        let with = |way| Draft { addresses: "a@example.com".into(), way, ..draft(ChannelType::Email) };
        let before = email();
        let changed = with(account(Carrier::Resend, "", "re_0123456789")).change(&before).unwrap();
        assert_eq!(
            serde_json::to_string(&changed).unwrap(),
            r#"{"account":{"carrier":"resend","key":"re_0123456789","from":"a@example.com"}}"#
        );
        let own = finops_contract::channels::CarrierAccount {
            carrier: Carrier::Resend,
            account_sid: None,
            from: "a@example.com".into(),
        };
        let before = Channel { smtp: None, account: Some(own), ..before };
        let same = with(account(Carrier::Resend, "", "")).change(&before).unwrap();
        assert_eq!(serde_json::to_string(&same).unwrap(), "{}");
        assert_eq!(
            with(account(Carrier::Sendgrid, "", "")).change(&before).unwrap_err(),
            [("/account/key", "required")]
        );
        assert_eq!(serde_json::to_string(&with(Way::Service).change(&before).unwrap()).unwrap(), r#"{"account":null}"#);
        let sms = Draft {
            numbers: "+821012345678".into(),
            way: account(Carrier::Twilio, " ", ""),
            ..draft(ChannelType::Sms)
        };
        assert_eq!(sms.create().unwrap_err(), [("/account/accountSid", "required"), ("/account/key", "required")]);
    }
}
