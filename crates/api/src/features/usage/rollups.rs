//! What events add to the hourly sums.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use finops_contract::UnitKind;
use finops_contract::projects::Environment;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{Event, hour};
use super::histogram::{self, BUCKETS};
use super::total::Total;
use crate::platform::db::OrganizationId;

/// The coarse grain. The order of the fields is the order in which rows are locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    hour: DateTime<Utc>,
    project: Option<Uuid>,
    team: Option<Uuid>,
    environment: Option<&'static str>,
    provider: String,
    model: String,
    service: Option<String>,
}

/// The fine grain: one row a dimension that the event tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FineKey {
    dimension: &'static str,
    hour: DateTime<Utc>,
    value: String,
    project: Option<Uuid>,
    team: Option<Uuid>,
    provider: String,
}

#[derive(Clone, Debug, Default)]
struct Sum {
    events: i64,
    failed: i64,
    unpriced: i64,
    free: i64,
    units: [i64; UnitKind::ALL.len()],
    unsplit: i64,
    seconds: Decimal,
    cost: Total,
    reported: Total,
    latency: Option<Box<[i64; BUCKETS]>>,
}

impl Sum {
    fn add(&mut self, event: &Event) {
        let used = &event.told.used;
        self.events += 1;
        self.failed += i64::from(event.told.failed);
        match event.price.cost {
            None => self.unpriced += 1,
            Some(cost) if cost.is_zero() => self.free += 1,
            Some(cost) => self.cost.add(cost),
        }
        for (kind, quantity) in used.quantities.iter() {
            if kind == UnitKind::Second {
                self.seconds += quantity;
            } else {
                self.units[kind.index()] += quantity.to_i64().unwrap_or_default();
            }
        }
        self.unsplit += i64::try_from(used.unsplit).unwrap_or_default();
        self.reported.add(event.told.reported_cost.unwrap_or_default());
        if let Some(latency) = event.told.latency_ms {
            self.latency.get_or_insert_with(|| Box::new([0; BUCKETS]))[histogram::bucket(latency)] += 1;
        }
    }

    /// Adds what changes when one event that was counted costs something else.
    fn correct(&mut self, before: Option<Decimal>, after: Option<Decimal>) {
        let is_free = |cost: Option<Decimal>| cost.is_some_and(|cost| cost.is_zero());
        self.unpriced += i64::from(after.is_none()) - i64::from(before.is_none());
        self.free += i64::from(is_free(after)) - i64::from(is_free(before));
        self.cost.add(after.unwrap_or_default());
        self.cost.add(-before.unwrap_or_default());
    }

    fn tokens(&self) -> i64 {
        let counted: i64 =
            UnitKind::ALL.into_iter().filter(|kind| kind.is_token()).map(|kind| self.units[kind.index()]).sum();
        counted + self.unsplit
    }

    /// The histogram as PostgreSQL writes an array.
    fn latency_text(&self) -> Option<String> {
        let counts = self.latency.as_ref()?;
        Some(format!("{{{}}}", counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")))
    }
}

/// Where an event is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted<'a> {
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) project: Option<Uuid>,
    pub(super) team: Option<Uuid>,
    pub(super) environment: Option<Environment>,
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    pub(super) service: Option<&'a str>,
    pub(super) learner: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) api_key: Option<Uuid>,
    pub(super) task_type: Option<&'a str>,
}

/// What a group of events adds, by row and in the order in which rows are locked.
#[derive(Debug, Default)]
pub(super) struct Deltas {
    coarse: BTreeMap<Key, Sum>,
    fine: BTreeMap<FineKey, Sum>,
}

impl Deltas {
    /// Sums events up.
    pub(super) fn of(events: &[&Event]) -> Self {
        let mut deltas = Self::default();
        for event in events {
            let texts = &event.told.texts;
            let counted = Counted {
                occurred_at: event.occurred_at,
                project: event.project_id,
                team: event.team_id,
                environment: event.told.environment,
                provider: &event.provider,
                model: &event.model,
                service: event.told.service.as_deref(),
                learner: texts.learner_id.as_deref(),
                user: texts.user_id.as_deref(),
                api_key: event.api_key_id,
                task_type: texts.task_type.as_deref(),
            };
            deltas.each(&counted, |sum| sum.add(event));
        }
        deltas
    }

    /// Adds what changes when an event that was counted costs something else: nothing is unpriced.
    pub(super) fn correct(&mut self, counted: &Counted<'_>, before: Option<Decimal>, after: Option<Decimal>) {
        self.each(counted, |sum| sum.correct(before, after));
    }

    /// Every sum that an event is part of.
    fn each(&mut self, counted: &Counted<'_>, change: impl Fn(&mut Sum)) {
        let hour = hour(counted.occurred_at);
        let key = Key {
            hour,
            project: counted.project,
            team: counted.team,
            environment: counted.environment.map(Environment::name),
            provider: counted.provider.to_owned(),
            model: counted.model.to_owned(),
            service: counted.service.map(str::to_owned),
        };
        change(self.coarse.entry(key).or_default());
        let dimensions = [
            ("learner", counted.learner.map(str::to_owned)),
            ("user", counted.user.map(str::to_owned)),
            ("api_key", counted.api_key.map(|id| id.to_string())),
            ("task_type", counted.task_type.map(str::to_owned)),
        ];
        for (dimension, value) in dimensions {
            let Some(value) = value else { continue };
            let (project, team, provider) = (counted.project, counted.team, counted.provider.to_owned());
            let key = FineKey { dimension, hour, value, project, team, provider };
            change(self.fine.entry(key).or_default());
        }
    }

    /// Adds them to what is stored.
    pub(super) async fn add(&self, conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
        self.add_fine(conn, organization).await?;
        self.add_coarse(conn, organization).await
    }

    async fn add_coarse(&self, conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
        if self.coarse.is_empty() {
            return Ok(());
        }
        let (keys, sums): (Vec<&Key>, Vec<&Sum>) = self.coarse.iter().unzip();
        let units = |kind: UnitKind| -> Vec<i64> { sums.iter().map(|sum| sum.units[kind.index()]).collect() };
        let counts = |of: fn(&Sum) -> i64| -> Vec<i64> { sums.iter().map(|sum| of(sum)).collect() };
        sqlx::query!(
            r#"
            INSERT INTO usage_hourly AS h (organization_id, hour, project_id, team_id, environment, provider, model, service,
                events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning,
                audio_input, audio_output, image, "character", request, search, unsplit, "second", cost, reported_cost,
                latency)
            SELECT $1, hour, project_id, team_id, environment, provider, model, service,
                events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning,
                audio_input, audio_output, image, "character", request, search, unsplit, "second", cost::numeric,
                reported_cost::numeric, latency::bigint[]
            FROM unnest($2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[],
                $23::bigint[], $24::bigint[], $25::bigint[], $26::numeric[], $27::text[], $28::text[], $29::text[])
            AS t (hour, project_id, team_id, environment, provider, model, service,
                events, failed, unpriced, free, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning,
                audio_input, audio_output, image, "character", request, search, unsplit, "second", cost, reported_cost,
                latency)
            ON CONFLICT (organization_id, hour, project_id, team_id, environment, provider, model, service) DO UPDATE SET
                events = h.events + excluded.events, failed = h.failed + excluded.failed,
                unpriced = h.unpriced + excluded.unpriced, free = h.free + excluded.free,
                input = h.input + excluded.input, cached_input = h.cached_input + excluded.cached_input,
                cache_write_5m = h.cache_write_5m + excluded.cache_write_5m,
                cache_write_1h = h.cache_write_1h + excluded.cache_write_1h,
                output = h.output + excluded.output, reasoning = h.reasoning + excluded.reasoning,
                audio_input = h.audio_input + excluded.audio_input, audio_output = h.audio_output + excluded.audio_output,
                image = h.image + excluded.image, "character" = h."character" + excluded."character",
                request = h.request + excluded.request, search = h.search + excluded.search,
                unsplit = h.unsplit + excluded.unsplit, "second" = h."second" + excluded."second",
                cost = h.cost + excluded.cost, reported_cost = h.reported_cost + excluded.reported_cost,
                latency = finops_add_buckets(h.latency, excluded.latency)
            "#,
            organization as OrganizationId,
            &keys.iter().map(|key| key.hour).collect::<Vec<_>>(),
            &keys.iter().map(|key| key.project).collect::<Vec<_>>() as &[Option<Uuid>],
            &keys.iter().map(|key| key.team).collect::<Vec<_>>() as &[Option<Uuid>],
            &keys.iter().map(|key| key.environment).collect::<Vec<_>>() as &[Option<&str>],
            &keys.iter().map(|key| key.provider.as_str()).collect::<Vec<_>>() as &[&str],
            &keys.iter().map(|key| key.model.as_str()).collect::<Vec<_>>() as &[&str],
            &keys.iter().map(|key| key.service.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
            &counts(|sum| sum.events),
            &counts(|sum| sum.failed),
            &counts(|sum| sum.unpriced),
            &counts(|sum| sum.free),
            &units(UnitKind::Input),
            &units(UnitKind::CachedInput),
            &units(UnitKind::CacheWrite5m),
            &units(UnitKind::CacheWrite1h),
            &units(UnitKind::Output),
            &units(UnitKind::Reasoning),
            &units(UnitKind::AudioInput),
            &units(UnitKind::AudioOutput),
            &units(UnitKind::Image),
            &units(UnitKind::Character),
            &units(UnitKind::Request),
            &units(UnitKind::Search),
            &counts(|sum| sum.unsplit),
            &sums.iter().map(|sum| sum.seconds).collect::<Vec<_>>(),
            &sums.iter().map(|sum| sum.cost.to_string()).collect::<Vec<_>>(),
            &sums.iter().map(|sum| sum.reported.to_string()).collect::<Vec<_>>(),
            &sums.iter().map(|sum| sum.latency_text()).collect::<Vec<_>>() as &[Option<String>],
        )
        .execute(conn)
        .await
        .map(drop)
    }

    async fn add_fine(&self, conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
        if self.fine.is_empty() {
            return Ok(());
        }
        let (keys, sums): (Vec<&FineKey>, Vec<&Sum>) = self.fine.iter().unzip();
        let counts = |of: fn(&Sum) -> i64| -> Vec<i64> { sums.iter().map(|sum| of(sum)).collect() };
        sqlx::query!(
            r#"
            INSERT INTO usage_dimension_hourly AS h (organization_id, dimension, hour, value, project_id, team_id, provider,
                events, failed, unpriced, tokens, cost, reported_cost)
            SELECT $1, dimension, hour, value, project_id, team_id, provider,
                events, failed, unpriced, tokens, cost::numeric, reported_cost::numeric
            FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::uuid[], $6::uuid[], $7::text[],
                $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[])
            AS t (dimension, hour, value, project_id, team_id, provider,
                events, failed, unpriced, tokens, cost, reported_cost)
            ON CONFLICT (organization_id, dimension, hour, value, project_id, team_id, provider) DO UPDATE SET
                events = h.events + excluded.events, failed = h.failed + excluded.failed,
                unpriced = h.unpriced + excluded.unpriced, tokens = h.tokens + excluded.tokens,
                cost = h.cost + excluded.cost, reported_cost = h.reported_cost + excluded.reported_cost
            "#,
            organization as OrganizationId,
            &keys.iter().map(|key| key.dimension).collect::<Vec<_>>() as &[&str],
            &keys.iter().map(|key| key.hour).collect::<Vec<_>>(),
            &keys.iter().map(|key| key.value.as_str()).collect::<Vec<_>>() as &[&str],
            &keys.iter().map(|key| key.project).collect::<Vec<_>>() as &[Option<Uuid>],
            &keys.iter().map(|key| key.team).collect::<Vec<_>>() as &[Option<Uuid>],
            &keys.iter().map(|key| key.provider.as_str()).collect::<Vec<_>>() as &[&str],
            &counts(|sum| sum.events),
            &counts(|sum| sum.failed),
            &counts(|sum| sum.unpriced),
            &counts(Sum::tokens),
            &sums.iter().map(|sum| sum.cost.to_string()).collect::<Vec<_>>(),
            &sums.iter().map(|sum| sum.reported.to_string()).collect::<Vec<_>>(),
        )
        .execute(conn)
        .await
        .map(drop)
    }
}
