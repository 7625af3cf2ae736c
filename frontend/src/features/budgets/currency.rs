//! The currency of an amount, and the exchange rate that it needs.

use finops_contract::Page;
use finops_contract::fx_rates::FxRate;
use leptos::prelude::*;

use super::draft::{RateDraft, Wrong};
use super::wording::wrong_with;
use crate::api::{self, ApiError};
use crate::data::{Query, Task, use_list};
use crate::features::moment;
use crate::format::number::grouped;
use crate::format::time::{self, Show};
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::session;
use crate::ui::{Banner, Button, Select, Text, TextField, Tone};

const DOLLARS: &str = "USD";

/// The currency, and a rate of it where there is none or another is wanted.
#[derive(Clone, Copy)]
pub(super) struct CurrencyFields {
    pub(super) currency: RwSignal<String>,
    rates: Query<Page<FxRate>>,
    renew: RwSignal<bool>,
    rate: RwSignal<String>,
    date: RwSignal<String>,
    source: RwSignal<String>,
}

/// Every exchange rate.
fn use_rates() -> Query<Page<FxRate>> {
    use_list(|| Some("/fx-rates?limit=200".to_owned()))
}

/// The currencies that an amount can be in, `now` among them.
fn currencies(rates: Query<Page<FxRate>>, now: RwSignal<String>) -> Signal<Vec<(String, String)>> {
    Signal::derive(move || {
        let own = session::me().map(|me| me.organization.currency);
        let known = rates.data.with(|page| page.as_ref().map(|page| page.data.clone()).unwrap_or_default());
        let all = [DOLLARS.to_owned(), "KRW".to_owned()].into_iter().chain(own);
        let all = all.chain(known.into_iter().map(|rate| rate.currency)).chain([now.get()]);
        let mut choices: Vec<(String, String)> = Vec::new();
        for currency in all {
            if choices.iter().all(|(known, _)| *known != currency) {
                choices.push((currency.clone(), currency));
            }
        }
        choices
    })
}

/// A rate as people read it.
pub(super) fn rate_text(rate: &FxRate) -> String {
    let number = grouped(&rate.rate.0.normalize().to_string());
    words::budgets::rate_known(&rate.currency, &time::date(&rate.date.to_string(), Show::Date), &number, &rate.source)
}

impl CurrencyFields {
    pub(super) fn new(currency: &str) -> CurrencyFields {
        let text = |text: &str| RwSignal::new(text.to_owned());
        CurrencyFields {
            currency: text(currency),
            rates: use_rates(),
            renew: RwSignal::new(false),
            rate: text(""),
            date: RwSignal::new(moment::today()),
            source: text(""),
        }
    }

    /// The latest rate of the chosen currency.
    fn known(self) -> Option<FxRate> {
        let currency = self.currency.get();
        // The latest of each currency comes first.
        self.rates.data.with(|page| page.as_ref()?.data.iter().find(|rate| rate.currency == currency).cloned())
    }

    /// Whether a rate is asked for.
    fn asks(self) -> bool {
        let is_foreign = self.currency.with(|currency| currency != DOLLARS);
        is_foreign && (self.renew.get() || (self.rates.data.with(Option::is_some) && self.known().is_none()))
    }

    /// What to store before the amount, if a rate was asked for.
    pub(super) fn read(self) -> Result<Option<finops_contract::fx_rates::SetFxRateRequest>, Wrong> {
        untrack(|| {
            if !self.asks() {
                return Ok(None);
            }
            let draft = RateDraft { rate: self.rate.get(), date: self.date.get(), source: self.source.get() };
            draft.read(&self.currency.get()).map(Some)
        })
    }
}

/// Stores a rate, if there is one to store.
pub(super) async fn store_rate(rate: Option<finops_contract::fx_rates::SetFxRateRequest>) -> Result<(), ApiError> {
    match rate {
        Some(rate) => api::put("/fx-rates", Some(&rate)).await.map(drop),
        None => Ok(()),
    }
}

/// The fields.
pub(super) fn currency_fields(fields: CurrencyFields, task: Task) -> AnyView {
    let CurrencyFields { currency, rates, renew, .. } = fields;
    let is_foreign = memo(move |_| currency.with(|currency| currency != DOLLARS));
    let asks = memo(move |_| fields.asks());
    let known = memo(move |_| fields.known());
    let known_text = Text::derive(move || known.get().map(|rate| rate_text(&rate)).unwrap_or_default());
    let toggle = move || {
        let word = if renew.get() { words::budgets::RATE_KEEP } else { words::budgets::RATE_RENEW };
        word.get()
    };
    let note = move || {
        is_foreign.get().then(|| {
            let failed = memo(move |_| rates.data.with(Option::is_none) && rates.error.with(Option::is_some));
            live(move || match (known.with(Option::is_some), failed.get()) {
                (true, _) => view! {
                    <div class="field-hint">
                        <p>{live(move || known_text.get())}</p>
                        <p>{t(words::budgets::RATE_KEPT)}</p>
                        <Button on_press=move |_| renew.update(|on| *on = !*on)>{live(toggle)}</Button>
                    </div>
                }
                .into_any(),
                (false, true) => {
                    view! { <Banner tone=Tone::Warning>{t(words::budgets::RATES_FAILED)}</Banner> }.into_any()
                }
                (false, false) => live(move || {
                    asks.get().then(|| {
                        view! {
                            <Banner>{live(move || words::budgets::rate_missing(&currency.get()))}</Banner>
                        }
                    })
                }),
            })
        })
    };
    view! {
        <Select
            label=words::budgets::CURRENCY
            value=currency
            choices=currencies(rates, currency)
            error=wrong_with(task, "/currency")
        />
        {live(note)}
        {live(move || asks.get().then(|| rate_fields(fields, task)))}
    }
    .into_any()
}

fn rate_fields(fields: CurrencyFields, task: Task) -> AnyView {
    view! {
        <div class="grid">
            <TextField label=words::budgets::RATE value=fields.rate error=wrong_with(task, "/rate") />
            <TextField label=words::budgets::RATE_DATE value=fields.date kind="date" error=wrong_with(task, "/date") />
        </div>
        <TextField
            label=words::budgets::RATE_SOURCE
            value=fields.source
            hint=words::budgets::RATE_SOURCE_HINT
            error=wrong_with(task, "/source")
        />
    }
    .into_any()
}
