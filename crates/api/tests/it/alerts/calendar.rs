//! Days of twenty-three hours, the last of a month, and a budget whose period is changed while its alert is open.

use chrono::{TimeDelta, TimeZone, Utc};
use finops_contract::alerts::{AlertEnd, AlertStatus};
use serde_json::{Value, json};

use super::{alerts, call, thresholds, track};
use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{project, team};

/// Moves the clock on to a moment of 2026.
fn go_to(app: &TestApp, month: u32, day: u32, hour: u32) {
    let then = Utc.with_ymd_and_hms(2026, month, day, hour, 0, 0).unwrap();
    assert!(then > app.now());
    app.advance(then - app.now());
}

async fn budget(admin: &Client, project: &str, period: &str, amount: &str) -> String {
    let body = body(project, period, amount);
    let made: Value = admin.post("/api/budgets", body).await.expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

fn body(project: &str, period: &str, amount: &str) -> Value {
    json!({"name": "Web", "scope": {"type": "project", "id": project}, "amount": amount, "period": period,
        "alerts": [{"threshold": 100, "type": "both"}]})
}

/// What was crossed: the period's first day and what was spent in it, the newest first.
async fn crossed(admin: &Client) -> Vec<(String, String)> {
    let alerts = alerts(admin, "").await.into_iter().filter_map(|alert| alert.budget);
    alerts.map(|budget| (budget.from.to_string(), budget.figure.0.normalize().to_string())).collect()
}

#[tokio::test]
async fn the_day_on_which_clocks_go_forward_has_twenty_three_hours() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    admin.patch("/api/organization", json!({"timeZone": "Europe/Berlin"})).await.ok();
    let web = project(admin, &team(admin, "platform").await, "web").await;
    budget(admin, &web, "daily", "100").await;
    go_to(&app, 3, 30, 12);
    // In Berlin the 29th is from 23:00 to 22:00: each of the days beside it has 80 dollars of its own.
    for (at, dollars) in [("28T22:59:59", 80), ("28T23:00:00", 60), ("29T21:59:59", 50), ("29T22:00:00", 80)] {
        track(admin, call(&web, &format!("2026-03-{at}Z"), dollars)).await;
    }
    app.runner().reconcile().await;
    assert_eq!(crossed(admin).await, [("2026-03-29".to_owned(), "110".to_owned())]);
    // The last hour of the 30th is that of a day in summer.
    track(admin, call(&web, "2026-03-30T11:00:00Z", 21)).await;
    app.runner().reconcile().await;
    assert_eq!(crossed(admin).await[0], ("2026-03-30".to_owned(), "101".to_owned()));
    // The 30th is a Monday: the weekly report's.
    app.run_jobs().await;
}

#[tokio::test]
async fn a_months_last_moment_is_its_own_and_the_next_month_starts_anew() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    admin.patch("/api/organization", json!({"timeZone": "Asia/Seoul"})).await.ok();
    let web = project(admin, &team(admin, "platform").await, "web").await;
    budget(admin, &web, "monthly", "100").await;
    // A month of thirty days, in Korea: until 15:00 UTC of its last day.
    go_to(&app, 4, 30, 14);
    track(admin, call(&web, "2026-04-30T13:59:59Z", 99)).await;
    app.runner().reconcile().await;
    assert_eq!(crossed(admin).await, []);
    go_to(&app, 4, 30, 16);
    track(admin, call(&web, "2026-04-30T15:00:00Z", 99)).await;
    app.runner().reconcile().await;
    assert_eq!(crossed(admin).await, [], "each month has 99 of 100 dollars");
    // What is reported late belongs to the month in which it was; the new month's comes on top of its own.
    track(admin, call(&web, "2026-04-30T14:59:59Z", 1)).await;
    track(admin, call(&web, "2026-04-30T15:30:00Z", 2)).await;
    app.advance(TimeDelta::minutes(1));
    app.runner().reconcile().await;
    let mut found = crossed(admin).await;
    found.sort();
    let of = |month: &str, spent: &str| (month.to_owned(), spent.to_owned());
    assert_eq!(found, [of("2026-04-01", "100"), of("2026-05-01", "101")]);
}

#[tokio::test]
async fn another_period_is_crossed_anew_and_what_was_told_of_the_one_before_is_closed() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = project(admin, &team(admin, "platform").await, "web").await;
    let id = budget(admin, &web, "monthly", "100").await;
    track(admin, call(&web, "2026-03-03T09:00:00Z", 90)).await;
    track(admin, call(&web, "2026-03-20T09:00:00Z", 20)).await;
    app.runner().reconcile().await;
    let [first] = alerts(admin, "").await.try_into().expect("one alert");
    // This week's 20 dollars are within the week's 50.
    admin.put(&format!("/api/budgets/{id}"), body(&web, "weekly", "50")).await.ok();
    app.runner().reconcile().await;
    let [closed] = alerts(admin, "").await.try_into().expect("the same");
    assert_eq!((closed.id, closed.status), (first.id, AlertStatus::Resolved));
    assert_eq!(
        (closed.resolved.and_then(|mark| mark.by), closed.resolved_because),
        (None, Some(AlertEnd::PeriodChanged))
    );
    assert!(closed.text.contains("예산의 기간이 바뀌어서"), "{}", closed.text);
    track(admin, call(&web, "2026-03-20T09:10:00Z", 35)).await;
    app.runner().reconcile().await;
    let all = alerts(admin, "").await;
    assert_eq!(
        (thresholds(&all), all[1].id, all[0].status),
        (vec!["100".into(), "100".into()], first.id, AlertStatus::Open)
    );
    assert_eq!(crossed(admin).await[0], ("2026-03-16".to_owned(), "55".to_owned()));
    // Back to the month: it was crossed before, and spending has not gone down since. Nobody is told twice of one amount.
    admin.put(&format!("/api/budgets/{id}"), body(&web, "monthly", "1000")).await.ok();
    app.runner().reconcile().await;
    let all = alerts(admin, "").await;
    assert_eq!(all.len(), 2, "145 of 1,000 dollars");
    assert!(all.iter().all(|alert| alert.resolved_because == Some(AlertEnd::PeriodChanged)));
}

#[tokio::test]
async fn an_alert_of_a_period_that_the_calendar_has_no_more_is_closed_and_says_why() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = project(admin, &team(admin, "platform").await, "web").await;
    let ended = async || {
        app.runner().reconcile().await;
        let all = alerts(admin, "").await;
        all.iter().map(|alert| (alert.status, alert.resolved_because)).collect::<Vec<_>>()
    };
    // The quarter from January on becomes one from February on: the same spending, in another period.
    budget(admin, &web, "quarterly", "100").await;
    track(admin, call(&web, "2026-03-20T09:00:00Z", 110)).await;
    assert_eq!(ended().await, [(AlertStatus::Open, None)]);
    admin.patch("/api/organization", json!({"fiscalYearStartMonth": 2})).await.ok();
    let closed = |because| (AlertStatus::Resolved, Some(because));
    assert_eq!(ended().await, [(AlertStatus::Open, None), closed(AlertEnd::PeriodChanged)]);

    // Whatever else ends it is said as well.
    let [second, _] = alerts(admin, "").await.try_into().expect("two alerts");
    let path = format!("/api/budgets/{}", second.budget.expect("a budget").id);
    admin.put(&path, body(&web, "quarterly", "50")).await.ok();
    assert_eq!(ended().await[..2], [(AlertStatus::Open, None), closed(AlertEnd::AmountChanged)]);
    admin.put(&path, body(&web, "quarterly", "5000")).await.ok();
    assert_eq!(ended().await[0], closed(AlertEnd::BelowThreshold));
    budget(admin, &web, "daily", "100").await;
    assert_eq!(ended().await[0], (AlertStatus::Open, None));
    app.advance(TimeDelta::days(1));
    assert_eq!(ended().await[0], closed(AlertEnd::PeriodOver));
    let gone = budget(admin, &web, "monthly", "100").await;
    assert_eq!(ended().await[0], (AlertStatus::Open, None));
    admin.delete(&format!("/api/budgets/{gone}")).await.ok();
    assert_eq!(ended().await[0], closed(AlertEnd::BudgetDeleted));
}
