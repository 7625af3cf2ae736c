//! The lines of the list and what they say. Pure.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::usage::UsageEvent;
use finops_contract::{Page, UnitKind};
use rust_decimal::Decimal;

use super::filter::{Key, Term};
use crate::format::number::grouped;

/// Lines that are kept in memory at most.
pub(super) const MOST: usize = 1_000;

/// How far back the list goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Range {
    Quarter,
    Hour,
    #[default]
    Day,
    Week,
    Month,
}

impl Range {
    pub(super) const ALL: [Range; 5] = [Range::Quarter, Range::Hour, Range::Day, Range::Week, Range::Month];

    /// As it stands in the URL.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Range::Quarter => "15m",
            Range::Hour => "1h",
            Range::Day => "24h",
            Range::Week => "7d",
            Range::Month => "30d",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Range> {
        Range::ALL.into_iter().find(|range| range.name() == name)
    }

    pub(super) const fn length(self) -> TimeDelta {
        match self {
            Range::Quarter => TimeDelta::minutes(15),
            Range::Hour => TimeDelta::hours(1),
            Range::Day => TimeDelta::days(1),
            Range::Week => TimeDelta::days(7),
            Range::Month => TimeDelta::days(30),
        }
    }
}

/// The time that the list looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// Until now, whenever that is.
    Last(Range),
    /// Between two moments.
    Fixed(DateTime<Utc>, DateTime<Utc>),
}

/// Reads the URL. Moments count when both are there and in order.
pub(super) fn span(range: Option<&str>, from: Option<&str>, to: Option<&str>) -> Span {
    let moment = |text: Option<&str>| DateTime::parse_from_rfc3339(text?).ok().map(|at| at.to_utc());
    match (moment(from), moment(to)) {
        (Some(from), Some(to)) if from < to => Span::Fixed(from, to),
        _ => Span::Last(range.and_then(Range::from_name).unwrap_or_default()),
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) event: Arc<UsageEvent>,
    /// It came in while the list was looked at.
    pub(super) new: bool,
}

impl Line {
    /// What tells it from every other. The same id may come again on another day.
    pub(super) fn key(&self) -> (DateTime<Utc>, String) {
        (self.event.timestamp, self.event.event_id.clone())
    }
}

/// What follows the last line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing.
    #[default]
    Whole,
    /// More, which the service gives for this cursor.
    More(String),
    /// More than is kept.
    Cut,
}

/// The lines that are shown, the latest first, each once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lines {
    pub(super) rows: Vec<Line>,
    pub(super) end: End,
}

impl Lines {
    /// The first page.
    pub(super) fn of(page: Page<UsageEvent>) -> Lines {
        let mut lines = Lines::default();
        lines.append(page);
        lines
    }

    fn knows(&self, event: &UsageEvent) -> bool {
        self.rows.iter().any(|line| line.event.event_id == event.event_id && line.event.timestamp == event.timestamp)
    }

    /// The next page.
    pub(super) fn append(&mut self, page: Page<UsageEvent>) {
        for event in page.data {
            // What came in by itself is there already.
            if !self.knows(&event) {
                self.rows.push(Line { event: Arc::new(event), new: false });
            }
        }
        self.end = page.next_cursor.map_or(End::Whole, End::More);
        self.cut();
    }

    /// Whether an event that has come in belongs here and is not there yet.
    pub(super) fn lacks(&self, event: &UsageEvent) -> bool {
        let last = self.rows.last().map(|line| line.event.timestamp);
        // What happened before the last line comes with its page.
        let later_page = self.end != End::Whole && last.is_some_and(|last| event.timestamp < last);
        !later_page && !self.knows(event)
    }

    /// What has come in since. Returns whether anything changed.
    pub(super) fn insert(&mut self, events: Vec<UsageEvent>) -> bool {
        let mut changed = false;
        for event in events {
            if !self.lacks(&event) {
                continue;
            }
            let at = self.rows.partition_point(|line| line.event.timestamp > event.timestamp);
            self.rows.insert(at, Line { event: Arc::new(event), new: true });
            changed = true;
        }
        self.cut();
        changed
    }

    fn cut(&mut self) {
        if self.rows.len() > MOST || (self.rows.len() == MOST && self.end != End::Whole) {
            self.rows.truncate(MOST);
            // The cursor goes on after lines that are not there any more.
            self.end = End::Cut;
        }
    }
}

/// Values that the lines have, those of most lines first.
pub(super) fn values(rows: &[Line]) -> Vec<Term> {
    let mut counted: Vec<(Term, usize)> = Vec::new();
    for line in rows.iter().take(200) {
        let event = &line.event;
        let texts = [
            (Key::Model, Some(&event.model)),
            (Key::Service, event.service.as_ref()),
            (Key::Provider, Some(&event.provider)),
            (Key::Learner, event.learner_id.as_ref()),
            (Key::User, event.user_id.as_ref()),
            (Key::Session, event.session_id.as_ref()),
            (Key::Task, event.task_type.as_ref()),
        ];
        let texts = texts.into_iter().filter_map(|(key, text)| Some((key, text?.clone())));
        let tags = event.tags.iter().map(|tag| (Key::Tag, tag.clone()));
        let key = event.api_key_id.map(|id| (Key::Credential, id.to_string()));
        for (key, value) in texts.chain(tags).chain(key) {
            match counted.iter_mut().find(|(term, _)| term.key == key && term.value == value) {
                Some((_, count)) => *count += 1,
                None => counted.push((Term { key, value }, 1)),
            }
        }
    }
    crate::order::sort_by(&mut counted, |a, b| b.1.cmp(&a.1));
    counted.into_iter().map(|(term, _)| term).collect()
}

/// A quantity as people read it: no digits that carry nothing.
pub(super) fn quantity(value: Decimal) -> String {
    grouped(&value.normalize().to_string())
}

/// The tokens that went in, or came out; nothing where none were counted.
pub(super) fn tokens(event: &UsageEvent, out: bool) -> Option<String> {
    let kinds = event.units.iter().filter(|(kind, _)| kind.is_token() && is_output(**kind) == out);
    let counts: Vec<Decimal> = kinds.map(|(_, amount)| amount.0).collect();
    (!counts.is_empty()).then(|| quantity(counts.into_iter().sum()))
}

const fn is_output(kind: UnitKind) -> bool {
    matches!(kind, UnitKind::Output | UnitKind::Reasoning | UnitKind::AudioOutput)
}

/// How the price of an event was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolution {
    /// The steps from the event's model to the book's: `exact` or several of `alias`, `dated_snapshot`, …
    pub(super) steps: Vec<String>,
    /// The model in the book.
    pub(super) model: String,
    /// The region whose price it is.
    pub(super) region: Option<String>,
    /// A price that the organization has negotiated.
    pub(super) negotiated: bool,
}

/// Reads `alias+dated_snapshot:model@region*`. `None` for the name of a reason why there is no price.
pub(super) fn resolution(text: &str) -> Option<Resolution> {
    let (steps, rest) = text.split_once(':')?;
    let (rest, negotiated) = rest.strip_suffix('*').map_or((rest, false), |rest| (rest, true));
    // Models of Vertex have an `@` of their own; a region has no digits only.
    let (model, region) = match rest.rsplit_once('@') {
        Some((model, region)) if !region.starts_with(|c: char| c.is_ascii_digit()) => (model, Some(region.to_owned())),
        _ => (rest, None),
    };
    Some(Resolution {
        steps: steps.split('+').map(str::to_owned).collect(),
        model: model.to_owned(),
        region,
        negotiated,
    })
}

/// JSON as people read it; nothing for what holds nothing.
pub(super) fn pretty(value: Option<&serde_json::Value>) -> Option<String> {
    let value = value.filter(|value| value.as_object().is_none_or(|object| !object.is_empty()) && !value.is_null())?;
    serde_json::to_string_pretty(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, second: i64) -> UsageEvent {
        serde_json::from_value(serde_json::json!({
            "eventId": id, "timestamp": DateTime::from_timestamp(1_764_000_000 + second, 0).unwrap(),
            "receivedAt": "2026-11-24T00:00:00Z", "source": "api", "provider": "openai", "model": "gpt-4o",
            "units": {"input": "1000", "cached_input": "200", "output": "50", "reasoning": "7", "image": "2"},
            "cost": "0.003500", "currency": "USD", "state": "estimated", "failed": false, "tags": ["a"],
        }))
        .unwrap()
    }

    fn page(ids: std::ops::Range<i64>, next: Option<&str>) -> Page<UsageEvent> {
        // The latest first.
        Page { data: ids.rev().map(|n| event(&n.to_string(), n)).collect(), next_cursor: next.map(str::to_owned) }
    }

    fn ids(lines: &Lines) -> Vec<&str> {
        lines.rows.iter().map(|line| line.event.event_id.as_str()).collect()
    }

    #[test]
    fn what_comes_in_stands_where_it_happened() {
        let mut lines = Lines::of(page(10..13, Some("c")));
        assert!(lines.insert(vec![event("a", 20), event("b", 11), event("11", 11)]));
        assert_eq!(ids(&lines), ["a", "12", "b", "11", "10"]);
        assert!(lines.rows[0].new && !lines.rows[1].new);
        assert!(!lines.insert(vec![event("late", 1)]), "it is on a later page");
        lines.append(page(8..10, None));
        assert!(lines.insert(vec![event("late", 1)]), "there is no later page");
        assert_eq!(ids(&lines), ["a", "12", "b", "11", "10", "9", "8", "late"]);
    }

    #[test]
    fn a_page_brings_nothing_twice() {
        let mut lines = Lines::of(page(10..12, Some("c")));
        lines.insert(vec![event("x", 15)]);
        lines.append(page(8..12, None));
        assert_eq!(ids(&lines), ["x", "11", "10", "9", "8"]);
        // The same id on another day is another call.
        assert!(lines.insert(vec![event("10", 500)]));
    }

    #[test]
    fn the_list_is_bounded() {
        let most = i64::try_from(MOST).unwrap();
        let mut lines = Lines::of(page(0..most, Some("c")));
        assert_eq!((lines.rows.len(), lines.end.clone()), (MOST, End::Cut), "the next page has no room");
        lines.insert(vec![event("new", most + 1)]);
        assert_eq!(lines.rows.len(), MOST);
        assert_eq!(lines.rows[0].event.event_id, "new");
        let whole = Lines::of(page(0..most, None));
        assert_eq!(whole.end, End::Whole, "there is nothing that was cut");
    }

    #[test]
    fn tokens_are_summed_by_direction_and_images_are_none() {
        let event = event("1", 0);
        assert_eq!(tokens(&event, false).as_deref(), Some("1,200"));
        assert_eq!(tokens(&event, true).as_deref(), Some("57"));
        let spoken = UsageEvent { units: [(UnitKind::Second, "1.50".parse().unwrap())].into(), ..event };
        assert_eq!(tokens(&spoken, false), None, "not measured is not zero");
        assert_eq!(quantity(spoken.units[&UnitKind::Second].0), "1.5");
    }

    #[test]
    fn the_time_of_the_url_is_read_whole_or_not_at_all() {
        let (from, to) = (Some("2026-11-01T00:00:00+09:00"), Some("2026-11-02T00:00:00+09:00"));
        assert!(matches!(span(Some("1h"), from, to), Span::Fixed(..)));
        assert_eq!(span(Some("1h"), to, from), Span::Last(Range::Hour));
        assert_eq!(span(Some("1y"), from, None), Span::Last(Range::Day));
    }

    #[test]
    fn a_resolution_names_the_entry_of_the_book() {
        let found = resolution("alias+dated_snapshot:gpt-4o@eu*").unwrap();
        assert_eq!((found.steps.len(), found.model.as_str()), (2, "gpt-4o"));
        assert_eq!((found.region.as_deref(), found.negotiated), (Some("eu"), true));
        let vertex = resolution("exact:claude-3-5-sonnet@20240620").unwrap();
        assert_eq!((vertex.model.as_str(), vertex.region), ("claude-3-5-sonnet@20240620", None));
        assert_eq!(resolution("unknown_model"), None);
    }

    #[test]
    fn values_of_most_lines_come_first() {
        let mut rows = Lines::of(page(0..3, None)).rows;
        rows[0].event = Arc::new(UsageEvent { model: "rare".into(), ..event("r", 9) });
        let models: Vec<_> = values(&rows).into_iter().filter(|term| term.key == Key::Model).collect();
        assert_eq!(models.iter().map(|term| term.value.as_str()).collect::<Vec<_>>(), ["gpt-4o", "rare"]);
    }
}
