//! Saying that somebody is at an alert, and that it is over.

use finops_contract::alerts::{Alert, AlertStatus};
use leptos::prelude::*;
use uuid::Uuid;

use crate::api;
use crate::data::Task;
use crate::i18n::words;
use crate::reactive::effect;
use crate::ui::toast;

/// What can be said of an alert.
#[derive(Clone, Copy)]
pub(super) struct Acts {
    pub(super) task: Task,
    done: Callback<()>,
}

/// Acts whose failures are told at the page's edge. `done` is called after each.
pub(super) fn use_acts(done: Callback<()>) -> Acts {
    let task = Task::new();
    effect(move |_| {
        if let Some(error) = task.error.get() {
            toast::failed(error.text());
        }
    });
    Acts { task, done }
}

impl Acts {
    /// Takes an alert one step further.
    pub(super) fn advance(self, id: Uuid, to: AlertStatus) {
        let verb = if to == AlertStatus::Resolved { "resolve" } else { "acknowledge" };
        let path = format!("/alerts/{id}/{verb}");
        self.task.run(async move { api::post::<Alert>(&path, &serde_json::json!({})).await }, move |alert| {
            toast::done(match alert.status {
                AlertStatus::Resolved => words::alerts::RESOLVED_TOAST.get_untracked(),
                _ => words::alerts::ACKNOWLEDGED_TOAST.get_untracked(),
            });
            self.done.run(());
        });
    }
}
