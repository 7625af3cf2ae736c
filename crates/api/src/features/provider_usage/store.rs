//! Rows of provider usage.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use finops_contract::admin_keys::Provider;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{Changes, Line, LineKey, Lines, MOVES, STILL, Window, hour};
use super::lease::Lease;
use super::measure::{Price, Units};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;

/// Accounts with an active key, each with the team whose key is to be used.
pub(super) async fn accounts(
    conn: &mut PgConnection,
    organization: OrganizationId,
    provider: Provider,
) -> sqlx::Result<Vec<(String, Uuid)>> {
    let rows = sqlx::query!(
        r#"
        SELECT DISTINCT ON (coalesce(a.provider_account, k.provider_account))
            coalesce(a.provider_account, k.provider_account) AS "account!", k.team_id
        FROM admin_keys k JOIN teams t ON t.organization_id = k.organization_id AND t.id = k.team_id
            LEFT JOIN account_aliases a ON a.organization_id = k.organization_id AND a.provider = k.provider
                AND a.name = k.provider_account
        WHERE k.organization_id = $1 AND k.provider = $2 AND k.is_active AND t.deleted_at IS NULL
            AND k.provider_account IS NOT NULL
        ORDER BY coalesce(a.provider_account, k.provider_account), k.verification = 'rejected', k.id
        "#,
        organization as OrganizationId,
        provider.name()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.account, row.team_id)).collect())
}

/// How far a meter is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Every minute before this one is stored.
    pub(super) polled_through: Option<DateTime<Utc>>,
    /// The oldest hour that is still to be asked for again.
    pub(super) moving: Option<DateTime<Utc>>,
}

/// What is written together: one meter of one account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice<'a> {
    pub(super) organization: OrganizationId,
    pub(super) provider: &'a str,
    pub(super) account: &'a str,
    pub(super) meter: &'a str,
}

impl<'a> Slice<'a> {
    pub(super) fn of(lease: &'a Lease, meter: &'a str) -> Self {
        Self { organization: lease.organization, provider: lease.provider.name(), account: &lease.account, meter }
    }

    /// How far the meter is, and what of it moves.
    pub(super) async fn progress(&self, conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Progress> {
        sqlx::query_as!(
            Progress,
            "
            SELECT (SELECT polled_through FROM provider_usage_meters
                    WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 AND meter = $4) AS polled_through,
                (SELECT min(hour) FROM provider_usage_hours
                    WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 AND meter = $4 AND hour > $5
                        AND greatest(hour + interval '1 hour', changed_at) > $6) AS moving
            ",
            self.organization as OrganizationId,
            self.provider,
            self.account,
            self.meter,
            now - MOVES,
            now - STILL
        )
        .fetch_one(conn)
        .await
    }

    /// The lines that are stored for these minutes.
    pub(super) async fn lines(&self, conn: &mut PgConnection, minutes: Window) -> sqlx::Result<Lines> {
        let rows = sqlx::query!(
            r#"
            SELECT minute, provider_project_id, provider_api_key_id, model, batch, tier, project_id, team_id, requests, calls,
                input, cached_input, cache_write_5m, output, audio_input, audio_output, image, "character", "second", session,
                search, bytes, cost AS "cost: Exact", price_id, resolution
            FROM provider_usage
            WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 AND meter = $4 AND minute >= $5
                AND minute < $6
            "#,
            self.organization as OrganizationId,
            self.provider,
            self.account,
            self.meter,
            minutes.start,
            minutes.end
        )
        .fetch_all(conn)
        .await?;
        let lines = rows.into_iter().map(|row| {
            let key = LineKey {
                minute: row.minute,
                provider_project_id: row.provider_project_id,
                provider_api_key_id: row.provider_api_key_id,
                model: row.model,
                batch: row.batch,
                tier: row.tier,
            };
            let units = Units {
                requests: row.requests,
                calls: row.calls,
                input: row.input,
                cached_input: row.cached_input,
                cache_write: row.cache_write_5m,
                output: row.output,
                audio_input: row.audio_input,
                audio_output: row.audio_output,
                image: row.image,
                character: row.character,
                second: row.second,
                session: row.session,
                search: row.search,
                bytes: row.bytes,
                drawn: 0,
            };
            let price = Price { cost: row.cost.map(|cost| cost.0), price_id: row.price_id, resolution: row.resolution };
            (key, Line { units, price, project_id: row.project_id, team_id: row.team_id })
        });
        Ok(lines.collect())
    }

    /// Puts the lines of minutes in the place of those that were there.
    pub(super) async fn replace(&self, conn: &mut PgConnection, changes: &Changes) -> sqlx::Result<()> {
        if changes.minutes.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "
            DELETE FROM provider_usage
            WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 AND meter = $4 AND minute = ANY ($5)
            ",
            self.organization as OrganizationId,
            self.provider,
            self.account,
            self.meter,
            &changes.minutes
        )
        .execute(&mut *conn)
        .await?;
        self.insert(conn, &changes.lines).await
    }

    async fn insert(&self, conn: &mut PgConnection, lines: &Lines) -> sqlx::Result<()> {
        let (keys, lines): (Vec<&LineKey>, Vec<&Line>) = lines.iter().unzip();
        let text = |of: fn(&LineKey) -> Option<&str>| -> Vec<Option<&str>> { keys.iter().map(|key| of(key)).collect() };
        let count = |of: fn(&Units) -> i64| -> Vec<i64> { lines.iter().map(|line| of(&line.units)).collect() };
        sqlx::query!(
            r#"
            INSERT INTO provider_usage (organization_id, provider, provider_account, meter, minute, provider_project_id,
                provider_api_key_id, model, batch, tier, project_id, team_id, requests, calls, input, cached_input,
                cache_write_5m, output, audio_input, audio_output, image, "character", "second", session, search, bytes, cost,
                price_id, resolution)
            SELECT $1, $2, $3, $4, t.*
            FROM unnest($5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::boolean[], $10::text[], $11::uuid[],
                $12::uuid[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
                $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[],
                $26::bigint[], $27::numeric[], $28::uuid[], $29::text[]) AS t
            "#,
            self.organization as OrganizationId,
            self.provider,
            self.account,
            self.meter,
            &keys.iter().map(|key| key.minute).collect::<Vec<_>>(),
            &text(|key| key.provider_project_id.as_deref()) as &[Option<&str>],
            &text(|key| key.provider_api_key_id.as_deref()) as &[Option<&str>],
            &text(|key| key.model.as_deref()) as &[Option<&str>],
            &keys.iter().map(|key| key.batch).collect::<Vec<_>>() as &[Option<bool>],
            &text(|key| key.tier.as_deref()) as &[Option<&str>],
            &lines.iter().map(|line| line.project_id).collect::<Vec<_>>() as &[Option<Uuid>],
            &lines.iter().map(|line| line.team_id).collect::<Vec<_>>(),
            &count(|units| units.requests),
            &count(|units| units.calls),
            &count(|units| units.input),
            &count(|units| units.cached_input),
            &count(|units| units.cache_write),
            &count(|units| units.output),
            &count(|units| units.audio_input),
            &count(|units| units.audio_output),
            &count(|units| units.image),
            &count(|units| units.character),
            &count(|units| units.second),
            &count(|units| units.session),
            &count(|units| units.search),
            &count(|units| units.bytes),
            &lines.iter().map(|line| line.price.cost).collect::<Vec<_>>() as &[Option<Decimal>],
            &lines.iter().map(|line| line.price.price_id).collect::<Vec<_>>() as &[Option<Uuid>],
            &lines.iter().map(|line| line.price.resolution.as_str()).collect::<Vec<_>>() as &[&str]
        )
        .execute(conn)
        .await
        .map(drop)
    }

    /// Computes the sums of these hours anew from their lines, and those of their days from the hours.
    pub(super) async fn rebuild(&self, conn: &mut PgConnection, hours: &[DateTime<Utc>]) -> sqlx::Result<()> {
        if hours.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "
            DELETE FROM provider_usage_hourly
            WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 AND meter = $4 AND hour = ANY ($5)
            ",
            self.organization as OrganizationId,
            self.provider,
            self.account,
            self.meter,
            hours
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            r#"
            INSERT INTO provider_usage_hourly (organization_id, hour, provider, provider_account, meter, provider_api_key_id,
                model, project_id, team_id, requests, unpriced, input, cached_input, cache_write_5m, output, audio_input,
                audio_output, image, "character", "second", session, search, bytes, cost)
            SELECT organization_id, h.hour, provider, provider_account, meter, provider_api_key_id, model, project_id, team_id,
                sum(requests), coalesce(sum(calls) FILTER (WHERE cost IS NULL), 0), sum(input), sum(cached_input),
                sum(cache_write_5m), sum(output), sum(audio_input), sum(audio_output), sum(image), sum("character"),
                sum("second"), sum(session), sum(search), sum(bytes), coalesce(sum(cost), 0)
            FROM unnest($5::timestamptz[]) AS h (hour)
                JOIN provider_usage u ON u.minute >= h.hour AND u.minute < h.hour + interval '1 hour'
            WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 AND meter = $4
            GROUP BY organization_id, h.hour, provider, provider_account, meter, provider_api_key_id, model, project_id, team_id
            "#,
            self.organization as OrganizationId,
            self.provider,
            self.account,
            self.meter,
            hours
        )
        .execute(&mut *conn)
        .await?;
        let mut days: Vec<NaiveDate> = hours.iter().map(|hour| hour.date_naive()).collect();
        days.dedup();
        rebuild_days(conn, self.organization, self.provider, self.account, &days).await
    }

    /// Writes down that these minutes were brought in, and which of their hours changed. What is seen for the first time long
    /// after it happened has not changed: it is not asked for again on that account.
    pub(super) async fn mark(
        &self,
        conn: &mut PgConnection,
        minutes: Window,
        moved: &[DateTime<Utc>],
        now: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        sqlx::query!(
            "
            INSERT INTO provider_usage_hours AS h (organization_id, provider, provider_account, meter, hour, changed_at)
            SELECT $1, $2, $3, $4, hour, least($7, hour + interval '1 hour') FROM generate_series($5::timestamptz, $6, interval '1 hour') AS hour
            ON CONFLICT (organization_id, provider_account, meter, hour, provider) DO UPDATE SET changed_at = $7
            WHERE h.hour = ANY ($8)
            ",
            self.organization as OrganizationId,
            self.provider,
            self.account,
            self.meter,
            hour(minutes.start),
            minutes.end - TimeDelta::minutes(1),
            now,
            moved
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "
            INSERT INTO provider_usage_meters AS m (organization_id, provider, provider_account, meter, polled_through)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (organization_id, provider, provider_account, meter) DO UPDATE
            SET polled_through = greatest(m.polled_through, excluded.polled_through)
            ",
            self.organization as OrganizationId,
            self.provider,
            self.account,
            self.meter,
            minutes.end
        )
        .execute(conn)
        .await
        .map(drop)
    }
}

/// Computes the sums of an account's UTC days anew from its hours.
pub(super) async fn rebuild_days(
    conn: &mut PgConnection,
    organization: OrganizationId,
    provider: &str,
    account: &str,
    days: &[NaiveDate],
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        DELETE FROM provider_usage_daily
        WHERE organization_id = $1 AND provider = $2 AND provider_account = $3 AND day = ANY ($4)
        ",
        organization as OrganizationId,
        provider,
        account,
        days
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "
        INSERT INTO provider_usage_daily (organization_id, day, provider, provider_account, project_id, team_id, requests,
            unpriced, input, cached_input, cache_write_5m, output, audio_input, audio_output, cost)
        SELECT organization_id, d.day, provider, provider_account, project_id, team_id, sum(requests), sum(unpriced),
            sum(input), sum(cached_input), sum(cache_write_5m), sum(output), sum(audio_input), sum(audio_output), sum(cost)
        FROM unnest($4::date[]) AS d (day)
            JOIN provider_usage_hourly h ON h.hour >= d.day::timestamp AT TIME ZONE 'UTC'
                AND h.hour < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
        WHERE organization_id = $1 AND provider = $2 AND provider_account = $3
        GROUP BY organization_id, d.day, provider, provider_account, project_id, team_id
        ",
        organization as OrganizationId,
        provider,
        account,
        days
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Forgets the lines of a meter's hours before this one; their sums stay. Needs an hour's start.
pub(super) async fn prune(
    conn: &mut PgConnection,
    organization: OrganizationId,
    before: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let hours = sqlx::query!(
        "DELETE FROM provider_usage_hours WHERE organization_id = $1 AND hour < $2",
        organization as OrganizationId,
        before
    )
    .execute(&mut *conn)
    .await?;
    if hours.rows_affected() == 0 {
        return Ok(0);
    }
    let lines = sqlx::query!(
        "
        DELETE FROM provider_usage u USING provider_usage_meters m
        WHERE m.organization_id = $1 AND u.organization_id = $1 AND u.provider_account = m.provider_account
            AND u.meter = m.meter AND u.provider = m.provider AND u.minute < $2
        ",
        organization as OrganizationId,
        before
    )
    .execute(conn)
    .await?;
    Ok(lines.rows_affected())
}
