//! How spending goes on. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use super::calendar::{Calendar, Span};
use crate::platform::exact::Inexact;

/// Whole days before today that say how fast money is spent.
pub(super) const LOOKS_BACK: u64 = 7;
/// How many decimal places an estimate has.
const PLACES: u32 = 10;
/// How much of today must be over before it says something by itself: an hour.
const LEAST_OF_TODAY: i64 = 3_600;

/// What is expected of the period that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Forecast {
    /// What is spent a day.
    pub(super) burn_rate: Option<Decimal>,
    /// What will have been spent at the period's end: at least this, where days that are over are unknown.
    pub(super) total: Option<Decimal>,
    /// The day on which the amount was spent, or will be.
    pub(super) breach: Option<NaiveDate>,
}

/// What is known when a forecast is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course<'a> {
    pub(super) calendar: Calendar,
    pub(super) span: Span,
    pub(super) now: DateTime<Utc>,
    /// What may be spent.
    pub(super) amount: Decimal,
    /// What was spent, on days of which that is known: those of the period, and the last before today.
    pub(super) spent: &'a BTreeMap<NaiveDate, Decimal>,
}

impl Course<'_> {
    /// Makes it. What is still to come goes on as the last days did; the rest of today is as long as it is. Days that are
    /// over are what is known of them: to make up what an unknown one cost would say that an amount was spent, and since
    /// when, of which nobody knows.
    ///
    /// # Errors
    /// [`Inexact`] for figures that cannot be held.
    pub(super) fn forecast(&self) -> Result<Forecast, Inexact> {
        let today = self.calendar.today(self.now);
        let burn_rate = self.burn_rate(today)?;
        let rate = burn_rate.map(|rate| rate.max(Decimal::ZERO));
        let (mut total, mut breach) = (Decimal::ZERO, None);
        for day in self.span.each() {
            let known = self.spent.get(&day).copied().filter(|_| day <= today);
            let estimate = match (known, rate) {
                _ if day < today => Decimal::ZERO,
                (Some(_), Some(rate)) => rate.checked_mul(self.rest_of(today)).ok_or(Inexact)?,
                (None, Some(rate)) => rate,
                (_, None) => Decimal::ZERO,
            };
            total = [known.unwrap_or_default(), estimate]
                .into_iter()
                .try_fold(total, |sum, more| sum.checked_add(more).ok_or(Inexact))?;
            if rounded(total) >= self.amount {
                breach = breach.or(Some(day));
            }
        }
        // Nothing a day on top of nothing that is known is no forecast of nothing.
        let is_known = self.spent.range(self.span.from..=today).next().is_some();
        let says = rate.is_some_and(|rate| is_known || !rate.is_zero());
        Ok(Forecast { burn_rate, total: says.then(|| rounded(total)), breach })
    }

    /// The mean of the last whole days, from the first of them on which anything was spent: a project that began on
    /// Thursday spent nothing slower on Monday. Where there is none, today's own pace.
    fn burn_rate(&self, today: NaiveDate) -> Result<Option<Decimal>, Inexact> {
        let first = today.checked_sub_days(chrono::Days::new(LOOKS_BACK)).unwrap_or(today);
        let whole = self.spent.range(first..today).map(|(_, spent)| *spent).skip_while(Decimal::is_zero);
        let (mut days, mut sum) = (0_u32, Decimal::ZERO);
        for spent in whole {
            days += 1;
            sum = sum.checked_add(spent).ok_or(Inexact)?;
        }
        if days > 0 {
            return Ok(Some(rounded(sum / Decimal::from(days))));
        }
        let so_far = self.spent.get(&today).copied().filter(|spent| !spent.is_zero());
        let (start, end) = self.calendar.bounds(Span { from: today, to: today.succ_opt().unwrap_or(today) });
        let over = (self.now - start).num_seconds();
        let Some(so_far) = so_far.filter(|_| over >= LEAST_OF_TODAY) else {
            // Days that are known, and on which nothing was spent, are a pace too.
            return Ok(self.spent.range(first..today).next().map(|_| Decimal::ZERO).filter(|_| so_far.is_none()));
        };
        let pace = so_far.checked_mul(Decimal::from((end - start).num_seconds())).ok_or(Inexact)?;
        Ok(Some(rounded(pace / Decimal::from(over))))
    }

    /// How much of today is left, as a part of all of it.
    fn rest_of(&self, today: NaiveDate) -> Decimal {
        let (start, end) = self.calendar.bounds(Span { from: today, to: today.succ_opt().unwrap_or(today) });
        let (left, all) = ((end - self.now).num_seconds(), (end - start).num_seconds().max(1));
        Decimal::from(left.clamp(0, all)) / Decimal::from(all)
    }
}

fn rounded(estimate: Decimal) -> Decimal {
    estimate.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero).normalize()
}

#[cfg(test)]
mod tests {
    use finops_contract::budgets::BudgetPeriod;
    use finops_contract::organizations::Organization;
    use proptest::prelude::*;

    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn calendar(zone: &str) -> Calendar {
        Calendar::of(&Organization {
            id: uuid::Uuid::nil(),
            name: String::new(),
            time_zone: zone.into(),
            currency: "USD".into(),
            fiscal_year_start_month: 1,
            two_person_blocks: false,
            retention_days: 90,
            created_at: DateTime::UNIX_EPOCH,
        })
    }

    /// The forecast of the period that `now` is in, with these amounts on the days before today, the last of them
    /// yesterday's, and this one today. `None` is a day of which nothing is known.
    fn forecast(period: BudgetPeriod, now: &str, amount: i64, before: &[Option<i64>], so_far: Option<i64>) -> Forecast {
        let (calendar, now) = (calendar("Asia/Seoul"), now.parse().unwrap());
        let today = calendar.today(now);
        let days = std::iter::once((today, so_far));
        let days =
            days.chain((1..).zip(before.iter().rev()).map(|(back, spent)| (today - chrono::Days::new(back), *spent)));
        let spent = days.filter_map(|(day, spent)| Some((day, Decimal::from(spent?)))).collect();
        let span = calendar.period(period, today);
        Course { calendar, span, now, amount: amount.into(), spent: &spent }.forecast().unwrap()
    }

    fn told(forecast: Forecast) -> (String, String, String) {
        let text = |value: Option<Decimal>| value.map(|value| value.to_string()).unwrap_or_default();
        let breach = forecast.breach.map(|day| day.to_string()).unwrap_or_default();
        (text(forecast.burn_rate), text(forecast.total), breach)
    }

    fn three(rate: &str, total: &str, breach: &str) -> (String, String, String) {
        (rate.into(), total.into(), breach.into())
    }

    // Noon in Seoul, when half of the day is left.
    const NOON: &str = "2026-03-20T03:00:00Z";

    #[test]
    fn the_rest_of_the_period_goes_on_as_the_last_week_did() {
        let steady = [Some(10); 19];
        // 19 days of 10, 5 of today and 5 still to come, 11 days of 10.
        let found = forecast(BudgetPeriod::Monthly, NOON, 250, &steady, Some(5));
        assert_eq!(told(found), three("10", "310", "2026-03-25"));
        let found = forecast(BudgetPeriod::Monthly, NOON, 1_000, &steady, Some(5));
        assert_eq!(told(found), three("10", "310", ""));
        // What ran away today counts at once, and the pace from tomorrow on.
        let found = forecast(BudgetPeriod::Monthly, NOON, 500, &steady, Some(742));
        assert_eq!(told(found), three("10", "1047", "2026-03-20"));
        let found = forecast(BudgetPeriod::Daily, NOON, 500, &[Some(50); 7], Some(742));
        assert_eq!(told(found), three("50", "767", "2026-03-20"));
    }

    #[test]
    fn a_day_that_is_over_and_unknown_adds_nothing_and_slows_nothing() {
        let mut days = [Some(10); 19];
        days[17] = None;
        days[18] = None;
        let found = forecast(BudgetPeriod::Monthly, NOON, 1_000, &days, None);
        assert_eq!(told(found), three("10", "290", ""), "17 known days, 12 to come, and a pace of five days");
        assert_eq!(forecast(BudgetPeriod::Monthly, NOON, 1_000, &[None; 19], None), Forecast::default());
    }

    #[test]
    fn unknown_days_of_the_past_reach_no_amount() {
        // Of the calendar year only the last 180 days were collected: 144 days before them are unknown.
        const NOVEMBER: &str = "2026-11-25T03:00:00Z";
        let mut days = [None; 324 + 4];
        days[148..].fill(Some(10));
        let year = |amount| told(forecast(BudgetPeriod::Yearly, NOVEMBER, amount, &days, Some(5)));
        // 1,800 before today, ten today and on each of the 36 days to come.
        assert_eq!(year(2_200), three("10", "2170", ""), "not 144 days more");
        assert_eq!(year(2_170), three("10", "2170", "2026-12-31"));
        assert_eq!(year(1_810), three("10", "2170", "2026-11-25"), "no day before today");
        // What is known to be spent was spent on a day that is over.
        assert_eq!(year(1_800), three("10", "2170", "2026-11-24"));
    }

    #[test]
    fn a_pace_of_nothing_says_nothing_of_what_is_not_known() {
        let found = forecast(BudgetPeriod::Daily, NOON, 1_000, &[Some(0); 7], None);
        assert_eq!(told(found), three("0", "", ""));
        let found = forecast(BudgetPeriod::Daily, NOON, 1_000, &[Some(0); 7], Some(0));
        assert_eq!(told(found), three("0", "0", ""));
        let found = forecast(BudgetPeriod::Daily, NOON, 1_000, &[Some(10); 7], None);
        assert_eq!(told(found), three("10", "10", ""));
    }

    #[test]
    fn what_has_just_begun_is_measured_from_its_beginning() {
        let mut days = [Some(0); 19];
        days[17] = Some(10);
        days[18] = Some(20);
        let found = forecast(BudgetPeriod::Monthly, NOON, 1_000, &days, Some(0));
        assert_eq!(told(found), three("15", "202.5", ""));
        // Nothing is known before today, which adds nothing, and twelve hours cost six dollars.
        let found = forecast(BudgetPeriod::Weekly, NOON, 1_000, &[], Some(6));
        assert_eq!(told(found), three("12", "36", ""));
        // A minute after midnight it says nothing yet, but what is spent is spent.
        let found = forecast(BudgetPeriod::Weekly, "2026-03-19T15:01:00Z", 5, &[], Some(6));
        assert_eq!(told(found), three("", "", "2026-03-20"));
        let found = forecast(BudgetPeriod::Weekly, NOON, 5, &[Some(0), Some(0)], Some(0));
        assert_eq!(told(found), three("0", "0", ""), "known to be nothing");
    }

    #[test]
    fn a_short_day_has_less_left_of_it() {
        let calendar = calendar("Europe/Berlin");
        // Noon of a day of 23 hours: 12 of them are left.
        let now = "2026-03-29T10:00:00Z".parse().unwrap();
        let spent = BTreeMap::from([(date("2026-03-28"), Decimal::from(23)), (date("2026-03-29"), Decimal::from(11))]);
        let span = calendar.period(BudgetPeriod::Daily, date("2026-03-29"));
        let course = Course { calendar, span, now, amount: 100.into(), spent: &spent };
        assert_eq!(course.forecast().unwrap().total, Some(23.into()));
    }

    proptest! {
        #[test]
        fn a_forecast_is_no_less_than_what_is_spent_and_breaches_where_it_reaches(
            spent in proptest::collection::vec(proptest::option::weighted(0.9, 0i64..1_000), 0..60),
            so_far in proptest::option::of(0i64..1_000),
            amount in 1i64..50_000,
            period in proptest::sample::select(BudgetPeriod::ALL),
        ) {
            let calendar = calendar("Asia/Seoul");
            let span = calendar.period(period, date("2026-03-20"));
            let found = forecast(period, NOON, amount, &spent, so_far);
            let today = date("2026-03-20");
            let days = (1..).zip(spent.iter().rev()).map(|(back, spent)| (today - chrono::Days::new(back), *spent));
            let known: i64 = days.filter(|(day, _)| *day >= span.from).filter_map(|(_, spent)| spent).sum::<i64>() + so_far.unwrap_or_default();
            if let Some(total) = found.total {
                prop_assert!(total >= Decimal::from(known));
                prop_assert_eq!(found.breach.is_some(), total >= Decimal::from(amount));
            }
            if known >= amount {
                prop_assert!(found.breach.is_some_and(|day| day <= today));
            }
            if known < amount {
                prop_assert!(found.breach.is_none_or(|day| day >= today));
            }
            prop_assert!(found.breach.is_none_or(|day| span.from <= day && day < span.to));
        }
    }
}
