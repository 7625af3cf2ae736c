//! A cost query's address, and its answer cut for a chart and a table. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use finops_contract::costs::{
    Basis, CostRow, CostTotal, CostsAnswer, Dimension, Dimensions, Freshness, Named, Settlement,
};
use rust_decimal::Decimal;

use crate::period::Period;
use crate::ui::chart::{Place, Plot, Series, top};

/// The key of what belongs to none: no project, no model.
pub const NONE: &str = "none";

/// Ledgers that can be asked by themselves.
pub const LEDGERS: [Basis; 3] = [Basis::Billed, Basis::ProviderUsage, Basis::Events];

/// The ledger of this name, if it is one that can be asked.
pub fn ledger(name: &str) -> Option<Basis> {
    LEDGERS.into_iter().find(|basis| basis.name() == name)
}

/// What the answer is narrowed to: the values of the parameters of the same names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// A project's id, or `none`.
    pub project_id: Option<String>,
    /// A team's id.
    pub team_id: Option<String>,
    /// A model.
    pub model: Option<String>,
    /// A line item.
    pub line_item: Option<String>,
    /// The ledger that is asked, instead of the one that has the word.
    pub basis: Option<String>,
}

impl Filter {
    /// Name and value of each parameter.
    pub fn params(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("projectId", self.project_id.as_deref()),
            ("teamId", self.team_id.as_deref()),
            ("model", self.model.as_deref()),
            ("lineItem", self.line_item.as_deref()),
            ("basis", self.basis.as_deref()),
        ]
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.params().iter().all(|(_, value)| value.is_none())
    }

    /// Whether it already says what this dimension is.
    pub fn fixes(&self, dimension: Dimension) -> bool {
        match dimension {
            Dimension::Project => self.project_id.is_some(),
            Dimension::Team => self.team_id.is_some() || self.project_id.as_deref().is_some_and(|id| id != NONE),
            Dimension::Model => self.model.is_some() || self.line_item.is_some(),
            Dimension::LineItem => self.line_item.is_some(),
            Dimension::Provider | Dimension::ApiKey | Dimension::Day => false,
        }
    }
}

/// The dimensions that `groupBy` names, each once, in the order of [`Dimension::ALL`]; `default` when it names none of
/// those `offered`.
pub fn read_group_by(text: Option<&str>, offered: &[Dimension], default: &[Dimension]) -> Vec<Dimension> {
    let named: Vec<_> = text.unwrap_or_default().split(',').filter_map(Dimension::from_name).collect();
    let chosen: Vec<_> = offered.iter().copied().filter(|dimension| named.contains(dimension)).collect();
    if chosen.is_empty() { default.to_vec() } else { chosen }
}

/// `project,day`.
pub fn write_group_by(dimensions: &[Dimension]) -> String {
    dimensions.iter().map(|dimension| dimension.name()).collect::<Vec<_>>().join(",")
}

/// One more dimension, or one less; never none at all.
pub fn toggle(chosen: &[Dimension], dimension: Dimension) -> Vec<Dimension> {
    let without: Vec<_> = chosen.iter().copied().filter(|d| *d != dimension).collect();
    if without.len() == chosen.len() {
        Dimension::ALL.into_iter().filter(|d| *d == dimension || chosen.contains(d)).collect()
    } else if without.is_empty() {
        chosen.to_vec()
    } else {
        without
    }
}

/// What one dimension of a row says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Of which dimension.
    pub dimension: Dimension,
    /// An id, a day, or the text that is on the bill; [`NONE`] for what belongs to none.
    pub key: String,
    /// What it is called; `None` for what belongs to none.
    pub name: Option<String>,
    /// It does not exist any more.
    pub deleted: bool,
}

/// What a row is about, one part a dimension that was grouped by.
pub fn parts(dimensions: &Dimensions) -> Vec<Part> {
    let named = |dimension, value: &Option<Option<Named>>| {
        value.as_ref().map(|value| match value {
            Some(named) => {
                Part { dimension, key: named.id.to_string(), name: Some(named.name.clone()), deleted: named.deleted }
            }
            None => Part { dimension, key: NONE.to_owned(), name: None, deleted: false },
        })
    };
    let text = |dimension, value: Option<Option<String>>| {
        value.map(|name| Part { dimension, key: name.clone().unwrap_or_else(|| NONE.to_owned()), name, deleted: false })
    };
    [
        named(Dimension::Project, &dimensions.project),
        named(Dimension::Team, &dimensions.team),
        text(Dimension::LineItem, dimensions.line_item.clone()),
        text(Dimension::Model, dimensions.model.clone()),
        text(Dimension::Provider, dimensions.provider.clone().map(Some)),
        text(Dimension::ApiKey, dimensions.api_key.clone()),
        text(Dimension::Day, dimensions.day.map(|day| Some(day.to_string()))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn key(parts: &[Part]) -> String {
    parts.iter().map(|part| part.key.as_str()).collect::<Vec<_>>().join("\u{1f}")
}

/// One line of the table: everything that the answer holds for the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What it is.
    pub parts: Vec<Part>,
    /// What it cost.
    pub cost: Decimal,
    /// Some of it may still change.
    pub moving: bool,
    /// Calls whose cost nobody knows: no part of it.
    pub unpriced: i64,
}

/// The rows of one currency, those about the same thing added, in the answer's order.
pub fn groups(rows: &[CostRow], currency: &str) -> Vec<Group> {
    let mut at = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for row in rows.iter().filter(|row| row.currency == currency) {
        let parts = parts(&row.dimensions);
        let moving = row.settlement == Settlement::Moving;
        let index = *at.entry(key(&parts)).or_insert(groups.len());
        match groups.get_mut(index) {
            Some(group) => {
                group.cost += row.cost.0;
                group.moving |= moving;
                group.unpriced += row.unpriced;
            }
            None => groups.push(Group { parts, cost: row.cost.0, moving, unpriced: row.unpriced }),
        }
    }
    groups
}

/// The share of a cost in percent; `None` where a share says nothing (nothing to share, or credits among the parts).
pub fn share(cost: Decimal, total: Decimal) -> Option<Decimal> {
    if total <= Decimal::ZERO || cost < Decimal::ZERO || cost > total {
        return None;
    }
    cost.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(total)
}

/// The currency that is looked at: the one asked for if the answer has it, else the organization's, else the first.
pub fn currency(totals: &[CostTotal], asked: Option<&str>, own: &str) -> String {
    let has = |wanted: &str| totals.iter().any(|total| total.currency == wanted);
    asked
        .filter(|asked| has(asked))
        .or_else(|| has(own).then_some(own))
        .or_else(|| totals.first().map(|total| total.currency.as_str()))
        .unwrap_or(own)
        .to_owned()
}

/// The rows as bars over the answer's days. A day on which nothing is known has none; days to come are left out.
pub fn plot(
    answer: &CostsAnswer,
    currency: &str,
    today: NaiveDate,
    name: impl Fn(&[Part]) -> String,
    rest: &str,
) -> Plot {
    let last = answer.to.min(today.succ_opt().unwrap_or(today));
    let days: Vec<_> = answer.from.iter_days().take_while(|day| *day < last).collect();
    let mut series = BTreeMap::<String, Series>::new();
    let mut moving = BTreeSet::new();
    for row in answer.data.iter().filter(|row| row.currency == currency) {
        let Some(day) = row.dimensions.day else { continue };
        let Ok(at) = days.binary_search(&day) else { continue };
        if row.settlement == Settlement::Moving {
            moving.insert(day);
        }
        let about: Vec<_> =
            parts(&row.dimensions).into_iter().filter(|part| part.dimension != Dimension::Day).collect();
        let entry = series.entry(key(&about)).or_insert_with_key(|key| Series {
            key: key.clone(),
            name: name(&about),
            colour: 0,
            values: vec![None; days.len()],
        });
        *entry.values[at].get_or_insert(Decimal::ZERO) += row.cost.0;
    }
    let of = series.len();
    let places =
        days.iter().map(|day| Place { day: day.to_string(), moving: moving.contains(day) }).collect::<Vec<_>>();
    Plot { places, series: top(series.into_values().collect(), rest), currency: currency.to_owned(), of, apart: false }
}

/// Where a row leads: narrowed to what it is about, and cut by what it has not been cut by yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// The filter from there on.
    pub filter: Filter,
    /// One day, if the row was about one.
    pub period: Option<Period>,
    /// How it is cut there.
    pub by: Dimension,
}

/// Where a row leads, if it leads anywhere. What the service cannot filter by (API keys) cannot be looked into.
pub fn drill(parts: &[Part], filter: &Filter, offered: &[Dimension]) -> Option<Drill> {
    let mut to = filter.clone();
    let mut period = None;
    for part in parts {
        let known = part.name.is_some();
        match part.dimension {
            Dimension::Project => to.project_id = Some(part.key.clone()),
            Dimension::Team if known => to.team_id = Some(part.key.clone()),
            Dimension::Model if known => to.model = Some(part.key.clone()),
            Dimension::LineItem if known => to.line_item = Some(part.key.clone()),
            Dimension::Day => {
                let day: NaiveDate = part.key.parse().ok()?;
                period = Some(Period { from: day, to: day.succ_opt()? });
            }
            _ => {}
        }
    }
    if to == *filter && period.is_none() {
        return None;
    }
    let order = [Dimension::Project, Dimension::Model, Dimension::LineItem, Dimension::ApiKey];
    let seen = |dimension: Dimension| parts.iter().any(|part| part.dimension == dimension) || to.fixes(dimension);
    let by = order.into_iter().find(|dimension| offered.contains(dimension) && !seen(*dimension));
    Some(Drill { by: by.unwrap_or(Dimension::ApiKey), filter: to, period })
}

/// Why an answer has no rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nothing {
    /// Nothing was ever collected.
    NotCollected,
    /// A team's collection fails, so it may yet come.
    Delayed,
    /// The filter lets nothing through.
    Filtered,
    /// Nothing was billed on these days.
    Unbilled,
}

/// Why there are no rows.
pub fn nothing(freshness: &Freshness, filter_is_empty: bool) -> Nothing {
    match (freshness.collected_at, freshness.stale_teams.is_empty()) {
        (None, true) => Nothing::NotCollected,
        _ if !filter_is_empty => Nothing::Filtered,
        (_, false) => Nothing::Delayed,
        (Some(_), true) => Nothing::Unbilled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str, cost: &str) -> CostRow {
        serde_json::from_str(&format!(
            r#"{{"dimensions":{json},"cost":"{cost}","currency":"USD","basis":"billed","state":"billed","settlement":"settled"}}"#
        ))
        .unwrap()
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn group_by_is_read_in_one_order_and_never_empty() {
        use Dimension::{Day, Model, Project};
        let read = |text| read_group_by(text, &Dimension::ALL, &[Project]);
        assert_eq!(read(Some("day,model,nonsense,day")), [Model, Day]);
        assert_eq!(read(Some("nonsense")), [Project]);
        assert_eq!(read(None), [Project]);
        assert_eq!(read_group_by(Some("project"), &[Model, Day], &[Model]), [Model]);
        assert_eq!(write_group_by(&[Model, Day]), "model,day");
        assert_eq!(toggle(&[Project], Day), [Project, Day]);
        assert_eq!(toggle(&[Project, Day], Project), [Day]);
        assert_eq!(toggle(&[Day], Day), [Day]);
    }

    #[test]
    fn rows_about_the_same_thing_are_one_and_other_currencies_are_not_added() {
        let mut yen = row(r#"{"model":"a"}"#, "900");
        yen.currency = "JPY".to_owned();
        let rows = [row(r#"{"model":"a"}"#, "0.1"), row(r#"{"model":null}"#, "5"), yen, row(r#"{"model":"a"}"#, "0.2")];
        let groups = groups(&rows, "USD");
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].parts[0].key.as_str(), groups[0].cost), ("a", decimal("0.3")));
        assert_eq!((groups[1].parts[0].name.as_deref(), groups[1].cost), (None, decimal("5")));
    }

    #[test]
    fn a_share_of_credits_says_nothing() {
        assert_eq!(share(decimal("25"), decimal("200")), Some(decimal("12.5")));
        assert_eq!(share(decimal("-1"), decimal("200")), None);
        assert_eq!(share(decimal("300"), decimal("200")), None);
        assert_eq!(share(decimal("1"), Decimal::ZERO), None);
    }

    #[test]
    fn a_chart_has_gaps_where_nothing_is_known_and_no_days_to_come() {
        let mut data = vec![
            row(r#"{"model":"a","day":"2026-11-20"}"#, "1"),
            row(r#"{"model":null,"day":"2026-11-20"}"#, "2"),
            row(r#"{"model":"a","day":"2026-11-22"}"#, "4"),
        ];
        data[2].settlement = Settlement::Moving;
        let answer = CostsAnswer {
            data,
            next_cursor: None,
            totals: Vec::new(),
            basis: Basis::Billed,
            from: "2026-11-20".parse().unwrap(),
            to: "2026-12-31".parse().unwrap(),
            day_zone: "UTC".to_owned(),
            freshness: Freshness::default(),
        };
        let today = "2026-11-22".parse().unwrap();
        let name = |parts: &[Part]| parts[0].name.clone().unwrap_or_else(|| "?".to_owned());
        let plot = plot(&answer, "USD", today, name, "rest");
        assert_eq!(plot.places.iter().map(|p| p.moving).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(plot.series[0].values, [Some(decimal("1")), None, Some(decimal("4"))]);
        assert_eq!(plot.series[1].name, "?");
        assert_eq!(plot.sum_at(1), None);
        assert_eq!(plot.of, 2);
    }

    #[test]
    fn a_row_leads_to_what_it_is_made_of() {
        let about = |json: &str| parts(&row(json, "1").dimensions);
        let to = drill(&about(r#"{"model":"gpt-5.4"}"#), &Filter::default(), &Dimension::ALL).unwrap();
        assert_eq!((to.filter.model.as_deref(), to.by), (Some("gpt-5.4"), Dimension::Project));
        let to = drill(&about(r#"{"lineItem":"x"}"#), &to.filter, &Dimension::ALL).unwrap();
        assert_eq!(to.filter.model.as_deref(), Some("gpt-5.4"));
        let to = drill(&about(r#"{"project":null}"#), &Filter::default(), &Dimension::ALL).unwrap();
        assert_eq!((to.filter.project_id.as_deref(), to.by), (Some(NONE), Dimension::Model));
        let to = drill(&about(r#"{"day":"2026-11-20"}"#), &Filter::default(), &Dimension::ALL).unwrap();
        assert_eq!(to.period.unwrap().days(), 1);
        assert_eq!(drill(&about(r#"{"apiKey":"key_1"}"#), &Filter::default(), &Dimension::ALL), None);
        assert_eq!(drill(&about(r#"{"model":null}"#), &Filter::default(), &Dimension::ALL), None);
    }

    #[test]
    fn nothing_has_four_reasons() {
        let some = Freshness { collected_at: Some("2026-11-22T00:00:00Z".parse().unwrap()), ..Freshness::default() };
        let team = Named { id: uuid::Uuid::nil(), name: "a".to_owned(), deleted: false };
        let stale = Freshness { stale_teams: vec![team], ..some.clone() };
        assert_eq!(nothing(&Freshness::default(), false), Nothing::NotCollected);
        assert_eq!(nothing(&some, false), Nothing::Filtered);
        assert_eq!(nothing(&stale, true), Nothing::Delayed);
        assert_eq!(nothing(&some, true), Nothing::Unbilled);
    }

    #[test]
    fn the_currency_is_one_that_the_answer_has() {
        let total = |currency: &str| CostTotal { currency: currency.to_owned(), ..CostTotal::default() };
        let totals = [total("EUR"), total("USD")];
        assert_eq!(currency(&totals, Some("EUR"), "USD"), "EUR");
        assert_eq!(currency(&totals, Some("GBP"), "USD"), "USD");
        assert_eq!(currency(&totals, None, "KRW"), "EUR");
        assert_eq!(currency(&[], None, "KRW"), "KRW");
    }
}
