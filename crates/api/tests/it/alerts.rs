//! Alerts: raised once, whoever notices; saying who, what, how much and why; acknowledged, resolved, and over by themselves.

mod again;
mod calendar;
mod later;
mod soon;
mod stops;
mod told;

use chrono::TimeDelta;
use finops_contract::alerts::{Alert, AlertKind, AlertRule, AlertSeverity, AlertStatus, TestAlertAnswer};
use finops_contract::budgets::AlertAction;
use finops_contract::{ErrorCode, Page};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

/// A call that costs this many dollars: of a model that costs 2.5 dollars a million of input tokens.
fn call(project: &str, at: &str, dollars: i64) -> Value {
    json!({"projectId": project, "provider": "openai", "model": "gpt-4o", "promptTokens": dollars * 400_000,
        "completionTokens": 0, "timestamp": at, "service": "chatbot"})
}

async fn track(client: &Client, event: Value) {
    client.post("/api/usage/track", event).await.ok();
}

async fn alerts(client: &Client, query: &str) -> Vec<Alert> {
    client.get(&format!("/api/alerts{query}")).await.read_as::<Page<Alert>>().data
}

fn thresholds(alerts: &[Alert]) -> Vec<String> {
    alerts.iter().filter_map(|alert| alert.budget.as_ref()).map(|budget| budget.threshold.to_string()).collect()
}

/// The project of the journey: a daily limit of 500 dollars, usually 50 a day, today 742.
async fn runaway(app: &TestApp, admin: &Client) -> (String, String) {
    let marketing = team(admin, "마케팅팀").await;
    let chatbot = project(admin, &marketing, "chatbot-experiment").await;
    let limits = json!({"daily": {"amount": "500", "type": "both"}});
    admin.put(&format!("/api/projects/{chatbot}/cost-thresholds"), limits).await.ok();
    for day in 13..20 {
        track(admin, call(&chatbot, &format!("2026-03-{day}T09:00:00Z"), 50)).await;
    }
    app.runner().reconcile().await;
    assert_eq!(alerts(admin, "").await, [], "nothing is crossed yet");
    for hour in 0..7 {
        track(admin, call(&chatbot, &format!("2026-03-20T0{hour}:10:00Z"), 106)).await;
    }
    (marketing, chatbot)
}

#[tokio::test]
async fn the_alert_of_the_journey_says_who_what_how_much_and_why() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin.with_header("accept-language", "ko");
    let (_, chatbot) = runaway(&app, admin).await;
    app.runner().reconcile().await;

    let [alert] = alerts(admin, "").await.try_into().expect("one alert");
    assert_eq!(
        (alert.kind, alert.severity, alert.status),
        (AlertKind::Budget, AlertSeverity::Critical, AlertStatus::Open)
    );
    assert_eq!(alert.subject, "[마케팅팀] 일일 한도 $500 초과 - 현재 $742 (148%)");
    assert!(alert.text.contains("오늘 $742, 평소($50) 대비 1,384% 증가"), "{}", alert.text);
    assert!(alert.text.contains("호출 7회, 평소의 7배"), "{}", alert.text);
    let cause = alert.cause.clone().expect("a cause");
    assert_eq!((cause.calls, cause.usual_calls, cause.project), (7, 1, None));
    let model = cause.model.expect("a model");
    assert_eq!(
        (model.name.as_str(), model.cost.to_string(), model.usual.to_string()),
        ("gpt-4o", "742.000000".into(), "50.000000".into())
    );
    assert_eq!(cause.service.expect("a service").name, "chatbot");
    let budget = alert.budget.clone().expect("a budget");
    assert_eq!(
        (budget.amount.to_string(), budget.figure.to_string(), budget.percent.to_string()),
        ("500.000000".into(), "742.000000".into(), "148.4".into())
    );
    let links: Vec<_> = alert.links.iter().map(|link| (link.action.as_str(), link.path.clone())).collect();
    assert_eq!(
        links,
        [("block", format!("/block/project:{chatbot}?alert={}", alert.id)), ("open", format!("/alerts/{}", alert.id))]
    );

    // The same in English, by its address, and among its project's and budget's.
    let english =
        admin.with_header("accept-language", "en").get(&format!("/api/alerts/{}", alert.id)).await.read_as::<Alert>();
    assert_eq!(english.subject, "[마케팅팀] daily limit of $500 exceeded: $742 now (148%)");
    for query in
        [format!("?projectId={chatbot}"), format!("?budgetId={}", budget.id), "?status=open&kind=budget".into()]
    {
        assert_eq!(alerts(admin, &query).await.len(), 1, "{query}");
    }
    for query in ["?status=resolved", "?kind=unpriced"] {
        assert_eq!(alerts(admin, query).await, [], "{query}");
    }

    // Nobody is told twice, however often and by however many it is checked.
    let checks = (0..4).map(|_| async { app.runner().reconcile().await });
    futures_util::future::join_all(checks).await;
    assert_eq!(alerts(admin, "").await.len(), 1);
    assert_eq!(app.database.count("SELECT count(DISTINCT alert_id) FROM deliveries").await, 1);
}

#[tokio::test]
async fn whoever_sees_the_project_sees_its_alerts_and_may_be_at_it() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let (marketing, _) = runaway(&app, &people.tenant_admin).await;
    app.runner().reconcile().await;
    let [alert] = alerts(&people.tenant_admin, "").await.try_into().expect("one alert");
    let path = format!("/api/alerts/{}", alert.id);
    for stranger in [&people.user, &people.outsider] {
        assert_eq!(alerts(stranger, "").await, []);
        stranger.get(&path).await.problem(ErrorCode::NotFound);
        for verb in ["acknowledge", "resolve"] {
            stranger.post(&format!("{path}/{verb}"), json!({})).await.problem(ErrorCode::NotFound);
        }
    }
    let member = format!("/api/teams/{marketing}/members/{}", people.user.id());
    people.tenant_admin.put(&member, json!({})).await.ok();
    let seen: Alert = people.user.get(&path).await.read_as();
    assert_eq!(seen.status, AlertStatus::Open);

    let acknowledged: Alert = people.user.post(&format!("{path}/acknowledge"), json!({})).await.read_as();
    let by = acknowledged.acknowledged.clone().and_then(|mark| mark.by).expect("somebody");
    assert_eq!((acknowledged.status, by.id), (AlertStatus::Acknowledged, people.user.id()));
    let again: Alert = people.tenant_admin.post(&format!("{path}/acknowledge"), json!({})).await.read_as();
    assert_eq!(again.acknowledged, acknowledged.acknowledged, "who was first stays");
    let resolved: Alert = people.tenant_admin.post(&format!("{path}/resolve"), json!({})).await.read_as();
    assert_eq!((resolved.status, resolved.resolved.is_some()), (AlertStatus::Resolved, true));
    let late: Alert = people.user.post(&format!("{path}/acknowledge"), json!({})).await.read_as();
    assert_eq!(late.status, AlertStatus::Resolved, "what is over is not begun again");
    let entries = people.tenant_admin.get(&format!("/api/audit-log?targetId={}", alert.id)).await.ok();
    let actions: Vec<_> = entries["data"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["alert.resolve", "alert.acknowledge"]);
    app.runner().reconcile().await;
    assert_eq!(alerts(&people.tenant_admin, "?status=open").await, [], "it is not raised again in the same period");
}

#[tokio::test]
async fn who_jumps_over_four_thresholds_has_four_alerts_the_highest_first() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    let budget = json!({"name": "Web", "scope": {"type": "team", "id": alpha}, "amount": "100", "period": "monthly",
        "alerts": [{"threshold": 50, "type": "email"}, {"threshold": 75, "type": "email"}, {"threshold": 90, "type": "email"},
            {"threshold": 100, "type": "email"}, {"threshold": 200, "type": "sms", "basis": "forecast"}]});
    let budget = admin.post("/api/budgets", &budget).await.ok();
    let path = format!("/api/budgets/{}", budget["id"].as_str().unwrap());
    let runner = app.runner();
    runner.reconcile().await;
    track(admin, call(&web, "2026-03-20T09:00:00Z", 120)).await;
    // The second check of a process is told what changed, by the row that folding leaves.
    runner.reconcile().await;
    let raised = alerts(admin, "").await;
    let oldest_first: Vec<String> = thresholds(&raised).into_iter().rev().collect();
    assert_eq!(oldest_first, ["100", "90", "75", "50", "200"]);
    let severities: Vec<_> = raised.iter().rev().map(|alert| alert.severity).collect();
    assert_eq!(
        severities,
        [
            AlertSeverity::Critical,
            AlertSeverity::Error,
            AlertSeverity::Warning,
            AlertSeverity::Info,
            AlertSeverity::Warning
        ]
    );
    // Whoever looks for what is bad is not told of it after everything else.
    for (severity, these) in [("critical", vec!["100"]), ("warning", vec!["200", "75"]), ("info&limit=1", vec!["50"])] {
        assert_eq!(thresholds(&alerts(admin, &format!("?status=open&severity={severity}")).await), these, "{severity}");
    }
    assert_eq!(alerts(admin, "?status=resolved&severity=critical").await, []);
    admin.get("/api/alerts?severity=bad").await.problem(ErrorCode::InvalidQuery);
    assert_eq!(raised[4].cause.as_ref().and_then(|cause| cause.project.as_ref()).expect("a project").name, "web");
    assert_eq!(raised[4].links[0].path, format!("/block/project:{web}?alert={}", raised[4].id), "what grew most");
    let left = async |rest: &'static str| app.database.count(rest).await;
    assert_eq!(
        left("SELECT count(*) FROM budget_checks WHERE past_from IS NULL").await,
        0,
        "what was said is struck off"
    );
    assert_eq!(
        left("SELECT count(*) FROM budget_checks").await,
        1,
        "but for the month before, which is looked at later"
    );

    // A raise that puts the spending below a threshold ends its alert; a lower amount begins anew.
    let put = async |amount: &str| {
        let mut body = budget.clone();
        body["amount"] = json!(amount);
        let kept = ["name", "scope", "amount", "period", "alerts"];
        let mut body: Value =
            kept.iter().map(|key| ((*key).to_owned(), body[*key].clone())).collect::<serde_json::Map<_, _>>().into();
        body["scope"] = json!({"type": "team", "id": alpha});
        admin.put(&path, body).await.ok();
        runner.reconcile().await;
    };
    put("140").await;
    let open = thresholds(&alerts(admin, "?status=open").await);
    assert_eq!(open, ["200", "50", "75"], "85 % is above two of them");
    put("130").await;
    assert_eq!(
        thresholds(&alerts(admin, "?status=open").await),
        ["200", "50", "75", "90"],
        "anew, in place of the ones before"
    );

    // The month ends, and with it what it raised; the next one begins anew.
    app.advance(TimeDelta::days(13));
    runner.reconcile().await;
    assert_eq!(alerts(admin, "?status=open").await, []);
    track(admin, call(&web, "2026-04-02T09:00:00Z", 70)).await;
    runner.reconcile().await;
    assert_eq!(
        thresholds(&alerts(admin, "?status=open").await),
        ["200", "50"],
        "nothing is silent after the first period"
    );
    // A call that is reported late crosses what was not crossed of the month that is over.
    track(admin, call(&web, "2026-03-25T09:00:00Z", 200)).await;
    runner.reconcile().await;
    assert_eq!(alerts(admin, "?status=open").await.len(), 2, "past periods are looked at twice a minute");
    app.advance(TimeDelta::seconds(31));
    runner.reconcile().await;
    let open = alerts(admin, "?status=open").await;
    let late = open[0].budget.as_ref().expect("a budget");
    assert_eq!(
        (late.threshold.to_string(), late.from.to_string(), late.figure.to_string()),
        ("100".into(), "2026-03-01".into(), "320.000000".into())
    );
    assert_eq!(open.len(), 3);
    app.advance(TimeDelta::days(8));
    runner.reconcile().await;
    let left = thresholds(&alerts(admin, "?status=open").await);
    assert_eq!(left, ["50"], "nobody minded it for a week, and nothing more is expected of this month");
}

#[tokio::test]
async fn a_hard_threshold_blocks_with_its_alert() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    let budget = json!({"name": "Web", "scope": {"type": "project", "id": web}, "amount": "10", "period": "daily",
        "enforcement": "hard", "alerts": [{"threshold": 100, "type": "block"}]});
    admin.post("/api/budgets", &budget).await.expect::<Value>(201);
    track(admin, call(&web, "2026-03-20T09:00:00Z", 12)).await;
    app.runner().reconcile().await;
    let [alert] = alerts(admin, "").await.try_into().expect("one alert");
    assert!(alert.links.iter().all(|link| link.action != "block"), "it is blocked already");
    let blocks = admin.get("/api/blocks?status=active").await.ok();
    assert_eq!((&blocks["data"][0]["target"]["id"], &blocks["data"][0]["alertId"]), (&json!(web), &json!(alert.id)));
    app.runner().reconcile().await;
    assert_eq!(admin.get("/api/blocks").await.ok()["data"].as_array().map(Vec::len), Some(1));
    // The lift is not about the budget, which the guard goes on minding.
    let body = json!({"name": "Program", "scopes": ["guard"]});
    let key = admin.post("/api/api-keys", body).await.ok()["key"].as_str().expect("a key").to_owned();
    let program = app.anonymous().with_token(&key);
    let path = format!("/api/blocks/{}/lift", blocks["data"][0]["id"].as_str().expect("an id"));
    assert_eq!(admin.post(&path, json!({"reason": "Solved"})).await.ok()["status"], "lifted");
    let since = std::time::Instant::now();
    loop {
        let late = since.elapsed() > std::time::Duration::from_secs(1);
        let answer = program.post("/api/guard/check", json!({"projectId": web})).await;
        if answer.status != ErrorCode::Blocked.status() || late {
            answer.problem(ErrorCode::BudgetExceeded);
            break;
        }
    }
}

#[tokio::test]
async fn calls_without_a_price_raise_one_alert_a_model() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let unknown =
        |model: &str| json!({"provider": "openai", "model": model, "promptTokens": 10, "completionTokens": 1});
    for model in ["gpt-99", "gpt-99", "gpt-98"] {
        track(admin, unknown(model)).await;
    }
    let runner = app.runner();
    runner.reconcile().await;
    let mut raised = alerts(admin, "?kind=unpriced").await;
    raised.sort_by_key(|alert| alert.unpriced.as_ref().map(|calls| calls.model.clone()));
    let calls: Vec<_> =
        raised.iter().filter_map(|alert| alert.unpriced.as_ref()).map(|of| (of.model.as_str(), of.calls)).collect();
    assert_eq!(calls, [("gpt-98", 1), ("gpt-99", 2)]);
    assert_eq!(raised[0].links[0].path, "/pricebook");
    people.user.get(&format!("/api/alerts/{}", raised[0].id)).await.problem(ErrorCode::NotFound);
    runner.reconcile().await;
    assert_eq!(alerts(admin, "").await.len(), 2);

    // Somebody says that it is dealt with: a day of silence.
    admin.post(&format!("/api/alerts/{}/resolve", raised[0].id), json!({})).await.ok();
    track(admin, unknown("gpt-98")).await;
    runner.reconcile().await;
    assert_eq!(alerts(admin, "?status=open").await.len(), 1);
    app.advance(TimeDelta::hours(25));
    runner.reconcile().await;
    assert_eq!(alerts(admin, "?status=open").await.len(), 2);

    // Turned off, what is open is over; whoever may not, does not.
    let rules: Page<AlertRule> = admin.get("/api/alerts/rules").await.read_as();
    assert_eq!((rules.data[0].enabled, rules.data[0].action), (true, AlertAction::Both));
    let off = json!({"kind": "unpriced", "enabled": false, "type": "slack"});
    people.user.put("/api/alerts/rules", &off).await.problem(ErrorCode::Forbidden);
    let budgets = json!({"kind": "budget", "enabled": false, "type": "slack"});
    admin.put("/api/alerts/rules", &budgets).await.field("/kind", "unknown");
    admin
        .put("/api/alerts/rules", json!({"kind": "unpriced", "enabled": true, "type": "block"}))
        .await
        .field("/type", "unknown");
    let rule: AlertRule = admin.put("/api/alerts/rules", &off).await.read_as();
    assert_eq!((rule.enabled, rule.action), (false, AlertAction::Slack));
    runner.reconcile().await;
    assert_eq!(alerts(admin, "?status=open").await, []);
}

#[tokio::test]
async fn however_many_models_have_no_price_each_has_its_alert_until_it_has_one() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let events: Vec<Value> = (0..250)
        .map(|nth| json!({"provider": "openai", "model": format!("nobody-knows-{nth}"), "promptTokens": 1}))
        .collect();
    admin.post("/api/usage/bulk", json!({"events": events})).await.ok();
    let runner = app.runner();
    for _ in 0..3 {
        runner.reconcile().await;
    }
    assert_eq!(count_open(&app).await, 250);
    for _ in 0..3 {
        runner.reconcile().await;
    }
    assert_eq!(count_open(&app).await, 250, "none is over, and none is raised twice");
}

/// Alerts that are not over.
async fn count_open(app: &TestApp) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM alerts WHERE status <> 'resolved'")
        .fetch_one(&mut app.database.owner().await)
        .await
        .expect("a count")
}

#[tokio::test]
async fn a_test_message_raises_nothing() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin.with_header("accept-language", "en");
    let alpha = team(admin, "alpha").await;
    let budget = json!({"name": "Web", "scope": {"type": "team", "id": alpha}, "amount": "10", "period": "daily",
        "alerts": [{"threshold": 90, "type": "email"}]});
    let budget: Value = admin.post("/api/budgets", &budget).await.expect(201);
    let answer: TestAlertAnswer = admin.post("/api/alerts/test", json!({})).await.read_as();
    assert_eq!(answer.subject, format!("[Test] [{}] daily limit of $500 exceeded: $742 now (148%)", "Example Inc."));
    let answer: TestAlertAnswer = admin.post("/api/alerts/test", json!({"budgetId": budget["id"]})).await.read_as();
    assert_eq!(answer.subject, "[Test] [alpha] 90% of the daily budget of $10 reached: $0 now (0%)");
    assert_eq!(alerts(admin, "").await, []);
    let nobody = json!({"budgetId": "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"});
    admin.post("/api/alerts/test", &nobody).await.problem(ErrorCode::NotFound);
    let nowhere = json!({"channelId": "0199f3d2-7c5e-7f10-a1b2-c3d4e5f60718"});
    admin.post("/api/alerts/test", &nowhere).await.problem(ErrorCode::NotFound);
    people.user.post("/api/alerts/test", json!({})).await.problem(ErrorCode::Forbidden);
    people.outsider.post("/api/alerts/test", json!({"budgetId": budget["id"]})).await.problem(ErrorCode::NotFound);
}
