//! When reports are sent, and to whom: once, whoever is at it.

use chrono::{DateTime, TimeDelta, Utc};
use finops_contract::accounts::Locale;
use finops_contract::reports::{ReportRecipients, WeeklyReport};
use finops_contract::{ErrorCode, Page};
use reqwest::Method;
use serde_json::json;

use super::{call, mails, preview, report, text, track};
use crate::support::TestApp;
use crate::support::costs::{project, project_with_id, team, team_with_key};

/// Moves the time to a moment.
pub(super) fn go(app: &TestApp, to: &str) {
    let to: DateTime<Utc> = to.parse().expect("a time");
    app.advance(to - app.now());
}

fn to(app: &TestApp) -> Vec<String> {
    mails(app).into_iter().map(|(to, ..)| to).collect()
}

#[tokio::test]
async fn every_organization_has_its_report_on_its_own_monday_at_nine_once() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    people.tenant_admin.patch("/api/auth/me", json!({"locale": "en"})).await.ok();
    people.outsider.patch("/api/organization", json!({"timeZone": "America/New_York"})).await.ok();
    let platform = team(&people.admin, "platform").await;
    let web = project(&people.admin, &platform, "web").await;
    track(&people.admin, call(&web, "2026-03-17T03:00:00Z", 12)).await;
    go(&app, "2026-03-22T23:59:59Z");
    app.run_jobs().await;
    assert_eq!(to(&app), Vec::<String>::new(), "it is not nine yet");

    // Two replicas, of which each looks and each sends.
    go(&app, "2026-03-23T00:00:00Z");
    let replicas = [app.runner(), app.runner()];
    for _ in 0..3 {
        let running = replicas.iter().map(|runner| async { runner.run_due().await.expect("ran") });
        futures_util::future::join_all(running).await;
    }
    let sent = mails(&app);
    let subjects: Vec<_> = sent.iter().map(|(to, subject, _)| (to.as_str(), subject.as_str())).collect();
    assert_eq!(
        subjects,
        [
            ("admin@example.com", "[Example Inc.] 지난주 AI 비용: $12"),
            ("tenant-admin@example.com", "[Example Inc.] AI costs of last week: $12"),
        ],
        "each in their language, and nobody of the other organization yet"
    );
    // A process that begins anew, and one that has forgotten the job, send nothing more.
    app.run_jobs().await;
    app.database.sql("DELETE FROM jobs WHERE name = 'weekly_report'").await;
    app.run_jobs().await;
    assert_eq!(mails(&app).len(), 2);
    assert_eq!(app.database.count("SELECT count(*) FROM audit_log WHERE action = 'report.send'").await, 1);

    // What was sent stays as it was sent, whatever is known later.
    track(&people.admin, call(&web, "2026-03-18T03:00:00Z", 5)).await;
    let found: WeeklyReport = report(&people.admin, "").await;
    assert_eq!((text(found.total.cost).as_deref(), found.sent_at), (Some("12"), Some(app.now())));
    assert_eq!(preview(&people.admin, "?locale=ko").await.subject, "[Example Inc.] 지난주 AI 비용: $12");

    // Nine o'clock in New York is an hour earlier by UTC than two weeks before.
    go(&app, "2026-03-23T12:59:00Z");
    app.run_jobs().await;
    assert_eq!(mails(&app).len(), 2);
    go(&app, "2026-03-23T13:00:00Z");
    app.run_jobs().await;
    assert_eq!(to(&app), ["admin@example.com", "outsider@example.org", "tenant-admin@example.com"]);

    // And again in a week.
    go(&app, "2026-03-30T05:00:00Z");
    app.run_jobs().await;
    assert_eq!(to(&app).iter().filter(|to| *to == "admin@example.com").count(), 2);
    let second = mails(&app).into_iter().nth(1).expect("a mail");
    assert_eq!(second.1, "[Example Inc.] 지난주 AI 비용: $0 (100% 감소)");
}

#[tokio::test]
async fn what_was_missed_is_caught_up_with_within_the_day_and_not_later() {
    let app = TestApp::builder().with_accounts().spawn().await;
    app.people().await;
    // Down over the whole of Monday in Seoul.
    go(&app, "2026-03-23T15:00:00Z");
    app.run_jobs().await;
    assert_eq!(to(&app), Vec::<String>::new(), "nobody wants it on Tuesday");
    go(&app, "2026-03-30T14:59:00Z");
    app.run_jobs().await;
    assert_eq!(to(&app), ["admin@example.com", "outsider@example.org", "tenant-admin@example.com"]);
    // A job that waits over midnight sends nothing any more.
    go(&app, "2026-04-06T14:59:00Z");
    app.runner().reconcile().await;
    go(&app, "2026-04-06T15:00:00Z");
    app.run_jobs().await;
    assert_eq!(to(&app).len(), 3);
}

#[tokio::test]
async fn one_that_fails_stops_no_other_and_is_tried_again() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let theirs = people.outsider.organization();
    let refuse = format!("ALTER TABLE weekly_reports ADD CONSTRAINT refused CHECK (organization_id <> '{theirs}')");
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse)).execute(&mut app.database.owner().await).await.expect("refused");
    go(&app, "2026-03-23T01:00:00Z");
    app.run_jobs().await;
    assert_eq!(to(&app), ["admin@example.com", "tenant-admin@example.com"]);
    let waiting = app.jobs("queued").await;
    assert_eq!((waiting.len(), waiting[0].name.as_str()), (1, "weekly_report"));
    assert_eq!(app.database.count("SELECT count(*) FROM weekly_report_sends").await, 2, "nothing half-way");
    app.database.sql("ALTER TABLE weekly_reports DROP CONSTRAINT refused").await;
    app.hurry_jobs().await;
    app.run_jobs().await;
    assert_eq!(to(&app), ["admin@example.com", "outsider@example.org", "tenant-admin@example.com"]);
}

#[tokio::test]
async fn a_bill_that_is_on_its_way_is_waited_for() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let platform = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    project_with_id(&people.admin, &platform, "web", "proj_web").await;
    app.run_jobs().await;
    app.advance(TimeDelta::days(2));
    app.run_jobs().await;
    // Nine in Seoul is midnight in UTC: Sunday's bill comes just now.
    go(&app, "2026-03-23T00:00:00Z");
    app.runner().reconcile().await;
    let theirs = app.jobs("queued").await;
    assert_eq!(theirs.iter().filter(|job| job.name == "weekly_report").count(), 1, "only of who collects nothing");
    app.run_jobs().await;
    app.run_jobs().await;
    assert_eq!(to(&app), ["admin@example.com", "outsider@example.org", "tenant-admin@example.com"]);
    let found: WeeklyReport = report(&people.admin, "").await;
    let billed = people.admin.get("/api/costs/query?from=2026-03-16&to=2026-03-23&groupBy=day").await.ok();
    assert_eq!(json!(found.total.cost), billed["totals"][0]["cost"]);
    assert_eq!((found.total.complete, found.total.unknown_days), (true, 0));

    // A bill that does not come is waited for no longer than half an hour.
    go(&app, "2026-03-30T00:29:59Z");
    app.runner().reconcile().await;
    let made = async || app.jobs("queued").await.iter().filter(|job| job.name == "weekly_report").count();
    assert_eq!(made().await, 1);
    app.advance(TimeDelta::seconds(1));
    app.runner().reconcile().await;
    assert_eq!(made().await, 2);
    app.run_jobs().await;
    assert_eq!(to(&app).len(), 6);
}

#[tokio::test]
async fn whoever_is_named_gets_it_and_nobody_else() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let path = "/api/reports/weekly/recipients";
    let of = async || -> (Vec<String>, bool) {
        let found: ReportRecipients = admin.get(path).await.read_as();
        (found.recipients.into_iter().map(|one| one.email).collect(), found.is_default)
    };
    assert_eq!(of().await, (vec!["admin@example.com".into(), "tenant-admin@example.com".into()], true));
    let named = json!({"recipients": [
        {"email": "boss@example.net", "locale": "en"}, {"email": " user@example.com ", "locale": "ko"}]});
    let set: ReportRecipients = admin.put(path, &named).await.read_as();
    assert_eq!(
        (set.recipients[1].email.as_str(), set.recipients[0].locale, set.is_default),
        ("user@example.com", Locale::En, false)
    );
    let entry = &admin.get("/api/audit-log?action=report.set_recipients").await.ok()["data"][0];
    assert_eq!((&entry["before"]["isDefault"], &entry["after"]["isDefault"]), (&json!(true), &json!(false)));

    let one = |email: &str| json!({"email": email, "locale": "ko"});
    for (bad, pointer, code) in [
        (vec![one("a@example.com"), one("nobody")], "/recipients/1/email", "email"),
        (vec![one("a@example.com"), one("A@example.com")], "/recipients/1/email", "duplicate"),
        (vec![one("a@example.com\r\nBcc: b@example.com")], "/recipients/0/email", "email"),
        ((0..51).map(|n| one(&format!("a{n}@example.com"))).collect(), "/recipients", "length"),
    ] {
        admin.put(path, json!({"recipients": bad})).await.field(pointer, code);
    }
    people.user.get(path).await.problem(ErrorCode::Forbidden);
    people.user.put(path, &named).await.problem(ErrorCode::Forbidden);

    // Whoever was removed from the organization is told nothing of it any more.
    admin.send(Method::DELETE, &format!("/api/organization/members/{}", people.user.id())).await.ok();
    assert_eq!(of().await.0, ["boss@example.net"]);
    people.outsider.put(path, json!({"recipients": []})).await.ok();
    go(&app, "2026-03-23T00:00:00Z");
    app.run_jobs().await;
    assert_eq!(to(&app), ["boss@example.net"]);
    assert_eq!(app.database.count("SELECT count(*) FROM weekly_reports").await, 1, "what goes to nobody was not sent");

    admin.put(path, json!({"recipients": null})).await.ok();
    assert_eq!(of().await, (vec!["admin@example.com".into(), "tenant-admin@example.com".into()], true));
}

#[tokio::test]
async fn without_a_way_for_mail_that_is_said() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    people.admin.post("/api/reports/weekly/test", json!({})).await.problem(ErrorCode::ChannelNotConfigured);
    go(&app, "2026-03-23T00:00:00Z");
    app.run_jobs().await;
    let dead: Page<finops_contract::deliveries::Delivery> =
        people.admin.get("/api/deliveries?status=dead").await.read_as();
    assert_eq!(dead.data.len(), 2);
    assert!(dead.data.iter().all(|one| one.reason.as_deref() == Some("channel_not_configured")));
}
