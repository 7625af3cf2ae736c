//! Amounts, percentages, numbers and dates as people read them in messages. Pages have the browser for that; what is sent
//! has not. Rounded for the eye alone: programs get the exact figures.

use chrono::{Datelike as _, NaiveDate};
use finops_contract::accounts::Locale;
use rust_decimal::{Decimal, RoundingStrategy};

/// An amount with its currency: `$742`, `$1,204.50`, `$0.003500`, `₩1,500,000`, `EUR 12.30`. Two decimal places where there
/// are any (none for won and yen), six for less than a cent.
pub fn money(amount: Decimal, currency: &str) -> String {
    let places = match currency {
        "KRW" | "JPY" => 0,
        _ if !amount.is_zero() && amount.abs() < Decimal::new(1, 2) => 6,
        _ => 2,
    };
    let symbol = match currency {
        "USD" => "$".to_owned(),
        "KRW" => "₩".to_owned(),
        other => format!("{other} "),
    };
    let shown = amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    let digits = if shown.fract().is_zero() {
        grouped(&shown.abs().trunc().to_string())
    } else {
        let text = format!("{:.*}", usize::try_from(places).unwrap_or(2), shown.abs());
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        format!("{}.{fraction}", grouped(whole))
    };
    let sign = if shown.is_sign_negative() && !shown.is_zero() { "-" } else { "" };
    format!("{sign}{symbol}{digits}")
}

/// A whole number with its thousands apart: `45,000`.
pub fn count(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", grouped(&number.unsigned_abs().to_string()))
}

/// A percentage: `148%`; below a hundred with one decimal place, where there is any: `99.9%`. Cut, not rounded: 99.99 is not
/// yet 100.
pub fn percent(percent: Decimal) -> String {
    let places = u32::from(percent.abs() < Decimal::ONE_HUNDRED);
    let shown = percent.round_dp_with_strategy(places, RoundingStrategy::ToZero).normalize();
    let text = shown.abs().to_string();
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let sign = if shown.is_sign_negative() && !shown.is_zero() { "-" } else { "" };
    let fraction = fraction.map(|part| format!(".{part}")).unwrap_or_default();
    format!("{sign}{}{fraction}%", grouped(whole))
}

/// How many times as much: `15` of 45,000 and 3,000, one decimal place below ten. Nothing of nothing.
pub fn times(much: i64, usual: i64) -> Option<String> {
    let ratio = Decimal::from(much).checked_div(Decimal::from(usual))?;
    let places = u32::from(ratio < Decimal::TEN);
    Some(ratio.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero).normalize().to_string())
}

/// A day: `11월 25일`, `25 Nov`.
pub fn day(day: NaiveDate, locale: Locale) -> String {
    match locale {
        Locale::Ko => format!("{}월 {}일", day.month(), day.day()),
        Locale::En => day.format("%-d %b").to_string(),
    }
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let lead = digits.len() % 3;
    let (first, rest) = digits.split_at(lead);
    let groups = rest.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let parts: Vec<String> =
        Some(first.to_owned()).filter(|first| !first.is_empty()).into_iter().chain(groups).collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short_and_never_zero_for_something() {
        for (amount, currency, text) in [
            ("742", "USD", "$742"),
            ("742.00", "USD", "$742"),
            ("1204.5", "USD", "$1,204.50"),
            ("0.0035", "USD", "$0.003500"),
            ("0", "USD", "$0"),
            ("-12.345", "USD", "-$12.35"),
            ("1500000", "KRW", "₩1,500,000"),
            ("12.3", "EUR", "EUR 12.30"),
            ("999.999", "USD", "$1,000"),
        ] {
            assert_eq!(money(amount.parse().unwrap(), currency), text);
        }
    }

    #[test]
    fn percentages_are_never_more_than_they_are() {
        for (number, text) in
            [("148.4", "148%"), ("99.99", "99.9%"), ("1384", "1,384%"), ("-25", "-25%"), ("100.00", "100%")]
        {
            assert_eq!(percent(number.parse().unwrap()), text);
        }
        assert_eq!((times(45_000, 3_000), times(7, 2), times(1, 0)), (Some("15".into()), Some("3.5".into()), None));
        assert_eq!((count(45_000), count(-1_234_567), count(12)), ("45,000".into(), "-1,234,567".into(), "12".into()));
    }

    #[test]
    fn days_are_read_in_their_language() {
        let date = NaiveDate::from_ymd_opt(2026, 11, 5).unwrap();
        assert_eq!((day(date, Locale::Ko), day(date, Locale::En)), ("11월 5일".into(), "5 Nov".into()));
    }
}
