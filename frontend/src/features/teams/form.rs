//! The forms about teams and their keys. The setup page shows the same ones.

use finops_contract::ErrorCode;
use finops_contract::admin_keys::{Provider, RegisterAdminKeyRequest, RegisteredAdminKey, RotateAdminKeyRequest};
use finops_contract::teams::{CreateTeamRequest, Team, UpdateTeamRequest};
use leptos::prelude::*;
use uuid::Uuid;

use super::model;
use crate::api::{self, ApiError};
use crate::data::Task;
use crate::i18n::{Word, t, words};
use crate::ui::{Button, ButtonKind, ButtonSize, Form, FormActions, Glyph, Icon, PasswordField, TextField, toast};

/// Names a new team.
#[component]
pub fn TeamForm(
    /// Called with the team.
    on_done: Callback<Team>,
) -> AnyView {
    let name = RwSignal::new(String::new());
    let task = Task::new();
    let submit = move |()| {
        let request = CreateTeamRequest { name: name.get_untracked().trim().to_owned() };
        if request.name.is_empty() && task.refuse(&[("/name", "required")]) {
            return;
        }
        task.run(async move { api::post::<Team>("/teams", &request).await }, move |team| {
            toast::done(words::teams::created(&team.name));
            on_done.run(team);
        });
    };
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <TextField
                label=words::teams::NAME
                value=name
                name="team"
                hint=words::teams::NAME_HINT
                error=task.field("/name")
                autofocus=true
            />
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>
                    {t(words::teams::CREATE)}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// Renames a team.
#[component]
pub fn RenameForm(
    /// The team as it is.
    team: Team,
    /// Called with the team as it is then.
    on_done: Callback<Team>,
) -> AnyView {
    let name = RwSignal::new(team.name.clone());
    let task = Task::new();
    let path = format!("/teams/{}", team.id);
    let submit = move |()| {
        let wanted = name.get_untracked().trim().to_owned();
        if wanted.is_empty() && task.refuse(&[("/name", "required")]) {
            return;
        }
        let (path, request) = (path.clone(), UpdateTeamRequest { name: Some(wanted), ..Default::default() });
        task.run(async move { api::patch::<Team>(&path, &request).await }, move |team| {
            toast::done(words::common::SAVED.get_untracked());
            on_done.run(team);
        });
    };
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <TextField
                label=words::teams::RENAME
                value=name
                name="team"
                hint=words::teams::RENAME_NOTE
                error=task.field("/name")
            />
            <FormActions>
                <Button kind=ButtonKind::Primary submit=true busy=task.busy>{t(words::common::SAVE)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// Takes an admin key, for a team that has none or in the place of one.
#[component]
pub fn KeyForm(
    /// The team.
    team: Uuid,
    /// The key whose place it takes.
    rotates: Option<Uuid>,
    /// What the button says.
    submit: Word,
    /// Takes the focus when it appears.
    #[prop(optional)]
    autofocus: bool,
    /// Called with the answer.
    on_done: Callback<RegisteredAdminKey>,
) -> AnyView {
    let key = RwSignal::new(String::new());
    let task = Task::new();
    let fault =
        move |at_key: bool| Signal::derive(move || task.error.with(|error| fault_text(error.as_ref()?, at_key)));
    let send = move |()| {
        let text = key.get_untracked().trim().to_owned();
        if text.is_empty() && task.refuse(&[("/key", "required")]) {
            return;
        }
        if !model::looks_like_admin_key(&text) {
            let code = Some(ErrorCode::AdminKeyInvalid);
            task.fail(ApiError { code, ..ApiError::unreadable(422) });
            return;
        }
        task.run(send_key(team, rotates, text), move |answer| {
            key.try_set(String::new());
            toast::done(answer.message.clone());
            on_done.run(answer);
        });
    };
    view! {
        <Form on_submit=send error=fault(false) failures=task.failures>
            {rotates.is_none().then(KeyGuide)}
            <PasswordField
                label=words::teams::KEY_LABEL
                value=key
                autocomplete="off"
                placeholder="sk-admin-…"
                mono=true
                hint=words::teams::KEY_HINT
                error=fault(true)
                autofocus
            />
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>{t(submit)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

async fn send_key(team: Uuid, rotates: Option<Uuid>, key: String) -> Result<RegisteredAdminKey, ApiError> {
    let path = format!("/teams/{team}/admin-keys");
    match rotates {
        None => api::post(&path, &RegisterAdminKeyRequest { provider: Provider::Openai, key }).await,
        Some(id) => api::post(&format!("{path}/{id}/rotate"), &RotateAdminKeyRequest { key }).await,
    }
}

/// What is said of a failed registration: at the key, or at the head of the form.
fn fault_text(error: &ApiError, at_key: bool) -> Option<String> {
    if let Some(field) = error.fields.iter().find(|field| field.pointer == "/key") {
        let unchanged = field.code == "unchanged";
        let text = if unchanged { Some(words::teams::KEY_UNCHANGED.get().to_owned()) } else { error.field("/key") };
        return if at_key { text } else { None };
    }
    let (keys_fault, advice) = model::key_fault(error.code);
    (keys_fault == at_key).then(|| match advice {
        Some(advice) => format!("{} {}", error.text(), advice.get()),
        None => error.text(),
    })
}

/// How an admin key is made at OpenAI, folded away.
#[component]
fn KeyGuide() -> AnyView {
    let steps = [words::teams::KEY_GUIDE_1, words::teams::KEY_GUIDE_2, words::teams::KEY_GUIDE_3];
    view! {
        <details class="guide">
            <summary>{t(words::teams::KEY_GUIDE)}<Glyph icon=Icon::ChevronDown size=12 /></summary>
            <ol>{steps.map(|step| view! { <li>{t(step)}</li> }).collect_view()}</ol>
            <a
                class="link"
                href="https://platform.openai.com/settings/organization/admin-keys"
                target="_blank"
                rel="noreferrer"
            >
                {t(words::teams::KEY_GUIDE_OPEN)}<Glyph icon=Icon::External size=12 />
            </a>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_in_one_place_only() {
        for code in [ErrorCode::AdminKeyRejected, ErrorCode::AdminKeyActiveExists, ErrorCode::RateLimited] {
            let error = ApiError { code: Some(code), ..ApiError::unreadable(code.status()) };
            let told = [true, false].map(|at_key| fault_text(&error, at_key).is_some());
            assert_eq!(told.iter().filter(|told| **told).count(), 1, "{code}");
        }
        assert!(fault_text(&ApiError::local(&[("/key", "required")]), true).is_some());
        assert!(fault_text(&ApiError::local(&[("/key", "required")]), false).is_none());
    }
}
