//! `/login`.

use finops_contract::accounts::{LoginRequest, Session};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Entrance;
use crate::api;
use crate::data::Task;
use crate::i18n::{t, words};
use crate::reactive::effect;
use crate::session::{self, State};
use crate::ui::{Banner, Button, ButtonKind, ButtonSize, Form, PageHeader, PasswordField, TextField, Tone};
use crate::url::{safe_next, use_param};

/// Signing in.
#[component]
pub fn LoginPage() -> AnyView {
    let (email, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let task = Task::new();
    let next = use_param("next");
    let navigate = use_navigate();
    let expired = matches!(session::state_untracked(), State::Out { expired: true });
    // Also for who comes here signed in already.
    effect(move |_| {
        if session::me().is_some() {
            let next = safe_next(next.get_untracked().as_deref());
            navigate(&next, NavigateOptions { replace: true, ..Default::default() });
        }
    });
    let submit = move |()| {
        let request =
            LoginRequest { email: email.get_untracked().trim().to_owned(), password: password.get_untracked() };
        let mut wrong = Vec::new();
        if request.email.is_empty() {
            wrong.push(("/email", "required"));
        }
        if request.password.is_empty() {
            wrong.push(("/password", "required"));
        }
        if task.refuse(&wrong) {
            return;
        }
        task.run(async move { api::post::<Session>("/auth/login", &request).await }, session::enter);
    };
    view! {
        <Entrance>
            <PageHeader title=words::auth::LOGIN_TITLE lead=words::auth::LOGIN_LEAD />
            <div class="entrance-card">
                {expired.then(|| view! { <Banner tone=Tone::Info>{t(words::auth::EXPIRED)}</Banner> })}
                <Form on_submit=submit error=task.text() failures=task.failures>
                    <TextField
                        label=words::auth::EMAIL
                        value=email
                        kind="email"
                        name="email"
                        autocomplete="username"
                        error=task.field("/email")
                        autofocus=true
                    />
                    <PasswordField
                        label=words::auth::PASSWORD
                        value=password
                        name="password"
                        error=task.field("/password")
                    />
                    <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true wide=true busy=task.busy>
                        {t(words::auth::LOG_IN)}
                    </Button>
                </Form>
            </div>
            <p class="entrance-foot">
                {t(words::auth::NO_ACCOUNT)} " "
                <a class="link" href="/register">{t(words::auth::TO_REGISTER)}</a>
            </p>
        </Entrance>
    }
    .into_any()
}
