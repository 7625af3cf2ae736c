//! `GET /organization/costs`.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::amount::literal;
use super::errors::ApiError;
use super::ledger::{NO_KEY, elapsed_seconds};
use super::request::{Answer, ApiRequest, ApiResult};
use super::state::{Organization, Seen};
use super::window::{Width, Window};
use crate::rng;

const WIDTHS: [Width; 1] = [("1d", 86_400, 7, 180)];
const DIMENSIONS: [&str; 3] = ["project_id", "line_item", "api_key_id"];
/// A dimension that was not grouped by.
const ALL: u32 = u32::MAX - 1;

/// Project, line item and key of a group.
type Group = [u32; 3];

/// What a query keeps and how it groups.
struct Selection {
    projects: Option<Vec<u32>>,
    keys: Option<Vec<u32>>,
    grouped: [bool; 3],
    negative: bool,
}

/// Serves one page of daily costs.
pub(crate) fn list(organization: &mut Organization, request: &ApiRequest<'_>) -> ApiResult {
    let selection = Selection::parse(organization, request)?;
    let window = Window::parse(request, &WIDTHS, "1d")?;
    let names = escaped_names(organization);
    let mut body = String::from("{\"object\":\"page\",\"data\":[");
    for (index, (start, end)) in window.buckets.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(body, "{comma}{{\"object\":\"bucket\",\"start_time\":{start},\"end_time\":{end},\"results\":[");
        bucket(&mut body, organization, &selection, &names, (*start, *end), request.now);
        body.push_str("]}");
    }
    page_end(&mut body, &window);
    Ok(Answer { body, own_cursor: Some(window.own_page) })
}

/// Closes a page.
pub(crate) fn page_end(body: &mut String, window: &Window) {
    let _ = match &window.next_page {
        Some(token) => write!(body, "],\"has_more\":true,\"next_page\":\"{token}\"}}"),
        None => write!(body, "],\"has_more\":false,\"next_page\":null}}"),
    };
}

impl Selection {
    fn parse(organization: &Organization, request: &ApiRequest<'_>) -> Result<Self, ApiError> {
        let params = &request.params;
        let mut grouped = [false; 3];
        for index in params.choices("group_by", &DIMENSIONS)? {
            grouped[index] = true;
        }
        let indices = |wanted: Vec<&str>, known: &mut dyn Iterator<Item = &str>| {
            let found = known.zip(0..).filter(|(id, _)| wanted.contains(id)).map(|(_, index)| index).collect();
            (!wanted.is_empty()).then_some(found)
        };
        let mut projects = organization.projects.iter().map(|project| project.id.as_str());
        let mut keys = organization.keys.iter().map(|key| key.id.as_str());
        Ok(Self {
            projects: indices(params.list("project_ids"), &mut projects),
            keys: indices(params.list("api_key_ids"), &mut keys),
            grouped,
            negative: request.negative,
        })
    }

    fn group(&self, row: &Seen) -> Option<Group> {
        let kept = |wanted: &Option<Vec<u32>>, index| wanted.as_ref().is_none_or(|wanted| wanted.contains(&index));
        if !kept(&self.projects, row.project) || !kept(&self.keys, row.key) {
            return None;
        }
        let parts = [row.project, row.line, row.key];
        Some(std::array::from_fn(|index| if self.grouped[index] { parts[index] } else { ALL }))
    }
}

/// JSON texts of the names, by index.
struct Names {
    projects: Vec<String>,
    items: Vec<String>,
    keys: Vec<String>,
}

fn escaped_names(organization: &Organization) -> Names {
    let escape = |text: &str| serde_json::Value::from(text).to_string();
    let project = |id: &str| if id.is_empty() { "null".to_owned() } else { escape(id) };
    Names {
        projects: organization.projects.iter().map(|each| project(&each.id)).collect(),
        items: organization.items.iter().map(|each| escape(&each.name)).collect(),
        keys: organization.keys.iter().map(|each| escape(&each.id)).collect(),
    }
}

fn bucket(
    body: &mut String,
    organization: &mut Organization,
    selection: &Selection,
    names: &Names,
    (start, end): (i64, i64),
    now: DateTime<Utc>,
) {
    let Some(day) = DateTime::from_timestamp(start, 0).map(|start| start.date_naive()) else { return };
    let part = part_of_day(day, start, end, now);
    let mut groups: BTreeMap<Group, (Decimal, u64)> = BTreeMap::new();
    for row in organization.seen(day, now) {
        if let Some(group) = selection.group(&row) {
            let entry = groups.entry(group).or_default();
            entry.0 += row.amount;
            entry.1 = entry.1.saturating_add(row.quantity);
        }
    }
    for (index, (group, (amount, quantity))) in groups.into_iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        let mut amount = part.map_or(amount, |part| (amount * part).round_dp(12));
        if selection.negative {
            amount = if amount.is_zero() { Decimal::NEGATIVE_ONE } else { -amount.abs() };
        }
        let word = rng::hash(&[
            organization.spec.seed,
            start.cast_unsigned(),
            group[0].into(),
            group[1].into(),
            group[2].into(),
        ]);
        let value = literal(amount, organization.spec.amount_style, word);
        result(body, organization, names, group, &value, quantity);
    }
}

fn result(body: &mut String, organization: &Organization, names: &Names, group: Group, value: &str, quantity: u64) {
    let name = |texts: &'_ [String], index: u32| texts.get(index as usize).map_or("null".to_owned(), Clone::clone);
    let project = name(&names.projects, group[0]);
    let line = name(&names.items, group[1]);
    let key = if group[2] == NO_KEY { "null".to_owned() } else { name(&names.keys, group[2]) };
    let _ = write!(
        body,
        "{{\"object\":\"organization.costs.result\",\"amount\":{{\"value\":{value},\"currency\":\"usd\"}},\
        \"line_item\":{line},\"project_id\":{project},\"api_key_id\":{key},"
    );
    let _ = match organization.items.get(group[1] as usize) {
        None => write!(body, "\"quantity\":null,\"quantity_unit\":null}}"),
        Some(item) => match item.unit {
            None => write!(body, "\"quantity\":{quantity},\"quantity_unit\":null}}"),
            Some(unit) => write!(body, "\"quantity\":{quantity},\"quantity_unit\":\"{unit}\"}}"),
        },
    };
}

/// Which part of the day's costs falls into the bucket; `None`: all of what there is so far.
fn part_of_day(day: NaiveDate, start: i64, end: i64, now: DateTime<Utc>) -> Option<Decimal> {
    let midnight = super::ledger::midnight(day).timestamp();
    let elapsed = elapsed_seconds(day, now);
    let from = (start - midnight).min(elapsed);
    let to = (end - midnight).min(elapsed);
    (from > 0 || to < elapsed).then(|| Decimal::from((to - from).max(0)) / Decimal::from(elapsed.max(1)))
}
