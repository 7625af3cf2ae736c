//! Adding a price, a discount or a name of the organization's own.

use finops_contract::UnitKind;
use finops_contract::prices::{PriceOverride, PriceTier};
use leptos::prelude::*;

use super::draft::{Draft, Terms};
use super::page::View;
use super::provider::ProviderField;
use super::wording::{kind_name, per, tier_name};
use crate::api;
use crate::data::Task;
use crate::features::moment;
use crate::i18n::{t, words};
use crate::reactive::{live, memo};
use crate::ui::{
    Banner, Button, ButtonKind, ButtonSize, Choice, Dialog, Form, FormActions, SegmentedControl, Select, Text,
    TextField, Textarea, Tone, toast,
};
use crate::url::use_set_params;

/// What the form begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefill {
    pub(super) provider: String,
    pub(super) model: String,
    /// The first day.
    pub(super) first_day: String,
}

/// What the form holds.
#[derive(Clone, Copy)]
struct Fields {
    terms: RwSignal<Terms>,
    provider: RwSignal<String>,
    model: RwSignal<String>,
    kind: RwSignal<String>,
    tier: RwSignal<String>,
    price: RwSignal<String>,
    percent: RwSignal<String>,
    same_as: RwSignal<String>,
    note: RwSignal<String>,
    first_day: RwSignal<String>,
    last_day: RwSignal<String>,
}

impl Fields {
    fn new(prefill: Prefill) -> Fields {
        let text = |text: &str| RwSignal::new(text.to_owned());
        Fields {
            terms: RwSignal::new(Terms::default()),
            provider: RwSignal::new(prefill.provider),
            model: RwSignal::new(prefill.model),
            kind: text(UnitKind::Input.name()),
            tier: text(PriceTier::Standard.name()),
            price: text(""),
            percent: text(""),
            same_as: text(""),
            note: text(""),
            first_day: RwSignal::new(prefill.first_day),
            last_day: text(""),
        }
    }

    fn draft(self) -> Draft {
        Draft {
            terms: self.terms.get_untracked(),
            provider: self.provider.get_untracked(),
            model: self.model.get_untracked(),
            kind: self.kind.get_untracked(),
            tier: self.tier.get_untracked(),
            price: self.price.get_untracked(),
            percent: self.percent.get_untracked(),
            same_as: self.same_as.get_untracked(),
            note: self.note.get_untracked(),
            first_day: self.first_day.get_untracked(),
            last_day: self.last_day.get_untracked(),
        }
    }
}

/// The dialog.
#[component]
pub fn AddDialog(
    /// The page.
    view: View,
) -> AnyView {
    view! {
        <Dialog open=view.add title=words::prices::ADD><AddForm view /></Dialog>
    }
    .into_any()
}

#[component]
fn AddForm(view: View) -> AnyView {
    let fields = Fields::new(view.prefill.get_untracked());
    let set = StoredValue::new(use_set_params());
    let task = Task::new();
    let submit = move |()| {
        let draft = fields.draft();
        let request = match draft.read(&moment::today(), moment::start_of, moment::end_of) {
            Ok(request) => request,
            Err(wrong) => {
                task.refuse(&wrong);
                return;
            }
        };
        let is_past = request.reprice == Some(true);
        let work = async move { api::post::<PriceOverride>("/prices/overrides", &request).await };
        task.run(work, move |_| {
            let said = if is_past { words::prices::ADDED_PAST } else { words::prices::ADDED };
            toast::done(said.get_untracked());
            view.tell();
            let changes = [("new", None), ("cursor", None), ("provider", None), ("model", None), ("tab", Some("own"))];
            set.try_with_value(|set| set(&changes, true));
        });
    };
    let is_past = memo(move |_| {
        let draft = Draft { first_day: fields.first_day.get(), ..Draft::default() };
        draft.is_past(&moment::today())
    });
    let submit_word = Text::derive(move || {
        let word = if is_past.get() { words::prices::ADD_AND_REPRICE } else { words::prices::ADD_SUBMIT };
        word.get().to_owned()
    });
    view! {
        <Form on_submit=submit error=task.text() failures=task.failures>
            <SegmentedControl
                label=words::prices::TERMS
                choices=vec![
                    Choice::new(Terms::Price.name(), words::prices::TERMS_PRICE),
                    Choice::new(Terms::Discount.name(), words::prices::TERMS_DISCOUNT),
                    Choice::new(Terms::SameAs.name(), words::prices::TERMS_SAME_AS),
                ]
                value=Signal::derive(move || fields.terms.get().name().to_owned())
                on_change=Callback::new(move |name: &'static str| fields.terms.set(Terms::from_name(name)))
            />
            <ProviderField value=fields.provider none=words::prices::PROVIDER_CHOOSE error=task.field("/provider") />
            {live(move || terms(fields, fields.terms.get(), task))}
            <TextField
                label=words::prices::FIRST_DAY
                value=fields.first_day
                kind="date"
                hint=words::prices::FIRST_DAY_HINT
                error=task.field("/effectiveFrom")
                optional=true
            />
            {live(move || is_past.get().then(|| view! {
                <Banner tone=Tone::Warning>{t(words::prices::PAST_NOTE)}</Banner>
            }))}
            <TextField
                label=words::prices::LAST_DAY
                value=fields.last_day
                kind="date"
                hint=words::prices::LAST_DAY_HINT
                error=task.field("/effectiveTo")
                optional=true
            />
            <Textarea label=words::prices::NOTE value=fields.note error=task.field("/note") optional=true />
            <FormActions>
                <Button kind=ButtonKind::Primary size=ButtonSize::Large submit=true busy=task.busy>
                    {live(move || submit_word.get())}
                </Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

/// The fields of one kind of terms.
fn terms(fields: Fields, terms: Terms, task: Task) -> AnyView {
    let model_error = task.field("/model");
    match terms {
        Terms::Price => view! {
            <TextField label=words::prices::MODEL value=fields.model placeholder="gpt-5.4" error=model_error mono=true />
            <PriceFields fields task />
        }
        .into_any(),
        Terms::Discount => view! {
            <TextField
                label=words::prices::MODEL
                value=fields.model
                hint=words::prices::MODEL_HINT_DISCOUNT
                error=model_error
                mono=true
                optional=true
            />
            <TextField
                label=words::prices::PERCENT
                value=fields.percent
                hint=words::prices::PERCENT_HINT
                error=task.field("/discountPercent")
            />
        }
        .into_any(),
        Terms::SameAs => view! {
            <TextField
                label=words::prices::OWN_NAME
                value=fields.model
                hint=words::prices::OWN_NAME_HINT
                error=model_error
                mono=true
            />
            <TextField
                label=words::prices::SAME_AS
                value=fields.same_as
                placeholder="gpt-5.4"
                hint=words::prices::SAME_AS_HINT
                error=task.field("/sameAs")
                mono=true
            />
        }
        .into_any(),
    }
}

#[component]
fn PriceFields(fields: Fields, task: Task) -> AnyView {
    let kinds = Signal::derive(|| {
        UnitKind::ALL.map(|kind| (kind.name().to_owned(), kind_name(kind).get().to_owned())).to_vec()
    });
    let tiers = Signal::derive(|| {
        PriceTier::ALL.map(|tier| (tier.name().to_owned(), tier_name(tier).get().to_owned())).to_vec()
    });
    let hint = Text::derive(move || {
        let kind = fields.kind.with(|name| UnitKind::from_name(name)).unwrap_or(UnitKind::Input);
        words::prices::price_hint(&per(kind).get())
    });
    view! {
        <Select label=words::prices::KIND value=fields.kind choices=kinds error=task.field("/kind") />
        <Select label=words::prices::TIER value=fields.tier choices=tiers error=task.field("/tier") />
        <TextField label=words::prices::UNIT_PRICE value=fields.price hint error=task.field("/unitPrice") />
    }
    .into_any()
}
