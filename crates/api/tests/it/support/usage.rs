//! Usage events, and the sums that they add up to.

use finops_api::features::usage::verify;
use finops_contract::api_keys::Scope;
use serde_json::json;

use super::app::TestApp;
use super::client::Client;

/// A program that reports events with a key of somebody's.
pub(crate) async fn reporter(app: &TestApp, maker: &Client) -> Client {
    let body = json!({"name": "Reporter", "scopes": [Scope::Ingest], "projectId": null});
    let key = maker.post("/api/api-keys", body).await.ok()["key"].as_str().expect("a key").to_owned();
    app.anonymous().with_token(key)
}

/// Asserts that the hourly sums are what the stored events add up to, in both grains: once by counting here, and once as
/// the service proves it, which must come to the same.
pub(crate) async fn assert_usage_sums_are_exact(app: &TestApp) {
    let report = verify::verify(&app.state, false).await.expect("a report");
    assert_eq!(report.differences, [], "what is not folded yet is counted");
    app.runner().reconcile().await;
    assert_eq!(app.database.count("SELECT count(*) FROM usage_deltas").await, 0);
    let hourly = app
        .database
        .count(
            r#"WITH e AS (
                SELECT organization_id, date_trunc('hour', occurred_at, 'UTC') AS hour, project_id, team_id, environment,
                    provider, model, service, count(*) AS events, sum(failed::int) AS failed, count(*) - count(cost) AS unpriced,
                    count(CASE WHEN cost = 0 THEN 1 END) AS free, coalesce(sum(input), 0), coalesce(sum(cached_input), 0),
                    coalesce(sum(cache_write_5m), 0), coalesce(sum(cache_write_1h), 0), coalesce(sum(output), 0),
                    coalesce(sum(reasoning), 0), coalesce(sum(audio_input), 0), coalesce(sum(audio_output), 0),
                    coalesce(sum(image), 0), coalesce(sum("character"), 0), coalesce(sum(request), 0),
                    coalesce(sum(search), 0), coalesce(sum(unsplit), 0), coalesce(sum("second"), 0),
                    coalesce(sum(cost), 0), coalesce(sum(reported_cost), 0), count(latency_ms) AS timed
                FROM usage_events GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
            ), h AS (
                SELECT organization_id, hour, project_id, team_id, environment, provider, model, service, events, failed,
                    unpriced, free, input, cached_input, cache_write_5m, cache_write_1h, output, reasoning, audio_input,
                    audio_output, image, "character", request, search, unsplit, "second", cost, reported_cost,
                    (SELECT coalesce(sum(calls), 0) FROM unnest(latency) AS t (calls)) AS timed
                FROM usage_hourly
            )
            SELECT (SELECT count(*) FROM (SELECT * FROM e EXCEPT SELECT * FROM h) x)
                + (SELECT count(*) FROM (SELECT * FROM h EXCEPT SELECT * FROM e) x)"#,
        )
        .await;
    assert_eq!(hourly, 0, "the sums differ from its events");
    let daily = app
        .database
        .count(
            r#"WITH d AS (
                SELECT organization_id, (hour AT TIME ZONE 'UTC')::date AS day, project_id, team_id, environment, provider, model,
                    service, sum(events), sum(failed), sum(unpriced), sum(free), sum(input), sum(cached_input),
                    sum(cache_write_5m), sum(cache_write_1h), sum(output), sum(reasoning), sum(audio_input), sum(audio_output),
                    sum(image), sum("character"), sum(request), sum(search), sum(unsplit), sum("second"), sum(cost),
                    sum(reported_cost)
                FROM usage_hourly GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
            )
            SELECT (SELECT count(*) FROM (SELECT * FROM d EXCEPT SELECT * FROM usage_daily) x)
                + (SELECT count(*) FROM (SELECT * FROM usage_daily EXCEPT SELECT * FROM d) x)"#,
        )
        .await;
    assert_eq!(daily, 0, "the sums by day differ from those by hour");
    let fine = app
        .database
        .count(
            "WITH e AS (
                SELECT organization_id, date_trunc('hour', occurred_at, 'UTC') AS hour, d.dimension, d.value, project_id,
                    team_id, provider, count(*) AS events, sum(failed::int) AS failed, count(*) - count(cost) AS unpriced,
                    coalesce(sum(input), 0) + coalesce(sum(cached_input), 0) + coalesce(sum(cache_write_5m), 0)
                        + coalesce(sum(cache_write_1h), 0) + coalesce(sum(output), 0) + coalesce(sum(reasoning), 0)
                        + coalesce(sum(audio_input), 0) + coalesce(sum(audio_output), 0) + coalesce(sum(unsplit), 0),
                    coalesce(sum(cost), 0), coalesce(sum(reported_cost), 0)
                FROM usage_events, LATERAL (VALUES ('learner', learner_id), ('user', user_id),
                    ('api_key', api_key_id::text), ('task_type', task_type)) AS d (dimension, value)
                WHERE d.value IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7
            ), h AS (
                SELECT organization_id, hour, dimension, value, project_id, team_id, provider, events, failed, unpriced,
                    tokens, cost, reported_cost
                FROM usage_dimension_hourly
            )
            SELECT (SELECT count(*) FROM (SELECT * FROM e EXCEPT SELECT * FROM h) x)
                + (SELECT count(*) FROM (SELECT * FROM h EXCEPT SELECT * FROM e) x)",
        )
        .await;
    assert_eq!(fine, 0, "the sums by dimension differ from its events");
    let outcomes = app
        .database
        .count(
            "WITH said AS (
                SELECT organization_id, project_id, occurred_at, team_id, task_type, provider, model, outcome, 1::bigint AS n,
                    feedback_score AS score
                FROM usage_events e
                WHERE NOT EXISTS (SELECT FROM usage_event_outcomes o
                    WHERE (o.organization_id, o.event_key) = (e.organization_id, e.event_key))
                UNION ALL
                SELECT organization_id, project_id, occurred_at, team_id, task_type, provider, model, outcome, 1, score
                FROM usage_event_outcomes
                UNION ALL
                SELECT organization_id, project_id, occurred_at, team_id, task_type, NULL, NULL, outcome, outcomes, score
                FROM usage_outcomes WHERE event_at IS NULL
            ), e AS (
                SELECT organization_id, project_id, date_trunc('hour', occurred_at, 'UTC') AS hour, team_id, task_type, provider,
                    model, coalesce(sum(n) FILTER (WHERE finops_outcome(outcome) = 'success'), 0),
                    coalesce(sum(n) FILTER (WHERE finops_outcome(outcome) = 'failure'), 0),
                    coalesce(sum(n) FILTER (WHERE finops_outcome(outcome) = 'other'), 0),
                    coalesce(sum(n) FILTER (WHERE score IS NOT NULL), 0), coalesce(sum(score * n), 0)
                FROM said WHERE outcome IS NOT NULL OR score IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6, 7
            ), h AS (
                SELECT organization_id, project_id, hour, team_id, task_type, provider, model, successes, failures, others, scores,
                    score
                FROM usage_outcome_hourly WHERE (successes, failures, others, scores) <> (0, 0, 0, 0)
            )
            SELECT (SELECT count(*) FROM (SELECT * FROM e EXCEPT SELECT * FROM h) x)
                + (SELECT count(*) FROM (SELECT * FROM h EXCEPT SELECT * FROM e) x)",
        )
        .await;
    assert_eq!(outcomes, 0, "the sums of outcomes differ from what was told");
    let report = verify::verify(&app.state, false).await.expect("a report");
    assert_eq!(report.differences, [], "the service finds what is not there");
}
