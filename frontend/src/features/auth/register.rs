//! `/register`, alone or with an invitation in the fragment (`#invite=…`), which no server ever sees.

use finops_contract::accounts::{
    InvitationLookup, InvitationPreview, Me, RegisterRequest, RegistrationInfo, RegistrationMode, Session,
};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::{Entrance, PASSWORD_MIN, looks_like_email, role_name};
use crate::api::{self, ApiError};
use crate::data::{self, Task, use_get};
use crate::i18n::{Word, locale_untracked, t, words};
use crate::reactive::{effect, live, memo};
use crate::session::{self, State};
use crate::ui::{
    Banner, Button, ButtonKind, ButtonSize, Form, LinkButton, PageHeader, PasswordField, Skeleton, Text, TextField,
    Tone,
};

/// Making an account.
#[component]
pub fn RegisterPage() -> AnyView {
    let navigate = use_navigate();
    // Where somebody goes who has just made an account, and who was signed in before.
    let made = StoredValue::new(None::<&'static str>);
    let token = StoredValue::new(invitation());
    effect(move |_| {
        if session::me().is_some() {
            let to = made.get_value().or_else(|| token.with_value(Option::is_none).then_some("/"));
            if let Some(to) = to {
                navigate(to, NavigateOptions { replace: true, ..Default::default() });
            }
        }
    });
    // Somebody else's session is not ended by opening a link.
    let who = memo(move |_| match session::state() {
        State::In(me) if made.get_value().is_none() && token.with_value(Option::is_some) => Who::Known(me),
        State::Starting if token.with_value(Option::is_some) => Who::Asked,
        _ => Who::Nobody,
    });
    let content = move || match who.get() {
        Who::Known(me) => known(&me),
        Who::Asked => skeleton(),
        Who::Nobody => {
            let form = token.get_value().map_or_else(|| uninvited(made), |token| invited(token, made));
            view! {
                {form}
                <p class="entrance-foot">
                    {t(words::auth::HAS_ACCOUNT)} " "
                    <a class="link" href="/login">{t(words::auth::LOG_IN)}</a>
                </p>
            }
            .into_any()
        }
    };
    view! { <Entrance>{live(content)}</Entrance> }.into_any()
}

/// Who opens an invitation.
#[derive(Clone, PartialEq)]
enum Who {
    Nobody,
    /// The refresh cookie is being asked.
    Asked,
    Known(Box<Me>),
}

/// An invitation makes an account of its own, which nobody makes while signed in to another.
fn known(me: &Me) -> AnyView {
    let (name, email, organization) = (me.name.clone(), me.email.clone(), me.organization.name.clone());
    let body = Text::derive(move || words::auth::signed_in_body(&email, &name, &organization));
    view! {
        <PageHeader title=words::auth::SIGNED_IN_TITLE />
        <div class="entrance-card stack">
            <p>{live(move || body.get())}</p>
            <Button kind=ButtonKind::Primary size=ButtonSize::Large wide=true on_press=|_| session::sign_out()>
                {t(words::auth::SIGN_OUT_TO_ACCEPT)}
            </Button>
            <LinkButton href="/">{t(words::common::TO_HOME)}</LinkButton>
        </div>
    }
    .into_any()
}

/// The secret of an invitation, from the fragment.
fn invitation() -> Option<String> {
    let hash = window().location().hash().ok()?;
    hash.strip_prefix("#invite=").filter(|token| !token.is_empty()).map(str::to_owned)
}

fn uninvited(made: StoredValue<Option<&'static str>>) -> AnyView {
    let info = use_get::<RegistrationInfo>(|| Some("/auth/registration".to_owned()));
    data::section(info, skeleton, move |info| match info.mode {
        _ if info.first_account => founding(words::auth::REGISTER_FIRST, made),
        RegistrationMode::Open => founding(words::auth::REGISTER_LEAD, made),
        RegistrationMode::Invite => refusal(words::auth::INVITE_ONLY_TITLE, words::auth::INVITE_ONLY_BODY),
        RegistrationMode::Closed => refusal(words::auth::CLOSED_TITLE, words::auth::CLOSED_BODY),
    })
}

fn founding(lead: Word, made: StoredValue<Option<&'static str>>) -> AnyView {
    view! {
        <PageHeader title=words::auth::REGISTER_TITLE lead=lead />
        <RegisterForm made />
    }
    .into_any()
}

fn refusal(title: Word, body: Word) -> AnyView {
    view! {
        <PageHeader title=title />
        <Banner tone=Tone::Info>{t(body)}</Banner>
    }
    .into_any()
}

fn skeleton() -> AnyView {
    view! {
        <PageHeader title=words::auth::REGISTER_TITLE />
        <div class="entrance-card stack"><Skeleton shape="row" count=4 /></div>
    }
    .into_any()
}

fn invited(token: String, made: StoredValue<Option<&'static str>>) -> AnyView {
    let answer = RwSignal::new(None::<Result<InvitationPreview, ApiError>>);
    let ask = {
        let token = token.clone();
        move || {
            answer.set(None);
            let lookup = InvitationLookup { token: token.clone() };
            spawn_local(async move {
                let found = api::post("/auth/invitation", &lookup).await;
                answer.try_set(Some(found));
            });
        }
    };
    ask();
    live(move || match answer.get() {
        None => skeleton(),
        Some(Ok(preview)) => {
            let organization = preview.organization_name.clone();
            let title = Text::derive(move || words::auth::invited_title(&organization));
            let role = role_name(preview.role);
            let lead = Text::derive(move || words::auth::invited_lead(&role.get()));
            view! {
                <PageHeader title lead />
                <RegisterForm made token=token.clone() email=preview.email />
            }
            .into_any()
        }
        Some(Err(error)) if error.status == 0 || error.status >= 500 => {
            let ask = ask.clone();
            data::failed(error, Callback::new(move |()| ask()))
        }
        Some(Err(_)) => refusal(words::auth::INVITATION_BAD_TITLE, words::auth::INVITATION_BAD_BODY),
    })
}

#[component]
fn RegisterForm(
    made: StoredValue<Option<&'static str>>,
    #[prop(optional, into)] token: Option<String>,
    #[prop(optional, into)] email: Option<String>,
) -> AnyView {
    let is_invited = token.is_some();
    let address = RwSignal::new(email.unwrap_or_default());
    let (name, organization, password) =
        (RwSignal::new(String::new()), RwSignal::new(String::new()), RwSignal::new(String::new()));
    let task = Task::new();
    let submit = move |()| {
        let organization_name = (!is_invited).then(|| organization.get_untracked().trim().to_owned());
        let request = RegisterRequest {
            email: address.get_untracked().trim().to_owned(),
            password: password.get_untracked(),
            name: name.get_untracked().trim().to_owned(),
            organization_name,
            invitation_token: token.clone(),
            locale: finops_contract::accounts::Locale::from_tag(locale_untracked().tag()),
        };
        let mut wrong = Vec::new();
        if !looks_like_email(&request.email) {
            wrong.push(("/email", if request.email.is_empty() { "required" } else { "email" }));
        }
        if request.name.is_empty() {
            wrong.push(("/name", "required"));
        }
        if request.organization_name.as_deref() == Some("") {
            wrong.push(("/organizationName", "required"));
        }
        if request.password.chars().count() < PASSWORD_MIN {
            wrong.push(("/password", if request.password.is_empty() { "required" } else { "length" }));
        }
        if task.refuse(&wrong) {
            return;
        }
        made.set_value(Some(if is_invited { "/" } else { "/setup" }));
        task.run(async move { api::post::<Session>("/auth/register", &request).await }, session::enter);
    };
    view! {
        <div class="entrance-card">
            <Form on_submit=submit error=task.text() failures=task.failures>
                <TextField
                    label=words::auth::EMAIL
                    value=address
                    kind="email"
                    name="email"
                    autocomplete="username"
                    error=task.field("/email")
                    disabled=is_invited
                    autofocus=!is_invited
                />
                <TextField
                    label=words::auth::NAME
                    value=name
                    name="name"
                    autocomplete="name"
                    error=task.field("/name")
                    autofocus=is_invited
                />
                {(!is_invited).then(|| view! {
                    <TextField
                        label=words::auth::ORGANIZATION_NAME
                        value=organization
                        name="organization"
                        autocomplete="organization"
                        hint=words::auth::ORGANIZATION_HINT
                        error=task.field("/organizationName")
                    />
                })}
                <PasswordField
                    label=words::auth::PASSWORD
                    value=password
                    name="new-password"
                    autocomplete="new-password"
                    hint=words::auth::PASSWORD_HINT
                    error=task.field("/password")
                />
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true wide=true busy=task.busy>
                    {t(words::auth::REGISTER)}
                </Button>
            </Form>
        </div>
    }
    .into_any()
}
