//! What came of trying a channel.

use finops_contract::channels::ChannelTest;
use leptos::prelude::*;

use super::delivery::attempts;
use crate::features::ask;
use crate::i18n::{t, words};
use crate::reactive::live;
use crate::ui::{Banner, Dialog, Text, Tone};

/// Whether the other side took the message, and what it said.
#[component]
pub fn TriedDialog(
    /// What came of it.
    tried: RwSignal<Option<ChannelTest>>,
) -> AnyView {
    let open = ask::opened_by(tried);
    let title = Text::derive(move || {
        tried.with(|tried| tried.as_ref().map(|it| words::alerts::try_channel(&it.channel.name)).unwrap_or_default())
    });
    view! { <Dialog open title>{live(move || tried.get().map(|tried| shown(&tried)))}</Dialog> }.into_any()
}

fn shown(tried: &ChannelTest) -> AnyView {
    let (tone, word) = if tried.delivered {
        (Tone::Success, words::alerts::TRIED_DELIVERED)
    } else {
        (Tone::Danger, words::alerts::TRIED_FAILED)
    };
    let each = tried.deliveries.iter().map(|detail| {
        let to = detail.delivery.recipient.clone().map(|to| view! { <p class="strong">{to}</p> });
        view! { <div class="stack" data-gap="8">{to}{attempts(&detail.history)}</div> }
    });
    view! {
        <div class="stack" role="status">
            <Banner tone>{t(word)}</Banner>
            {each.collect_view()}
        </div>
    }
    .into_any()
}
