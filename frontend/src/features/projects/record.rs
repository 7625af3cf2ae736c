//! How to tell what came of calls.

use leptos::prelude::*;
use uuid::Uuid;

use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Card, CodeBlock, Glyph, Icon, LinkButton};

/// The card, where nothing was recorded yet.
pub(super) fn record_card(id: Uuid) -> AnyView {
    view! {
        <Card
            title=words::value::RECORD
            note=words::value::RECORD_NOTE
            actions=move || view! {
                <LinkButton href=format!("/integration?project={id}") icon=Icon::Plug>{t(words::value::TO_INTEGRATION)}</LinkButton>
            }
        >
            {how(id)}
        </Card>
    }
    .into_any()
}

/// The same, folded, for who records already.
pub(super) fn guide(id: Uuid) -> AnyView {
    view! {
        <details class="guide">
            <summary>{t(words::value::RECORD)}<Glyph icon=Icon::ChevronDown /></summary>
            {how(id)}
        </details>
    }
    .into_any()
}

fn how(id: Uuid) -> AnyView {
    let origin = window().location().origin().unwrap_or_default();
    let text = Signal::derive(move || curl(&origin, words::integration::YOUR_KEY.get(), id));
    view! {
        <div class="stack" data-gap="8">
            <p class="muted">{t(words::value::RECORD_HOW)}</p>
            <CodeBlock label=words::integration::CURL text />
            <p class="field-hint">{live(|| words::value::RECORD_HINT.get())}</p>
        </div>
    }
    .into_any()
}

/// What is pasted.
fn curl(origin: &str, key: &str, project: Uuid) -> String {
    format!(
        "curl -sS {origin}/api/projects/{project}/outcomes \\
  -H 'authorization: Bearer {key}' \\
  -H 'content-type: application/json' \\
  -d '{{\"outcomes\": [{{
    \"eventId\": \"evt-5521\",
    \"outcome\": \"success\",
    \"feedbackScore\": 4.5,
    \"taskType\": \"grading\"
  }}]}}'"
    )
}

#[cfg(test)]
mod tests {
    use finops_contract::value::OutcomesRequest;

    use super::*;

    #[test]
    fn what_curl_sends_is_an_outcome_of_this_project() {
        let text = curl("https://finops.example.com", "fin_abc", Uuid::from_u128(10));
        assert!(text.contains("/api/projects/00000000-0000-0000-0000-00000000000a/outcomes"));
        let body = text.split_once("-d '").unwrap().1.strip_suffix('\'').unwrap();
        let sent: OutcomesRequest = serde_json::from_str(body).unwrap();
        assert_eq!(sent.outcomes[0].outcome.as_deref(), Some("success"));
        assert_eq!(sent.outcomes[0].feedback_score, Some("4.5".parse().unwrap()));
    }
}
