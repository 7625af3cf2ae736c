//! What the forms of the price book say. Pure: instants come from who calls.

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::UnitKind;
use finops_contract::prices::{CreatePriceOverrideRequest, PriceTier};
use finops_contract::reprices::RepriceRequest;

use super::model;

/// The longest time that is priced anew at once.
const LONGEST: TimeDelta = TimeDelta::days(400);

/// Pointer and code of each field that is wrong.
pub(super) type Wrong = Vec<(&'static str, &'static str)>;

/// What was negotiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Terms {
    /// A price of one kind of unit.
    #[default]
    Price,
    /// Percent off the book.
    Discount,
    /// A name of the organization's own for a model of the book.
    SameAs,
}

impl Terms {
    /// All, in the order in which they are offered.
    pub(super) const ALL: [Terms; 3] = [Terms::Price, Terms::Discount, Terms::SameAs];

    /// The name in the form.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Terms::Price => "price",
            Terms::Discount => "discount",
            Terms::SameAs => "sameAs",
        }
    }

    /// The terms of that name.
    pub(super) fn from_name(name: &str) -> Terms {
        Terms::ALL.into_iter().find(|terms| terms.name() == name).unwrap_or_default()
    }
}

/// What somebody has filled in of a price of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) terms: Terms,
    pub(super) provider: String,
    /// Empty for everything of the provider, which only a discount can be on.
    pub(super) model: String,
    pub(super) kind: String,
    pub(super) tier: String,
    /// For a million units or for one, as the kind is told.
    pub(super) price: String,
    pub(super) percent: String,
    pub(super) same_as: String,
    pub(super) note: String,
    /// The first day; empty for from now on.
    pub(super) first_day: String,
    /// The last day; empty for good.
    pub(super) last_day: String,
}

impl Draft {
    /// Whether it begins on a day before `today`, so that events of the past cost something else.
    pub(super) fn is_past(&self, today: &str) -> bool {
        // Both are ISO dates, which sort as they are.
        !self.first_day.is_empty() && self.first_day.as_str() < today
    }

    /// What is asked for, or what is wrong. `start_of` and `end_of` give the ends of a day.
    pub(super) fn read(
        &self,
        today: &str,
        start_of: impl Fn(&str) -> Option<DateTime<Utc>>,
        end_of: impl Fn(&str) -> Option<DateTime<Utc>>,
    ) -> Result<CreatePriceOverrideRequest, Wrong> {
        let mut wrong = Wrong::new();
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let (provider, model) = (text(&self.provider), text(&self.model));
        if provider.is_none() {
            wrong.push(("/provider", "required"));
        }
        if model.is_none() && self.terms != Terms::Discount {
            wrong.push(("/model", "required"));
        }
        let mut request = CreatePriceOverrideRequest {
            provider: provider.unwrap_or_default(),
            model,
            note: text(&self.note),
            ..CreatePriceOverrideRequest::default()
        };
        self.read_terms(&mut request, &mut wrong);
        // A first day that has begun and is not over is from now on: what is priced already stays.
        let starts = !self.first_day.is_empty() && self.first_day != today;
        request.effective_from = if starts { start_of(&self.first_day) } else { None };
        if starts && request.effective_from.is_none() {
            wrong.push(("/effectiveFrom", "range"));
        }
        request.effective_to = end_of(&self.last_day);
        let first = if self.first_day.is_empty() { today } else { &self.first_day };
        if !self.last_day.is_empty() && (request.effective_to.is_none() || self.last_day.as_str() < first) {
            wrong.push(("/effectiveTo", "range"));
        }
        request.reprice = self.is_past(today).then_some(true);
        if wrong.is_empty() { Ok(request) } else { Err(wrong) }
    }

    fn read_terms(&self, request: &mut CreatePriceOverrideRequest, wrong: &mut Wrong) {
        let missing_or = |text: &str, code| if text.trim().is_empty() { "required" } else { code };
        match self.terms {
            Terms::Price => {
                let kind = UnitKind::from_name(&self.kind).unwrap_or(UnitKind::Input);
                request.kind = Some(kind);
                request.tier = PriceTier::from_name(&self.tier);
                request.unit_price = model::read(&self.price, kind);
                if request.unit_price.is_none() {
                    wrong.push(("/unitPrice", missing_or(&self.price, "range")));
                }
            }
            Terms::Discount => {
                request.discount_percent = model::read_percent(&self.percent);
                if request.discount_percent.is_none() {
                    wrong.push(("/discountPercent", missing_or(&self.percent, "range")));
                }
            }
            Terms::SameAs => {
                let same_as = self.same_as.trim();
                request.same_as = Some(same_as.to_owned());
                if same_as.is_empty() {
                    wrong.push(("/sameAs", "required"));
                }
            }
        }
    }
}

/// Which events are to be priced anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    /// The first day, and …
    pub(super) first_day: String,
    /// … the last.
    pub(super) last_day: String,
    /// Empty for every provider.
    pub(super) provider: String,
    /// Empty for every model.
    pub(super) model: String,
}

impl Range {
    /// What is asked for, as a dry run, or what is wrong.
    pub(super) fn read(
        &self,
        start_of: impl Fn(&str) -> Option<DateTime<Utc>>,
        end_of: impl Fn(&str) -> Option<DateTime<Utc>>,
    ) -> Result<RepriceRequest, Wrong> {
        let missing_or = |text: &str, code| if text.is_empty() { "required" } else { code };
        let (from, to) = (start_of(&self.first_day), end_of(&self.last_day));
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match (from, to) {
            (Some(from), Some(to)) if from < to && to - from <= LONGEST => {
                Ok(RepriceRequest { from, to, provider: text(&self.provider), model: text(&self.model), apply: false })
            }
            (Some(_), Some(_)) => Err(vec![("/to", "range")]),
            (from, to) => {
                let mut wrong = Wrong::new();
                if from.is_none() {
                    wrong.push(("/from", missing_or(&self.first_day, "range")));
                }
                if to.is_none() {
                    wrong.push(("/to", missing_or(&self.last_day, "range")));
                }
                Err(wrong)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: &str = "2026-11-24";

    fn start_of(day: &str) -> Option<DateTime<Utc>> {
        let day: chrono::NaiveDate = day.parse().ok()?;
        Some(day.and_time(chrono::NaiveTime::MIN).and_utc())
    }

    fn end_of(day: &str) -> Option<DateTime<Utc>> {
        Some(start_of(day)? + TimeDelta::days(1))
    }

    fn read(draft: &Draft) -> Result<String, Wrong> {
        draft.read(TODAY, start_of, end_of).map(|request| serde_json::to_string(&request).unwrap())
    }

    fn price() -> Draft {
        Draft {
            provider: "openai".into(),
            model: " gpt-5.4 ".into(),
            kind: "input".into(),
            tier: "batch".into(),
            price: "1.25".into(),
            ..Draft::default()
        }
    }

    #[test]
    fn a_price_for_a_million_tokens_is_sent_for_one() {
        assert_eq!(
            read(&price()).unwrap(),
            r#"{"provider":"openai","model":"gpt-5.4","kind":"input","tier":"batch","unitPrice":"0.00000125"}"#
        );
    }

    #[test]
    fn a_discount_on_everything_names_no_model() {
        let draft = Draft { terms: Terms::Discount, model: String::new(), percent: "12.5".into(), ..price() };
        assert_eq!(read(&draft).unwrap(), r#"{"provider":"openai","discountPercent":"12.500000"}"#);
    }

    #[test]
    fn a_name_stands_for_a_model() {
        let draft = Draft { terms: Terms::SameAs, same_as: "gpt-5.4-mini".into(), ..price() };
        assert_eq!(read(&draft).unwrap(), r#"{"provider":"openai","model":"gpt-5.4","sameAs":"gpt-5.4-mini"}"#);
    }

    #[test]
    fn a_day_that_is_past_prices_its_events_anew_and_today_does_not() {
        let of = |day: &str| read(&Draft { first_day: day.into(), ..price() }).unwrap();
        assert!(of("2026-11-01").ends_with(r#""effectiveFrom":"2026-11-01T00:00:00Z","reprice":true}"#));
        assert!(!of(TODAY).contains("effectiveFrom"));
        let later = of("2026-12-01");
        assert!(later.contains("2026-12-01T00:00:00Z") && !later.contains("reprice"));
    }

    #[test]
    fn the_last_day_is_part_of_it_and_not_before_the_first() {
        let of = |day: &str| read(&Draft { last_day: day.into(), ..price() });
        assert!(of(TODAY).unwrap().contains(r#""effectiveTo":"2026-11-25T00:00:00Z""#));
        assert_eq!(of("2026-11-23").unwrap_err(), [("/effectiveTo", "range")]);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let pointers = |draft: &Draft| read(draft).unwrap_err().into_iter().map(|(p, _)| p).collect::<Vec<_>>();
        assert_eq!(pointers(&Draft::default()), ["/provider", "/model", "/unitPrice"]);
        assert_eq!(pointers(&Draft { terms: Terms::Discount, ..Draft::default() }), ["/provider", "/discountPercent"]);
        assert_eq!(pointers(&Draft { terms: Terms::SameAs, ..price() }), ["/sameAs"]);
    }

    #[test]
    fn events_are_priced_anew_for_whole_days_of_a_year_or_so() {
        let range = |first: &str, last: &str| Range {
            first_day: first.into(),
            last_day: last.into(),
            provider: " openai".into(),
            model: String::new(),
        };
        let request = range("2026-11-01", "2026-11-01").read(start_of, end_of).unwrap();
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"from":"2026-11-01T00:00:00Z","to":"2026-11-02T00:00:00Z","provider":"openai","apply":false}"#
        );
        assert!(range("2025-10-21", "2026-11-24").read(start_of, end_of).is_ok());
        for (first, last) in [("2026-11-02", "2026-11-01"), ("2025-10-20", "2026-11-24")] {
            assert_eq!(range(first, last).read(start_of, end_of).unwrap_err(), [("/to", "range")]);
        }
        assert_eq!(range("", "x").read(start_of, end_of).unwrap_err(), [("/from", "required"), ("/to", "range")]);
    }
}
