//! The form about a channel: what every channel has, and what its type needs.

use finops_contract::accounts::Locale;
use finops_contract::channels::{Carrier, Channel, ChannelType, CreatedChannel, MailSecurity};
use finops_contract::teams::Team;
use leptos::prelude::*;

use super::draft::{AccountDraft, Draft, ServerDraft, Way};
use super::wording::{channel_gets, channel_type};
use crate::api::{self, ApiError};
use crate::data::{Task, use_list};
use crate::i18n::{self, Word, t, words};
use crate::reactive::{live, memo};
use crate::ui::{Button, ButtonKind, Form, FormActions, PasswordField, Select, Text, TextField, Textarea};

/// The service's own way.
const SERVICE: &str = "";
/// A mail server of the organization's own.
const SERVER: &str = "smtp";

/// What the form holds.
#[derive(Clone, Copy)]
struct Fields {
    kind: RwSignal<String>,
    name: RwSignal<String>,
    locale: RwSignal<String>,
    team: RwSignal<String>,
    addresses: RwSignal<String>,
    url: RwSignal<String>,
    numbers: RwSignal<String>,
    routing_key: RwSignal<String>,
    /// How messages go out: [`SERVICE`], [`SERVER`] or the name of who carries them.
    way: RwSignal<String>,
    /// Whose key is stored.
    stored: Option<Carrier>,
    sid: RwSignal<String>,
    key: RwSignal<String>,
    host: RwSignal<String>,
    port: RwSignal<String>,
    security: RwSignal<String>,
    username: RwSignal<String>,
    password: RwSignal<String>,
    from: RwSignal<String>,
}

impl Fields {
    fn new(before: Option<&Channel>) -> Fields {
        let text = |text: String| RwSignal::new(text);
        let empty = || RwSignal::new(String::new());
        let locale = before.map_or_else(|| i18n::locale_untracked().tag(), |channel| channel.locale.tag());
        let server = before.and_then(|channel| channel.smtp.as_ref());
        let account = before.and_then(|channel| channel.account.as_ref());
        let way = account.map_or(if server.is_some() { SERVER } else { SERVICE }, |account| account.carrier.name());
        let from = account.map(|account| &account.from).or(server.map(|server| &server.from));
        Fields {
            kind: text(before.map_or(ChannelType::Slack, |channel| channel.kind).name().to_owned()),
            name: text(before.map(|channel| channel.name.clone()).unwrap_or_default()),
            locale: text(locale.to_owned()),
            team: text(before.and_then(|it| it.team.as_ref()).map(|team| team.id.to_string()).unwrap_or_default()),
            addresses: text(before.map(|channel| channel.addresses.join("\n")).unwrap_or_default()),
            url: empty(),
            numbers: text(before.map(|channel| channel.numbers.join("\n")).unwrap_or_default()),
            routing_key: empty(),
            way: text(way.to_owned()),
            stored: account.map(|account| account.carrier),
            sid: text(account.and_then(|account| account.account_sid.clone()).unwrap_or_default()),
            key: empty(),
            host: text(server.map(|server| server.host.clone()).unwrap_or_default()),
            port: text(server.map(|server| server.port.to_string()).unwrap_or_default()),
            security: text(security_tag(server.map_or(MailSecurity::Starttls, |server| server.security)).to_owned()),
            username: text(server.and_then(|server| server.username.clone()).unwrap_or_default()),
            password: empty(),
            from: text(from.cloned().unwrap_or_default()),
        }
    }

    /// The chosen type; follows it.
    fn chosen(self) -> ChannelType {
        self.kind.with(|name| ChannelType::from_name(name)).unwrap_or(ChannelType::Slack)
    }

    fn draft(self) -> Draft {
        untrack(|| Draft {
            kind: self.chosen(),
            name: self.name.get(),
            locale: self.locale.with(|tag| if tag == Locale::En.tag() { Locale::En } else { Locale::Ko }),
            team: self.team.get(),
            addresses: self.addresses.get(),
            way: self.way(),
            url: self.url.get(),
            numbers: self.numbers.get(),
            routing_key: self.routing_key.get(),
        })
    }

    /// How messages go out, where the chosen type has a choice of that.
    fn way(self) -> Way {
        let carrier = self.way.with(|name| Carrier::from_name(name)).filter(|one| carries(*one) == self.chosen());
        if let Some(carrier) = carrier {
            let (sid, key, from) = (self.sid.get(), self.key.get(), self.from.get());
            return Way::Account(AccountDraft { carrier, sid, key, from });
        }
        if self.chosen() != ChannelType::Email || self.way.with(|way| way != SERVER) {
            return Way::Service;
        }
        Way::Server(ServerDraft {
            host: self.host.get(),
            port: self.port.get(),
            security: self.security.with(|tag| MailSecurity::from_name(tag)).unwrap_or(MailSecurity::Starttls),
            username: self.username.get(),
            password: self.password.get(),
            from: self.from.get(),
        })
    }
}

/// What somebody carries.
const fn carries(carrier: Carrier) -> ChannelType {
    match carrier {
        Carrier::Resend | Carrier::Sendgrid => ChannelType::Email,
        Carrier::Twilio => ChannelType::Sms,
    }
}

/// What they are called.
pub(super) const fn brand(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Resend => "Resend",
        Carrier::Sendgrid => "SendGrid",
        Carrier::Twilio => "Twilio",
    }
}

const fn security_tag(security: MailSecurity) -> &'static str {
    security.name()
}

/// The form, in a dialog.
#[component]
pub fn ChannelForm(
    /// The dialog.
    open: RwSignal<bool>,
    /// What is changed; nothing for a new one.
    #[prop(optional_no_strip)]
    before: Option<Channel>,
    /// Called with what came of it; a new webhook's secret is in it.
    done: Callback<CreatedChannel>,
) -> AnyView {
    let fields = Fields::new(before.as_ref());
    let task = Task::new();
    let stored = before.clone();
    let submit = move |()| {
        let draft = fields.draft();
        match &stored {
            None => match draft.create() {
                Err(wrong) => drop(task.refuse(&wrong)),
                Ok(request) => {
                    task.run(async move { api::post("/channels", &request).await }, move |made| done.run(made))
                }
            },
            Some(channel) => match draft.change(channel) {
                Err(wrong) => drop(task.refuse(&wrong)),
                Ok(request) => {
                    let path = format!("/channels/{}", channel.id);
                    let work = async move { api::patch::<Channel>(&path, &request).await };
                    task.run(work, move |channel| done.run(CreatedChannel { channel, secret: None }));
                }
            },
        }
    };
    let is_new = before.is_none();
    let masked = before.as_ref().and_then(|channel| channel.masked.clone());
    let kept = before.as_ref().is_some_and(|channel| channel.smtp.as_ref().is_some_and(|it| it.username.is_some()));
    let kind = memo(move |_| fields.chosen());
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            {is_new.then(|| type_choice(fields, task))}
            <TextField
                label=words::alerts::NAME
                value=fields.name
                hint=words::alerts::NAME_HINT
                error=task.field("/name")
                autofocus=true
            />
            {live(move || of_type(kind.get(), fields, task, masked.clone(), kept))}
            {audience(fields, task)}
            <FormActions>
                <Button on_press=move |_| open.set(false)>{t(words::common::CANCEL)}</Button>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>
                    {t(if is_new { words::alerts::ADD_CHANNEL } else { words::common::SAVE })}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

fn type_choice(fields: Fields, task: Task) -> AnyView {
    let choices = Signal::derive(|| {
        let all = ChannelType::ALL.iter();
        all.map(|one| (one.name().to_owned(), channel_type(*one).1.get().to_owned())).collect::<Vec<_>>()
    });
    let hint = Text::derive(move || channel_gets(fields.chosen()).get().to_owned());
    view! { <Select label=words::alerts::CHANNEL_TYPE value=fields.kind choices hint error=task.field("/type") /> }
        .into_any()
}

/// What a type needs.
fn of_type(kind: ChannelType, fields: Fields, task: Task, masked: Option<String>, kept: bool) -> AnyView {
    // What is stored does not come back: the hint tells it from others, and an empty field keeps it.
    let secret = |word: Word| {
        let masked = masked.clone();
        Text::derive(move || match &masked {
            Some(masked) => words::alerts::kept_as(masked),
            None => word.get().to_owned(),
        })
    };
    let url = |hint: Word| {
        view! {
            <TextField
                label=words::alerts::URL
                value=fields.url
                kind="url"
                mono=true
                hint=secret(hint)
                optional=masked.is_some()
                error=wrong_with(task, "/url")
            />
        }
        .into_any()
    };
    match kind {
        ChannelType::Slack => url(words::alerts::URL_SLACK_HINT),
        ChannelType::Webhook => url(words::alerts::URL_WEBHOOK_HINT),
        ChannelType::Pagerduty => view! {
            <PasswordField
                label=words::alerts::ROUTING_KEY
                value=fields.routing_key
                autocomplete="off"
                mono=true
                hint=secret(words::alerts::ROUTING_KEY_HINT)
                error=wrong_with(task, "/routingKey")
            />
        }
        .into_any(),
        ChannelType::Sms => view! {
            <Textarea
                label=words::alerts::NUMBERS
                value=fields.numbers
                hint=words::alerts::NUMBERS_HINT
                error=wrong_among(task, "/numbers")
            />
            {way(kind, fields, task, masked, kept)}
        }
        .into_any(),
        ChannelType::Email => view! {
            <Textarea
                label=words::alerts::ADDRESSES
                value=fields.addresses
                hint=words::alerts::ADDRESSES_HINT
                error=wrong_among(task, "/addresses")
            />
            {way(kind, fields, task, masked, kept)}
        }
        .into_any(),
    }
}

/// How messages of a type go out.
fn way(kind: ChannelType, fields: Fields, task: Task, masked: Option<String>, kept: bool) -> AnyView {
    let choices = Signal::derive(move || {
        let mut all = vec![(SERVICE.to_owned(), words::alerts::WAY_SERVICE.get().to_owned())];
        if kind == ChannelType::Email {
            all.push((SERVER.to_owned(), words::alerts::OWN_SERVER.get().to_owned()));
        }
        let carriers = Carrier::ALL.iter().filter(|one| carries(**one) == kind);
        all.extend(carriers.map(|one| (one.name().to_owned(), words::alerts::way_account(&brand(*one)))));
        all
    });
    view! {
        <Select label=words::alerts::WAY value=fields.way choices error=wrong_with(task, "/account/carrier") />
        {live(move || match fields.way.with(|name| Carrier::from_name(name)).filter(|one| carries(*one) == kind) {
            Some(carrier) => account(carrier, fields, task, masked.clone().filter(|_| fields.stored == Some(carrier))),
            None if kind == ChannelType::Email && fields.way.with(|way| way == SERVER) => server(fields, task, kept),
            None => ().into_any(),
        })}
    }
    .into_any()
}

fn account(carrier: Carrier, fields: Fields, task: Task, masked: Option<String>) -> AnyView {
    let is_twilio = carrier == Carrier::Twilio;
    let (label, from, from_hint) = match is_twilio {
        true => (words::alerts::AUTH_TOKEN, words::alerts::FROM_SMS, words::alerts::FROM_SMS_HINT),
        false => (words::alerts::ACCOUNT_KEY, words::alerts::FROM, words::alerts::FROM_HINT),
    };
    let hint = Text::derive(move || match &masked {
        Some(masked) => words::alerts::kept_as(masked),
        None => words::alerts::ACCOUNT_KEY_HINT.get().to_owned(),
    });
    view! {
        <div class="form" role="group" aria-label=brand(carrier)>
            {is_twilio.then(|| view! {
                <TextField label=words::alerts::ACCOUNT_SID value=fields.sid mono=true error=wrong_with(task, "/account/accountSid") />
            })}
            <PasswordField label value=fields.key autocomplete="off" mono=true hint error=wrong_with(task, "/account/key") />
            <TextField label=from value=fields.from hint=from_hint error=wrong_with(task, "/account/from") />
        </div>
    }
    .into_any()
}

fn server(fields: Fields, task: Task, kept: bool) -> AnyView {
    let security = Signal::derive(|| {
        vec![
            (security_tag(MailSecurity::Starttls).to_owned(), "STARTTLS (587)".to_owned()),
            (security_tag(MailSecurity::Tls).to_owned(), "TLS (465)".to_owned()),
        ]
    });
    let hint = if kept { words::alerts::PASSWORD_KEPT } else { words::alerts::PASSWORD_HINT };
    view! {
        <div class="form" role="group" aria-label=move || words::alerts::OWN_SERVER.get()>
            <TextField label=words::alerts::HOST value=fields.host mono=true error=wrong_with(task, "/smtp/host") />
            <div class="grid">
                <Select label=words::alerts::SECURITY value=fields.security choices=security error=wrong_with(task, "/smtp/security") />
                <TextField label=words::alerts::PORT value=fields.port optional=true error=wrong_with(task, "/smtp/port") />
            </div>
            <TextField label=words::alerts::FROM value=fields.from hint=words::alerts::FROM_HINT error=wrong_with(task, "/smtp/from") />
            <TextField label=words::alerts::USERNAME value=fields.username optional=true error=wrong_with(task, "/smtp/username") />
            <PasswordField label=words::alerts::PASSWORD value=fields.password autocomplete="off" hint error=wrong_with(task, "/smtp/password") />
        </div>
    }
    .into_any()
}

/// For whom, and in which language.
fn audience(fields: Fields, task: Task) -> AnyView {
    let teams = use_list::<Team>(|| Some("/teams?limit=200".to_owned()));
    let teams = Signal::derive(move || {
        let known = teams.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        let all = (String::new(), words::alerts::WHOLE_ORGANIZATION.get().to_owned());
        std::iter::once(all).chain(known.into_iter().map(|team| (team.id.to_string(), team.name))).collect::<Vec<_>>()
    });
    let locales = Signal::derive(|| {
        i18n::Locale::ALL.map(|one| (one.tag().to_owned(), one.own_name().get().to_owned())).to_vec()
    });
    view! {
        <div class="grid">
            <Select label=words::alerts::TEAM value=fields.team choices=teams hint=words::alerts::TEAM_HINT error=task.field("/teamId") />
            <Select label=words::alerts::LANGUAGE value=fields.locale choices=locales error=task.field("/locale") />
        </div>
    }
    .into_any()
}

/// What is wrong with the field at a pointer.
fn wrong_with(task: Task, pointer: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || task.error.with(|error| wrong(error.as_ref()?, pointer)))
}

/// What is wrong with a field that holds several things: as a whole, or with one of them.
fn wrong_among(task: Task, pointer: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || {
        task.error.with(|error| {
            let error = error.as_ref()?;
            let of_one = error.fields.iter().find_map(|field| {
                let at: usize = field.pointer.strip_prefix(pointer)?.strip_prefix('/')?.parse().ok()?;
                Some(words::alerts::wrong_in(&(at + 1), &wrong(error, &field.pointer)?))
            });
            wrong(error, pointer).or(of_one)
        })
    })
}

fn wrong(error: &ApiError, pointer: &str) -> Option<String> {
    use words::alerts as w;
    let field = error.fields.iter().find(|field| field.pointer == pointer)?;
    let word = match field.code.as_str() {
        "too_many" => w::WRONG_MANY,
        "length" if matches!(pointer, "/addresses" | "/numbers") => w::WRONG_MANY,
        "telephone_number" => w::WRONG_NUMBER,
        "not_a_url" => w::WRONG_URL,
        "not_https" => w::WRONG_HTTPS,
        "user_info" => w::WRONG_USER_INFO,
        "local_name" | "private_address" => w::WRONG_PRIVATE,
        "format" if pointer == "/routingKey" => w::WRONG_ROUTING_KEY,
        "format" if pointer == "/account/key" => w::WRONG_ACCOUNT_KEY,
        "format" if pointer == "/account/accountSid" => w::WRONG_ACCOUNT_SID,
        "email" if matches!(pointer, "/smtp/from" | "/account/from") => w::WRONG_FROM,
        _ => return error.field(pointer),
    };
    Some(word.get().to_owned())
}
