//! `/explore`.

use finops_contract::costs::Dimension;
use leptos::prelude::*;

use super::breakdown::Breakdown;
use super::filters::FilterBar;
use crate::i18n::words;
use crate::ui::PageHeader;

/// Everything that costs, cut and narrowed as the reader likes.
#[component]
pub fn ExplorePage() -> AnyView {
    view! {
        <PageHeader title=words::explore::TITLE lead=words::explore::LEAD />
        <FilterBar />
        <Breakdown title=words::explore::OVER_TIME offered=&Dimension::ALL default=&[Dimension::Project] />
    }
    .into_any()
}
