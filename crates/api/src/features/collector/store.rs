//! Rows of the bill.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{self, Line, LineKey, Restated, StoredLine, Window};
use super::lease::Lease;
use crate::features::projects::Owners;
use crate::platform::clock::{Clock, midnight};
use crate::platform::db::OrganizationId;
use crate::platform::exact::Exact;

/// Keeps what Project IDs stand for as it is until the transaction ends: for whoever stores what is attributed by them.
///
/// # Errors
/// The database's.
pub async fn share_attribution(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
    let name = format!("attribution:{organization}");
    sqlx::query!("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", name).fetch_one(conn).await.map(drop)
}

/// Waits until no page is being stored, and keeps the next one waiting until the transaction ends: call it before what a
/// Project ID stands for is changed, before the project's row is locked.
///
/// # Errors
/// The database's.
pub async fn hold_attribution(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<()> {
    let name = format!("attribution:{organization}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).fetch_one(conn).await.map(drop)
}

/// The part of the bill that is written together: one account's lines of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice<'a> {
    pub(super) organization: OrganizationId,
    pub(super) provider: &'a str,
    pub(super) account: &'a str,
    pub(super) api_version: &'a str,
}

impl Slice<'_> {
    /// Writers of one account take turns, whichever team's key they came with.
    pub(super) async fn lock(&self, conn: &mut PgConnection) -> sqlx::Result<()> {
        let name = format!("bill:{}:{}:{}", self.organization, self.provider, self.account);
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).fetch_one(conn).await.map(drop)
    }

    /// The lines that are stored for these days.
    pub(super) async fn lines(&self, conn: &mut PgConnection, days: &[NaiveDate]) -> sqlx::Result<Vec<StoredLine>> {
        let rows = sqlx::query!(
            r#"
            SELECT id, bucket_start, provider_project_id, line_item, provider_api_key_id, currency,
                amount AS "amount: Exact", quantity AS "quantity: Exact"
            FROM billed_costs
            WHERE organization_id = $1 AND bucket_start = ANY ($2) AND provider_account = $3 AND api_version = $4
                AND provider = $5
            "#,
            self.organization as OrganizationId,
            &starts(days),
            self.account,
            self.api_version,
            self.provider
        )
        .fetch_all(conn)
        .await?;
        let lines = rows.into_iter().map(|row| StoredLine {
            id: row.id,
            key: LineKey {
                day: row.bucket_start.date_naive(),
                provider_project_id: row.provider_project_id,
                line_item: row.line_item,
                provider_api_key_id: row.provider_api_key_id,
                currency: row.currency,
            },
            amount: row.amount.0,
            quantity: row.quantity.map(|quantity| quantity.0),
        });
        Ok(lines.collect())
    }

    /// Changes lines to what the bill says now, and keeps what it said before.
    pub(super) async fn restate(
        &self,
        conn: &mut PgConnection,
        lines: &[Restated],
        now: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = lines.iter().map(|line| line.id).collect();
        let amounts: Vec<Decimal> = lines.iter().map(|line| line.amount).collect();
        let quantities: Vec<Option<Decimal>> = lines.iter().map(|line| line.quantity).collect();
        sqlx::query!(
            "
            INSERT INTO billed_cost_revisions (organization_id, billed_cost_id, revision, amount, quantity, collected_at,
                replaced_at)
            SELECT organization_id, id, revision, amount, quantity, collected_at, $3 FROM billed_costs
            WHERE organization_id = $1 AND id = ANY ($2)
            ",
            self.organization as OrganizationId,
            &ids,
            now
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "
            UPDATE billed_costs b SET amount = l.amount, quantity = l.quantity, revision = b.revision + 1,
                collected_at = $5, changed_at = $5
            FROM unnest($2::uuid[], $3::numeric[], $4::numeric[]) AS l (id, amount, quantity)
            WHERE b.organization_id = $1 AND b.id = l.id
            ",
            self.organization as OrganizationId,
            &ids,
            &amounts,
            &quantities as &[Option<Decimal>],
            now
        )
        .execute(conn)
        .await
        .map(drop)
    }

    /// Stores lines that are seen for the first time. `team` is whose key brought them in; a project's own team goes before.
    pub(super) async fn insert(
        &self,
        conn: &mut PgConnection,
        lines: &[Line],
        team: Uuid,
        owners: &Owners,
        clock: &Clock,
    ) -> sqlx::Result<()> {
        let owner = |line: &Line| line.key.provider_project_id.as_deref().and_then(|id| owners.of(id, line.key.day));
        self.insert_as(conn, lines, clock, |line| match owner(line) {
            Some(owner) => (Some(owner.project_id), owner.team_id),
            None => (None, team),
        })
        .await
    }

    /// The same with another way to tell a line's project and team.
    pub(super) async fn insert_as(
        &self,
        conn: &mut PgConnection,
        lines: &[Line],
        clock: &Clock,
        owner: impl Fn(&Line) -> (Option<Uuid>, Uuid),
    ) -> sqlx::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let column = Columns::of(lines, clock, owner);
        sqlx::query!(
            "
            INSERT INTO billed_costs (organization_id, id, provider, provider_account, api_version, bucket_start,
                bucket_end, provider_project_id, line_item, provider_api_key_id, currency, amount, quantity,
                quantity_unit, model, project_id, team_id, collected_at, changed_at)
            SELECT $1, l.id, $2, $3, $4, l.bucket_start, l.bucket_start + interval '1 day', l.provider_project_id,
                l.line_item, l.api_key, l.currency, l.amount, l.quantity, l.quantity_unit, l.model, l.project_id, l.team_id,
                $5, $5
            FROM unnest($6::uuid[], $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::numeric[],
                $13::numeric[], $14::text[], $15::text[], $16::uuid[], $17::uuid[])
                AS l (id, bucket_start, provider_project_id, line_item, api_key, currency, amount, quantity, quantity_unit,
                    model, project_id, team_id)
            ",
            self.organization as OrganizationId,
            self.provider,
            self.account,
            self.api_version,
            clock.now(),
            &column.ids,
            &column.starts,
            &column.provider_projects as &[Option<&str>],
            &column.line_items as &[Option<&str>],
            &column.api_keys as &[Option<&str>],
            &column.currencies as &[&str],
            &column.amounts,
            &column.quantities as &[Option<Decimal>],
            &column.quantity_units as &[Option<&str>],
            &column.models as &[Option<&str>],
            &column.projects as &[Option<Uuid>],
            &column.teams
        )
        .execute(conn)
        .await
        .map(drop)
    }

    /// Computes the sums of these days anew from their lines.
    pub(super) async fn rebuild_rollup(&self, conn: &mut PgConnection, days: &[NaiveDate]) -> sqlx::Result<()> {
        if days.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "
            DELETE FROM billed_daily
            WHERE organization_id = $1 AND day = ANY ($2) AND provider = $3 AND provider_account = $4 AND api_version = $5
            ",
            self.organization as OrganizationId,
            days,
            self.provider,
            self.account,
            self.api_version
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!(
            "
            INSERT INTO billed_daily (organization_id, day, provider, provider_account, api_version, project_id, team_id,
                currency, amount, lines)
            SELECT organization_id, (bucket_start AT TIME ZONE 'UTC')::date, provider, provider_account, api_version,
                project_id, team_id, currency, sum(amount), count(*)
            FROM billed_costs
            WHERE organization_id = $1 AND bucket_start = ANY ($2) AND provider = $3 AND provider_account = $4
                AND api_version = $5
            GROUP BY organization_id, bucket_start, provider, provider_account, api_version, project_id, team_id, currency
            ",
            self.organization as OrganizationId,
            &starts(days),
            self.provider,
            self.account,
            self.api_version
        )
        .execute(conn)
        .await
        .map(drop)
    }

    /// Writes down that these days were brought in. A settled day stays settled.
    pub(super) async fn mark_collected(
        &self,
        conn: &mut PgConnection,
        days: &[NaiveDate],
        through: NaiveDate,
        team: Uuid,
        now: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        let settled: Vec<bool> = days.iter().map(|day| domain::is_settled(*day, through)).collect();
        sqlx::query!(
            "
            INSERT INTO collected_days (organization_id, day, provider, provider_account, team_id, settled, collected_at)
            SELECT $1, d.day, $2, $3, $4, d.settled, $5 FROM unnest($6::date[], $7::boolean[]) AS d (day, settled)
            ON CONFLICT (organization_id, day, provider, provider_account) DO UPDATE
            SET settled = collected_days.settled OR excluded.settled, collected_at = excluded.collected_at
            ",
            self.organization as OrganizationId,
            self.provider,
            self.account,
            team,
            now,
            days,
            &settled
        )
        .execute(conn)
        .await
        .map(drop)
    }
}

pub(super) fn starts(days: &[NaiveDate]) -> Vec<DateTime<Utc>> {
    days.iter().copied().map(midnight).collect()
}

/// Lines as columns, the shape that one statement takes many rows in.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    starts: Vec<DateTime<Utc>>,
    provider_projects: Vec<Option<&'a str>>,
    line_items: Vec<Option<&'a str>>,
    api_keys: Vec<Option<&'a str>>,
    currencies: Vec<&'a str>,
    amounts: Vec<Decimal>,
    quantities: Vec<Option<Decimal>>,
    quantity_units: Vec<Option<&'a str>>,
    models: Vec<Option<&'a str>>,
    projects: Vec<Option<Uuid>>,
    teams: Vec<Uuid>,
}

impl<'a> Columns<'a> {
    fn of(lines: &'a [Line], clock: &Clock, owner: impl Fn(&Line) -> (Option<Uuid>, Uuid)) -> Self {
        let mut columns = Self::default();
        for line in lines {
            let (project, team) = owner(line);
            columns.ids.push(clock.new_id());
            columns.starts.push(midnight(line.key.day));
            columns.provider_projects.push(line.key.provider_project_id.as_deref());
            columns.line_items.push(line.key.line_item.as_deref());
            columns.api_keys.push(line.key.provider_api_key_id.as_deref());
            columns.currencies.push(&line.key.currency);
            columns.amounts.push(line.amount);
            columns.quantities.push(line.quantity);
            columns.quantity_units.push(line.quantity_unit.as_deref());
            columns.models.push(line.model.as_deref());
            columns.projects.push(project);
            columns.teams.push(team);
        }
        columns
    }
}

/// Begins a run: which account it collects from, and how many days it covers. Another account than before starts anew.
pub(super) async fn begin(conn: &mut PgConnection, lease: &Lease, account: &str, window: Window) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE collections SET
            collected_through = CASE WHEN provider_account IS NOT DISTINCT FROM $4 THEN collected_through END,
            provider_account = $4, days_total = $5, days_done = 0
        WHERE organization_id = $1 AND team_id = $2 AND provider = $3
        ",
        lease.organization as OrganizationId,
        lease.team,
        lease.provider.name(),
        account,
        window.days()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Moves a run on: the last day that is stored, and how many days more are done.
pub(super) async fn advance(
    conn: &mut PgConnection,
    lease: &Lease,
    last: Option<NaiveDate>,
    days: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        UPDATE collections SET collected_through = greatest(collected_through, $4), days_done = days_done + $5
        WHERE organization_id = $1 AND team_id = $2 AND provider = $3
        ",
        lease.organization as OrganizationId,
        lease.team,
        lease.provider.name(),
        last,
        days
    )
    .execute(conn)
    .await
    .map(drop)
}
