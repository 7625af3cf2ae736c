//! Teams with keys, projects with Project IDs, and what the provider billed for them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use finops_contract::costs::{CostsAnswer, Dimension};
use finops_simulator::{Dimension as TruthDimension, TruthQuery};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::app::{FIRST_DAY, TestApp};
use super::client::Client;

/// A team; returns its id.
pub(crate) async fn team(client: &Client, name: &str) -> String {
    id(&client.post("/api/teams", json!({"name": name})).await.status(201))
}

/// A team with the key of a provider's organization; returns its id. Its collection is in the queue.
pub(crate) async fn team_with_key(app: &TestApp, client: &Client, name: &str, organization: &str) -> String {
    let team = team(client, name).await;
    register_key(client, &team, &app.provider_key(organization)).await;
    team
}

/// Registers a team's key; returns its id.
pub(crate) async fn register_key(client: &Client, team: &str, key: &str) -> String {
    let body = json!({"provider": "openai", "key": key});
    let answer = client.post(&format!("/api/teams/{team}/admin-keys"), body).await.status(201);
    id(&answer["adminKey"])
}

/// A project; returns its id.
pub(crate) async fn project(client: &Client, team: &str, name: &str) -> String {
    let body = json!({"teamId": team, "name": name, "environment": "production"});
    id(&client.post("/api/projects", body).await.status(201))
}

/// A project with a Project ID; returns its id.
pub(crate) async fn project_with_id(client: &Client, team: &str, name: &str, openai: &str) -> String {
    let project = project(client, team, name).await;
    set_project_id(client, &project, openai).await;
    project
}

/// Registers a Project ID.
pub(crate) async fn set_project_id(client: &Client, project: &str, openai: &str) {
    let body = json!({"openaiProjectId": openai});
    client.put(&format!("/api/projects/{project}/openai-project-id"), body).await.status(200);
}

/// The id of something.
pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

/// From the first day with costs up to the service's today, exclusive.
pub(crate) fn period(app: &TestApp) -> (NaiveDate, NaiveDate) {
    (FIRST_DAY.parse().expect("a day"), app.now().date_naive())
}

/// What the service says each group cost over the whole period, by the groups' names in order.
pub(crate) async fn costs(app: &TestApp, client: &Client, group_by: &[Dimension]) -> BTreeMap<Vec<String>, Decimal> {
    let (from, to) = period(app);
    let names: Vec<_> = group_by.iter().map(|dimension| dimension.name()).collect();
    let path = format!("/api/costs/query?from={from}&to={to}&limit=5000&groupBy={}", names.join(","));
    let answer: CostsAnswer = client.get(&path).await.read_as();
    assert_eq!(answer.next_cursor, None);
    let name = |row: &finops_contract::costs::Dimensions, dimension: &Dimension| match dimension {
        Dimension::Project => row.project.clone().expect("grouped").map(|project| project.name),
        Dimension::Team => row.team.clone().expect("grouped").map(|team| team.name),
        Dimension::LineItem => row.line_item.clone().expect("grouped"),
        Dimension::Model => row.model.clone().expect("grouped"),
        Dimension::Provider => row.provider.clone(),
        Dimension::ApiKey => row.api_key.clone().expect("grouped"),
        Dimension::Day => row.day.map(|day| day.to_string()),
    };
    let rows = answer.data.iter().map(|row| {
        let names = group_by.iter().map(|dimension| name(&row.dimensions, dimension).unwrap_or_default()).collect();
        (names, row.cost.0.normalize())
    });
    let rows: BTreeMap<Vec<String>, Decimal> = rows.filter(|(_, cost)| !cost.is_zero()).collect();
    let total: Decimal = answer.totals.iter().map(|total| total.cost.0).sum();
    assert_eq!(rows.values().sum::<Decimal>(), total, "the totals are the sum of the rows");
    rows
}

/// What the provider billed over the whole period, by the same; `names` are what its projects are called here.
pub(crate) fn truth(
    app: &TestApp,
    organization: &str,
    group_by: &[Dimension],
    names: &[(&str, &str)],
) -> BTreeMap<Vec<String>, Decimal> {
    let (from, to) = period(app);
    let dimensions: Vec<_> = group_by
        .iter()
        .map(|dimension| match dimension {
            Dimension::Project => TruthDimension::Project,
            Dimension::LineItem => TruthDimension::LineItem,
            Dimension::ApiKey => TruthDimension::ApiKey,
            Dimension::Day => TruthDimension::Day,
            other => panic!("the simulator knows nothing of {other:?}"),
        })
        .collect();
    let query = TruthQuery::new(organization, from, to).group_by(&dimensions);
    let truth = app.provider().truth(&query).expect("the truth");
    let mut rows: BTreeMap<Vec<String>, Decimal> = BTreeMap::new();
    for row in truth.rows {
        let project = row.project.as_deref().and_then(|id| names.iter().find(|(openai, _)| *openai == id));
        let named = |dimension: &Dimension| match dimension {
            Dimension::Project => project.map(|(_, name)| (*name).to_owned()),
            Dimension::LineItem => row.line_item.clone(),
            Dimension::ApiKey => row.api_key.clone(),
            _ => row.day.map(|day| day.to_string()),
        };
        let key = group_by.iter().map(|dimension| named(dimension).unwrap_or_default()).collect();
        *rows.entry(key).or_default() += row.amount;
    }
    rows.retain(|_, cost| !cost.is_zero());
    rows.into_iter().map(|(key, cost)| (key, cost.normalize())).collect()
}

/// Asserts that the rollup is what its lines add up to.
pub(crate) async fn assert_rollup_is_exact(app: &TestApp) {
    let differing: i64 = app
        .database
        .count(
            "SELECT count(*) FROM (
                SELECT organization_id, (bucket_start AT TIME ZONE 'UTC')::date AS day, provider, provider_account,
                    api_version, project_id, team_id, currency, sum(amount) AS amount, count(*) AS lines
                FROM billed_costs GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) l
            FULL JOIN billed_daily d ON (d.organization_id, d.day, d.provider, d.provider_account, d.api_version, d.team_id, d.currency)
                = (l.organization_id, l.day, l.provider, l.provider_account, l.api_version, l.team_id, l.currency)
                AND d.project_id IS NOT DISTINCT FROM l.project_id
            WHERE d.amount IS DISTINCT FROM l.amount OR d.lines IS DISTINCT FROM l.lines",
        )
        .await;
    assert_eq!(differing, 0, "the rollup differs from its lines");
}

/// A line of a bill, as it is summed up.
pub(crate) async fn bill(app: &TestApp, project: &str, day: &str, provider: &str, amount: &str) {
    let (amount, currency) = amount.split_once(' ').expect("an amount and its currency");
    sqlx::query(
        "INSERT INTO billed_daily SELECT organization_id, $2, $3, 'account', 'costs_v1', id, team_id, $5, $4, 1
        FROM projects WHERE id = $1",
    )
    .bind(project.parse::<Uuid>().expect("an id"))
    .bind(day.parse::<NaiveDate>().expect("a day"))
    .bind(provider)
    .bind(amount.parse::<Decimal>().expect("an amount"))
    .bind(currency)
    .execute(&mut app.database.owner().await)
    .await
    .expect("a line");
}
