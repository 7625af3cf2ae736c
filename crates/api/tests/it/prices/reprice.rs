//! Past events priced anew: the difference first, then the change, and the sums with it.

use finops_contract::reprices::{Reprice, RepriceReport, RepriceState, UnpricedModel};
use finops_contract::usage::UsageEvent;
use finops_contract::{ErrorCode, Page};
use serde_json::{Value, json};

use super::{import, model};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

/// An event of a model.
fn event(id: &str, project: &str, model: &str, at: &str) -> Value {
    json!({"eventId": id, "projectId": project, "provider": "acme", "model": model, "promptTokens": 1_000,
        "completionTokens": 100, "learnerId": "learner-1", "timestamp": at})
}

/// Every hourly sum of the events, computed anew.
async fn assert_sums_are_exact(app: &TestApp) {
    for (sums, events) in [
        (
            "SELECT string_agg(concat_ws('|', hour, project_id, provider, model, events, unpriced, free, trim_scale(cost)), E'\n' ORDER BY hour, project_id, provider, model) FROM (SELECT hour, project_id, provider, model, sum(events) AS events, sum(unpriced) AS unpriced, sum(free) AS free, sum(cost) AS cost FROM usage_sums GROUP BY 1, 2, 3, 4) s",
            "SELECT string_agg(t.line, E'\n' ORDER BY hour, project_id, provider, model) FROM (
                SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, project_id, provider, model, concat_ws('|',
                    date_trunc('hour', occurred_at, 'UTC'), project_id, provider, model, count(*),
                    count(*) FILTER (WHERE cost IS NULL), count(*) FILTER (WHERE cost = 0), trim_scale(coalesce(sum(cost), 0))) AS line
                FROM usage_events GROUP BY 1, 2, 3, 4) t",
        ),
        (
            "SELECT string_agg(t.line, E'\n' ORDER BY hour, value) FROM (
                SELECT hour, value, concat_ws('|', hour, value, sum(events), sum(unpriced), trim_scale(sum(cost))) AS line
                FROM usage_dimension_sums WHERE dimension = 'learner' GROUP BY hour, value) t",
            "SELECT string_agg(t.line, E'\n' ORDER BY hour, learner_id) FROM (
                SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, learner_id, concat_ws('|', date_trunc('hour', occurred_at, 'UTC'),
                    learner_id, count(*), count(*) FILTER (WHERE cost IS NULL), trim_scale(coalesce(sum(cost), 0))) AS line
                FROM usage_events GROUP BY 1, 2) t",
        ),
    ] {
        let mut owner = app.database.owner().await;
        let sums: Option<String> = sqlx::query_scalar(sums).fetch_one(&mut owner).await.expect("sums");
        let anew: Option<String> = sqlx::query_scalar(events).fetch_one(&mut owner).await.expect("events");
        assert_eq!(sums, anew);
        assert!(sums.is_some());
    }
}

#[tokio::test]
async fn events_without_a_price_get_one_when_they_are_priced_anew() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let (web, batch) = (project(&people.admin, &team, "web").await, project(&people.admin, &team, "batch").await);
    for (id, project, model, at) in [
        ("e-1", &web, "m-1", "2026-03-20T08:10:00Z"),
        ("e-2", &web, "m-1", "2026-03-20T08:20:00Z"),
        ("e-3", &batch, "m-1", "2026-03-20T09:10:00Z"),
        ("e-4", &web, "m-2", "2026-03-20T09:10:00Z"),
    ] {
        people.admin.post("/api/usage/track", event(id, project, model, at)).await.status(201);
    }
    let unpriced = async |client: &Client| -> Vec<UnpricedModel> {
        client.get("/api/prices/unpriced").await.read_as::<Page<UnpricedModel>>().data
    };
    let found = unpriced(&people.admin).await;
    let shown: Vec<_> = found.iter().map(|row| (row.model.as_str(), row.events, row.reason.as_deref())).collect();
    assert_eq!(shown, [("m-1", 3, Some("unknown_model")), ("m-2", 1, Some("unknown_model"))]);
    assert_eq!((found[0].first_seen.to_rfc3339(), found[0].last_seen.to_rfc3339()), {
        ("2026-03-20T08:00:00+00:00".to_owned(), "2026-03-20T09:00:00+00:00".to_owned())
    });
    assert!(unpriced(&people.user).await.is_empty() && unpriced(&people.outsider).await.is_empty());

    import(&app, &json!({"m-1": model("1e-6")})).await;
    let wish = json!({"from": "2026-03-20T00:00:00Z", "to": "2026-03-20T10:00:00Z"});
    people.user.post("/api/prices/reprice", &wish).await.problem(ErrorCode::Forbidden);
    let anew = async |change: fn(&mut Value)| -> RepriceReport {
        let mut wish = wish.clone();
        change(&mut wish);
        let begun: Reprice = people.tenant_admin.post("/api/prices/reprice", &wish).await.read_as();
        assert_eq!(begun.state, RepriceState::Running);
        app.run_jobs().await;
        let path = format!("/api/prices/reprices/{}", begun.id);
        people.outsider.get(&path).await.problem(ErrorCode::NotFound);
        people.tenant_admin.get(&path).await.read_as()
    };
    let dry = anew(|_| {}).await;
    assert_eq!((dry.reprice.state, dry.reprice.apply), (RepriceState::Done, false));
    let totals = dry.reprice.totals;
    assert_eq!((totals.events, totals.changed, totals.unpriced_before, totals.unpriced_after), (4, 3, 4, 1));
    assert_eq!((totals.cost_before.to_string(), totals.cost_after.to_string()), ("0.000000".into(), "0.006000".into()));
    let by: Vec<_> = dry
        .differences
        .iter()
        .map(|one| {
            let project = one.project.as_ref().map(|project| project.name.clone()).unwrap_or_default();
            (one.model.clone(), project, one.sums.cost_after.to_string())
        })
        .collect();
    assert_eq!(by[0], ("m-1".to_owned(), "web".to_owned(), "0.004000".to_owned()));
    assert_eq!(by[1], ("m-1".to_owned(), "batch".to_owned(), "0.002000".to_owned()));
    let stored =
        async |id: &str| -> UsageEvent { people.admin.get(&format!("/api/usage-events/{id}")).await.read_as() };
    assert_eq!(stored("e-1").await.cost, None, "a dry run changes nothing");

    let applied = anew(|wish| wish["apply"] = json!(true)).await;
    assert_eq!(applied.reprice.totals, totals);
    let event = stored("e-1").await;
    assert_eq!(event.cost.map(|cost| cost.to_string()).as_deref(), Some("0.002000"));
    assert_eq!(event.resolution.as_deref(), Some("exact:m-1"));
    assert_sums_are_exact(&app).await;
    assert_eq!(unpriced(&people.admin).await.len(), 1);
    let again = anew(|wish| wish["apply"] = json!(true)).await;
    assert_eq!((again.reprice.totals.changed, again.reprice.totals.cost_before.to_string()), (0, "0.006000".into()));
    let log = people.admin.get("/api/audit-log?action=price.").await.ok();
    let actions: Vec<_> = log["data"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["price.repriced", "price.reprice", "price.repriced", "price.reprice", "price.import"]);
    let mut wrong = wish.clone();
    wrong["to"] = wrong["from"].clone();
    people.tenant_admin.post("/api/prices/reprice", wrong).await.problem(ErrorCode::RangeTooLarge);
}

#[tokio::test]
async fn a_discount_that_began_in_the_past_is_given_to_the_events_since() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team(&people.admin, "platform").await;
    let web = project(&people.admin, &team, "web").await;
    import(&app, &json!({"m-1": model("1e-6"), "m-2": model("1e-6")})).await;
    // Repricing goes by slices: more events than one of them holds, several at one instant.
    let mut events = Vec::new();
    for number in 0..2_300_u32 {
        let at = format!("2026-03-20T{:02}:00:00Z", 5 + number % 4);
        let model = if number % 10 == 0 { "m-2" } else { "m-1" };
        events.push(event(&format!("e-{number}"), &web, model, &at));
    }
    for batch in events.chunks(1_000) {
        let answer = people.admin.post("/api/usage/bulk", json!({"events": batch})).await.ok();
        assert_eq!(answer["rejected"], json!([]));
    }
    assert_sums_are_exact(&app).await;
    let discount = json!({"provider": "acme", "model": "m-1", "discountPercent": "12.5",
        "effectiveFrom": "2026-03-20T06:00:00Z", "reprice": true});
    people.tenant_admin.post("/api/prices/overrides", discount).await.status(201);
    app.run_jobs().await;
    let runs: Page<Reprice> = people.tenant_admin.get("/api/prices/reprices").await.read_as();
    let totals = runs.data[0].totals;
    // Three hours of the four, nine in ten of them: 0.002 each before.
    assert_eq!((totals.events, totals.changed), (1_610, 1_610));
    assert_eq!((totals.cost_before.to_string(), totals.cost_after.to_string()), ("3.220000".into(), "2.817500".into()));
    assert_sums_are_exact(&app).await;
    let early: UsageEvent = people.admin.get("/api/usage-events/e-4").await.read_as();
    let late: UsageEvent = people.admin.get("/api/usage-events/e-1").await.read_as();
    let shown = |event: &UsageEvent| (event.cost.unwrap().to_string(), event.resolution.clone().unwrap());
    assert_eq!(shown(&early), ("0.002000".into(), "exact:m-1".into()));
    assert_eq!(shown(&late), ("0.001750".into(), "exact:m-1*".into()));
}
