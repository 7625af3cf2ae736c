//! The ledgers as one table, in which every project, provider and day has the word of one of them.
//!
//! The bill goes first, wherever a line of it is about that project, provider and day; what belongs to no project, by
//! account. Then what the provider measured, unless its account's bill of that day is settled: what such a bill does not
//! name cost nothing. Then events, where neither says anything. Whose word counts does not depend on who asks.
//!
//! Whose word counts is a matter of UTC days, as bills have them. By days of another zone what is metered falls on the day
//! of its hour, and what is billed, which has no hours, on the day of its date. So every cost is on one day of any zone.

use finops_contract::costs::Basis;
use sqlx::{Postgres, QueryBuilder};

use super::domain::{Days, Period};
use super::scope::{Scope, Source};

/// `ARRAY`s of what each ledger says, for [`super::parts::Parts`]: sums by ledger, and calls without a price by ledger.
pub(super) const SUMS: &str =
    "ARRAY[sum(b.amount) FILTER (WHERE b.ledger = 0), sum(b.amount) FILTER (WHERE b.ledger = 1),
        sum(b.amount) FILTER (WHERE b.ledger = 2)] AS costs,
    ARRAY[0, coalesce(sum(b.unpriced) FILTER (WHERE b.ledger = 1), 0)::bigint,
        coalesce(sum(b.unpriced) FILTER (WHERE b.ledger = 2), 0)::bigint] AS unpriced";

/// What there is in a row after its day.
const AFTER_DAY: &str =
    "provider, project_id, team_id, line_item, model, api_key, currency, ledger, amount, unpriced, requests,
    tokens, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning, audio_input, audio_output";

/// Calls and tokens of rows that nobody counts.
const NO_COUNTS: &str =
    "NULL::bigint AS requests, NULL::bigint AS tokens, NULL::bigint AS input, NULL::bigint AS cached_input,
    NULL::bigint AS cache_write_5m, NULL::bigint AS cache_write_1h, NULL::bigint AS output, NULL::bigint AS reasoning,
    NULL::bigint AS audio_input, NULL::bigint AS audio_output";
/// Calls and tokens of an hour's events, and what they are called.
const EVENT_COUNTS: [(&str, &str); 10] = [
    ("h.events", "requests"),
    (
        "h.input + h.cached_input + h.cache_write_5m + h.cache_write_1h + h.output + h.reasoning + h.audio_input
            + h.audio_output + h.unsplit",
        "tokens",
    ),
    ("h.input", "input"),
    ("h.cached_input", "cached_input"),
    ("h.cache_write_5m", "cache_write_5m"),
    ("h.cache_write_1h", "cache_write_1h"),
    ("h.output", "output"),
    ("h.reasoning", "reasoning"),
    ("h.audio_input", "audio_input"),
    ("h.audio_output", "audio_output"),
];

/// What no project has, in comparisons that a hash can do.
const NONE: &str = "'00000000-0000-0000-0000-000000000000'::uuid";

/// Which ledgers a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Each where its word counts.
    Truth,
    /// The bill alone.
    Billed,
    /// One metered ledger alone, every word of it, by days of any zone.
    Metered(Metered),
}

/// A ledger that usage and prices make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metered {
    ProviderUsage,
    Events,
}

impl Metered {
    pub(super) const fn basis(self) -> Basis {
        match self {
            Self::ProviderUsage => Basis::ProviderUsage,
            Self::Events => Basis::Events,
        }
    }
}

impl Which {
    /// The ledgers of a `basis`; nothing for `mixed`, which is no ledger.
    pub(super) const fn of(basis: Option<Basis>) -> Option<Self> {
        match basis {
            None => Some(Self::Truth),
            Some(Basis::Billed) => Some(Self::Billed),
            Some(Basis::ProviderUsage) => Some(Self::Metered(Metered::ProviderUsage)),
            Some(Basis::Events) => Some(Self::Metered(Metered::Events)),
            Some(Basis::Mixed) => None,
        }
    }
}

/// A question to the ledgers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ledgers<'a> {
    pub(super) scope: &'a Scope,
    pub(super) period: Period,
    pub(super) days: Days,
    /// How fine: by model, line item and key too, or not.
    pub(super) source: Source,
    pub(super) which: Which,
    /// Whether calls and tokens are asked for too; adding them up takes as long as everything else.
    pub(super) counts: bool,
    /// Whether there is a column `named_environment` too: the one that events of no project name.
    pub(super) environments: bool,
    /// Only bills of this version, and then even where another has taken its place.
    pub(super) api_version: Option<&'static str>,
    pub(super) model: Option<&'a str>,
    pub(super) line_item: Option<&'a str>,
}

impl<'a> Ledgers<'a> {
    /// The truth about UTC days.
    pub(super) const fn truth(scope: &'a Scope, source: Source, period: Period) -> Self {
        let which = Which::Truth;
        let (days, counts, environments, api_version) = (Days::UTC, false, false, None);
        Self { scope, period, days, source, which, counts, environments, api_version, model: None, line_item: None }
    }

    /// The truth about days of any zone whose days begin with an hour.
    pub(super) const fn truth_by(scope: &'a Scope, days: Days, period: Period) -> Self {
        Self { days, ..Self::truth(scope, Source::Daily, period) }
    }

    /// The UTC days that the period's hours are in.
    fn utc_days(&self) -> Period {
        if self.days == Days::UTC { self.period } else { self.period.widened() }
    }

    /// ` FROM (…) b`: rows with `day`, `provider`, `project_id`, `team_id`, `line_item`, `model`, `api_key`, `currency`,
    /// `ledger`, `amount`, `unpriced`, `requests`, `tokens` (all of them), one column a kind of token, and `named_environment`
    /// where that is asked for.
    pub(super) fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" FROM (");
        let which = if self.api_version.is_some() { Which::Billed } else { self.which };
        match which {
            Which::Billed => self.push_billed(sql),
            Which::Metered(Metered::ProviderUsage) => self.push_all_usage(sql),
            Which::Metered(Metered::Events) => self.push_events(sql, false),
            Which::Truth => {
                self.push_billed(sql);
                // What is metered names no line item.
                if self.line_item.is_none() {
                    sql.push(" UNION ALL ");
                    self.push_open_usage(sql);
                    sql.push(" UNION ALL ");
                    self.push_open_events(sql);
                }
            }
        }
        sql.push(") b");
    }

    const fn is_fine(&self) -> bool {
        matches!(self.source, Source::Lines)
    }

    fn push_billed(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push("SELECT ").push(self.source.day()).push(" AS day, b.provider, b.project_id, b.team_id, ");
        sql.push(match self.source {
            Source::Daily => "NULL::text AS line_item, NULL::text AS model, NULL::text AS api_key",
            Source::Lines => "b.line_item, b.model, b.provider_api_key_id AS api_key",
        });
        sql.push(", b.currency, 0 AS ledger, b.amount, 0::bigint AS unpriced, ");
        sql.push(NO_COUNTS);
        self.push_environment(sql, "NULL::text");
        self.scope.push(sql, self.source, self.period);
        match self.api_version {
            // Asked for by name, legacy lines are shown even where the bill has taken their place.
            Some(version) => {
                sql.push(" AND b.api_version = ").push_bind(version);
            }
            None => self.scope.push_once(sql, self.source, self.period),
        }
        self.push_model(sql, "b");
        if let Some(line_item) = self.line_item {
            sql.push(" AND b.line_item = ").push_bind(line_item.to_owned());
        }
    }

    /// The column `named_environment`, the last one, where it is asked for.
    fn push_environment(&self, sql: &mut QueryBuilder<Postgres>, of: &str) {
        if self.environments {
            sql.push(", ").push(of).push(" AS named_environment");
        }
    }

    fn push_model(&self, sql: &mut QueryBuilder<Postgres>, row: &str) {
        if let Some(model) = self.model {
            sql.push(" AND ").push(row).push(".model = ").push_bind(model.to_owned());
        }
    }

    /// What the provider measured, where that is what counts.
    fn push_open_usage(&self, sql: &mut QueryBuilder<Postgres>) {
        if !self.is_fine() && self.days == Days::UTC {
            sql.push("SELECT u.day, u.provider, u.project_id, u.team_id, NULL::text, NULL::text, NULL::text, ");
            sql.push(usage_columns("u"));
            self.push_environment(sql, "NULL::text");
            self.push_open_days(sql);
            return;
        }
        sql.push("SELECT ");
        self.days.push_day(sql, "h.hour");
        sql.push(", h.provider, h.project_id, h.team_id, NULL::text, ");
        sql.push(if self.is_fine() { "h.model, h.provider_api_key_id, " } else { "NULL::text, NULL::text, " });
        sql.push(usage_columns("h"));
        self.push_environment(sql, "NULL::text");
        sql.push(
            " FROM provider_usage_hourly h JOIN (SELECT u.day, u.provider, u.provider_account, u.project_id, u.team_id",
        );
        self.push_open_days(sql);
        sql.push(
            ") o ON o.day = (h.hour AT TIME ZONE 'UTC')::date AND o.provider = h.provider
                AND o.provider_account = h.provider_account AND o.team_id = h.team_id AND ",
        );
        sql.push(same_project("o", "h")).push(" WHERE h.organization_id = ").push_bind(self.scope.organization());
        // From the first day that is open: what the bill has is not looked at.
        sql.push(" AND h.hour >= (SELECT min(u.day)::timestamp AT TIME ZONE 'UTC'");
        self.push_open_days(sql);
        sql.push(") AND h.hour >= ");
        self.days.push_start(sql, self.period.from);
        sql.push(" AND h.hour < ");
        self.days.push_start(sql, self.period.to);
        self.push_model(sql, "h");
    }

    /// ` FROM … WHERE …` of the days of usage, as `u`, that count.
    fn push_open_days(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" FROM provider_usage_daily u WHERE u.organization_id = ").push_bind(self.scope.organization());
        let days = self.utc_days();
        sql.push(" AND u.day >= ").push_bind(days.from).push(" AND u.day < ").push_bind(days.to);
        self.scope.narrow(sql, "u");
        self.push_absent(sql, "billed_daily", "u", |row| {
            format!("coalesce({row}.project_id::text, {row}.provider_account)")
        });
        sql.push(" AND NOT EXISTS (SELECT FROM collected_days c WHERE c.organization_id = ");
        sql.push_bind(self.scope.organization()).push(" AND c.day >= ").push_bind(days.from);
        sql.push(" AND c.day < ").push_bind(days.to);
        sql.push(
            " AND c.settled AND c.day = u.day AND c.provider = u.provider AND c.provider_account = u.provider_account)",
        );
    }

    /// Events, where neither the bill nor the provider's usage says anything.
    fn push_open_events(&self, sql: &mut QueryBuilder<Postgres>) {
        let days = self.utc_days();
        sql.push(if self.days == Days::UTC { "SELECT e.day, " } else { "SELECT e.local_day, " }).push(AFTER_DAY);
        self.push_environment(sql, "e.named_environment");
        sql.push(" FROM (");
        self.push_events(sql, true);
        sql.push(") e WHERE true");
        for table in ["billed_daily", "provider_usage_daily"] {
            self.push_absent(sql, table, "e", |row| format!("coalesce({row}.project_id, {NONE})"));
            // A call of no project is a part of all that was called: whatever is said of that day has it.
            sql.push(" AND (e.project_id IS NOT NULL OR (e.day, e.provider) NOT IN (SELECT x.day, x.provider FROM ");
            sql.push(table).push(" x WHERE x.organization_id = ").push_bind(self.scope.organization());
            sql.push(" AND x.day >= ").push_bind(days.from).push(" AND x.day < ").push_bind(days.to).push("))");
        }
    }

    /// That a table has nothing of the row's provider, day and owner. An equality, so that the table is read once.
    fn push_absent(&self, sql: &mut QueryBuilder<Postgres>, table: &str, row: &str, owner: impl Fn(&str) -> String) {
        sql.push(" AND NOT EXISTS (SELECT FROM ").push(table).push(" x WHERE x.organization_id = ");
        let days = self.utc_days();
        sql.push_bind(self.scope.organization()).push(" AND x.day >= ").push_bind(days.from);
        sql.push(" AND x.day < ").push_bind(days.to).push(" AND x.day = ").push(row).push(".day AND x.provider = ");
        sql.push(row).push(".provider AND ").push(owner("x")).push(" = ").push(owner(row)).push(")");
    }

    /// Events by day: as they are kept, or summed up by the bill's days, where each row is then looked for in other ledgers;
    /// with the day of another zone beside it. UTC days are kept, those of other zones are made of hours.
    fn push_events(&self, sql: &mut QueryBuilder<Postgres>, summed: bool) {
        let column = |sql: &mut QueryBuilder<Postgres>, of: &str, name: &str, cast: &str| {
            match summed {
                true => sql.push("sum(").push(of).push(")").push(cast),
                false => sql.push(of),
            };
            sql.push(" AS ").push(name);
        };
        let by_day = self.days == Days::UTC;
        sql.push("SELECT ");
        match by_day {
            true => _ = sql.push("h.day"),
            false => if summed { Days::UTC } else { self.days }.push_day(sql, "h.hour"),
        }
        sql.push(" AS day, h.provider, h.project_id, h.team_id, NULL::text AS line_item, ");
        sql.push(if self.is_fine() { "h.model" } else { "NULL::text" });
        sql.push(" AS model, NULL::text AS api_key, 'USD' AS currency, 2 AS ledger, ");
        column(sql, "h.cost", "amount", "");
        sql.push(", ");
        column(sql, "h.unpriced", "unpriced", "::bigint");
        if self.counts {
            for (of, name) in EVENT_COUNTS {
                sql.push(", ");
                column(sql, of, name, "::bigint");
            }
        } else {
            sql.push(", ").push(NO_COUNTS);
        }
        // A project's calls count for its own environment, whatever they name.
        self.push_environment(sql, "CASE WHEN h.project_id IS NULL THEN h.environment END");
        let local = summed && !by_day;
        if local {
            sql.push(", ");
            self.days.push_day(sql, "h.hour");
            sql.push(" AS local_day");
        }
        match by_day {
            true => {
                sql.push(" FROM usage_daily_sums h WHERE h.organization_id = ").push_bind(self.scope.organization());
                sql.push(" AND h.day >= ").push_bind(self.period.from).push(" AND h.day < ").push_bind(self.period.to);
                self.push_named(sql);
            }
            false => {
                sql.push(" FROM usage_sums h");
                self.push_hours(sql);
            }
        }
        self.scope.narrow_events(sql, "h");
        if summed {
            sql.push(" GROUP BY 1, 2, 3, 4, 6").push(if local { ", local_day" } else { "" });
            sql.push(if self.environments { ", named_environment" } else { "" });
        }
    }

    /// All that the provider measured, by days of any zone.
    fn push_all_usage(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push("SELECT ");
        self.days.push_day(sql, "h.hour");
        sql.push(" AS day, h.provider, h.project_id, h.team_id, NULL::text AS line_item, h.model, h.provider_api_key_id AS api_key, ");
        sql.push(usage_columns("h"));
        self.push_environment(sql, "NULL::text");
        sql.push(" FROM provider_usage_hourly h");
        self.push_hours(sql);
        self.scope.narrow(sql, "h");
    }

    fn push_hours(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" WHERE h.organization_id = ").push_bind(self.scope.organization()).push(" AND h.hour >= ");
        self.days.push_start(sql, self.period.from);
        sql.push(" AND h.hour < ");
        self.days.push_start(sql, self.period.to);
        self.push_named(sql);
    }

    fn push_named(&self, sql: &mut QueryBuilder<Postgres>) {
        self.push_model(sql, "h");
        if self.line_item.is_some() {
            sql.push(" AND false");
        }
    }
}

fn same_project(a: &str, b: &str) -> String {
    format!("coalesce({a}.project_id, {NONE}) = coalesce({b}.project_id, {NONE})")
}

/// From the currency on.
fn usage_columns(row: &str) -> String {
    format!(
        "'USD' AS currency, 1 AS ledger, {row}.cost AS amount, {row}.unpriced, {row}.requests,
        {row}.input + {row}.cached_input + {row}.cache_write_5m + {row}.output + {row}.audio_input + {row}.audio_output
            AS tokens,
        {row}.input, {row}.cached_input, {row}.cache_write_5m, 0::bigint AS cache_write_1h, {row}.output,
        0::bigint AS reasoning, {row}.audio_input, {row}.audio_output"
    )
}
