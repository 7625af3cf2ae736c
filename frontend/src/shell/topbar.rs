//! The bar above the page: where one is, which days, in which units, how fresh, and who.

use std::sync::LazyLock;

use chrono::Datelike as _;
use finops_contract::costs::{CostsAnswer, Freshness};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_location;

use crate::api;
use crate::format::time::{self, Show};
use crate::i18n::{Locale, locale, set_locale, t, words};
use crate::period::{MOST_DAYS, Period, Preset, today, use_period, use_set_period};
use crate::reactive::{live, memo};
use crate::session;
use crate::theme::{self, Theme};
use crate::ui::{
    Avatar, Button, ButtonKind, Dialog, Form, FormActions, Glyph, Icon, IconButton, Kbd, Menu, MenuItem, MenuLabel,
    MenuLine, MenuLink, TextField, dom,
};

static FRESHNESS: LazyLock<ArcRwSignal<Option<Freshness>>> = LazyLock::new(ArcRwSignal::default);

/// Pages that read costs tell the bar how fresh they are.
pub fn tell_freshness(freshness: &Freshness) {
    if FRESHNESS.with_untracked(|known| known.as_ref() != Some(freshness)) {
        FRESHNESS.set(Some(freshness.clone()));
    }
}

/// How fresh they were for somebody else is nobody's business.
pub fn forget_freshness() {
    FRESHNESS.set(None);
}

/// The bar.
#[component]
pub fn TopBar(
    /// Opens the drawer.
    drawer: RwSignal<bool>,
    /// Opens the palette.
    palette: RwSignal<bool>,
) -> AnyView {
    let path = use_location().pathname;
    let has_period =
        memo(move |_| path.with(|path| path == "/" || path.starts_with("/projects") || path == "/explore"));
    let organization = Signal::derive(|| session::me().map(|me| me.organization.name).unwrap_or_default());
    view! {
        <header class="topbar">
            <span class="narrow-only">
                <IconButton icon=Icon::Menu label=words::shell::OPEN_MENU bare=true on_press=move |_| drawer.set(true) />
            </span>
            <span class="topbar-organization">
                <Avatar name=organization square=true small=true />
                <span class="truncate">{live(move || organization.get())}</span>
            </span>
            <button class="topbar-search" type="button" on:click=move |_| palette.set(true)
                aria-label=move || words::shell::SEARCH.get()>
                <Glyph icon=Icon::Search />
                <span class="topbar-search-text">{t(words::shell::SEARCH)}</span>
                <span class="topbar-search-key" aria-hidden="true"><Kbd>{if dom::is_mac() { "⌘" } else { "Ctrl" }}</Kbd><Kbd>"K"</Kbd></span>
            </button>
            <div class="topbar-end">
                <FreshnessNote />
                {live(move || has_period.get().then(|| view! { <PeriodMenu /> }))}
                <UnitsMenu />
                <UserMenu />
            </div>
        </header>
    }
    .into_any()
}

#[component]
fn FreshnessNote() -> AnyView {
    let freshness = FRESHNESS.clone();
    let known = freshness.clone();
    // On pages that read no costs themselves.
    set_timeout(
        move || {
            if known.with_untracked(Option::is_none) && session::state_untracked() != session::State::Starting {
                let today = today();
                let period = Period { from: today.pred_opt().unwrap_or(today), to: today };
                spawn_local(async move {
                    if let Ok(answer) =
                        api::get::<CostsAnswer>(&format!("/costs/query?{}&limit=1", period.query())).await
                    {
                        tell_freshness(&answer.freshness);
                    }
                });
            }
        },
        std::time::Duration::from_millis(1500),
    );
    let now = time::ticking_now();
    view! {
        <span class="freshness">
            {live(move || freshness.get().map(|freshness| match freshness.collected_at {
                Some(at) => {
                    let exact = time::instant(&at.to_rfc3339(), &session::time_zone(), Show::Minute);
                    let ago = time::ago(&at.to_rfc3339(), now.get());
                    view! { <time title=exact datetime=at.to_rfc3339()>{words::common::freshness(&ago)}</time> }.into_any()
                }
                None => t(words::shell::NOT_COLLECTED).into_any(),
            }))}
        </span>
    }
    .into_any()
}

#[component]
fn PeriodMenu() -> AnyView {
    let period = use_period();
    let set = use_set_period();
    let custom = RwSignal::new(false);
    let preset = memo(move |_| {
        let (period, today) = (period.get(), today());
        Preset::ALL.into_iter().find(|preset| preset.period(today) == period)
    });
    let name = move || match preset.get() {
        Some(preset) => preset_name(preset).get().to_owned(),
        None => range(period.get()),
    };
    let choose = StoredValue::new(set);
    view! {
        <Menu
            class="button period-button"
            label=Signal::derive(move || format!("{}: {}", words::shell::PERIOD.get(), name()))
            end=true
            button=move || view! {
                <Glyph icon=Icon::Calendar />
                <span class="wide-only">{live(name)}</span>
                <Glyph icon=Icon::ChevronDown size=12 />
            }
        >
            {Preset::ALL.map(|choice| view! {
                <MenuItem
                    label=preset_name(choice)
                    checked=Signal::derive(move || preset.get() == Some(choice))
                    on_press=move |()| choose.with_value(|set| set(choice.period(today()), Some(choice)))
                />
            }).collect_view()}
            <MenuLine />
            <MenuItem
                label=words::shell::PERIOD_CUSTOM
                checked=Signal::derive(move || preset.get().is_none())
                on_press=move |()| custom.set(true)
            />
        </Menu>
        <Dialog open=custom title=words::shell::PERIOD_CUSTOM>
            <CustomPeriod open=custom />
        </Dialog>
    }
    .into_any()
}

const fn preset_name(preset: Preset) -> crate::i18n::Word {
    match preset {
        Preset::Week => words::shell::PERIOD_7,
        Preset::Month => words::shell::PERIOD_30,
        Preset::Quarter => words::shell::PERIOD_90,
        Preset::ThisMonth => words::shell::PERIOD_THIS_MONTH,
        Preset::LastMonth => words::shell::PERIOD_LAST_MONTH,
    }
}

/// The period, where the bar is too narrow to name it.
pub fn period_note() -> AnyView {
    let period = use_period();
    view! { <span class="narrow-only">{live(move || format!(" · {}", range(period.get())))}</span> }.into_any()
}

/// A period in words: its first and its last day, with the year unless both are of this one.
fn range(period: Period) -> String {
    let year = today().year();
    let show = if (period.from.year(), period.last().year()) == (year, year) { Show::Day } else { Show::Date };
    let show = |day: chrono::NaiveDate| time::date(&day.to_string(), show);
    words::shell::period_range(&show(period.from), &show(period.last()))
}

#[component]
fn CustomPeriod(open: RwSignal<bool>) -> AnyView {
    let period = use_period().get_untracked();
    let (from, to) = (RwSignal::new(period.from.to_string()), RwSignal::new(period.last().to_string()));
    let (from_error, to_error) = (RwSignal::new(None::<String>), RwSignal::new(None::<String>));
    let set = use_set_period();
    let apply = move |()| {
        let (first, last) =
            (from.get_untracked().parse::<chrono::NaiveDate>(), to.get_untracked().parse::<chrono::NaiveDate>());
        let missing = |is_missing: bool| is_missing.then(|| words::common::FIELD_REQUIRED.get_untracked().to_owned());
        from_error.set(missing(first.is_err()));
        to_error.set(missing(last.is_err()));
        let (Ok(from), Ok(last)) = (first, last) else { return };
        let period = Period { from, to: last.succ_opt().unwrap_or(last) };
        let wrong = match period.days() {
            ..=0 => words::shell::PERIOD_ORDER,
            1..=MOST_DAYS => {
                set(period, None);
                open.set(false);
                return;
            }
            _ => words::shell::PERIOD_TOO_LONG,
        };
        to_error.set(Some(wrong.get_untracked().to_owned()));
    };
    view! {
        <Form on_submit=apply>
            <div class="grid">
                <TextField label=words::shell::PERIOD_FROM value=from kind="date" error=from_error />
                <TextField label=words::shell::PERIOD_TO value=to kind="date" error=to_error />
            </div>
            <FormActions>
                <Button kind=ButtonKind::Primary submit=true>{t(words::shell::PERIOD_APPLY)}</Button>
            </FormActions>
        </Form>
    }
    .into_any()
}

#[component]
fn UnitsMenu() -> AnyView {
    let zone = Signal::derive(session::time_zone);
    let currency = Signal::derive(|| session::me().map(|me| me.organization.currency).unwrap_or_default());
    let offset = Signal::derive(move || time::zone_offset(&zone.get()));
    view! {
        <span class="wide-only">
            <Menu
                class="button"
                label=Signal::derive(move || format!("{}: {}, {}", words::shell::UNITS.get(), currency.get(), offset.get()))
                end=true
                button=move || view! { <span>{live(move || format!("{} · {}", currency.get(), offset.get()))}</span> }
            >
                <div class="menu-head menu-facts">
                    <p>{live(move || words::shell::units_currency(&currency.get()))}</p>
                    <p>{live(move || words::shell::units_zone(&offset.get(), &zone.get()))}</p>
                    <p>{live(move || words::shell::units_days(&"UTC"))}</p>
                </div>
                {live(move || session::manages().then(|| view! {
                    <MenuLine />
                    <MenuLink href="/settings" label=words::shell::UNITS_CHANGE icon=Icon::Sliders />
                }))}
            </Menu>
        </span>
    }
    .into_any()
}

#[component]
fn UserMenu() -> AnyView {
    let me = memo(|_| session::me());
    let name = Signal::derive(move || me.get().map(|me| me.name).unwrap_or_default());
    view! {
        <Menu
            class="avatar-button"
            label=Signal::derive(move || words::shell::account_of(&name.get()))
            end=true
            button=move || view! { <Avatar name /> }
        >
            {live(move || me.get().map(|me| view! {
                <div class="menu-head">
                    <b>{me.name}</b>
                    {me.email}" · "{t(crate::features::auth::role_name(me.role))}
                </div>
            }))}
            <MenuLink href="/settings?tab=profile" label=words::shell::ACCOUNT icon=Icon::Sliders />
            <MenuLine />
            <MenuLabel label=words::common::LANGUAGE />
            {Locale::ALL.map(|choice| view! {
                <MenuItem
                    label=choice.own_name()
                    icon=Icon::Globe
                    checked=Signal::derive(move || locale() == choice)
                    on_press=move |()| set_locale(choice)
                />
            }).collect_view()}
            <MenuLabel label=words::common::THEME />
            {Theme::ALL.map(|choice| {
                let (word, icon) = match choice {
                    Theme::System => (words::common::THEME_SYSTEM, Icon::Screen),
                    Theme::Light => (words::common::THEME_LIGHT, Icon::Sun),
                    Theme::Dark => (words::common::THEME_DARK, Icon::Moon),
                };
                view! {
                    <MenuItem
                        label=word
                        icon=icon
                        checked=Signal::derive(move || theme::theme() == choice)
                        on_press=move |()| theme::set_theme(choice)
                    />
                }
            }).collect_view()}
            <MenuLine />
            <MenuItem label=words::auth::SIGN_OUT icon=Icon::Leave on_press=move |()| session::sign_out() />
        </Menu>
    }
    .into_any()
}
