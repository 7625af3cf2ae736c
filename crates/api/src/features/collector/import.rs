//! Legacy costs of the former Usage API, from CSV: kept as `usage_v1` beside what is collected.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use finops_contract::collector::CostImportReport;
use finops_contract::{Amount, ErrorCode, FieldError};
use finops_providers::{CostBucket, CostLine, LineItem};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::domain::{self, Line, LineKey, StoredLine};
use super::error::CollectError;
use super::store::{self, Slice};
use crate::features::{audit, budgets, teams};
use crate::platform::clock::{FIRST_DAY, midnight};
use crate::platform::db::OrganizationId;
use crate::platform::http::{ApiError, ApiResult, Ctx};
use crate::platform::state::State;

/// Their account: they come from a file, not from an account at the provider. Rows that belong to no project are the
/// team's, so they have one of its own: another team's file must not replace them.
const ACCOUNT: &str = "usage_v1";
/// Wrong lines that are told at once.
const SHOWN_ERRORS: usize = 20;

/// One line of the file. Both spellings of the former export are taken; columns that are not named here are ignored.
#[derive(Debug, Deserialize)]
struct Record {
    date: String,
    #[serde(
        alias = "projectId",
        alias = "project_id",
        alias = "openaiProjectId",
        alias = "openai_project_id",
        default
    )]
    project: String,
    #[serde(default)]
    model: String,
    #[serde(alias = "totalTokens", alias = "total_tokens", default)]
    tokens: String,
    #[serde(alias = "amount")]
    cost: String,
    #[serde(default)]
    currency: String,
}

/// Imports a file for a team, whole or not at all.
///
/// # Errors
/// `csv_invalid` with the lines at fault, `not_found` for the team.
pub(super) async fn run(state: &State, ctx: &Ctx, team: Uuid, body: &[u8]) -> ApiResult<CostImportReport> {
    let lines = read(body, ctx.clock.today())?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let team = teams::seen(&mut tx, ctx, team).await?;
    let shared =
        Slice { organization: ctx.organization, provider: "openai", account: ACCOUNT, api_version: "usage_v1" };
    let own = format!("{ACCOUNT}:{}", team.id);
    let own = Slice { account: &own, ..shared };
    store::share_attribution(&mut tx, ctx.organization).await?;
    shared.lock(&mut tx).await?;
    own.lock(&mut tx).await?;
    let owners = owners(&mut tx, ctx.organization, team.id).await?;
    let total = lines.len();
    let days: Vec<NaiveDate> = lines.iter().map(|line| line.key.day).collect::<HashSet<_>>().into_iter().collect();
    let owner = |line: &Line| {
        let named = line.key.provider_project_id.as_deref().and_then(|name| owners.get(name));
        named.map_or((None, team.id), |(project, team)| (Some(*project), *team))
    };
    let stored_shared = named(shared.lines(&mut tx, &days).await?, &lines);
    let stored_own = named(own.lines(&mut tx, &days).await?, &lines);
    // A row stays where it was first stored, whatever its project's name stands for today.
    let keys = |stored: &[StoredLine]| stored.iter().map(|line| line.key.clone()).collect::<HashSet<LineKey>>();
    let (keys_own, keys_shared) = (keys(&stored_own), keys(&stored_shared));
    let (in_own, in_shared): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| {
        keys_own.contains(&line.key) || (owner(line).0.is_none() && !keys_shared.contains(&line.key))
    });
    let (mut created, mut updated) = (0, 0);
    for (slice, stored, lines) in [(shared, stored_shared, in_shared), (own, stored_own, in_own)] {
        let stored = named(stored, &lines);
        let changes = domain::compare(stored, lines);
        slice.restate(&mut tx, &changes.restated, ctx.now()).await?;
        slice.insert_as(&mut tx, &changes.new, &ctx.clock, owner).await?;
        slice.rebuild_rollup(&mut tx, &changes.days()).await?;
        created += changes.new.len();
        updated += changes.restated.len();
    }
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let report = CostImportReport {
        records_created: count(created),
        records_updated: count(updated),
        records_unchanged: count(total - created - updated),
        api_version: "usage_v1".into(),
    };
    budgets::check_soon(&mut tx, ctx.organization).await?;
    let change = audit::Change::new("cost.import", team.id, team.name).after(json!({"report": report}));
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(report)
}

/// Of what is stored, what a file names. A file is a part: what it does not name stays.
fn named(mut stored: Vec<StoredLine>, lines: &[Line]) -> Vec<StoredLine> {
    let keys: HashSet<&LineKey> = lines.iter().map(|line| &line.key).collect();
    stored.retain(|line| keys.contains(&line.key));
    stored
}

/// What the names in a file stand for: Project IDs and ids of the organization, names of the team.
async fn owners(
    conn: &mut PgConnection,
    organization: OrganizationId,
    team: Uuid,
) -> sqlx::Result<HashMap<String, (Uuid, Uuid)>> {
    let rows = sqlx::query!(
        "
        SELECT id, team_id, name, openai_project_id FROM projects WHERE organization_id = $1 AND deleted_at IS NULL
        ",
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    let mut owners = HashMap::new();
    for row in rows {
        let owner = (row.id, row.team_id);
        owners.insert(row.id.to_string(), owner);
        if row.team_id == team {
            owners.insert(row.name, owner);
        }
        if let Some(id) = row.openai_project_id {
            owners.insert(id, owner);
        }
    }
    Ok(owners)
}

/// Reads the file's lines. Several of one day, project and model are one, with their sum.
fn read(body: &[u8], today: NaiveDate) -> ApiResult<Vec<Line>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(body);
    let mut errors = Vec::new();
    let mut buckets = Vec::new();
    for record in reader.deserialize::<Record>() {
        let line = buckets.len() + errors.len() + 2;
        match record {
            Ok(record) => match bucket(&record, today) {
                Ok(bucket) => buckets.push(bucket),
                Err((column, code, message)) => errors.push(wrong(line, column, code, message)),
            },
            Err(error) => errors.push(wrong(line, "", "format", &format_message(&error))),
        }
        if errors.len() == SHOWN_ERRORS {
            break;
        }
    }
    if buckets.is_empty() && errors.is_empty() {
        errors.push(wrong(2, "", "required", "the file has no rows"));
    }
    if !errors.is_empty() {
        return Err(ApiError { fields: errors, ..ApiError::new(ErrorCode::CsvInvalid) });
    }
    domain::lines(buckets).map_err(|error| match error {
        CollectError::OutOfRange => {
            let field = wrong(2, "cost", "range", "an amount, or the sum of several, is out of range");
            ApiError { fields: vec![field], ..ApiError::new(ErrorCode::CsvInvalid) }
        }
        other => ApiError::internal(other),
    })
}

/// csv's own words name fields and positions, and quote nothing.
fn format_message(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "the file must be UTF-8".into(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} columns instead of {expected_len}")
        }
        csv::ErrorKind::Deserialize { err, .. } => err.kind().to_string(),
        _ => "cannot be read".into(),
    }
}

fn wrong(line: usize, column: &str, code: &str, message: &str) -> FieldError {
    let pointer = if column.is_empty() { format!("/{line}") } else { format!("/{line}/{column}") };
    FieldError { pointer, code: code.into(), message: message.into() }
}

/// A date, or the UTC day of a time.
fn day(text: &str) -> Option<NaiveDate> {
    text.parse().ok().or_else(|| text.parse::<DateTime<Utc>>().ok().map(|at| at.date_naive()))
}

type Wrong = (&'static str, &'static str, &'static str);

fn bucket(record: &Record, today: NaiveDate) -> Result<CostBucket, Wrong> {
    let day = day(&record.date).ok_or(("date", "date", "must be a date like 2025-01-04 or an RFC 3339 time"))?;
    if day >= today || day < FIRST_DAY {
        return Err(("date", "range", "must be a day since 2000 that is over"));
    }
    let amount: Amount = record.cost.parse().map_err(|_| ("cost", "decimal", "must be an exact decimal"))?;
    let tokens = match record.tokens.as_str() {
        "" => None,
        text => Some(text.parse::<Amount>().map_err(|_| ("tokens", "decimal", "must be a number"))?),
    };
    let currency = if record.currency.is_empty() { "USD".into() } else { record.currency.to_ascii_uppercase() };
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(("currency", "currency", "must be an ISO 4217 code"));
    }
    for (name, text) in [("project", &record.project), ("model", &record.model)] {
        if text.len() > 200 || text.chars().any(char::is_control) {
            return Err((name, "length", "must be at most 200 characters, without control characters"));
        }
    }
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let line = CostLine {
        amount: amount.0.normalize(),
        currency,
        line_item: said(&record.model).map(|model| LineItem { raw: model.clone(), model: Some(model), kind: None }),
        project_id: said(&record.project),
        api_key_id: None,
        quantity: tokens.map(|tokens| tokens.0.normalize()),
        quantity_unit: tokens.map(|_| "tokens".to_owned()),
    };
    let start = midnight(day);
    Ok(CostBucket { start, end: start + chrono::TimeDelta::days(1), lines: vec![line] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> ApiResult<Vec<Line>> {
        read(text.as_bytes(), "2026-11-24".parse().unwrap())
    }

    #[test]
    fn both_spellings_are_read_and_rows_of_one_day_add_up() {
        let lines = parse(
            "\u{feff}date,projectId,model,tokens,cost,snapshotId\n2025-01-03,proj_a,gpt-4o,10,0.1,s1\n2025-01-03, proj_a ,gpt-4o,20,0.2,s2\n2025-01-03T00:00:00Z,,gpt-4o,,1e-3,s3\n",
        )
        .unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].amount.to_string(), lines[0].quantity.unwrap().to_string()), ("0.3".into(), "30".into()));
        assert_eq!((lines[1].key.provider_project_id.as_deref(), lines[1].amount.to_string()), (None, "0.001".into()));
        assert_eq!(lines[0].model.as_deref(), Some("gpt-4o"));
    }

    #[test]
    fn wrong_lines_are_named() {
        let error = parse(
            "date,project,model,cost\n2025-01-03,a,b,NaN\nyesterday,a,b,1\n2026-11-24,a,b,1\n2025-01-03,a,b,1e400\n",
        )
        .unwrap_err();
        let fields: Vec<_> = error.fields.iter().map(|field| (field.pointer.as_str(), field.code.as_str())).collect();
        assert_eq!(fields, [("/2/cost", "decimal"), ("/3/date", "date"), ("/4/date", "range"), ("/5/cost", "decimal")]);
        assert_eq!(error.code, ErrorCode::CsvInvalid);
        for date in ["2025-01-03garbage", "0001-01-01", "1999-12-31"] {
            assert!(parse(&format!("date,project,model,cost\n{date},a,b,1\n")).is_err(), "{date}");
        }
        let late = parse("date,project,model,cost\n2025-01-03T23:30:00-05:00,a,b,1\n").unwrap();
        assert_eq!(late[0].key.day.to_string(), "2025-01-04", "the UTC day");
        for text in ["", "date,project,model,cost\n", "a,b\n1,2\n", "date,cost\n2025-01-01\n"] {
            assert_eq!(parse(text).unwrap_err().code, ErrorCode::CsvInvalid, "{text}");
        }
    }
}
