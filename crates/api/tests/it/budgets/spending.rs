//! What was spent is what the costs say, and what is not known is told.

use chrono::TimeDelta;
use finops_api::features::budgets::Watch;
use finops_contract::budgets::BudgetTemplate;
use finops_contract::costs::{Basis, CostState, CostsAnswer};
use finops_contract::fx_rates::FxRate;
use finops_contract::{ErrorCode, Page};
use rust_decimal::Decimal;
use serde_json::json;

use super::together::assert_alike;
use super::{Budget, call, date, decimal, exact, monthly, organization, set, status, track};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{bill, project, project_with_id, team, team_with_key};

/// What the costs say, in UTC days.
async fn costs(client: &Client, from: &str, to: &str, rest: &str) -> Decimal {
    let answer: CostsAnswer = client.get(&format!("/api/costs/query?from={from}&to={to}{rest}")).await.read_as();
    answer.totals.iter().map(|total| total.cost.0).sum()
}

async fn set_zone(client: &Client, zone: &str) {
    client.patch("/api/organization", json!({"timeZone": zone})).await.ok();
}

#[tokio::test]
async fn what_was_spent_is_what_the_costs_say_in_any_calendar() {
    let app = TestApp::builder().set("USAGE_POLL_INTERVAL", "60").spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let alpha = team_with_key(&app, admin, "alpha", "org-alpha").await;
    let beta = team_with_key(&app, admin, "beta", "org-beta").await;
    let web = project_with_id(admin, &alpha, "web", "proj_web").await;
    let own = project(admin, &alpha, "own").await;
    for (project, at) in [
        (&web, "2026-03-20T09:00:00Z"),
        (&own, "2026-03-19T16:00:00Z"),
        (&own, "2026-03-18T09:00:00Z"),
        (&own, "2026-03-20T09:00:00Z"),
    ] {
        track(admin, call(project, at, 3)).await;
    }
    app.run_jobs().await;
    let scopes = [
        (organization(), String::new()),
        (json!({"type": "team", "id": alpha}), format!("&teamId={alpha}")),
        (json!({"type": "team", "id": beta}), format!("&teamId={beta}")),
        (json!({"type": "project", "id": web}), format!("&projectId={web}")),
        (json!({"type": "project", "id": own}), format!("&projectId={own}")),
    ];
    let mut made = Vec::new();
    for (scope, filter) in scopes {
        made.push((set(admin, monthly("5000", scope)).await, filter));
    }
    // Once with the last days metered, once with the bill in their place.
    for round in ["metered", "billed"] {
        for zone in ["UTC", "Asia/Seoul", "America/New_York", "Asia/Kolkata"] {
            set_zone(admin, zone).await;
            for (budget, filter) in &made {
                let found = status(admin, budget.id).await;
                let said = costs(admin, "2026-03-01", "2026-03-23", filter).await;
                let spent = found.current.spent.expect("known").0;
                assert_eq!(spent, said, "{round}, {zone}: {:?}", budget.scope);
                let days: Decimal = found.days.iter().filter_map(|day| day.spent).map(|spent| spent.0).sum();
                assert_eq!(days, said, "{round}, {zone}: every cost is on one day");
                let parts: Decimal = found.current.by_basis.iter().map(|part| part.cost.0).sum();
                assert!(found.current.by_basis.is_empty() || parts == spent);
                assert_eq!(found.remaining.unwrap().0, decimal("5000") - spent);
                assert_eq!(found.time_zone, if zone == "Asia/Kolkata" { "UTC" } else { zone });
                assert_eq!(found.history.len(), 12);
                assert!(found.forecast.unwrap().0 >= spent && found.history[0].amount.is_none());
            }
            assert_alike(&app, admin, &mut Watch::default()).await;
        }
        let whole = status(admin, made[0].0.id).await.current;
        assert_eq!((whole.basis, whole.state), (Basis::Mixed, CostState::Estimated), "{round}");
        app.advance(TimeDelta::days(1));
        app.run_jobs().await;
    }
}

#[tokio::test]
async fn what_is_metered_falls_on_the_local_day_and_what_is_billed_on_its_date() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    // Half past midnight and half past eleven of the evening before, in Seoul.
    track(admin, call(&web, "2026-03-19T15:30:00Z", 7)).await;
    track(admin, call(&web, "2026-03-19T14:30:00Z", 5)).await;
    let mut daily = monthly("10", json!({"type": "project", "id": web}));
    daily["period"] = json!("daily");
    let budget = set(admin, daily).await;
    let days = async || {
        let found = status(admin, budget.id).await;
        let days = [&found.current, &found.history[0]]
            .map(|period| (period.from.to_string(), exact(period.spent).unwrap_or_default(), period.basis));
        (found.time_zone, days)
    };
    let day = |day: &str, spent: &str, basis| (day.to_owned(), spent.to_owned(), basis);
    let seoul = [day("2026-03-20", "7", Basis::Events), day("2026-03-19", "5", Basis::Events)];
    assert_eq!(days().await, ("Asia/Seoul".into(), seoul));
    let found = status(admin, budget.id).await;
    let times = (found.current.starts_at.to_rfc3339(), found.current.ends_at.to_rfc3339());
    assert_eq!(times, ("2026-03-19T15:00:00+00:00".into(), "2026-03-20T15:00:00+00:00".into()));
    assert_eq!(found.current.percent.map(|percent| percent.to_string()).as_deref(), Some("70"));
    // The bill of the UTC day comes: it has no hours, so all of it is on the day of its date, and nothing is there twice.
    bill(&app, &web, "2026-03-19", "openai", "12.5 USD").await;
    let billed = [day("2026-03-20", "0", Basis::Events), day("2026-03-19", "12.5", Basis::Billed)];
    assert_eq!(days().await, ("Asia/Seoul".into(), billed));
    // A zone of half hours has the bill's days.
    set_zone(admin, "Asia/Kolkata").await;
    assert_eq!(days().await.0, "UTC");
}

#[tokio::test]
async fn services_learners_and_environments_are_told_by_who_names_them() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let platform = team(admin, "platform").await;
    let web = project(admin, &platform, "web").await;
    let ci = json!({"teamId": platform, "name": "pipeline", "environment": "ci"});
    let ci = admin.post("/api/projects", ci).await.ok()["id"].as_str().unwrap().to_owned();
    for (project, service, learner, environment, dollars) in [
        (Some(&web), "chatbot", "ann", None, 1),
        (Some(&web), "chatbot", "bob", Some("staging"), 2),
        (Some(&ci), "builds", "ann", None, 4),
        (None, "builds", "cho", Some("ci"), 8),
        (None, "builds", "cho", None, 16),
    ] {
        let mut event = call("", "2026-03-20T09:00:00Z", dollars);
        event["projectId"] = json!(project);
        (event["service"], event["learnerId"]) = (json!(service), json!(learner));
        event["environment"] = json!(environment);
        track(admin, event).await;
    }
    for (kind, id, spent) in [
        ("service", "chatbot", "3"),
        ("service", "builds", "28"),
        ("service", "nobody", "0"),
        ("learner", "ann", "5"),
        ("learner", "cho", "24"),
        // A project's calls are its environment's, whatever they name.
        ("environment", "production", "3"),
        ("environment", "staging", "0"),
        ("environment", "ci", "12"),
    ] {
        let budget = set(admin, monthly("100", json!({"type": kind, "id": id}))).await;
        let found = status(admin, budget.id).await;
        assert_eq!(
            (exact(found.current.spent).as_deref(), found.current.basis),
            (Some(spent), Basis::Events),
            "{kind} {id}"
        );
        assert!(found.current.complete, "{kind} {id}");
    }
    assert_alike(&app, admin, &mut Watch::default()).await;
    let templates: Page<BudgetTemplate> = people.user.get("/api/budgets/templates").await.read_as();
    let usual: Vec<_> = templates
        .data
        .iter()
        .map(|template| {
            let thresholds: Vec<_> = template.alerts.iter().map(|alert| alert.threshold.to_string()).collect();
            (template.environment.name(), exact(template.amount), thresholds.join("/"))
        })
        .collect();
    let some = |amount: &str| Some(amount.to_owned());
    let expected = [
        ("production", None, "50/75/90".to_owned()),
        ("staging", some("500"), "75/90".to_owned()),
        ("development", some("100"), "90".to_owned()),
        ("ci", some("50"), String::new()),
    ];
    assert_eq!(usual, expected);
    let mut body = serde_json::to_value(&templates.data[1]).unwrap();
    body.as_object_mut().unwrap().remove("environment");
    body["name"] = json!("Staging");
    set(admin, body).await;
}

#[tokio::test]
async fn what_is_not_known_is_never_zero() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.admin;
    let budget = set(admin, monthly("100", organization())).await;
    let found = status(admin, budget.id).await;
    assert_eq!((found.current.spent, found.current.percent, found.remaining, found.forecast), (None, None, None, None));
    assert_eq!((found.current.complete, found.current.unknown_days), (false, 19));
    assert!(found.days.len() == 20 && found.days.iter().all(|day| day.spent.is_none()));

    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    let mut unpriced = call(&web, "2026-03-20T09:00:00Z", 1);
    unpriced["model"] = json!("nobody-knows-this-one");
    track(admin, unpriced).await;
    let found = status(admin, budget.id).await.current;
    assert_eq!((exact(found.spent).as_deref(), found.state, found.unpriced), (Some("0"), CostState::Unpriced, 1));
    assert!(!found.complete && found.unknown_days == 0, "calls are reported, so days without any had none");
    track(admin, call(&web, "2026-03-20T09:30:00Z", 3)).await;
    let found = status(admin, budget.id).await.current;
    assert_eq!((exact(found.spent).as_deref(), found.state, found.complete), (Some("3"), CostState::Estimated, false));

    // What is billed in a currency without a rate is told beside.
    bill(&app, &web, "2026-03-10", "acme", "9.2 EUR").await;
    let found = status(admin, budget.id).await.current;
    let euros: Vec<_> = found.unconverted.iter().map(|one| (one.cost.to_string(), one.currency.as_str())).collect();
    assert_eq!((exact(found.spent).as_deref(), euros), (Some("3"), vec![("9.200000".to_owned(), "EUR")]));
    let rate = json!({"currency": "EUR", "date": "2026-03-02", "rate": "0.92", "source": "ECB"});
    admin.put("/api/fx-rates", rate).await.ok();
    let found = status(admin, budget.id).await.current;
    assert_eq!((exact(found.spent).as_deref(), found.unconverted.len()), (Some("13"), 0));

    // With a key, a day that was not collected yet is not known either; collected, it is.
    let keyed = team_with_key(&app, admin, "keyed", "org-alpha").await;
    let of_team = set(admin, monthly("100", json!({"type": "team", "id": keyed}))).await;
    let found = status(admin, of_team.id).await.current;
    assert_eq!((found.spent, found.unknown_days), (None, 19));
    assert_alike(&app, admin, &mut Watch::default()).await;
    app.run_jobs().await;
    let found = status(admin, of_team.id).await.current;
    assert!(found.spent.is_some_and(|spent| spent.0 > Decimal::ZERO) && found.complete && found.unknown_days == 0);
    assert_eq!(found.basis, Basis::Billed);
    assert_alike(&app, admin, &mut Watch::default()).await;
}

#[tokio::test]
async fn an_amount_in_another_currency_keeps_the_rate_it_was_set_with() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let rate = async |date: &str, rate: &str| {
        let body = json!({"currency": "KRW", "date": date, "rate": rate, "source": "Seoul Money Brokerage"});
        admin.put("/api/fx-rates", body).await.read_as::<FxRate>()
    };
    rate("2026-03-02", "1400").await;
    rate("2026-03-19", "1385.5").await;
    people
        .user
        .put("/api/fx-rates", json!({"currency": "KRW", "date": "2026-03-02", "rate": "1", "source": "me"}))
        .await
        .problem(ErrorCode::Forbidden);
    let rates: Page<FxRate> = people.user.get("/api/fx-rates").await.read_as();
    assert_eq!(rates.data.iter().map(|rate| exact(Some(rate.rate)).unwrap()).collect::<Vec<_>>(), ["1385.5", "1400"]);
    let first: Page<FxRate> = people.user.get("/api/fx-rates?limit=1").await.read_as();
    let next = format!("/api/fx-rates?limit=1&cursor={}", first.next_cursor.unwrap());
    assert_eq!(people.user.get(&next).await.read_as::<Page<FxRate>>().data[0].date, date("2026-03-02"));
    assert!(people.outsider.get("/api/fx-rates").await.read_as::<Page<FxRate>>().data.is_empty());

    let alpha = team(admin, "alpha").await;
    let web = project(admin, &alpha, "web").await;
    track(admin, call(&web, "2026-03-20T09:00:00Z", 10)).await;
    let mut body = monthly("20000", json!({"type": "project", "id": web}));
    body["currency"] = json!("KRW");
    let budget = set(admin, body.clone()).await;
    let fx = budget.fx.clone().expect("a rate");
    assert_eq!((exact(Some(fx.rate)).as_deref(), fx.date), (Some("1385.5"), date("2026-03-19")));
    let found = status(admin, budget.id).await;
    assert_eq!((exact(found.current.spent).as_deref(), found.currency.as_str()), (Some("13855"), "KRW"));
    assert_eq!(found.current.percent.unwrap().to_string(), "69.27");
    assert_alike(&app, admin, &mut Watch::default()).await;

    // A rate that is mended changes nothing until another amount is set.
    rate("2026-03-19", "1500").await;
    assert_eq!(exact(status(admin, budget.id).await.current.spent).as_deref(), Some("13855"));
    let same: Budget = admin.put(&format!("/api/budgets/{}", budget.id), &body).await.read_as();
    assert_eq!(same, budget);
    body["amount"] = json!("20001");
    let anew: Budget = admin.put(&format!("/api/budgets/{}", budget.id), body).await.read_as();
    assert_eq!((anew.revision, exact(anew.fx.map(|fx| fx.rate)).as_deref()), (2, Some("1500")));
    assert_eq!(exact(status(admin, budget.id).await.current.spent).as_deref(), Some("15000"));
    let entries = admin.get("/api/audit-log?action=fx_rate.set").await.ok();
    assert_eq!(entries["data"][0]["before"]["rate"], json!("1385.500000"));
}
