//! Amounts and how they changed.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::format::{money, number};
use crate::i18n::{t, words};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// An amount with its symbol and, smaller, its currency's code. The exact amount is its title.
#[component]
pub fn Money(
    /// The decimal text.
    #[prop(into)]
    amount: String,
    /// ISO 4217.
    #[prop(into)]
    currency: String,
    /// Leave the code out, where the column's head has it.
    #[prop(optional)]
    bare: bool,
) -> AnyView {
    let parts = money::parts(&amount, &currency);
    let exact = money::exact(&amount, &currency);
    view! {
        <span class="money" title=exact>
            {parts.amount()}
            {(!bare).then(|| view! { " "<span class="money-code">{parts.code.clone()}</span> })}
        </span>
    }
    .into_any()
}

/// A change in percent: an arrow, a number, and words for those who see neither. More cost is bad.
#[component]
pub fn Change(
    /// In percent, as the contract writes it; `None` where there is nothing to compare with.
    percent: Option<String>,
) -> AnyView {
    let Some(value) = percent.and_then(|text| text.parse::<Decimal>().ok()?.to_f64()) else {
        return ().into_any();
    };
    if value == 0.0 {
        return view! {
            <span class="change" data-tone="flat"><Glyph icon=Icon::Minus size=12 />{t(words::common::NO_CHANGE)}</span>
        }
        .into_any();
    }
    let text = number::percent(value.abs());
    let spoken = {
        let text = text.clone();
        move || if value > 0.0 { words::common::up_by(&text) } else { words::common::down_by(&text) }
    };
    let (tone, icon) = if value > 0.0 { ("bad", Icon::ArrowUp) } else { ("good", Icon::ArrowDown) };
    view! {
        <span class="change" data-tone=tone>
            <Glyph icon size=12 />
            <span aria-hidden="true">{text}</span>
            <span class="sr-only">{spoken}</span>
        </span>
    }
    .into_any()
}
