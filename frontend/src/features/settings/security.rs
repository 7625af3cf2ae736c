//! One's own password and session.

use finops_contract::accounts::ChangePasswordRequest;
use leptos::prelude::*;

use crate::api;
use crate::data::Task;
use crate::features::auth::PASSWORD_MIN;
use crate::i18n::{t, words};
use crate::session;
use crate::ui::{Button, ButtonKind, Card, ConfirmDialog, Form, FormActions, Icon, PasswordField, toast};

/// The password, and the way out.
#[component]
pub fn SecurityPanel() -> AnyView {
    view! {
        <div class="stack settings" data-gap="24">
            <Card title=words::settings::PASSWORD note=words::settings::PASSWORD_NOTE><PasswordForm /></Card>
            <Card title=words::settings::SESSION><SignOut /></Card>
        </div>
    }
    .into_any()
}

#[component]
fn SignOut() -> AnyView {
    let open = RwSignal::new(false);
    let task = Task::new();
    let everywhere = Callback::new(move |()| {
        // This session has ended as well; signing out here tells the other tabs.
        task.run(async { api::delete("/auth/sessions").await }, |()| session::sign_out());
    });
    view! {
        <div class="stack">
            <p class="muted">{t(words::settings::SESSION_BODY)}</p>
            <FormActions>
                <Button kind=ButtonKind::Ghost on_press=move |_| open.set(true)>{t(words::settings::EVERYWHERE)}</Button>
                <Button icon=Icon::Leave on_press=|_| session::sign_out()>{t(words::auth::SIGN_OUT)}</Button>
            </FormActions>
        </div>
        <ConfirmDialog
            open
            title=words::settings::EVERYWHERE_TITLE
            consequences=vec![words::settings::EVERYWHERE_1.into(), words::settings::EVERYWHERE_2.into()]
            confirm=words::settings::EVERYWHERE
            busy=task.busy
            error=task.text()
            on_confirm=everywhere
        />
    }
    .into_any()
}

#[component]
fn PasswordForm() -> AnyView {
    let (current, new) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let task = Task::new();
    let submit = move |()| {
        let request =
            ChangePasswordRequest { current_password: current.get_untracked(), new_password: new.get_untracked() };
        let mut wrong = Vec::new();
        if request.current_password.is_empty() {
            wrong.push(("/currentPassword", "required"));
        }
        if request.new_password.chars().count() < PASSWORD_MIN {
            wrong.push(("/newPassword", if request.new_password.is_empty() { "required" } else { "length" }));
        }
        if task.refuse(&wrong) {
            return;
        }
        task.run(async move { api::post::<()>("/auth/password", &request).await }, move |()| {
            current.try_set(String::new());
            new.try_set(String::new());
            toast::done(words::settings::PASSWORD_DONE.get_untracked());
        });
    };
    let current_error = Signal::derive(move || {
        task.error.with(|error| {
            let error = error.as_ref()?;
            let wrong = error.fields.iter().any(|f| f.pointer == "/currentPassword" && f.code == "wrong");
            if wrong { Some(words::settings::PASSWORD_WRONG.get().to_owned()) } else { error.field("/currentPassword") }
        })
    });
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <PasswordField
                label=words::settings::CURRENT_PASSWORD
                value=current
                name="current-password"
                error=current_error
            />
            <PasswordField
                label=words::settings::NEW_PASSWORD
                value=new
                name="new-password"
                autocomplete="new-password"
                hint=words::settings::NEW_PASSWORD_HINT
                error=task.field("/newPassword")
            />
            <FormActions>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::settings::PASSWORD_SUBMIT)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}
