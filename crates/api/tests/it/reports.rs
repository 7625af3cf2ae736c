//! The weekly report: what it says of a week, by sums that are done by hand here; as JSON and as a mail that says the same.

mod effect;
mod known;
mod sent;

use chrono::TimeDelta;
use finops_contract::accounts::Locale;
use finops_contract::budgets::AlertBasis;
use finops_contract::costs::{Basis, CostState};
use finops_contract::reports::{
    Measure, RankedProject, ReportPreview, ReportTest, SuggestionKind, UnmeasuredReason, WeekCost, WeeklyReport,
};
use finops_contract::{Amount, ErrorCode};
use finops_simulator::{Channel, InboxQuery, Letter};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{bill, project, register_key, team};

/// A call that costs this many dollars: of a model that costs 2.5 dollars a million of input tokens.
fn call(project: &str, at: &str, dollars: i64) -> Value {
    json!({"projectId": project, "provider": "openai", "model": "gpt-4o", "promptTokens": dollars * 400_000,
        "completionTokens": 0, "timestamp": at})
}

/// The same, of input that is read from a cache, which costs half of that.
fn cached(project: &str, at: &str, dollars: i64) -> Value {
    let mut call = call(project, at, 2 * dollars);
    call["cachedTokens"] = call["promptTokens"].clone();
    call
}

async fn track(client: &Client, event: Value) {
    client.post("/api/usage/track", event).await.ok();
}

/// Tells what came of a project's calls on the Tuesday of the week before [`crate::support::app::NOW`]'s.
async fn tell(client: &Client, project: &str, successes: i64, failures: i64) {
    let told = [("success", successes), ("failure", failures)].into_iter().filter(|(_, count)| *count > 0);
    let told: Vec<Value> = told
        .map(|(outcome, count)| json!({"outcome": outcome, "count": count, "occurredAt": "2026-03-10T03:00:00Z"}))
        .collect();
    client.post(&format!("/api/projects/{project}/outcomes"), json!({"outcomes": told})).await.ok();
}

/// Projects; their ids. All of them before the first call: whoever takes calls knows of new ones within a second.
async fn projects(client: &Client, team: &str, names: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(project(client, team, name).await);
    }
    ids
}

async fn report(client: &Client, query: &str) -> WeeklyReport {
    client.get(&format!("/api/reports/weekly{query}")).await.read_as()
}

async fn preview(client: &Client, query: &str) -> ReportPreview {
    client.get(&format!("/api/reports/weekly/preview{query}")).await.read_as()
}

fn text(amount: Option<Amount>) -> Option<String> {
    amount.map(|amount| amount.0.normalize().to_string())
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn names(projects: &[RankedProject]) -> Vec<&str> {
    projects.iter().map(|one| one.project.name.as_str()).collect()
}

/// Cost, what it was before, and the change.
fn compared(total: &WeekCost) -> (Option<String>, Option<String>, Option<String>) {
    (text(total.cost), text(total.previous_cost), total.change_percent.map(|change| change.to_string()))
}

/// The mails that arrived, the earliest first: to whom, the subject, and all of it.
fn mails(app: &TestApp) -> Vec<(String, String, Letter)> {
    let letters = app.provider().inbox(&InboxQuery::new(Channel::Resend)).into_iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let mut mails: Vec<_> =
        letters.map(|one| (text(&one.content["to"][0]), text(&one.content["subject"]), one)).collect();
    mails.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.2.number.cmp(&b.2.number)));
    mails
}

#[tokio::test]
async fn projects_are_ranked_by_what_a_success_cost_and_by_feedback_where_nothing_else_is_known() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let platform = team(admin, "platform").await;
    let tuesday = "2026-03-10T03:00:00Z";
    // A dollar, two, three, four and five a success; and sixty for six failures.
    let all = [
        ("alpha", 10, 10, 0),
        ("beta", 12, 6, 0),
        ("gamma", 30, 10, 1),
        ("delta", 40, 10, 10),
        ("epsilon", 50, 10, 0),
        ("zeta", 60, 0, 6),
        ("theta", 7, 0, 0),
    ];
    let ids = projects(admin, &platform, &all.map(|(name, ..)| name)).await;
    let others = projects(admin, &platform, &["eta", "iota", "idle", "gone"]).await;
    let [eta, iota, idle, gone] = &others[..] else { panic!("four projects") };
    for ((name, dollars, successes, failures), project) in all.into_iter().zip(&ids) {
        let is_cached = ["beta", "gamma"].contains(&name);
        track(admin, if is_cached { cached(project, tuesday, dollars) } else { call(project, tuesday, dollars) }).await;
        if successes + failures > 0 {
            tell(admin, project, successes, failures).await;
        }
    }
    for score in ["4", "5"] {
        let mut event = call(eta, tuesday, 10);
        event["feedbackScore"] = json!(score);
        track(admin, event).await;
    }
    let mut unknown = call(iota, tuesday, 1);
    unknown["model"] = json!("nobody-knows-this-one");
    unknown["outcome"] = json!("success");
    track(admin, unknown).await;
    // Nothing of it in this week, and nothing of a project that is gone.
    track(admin, call(idle, "2026-03-05T03:00:00Z", 3)).await;
    track(admin, call(gone, tuesday, 2)).await;
    tell(admin, gone, 100, 0).await;
    admin.send(reqwest::Method::DELETE, &format!("/api/projects/{gone}")).await.ok();
    let budget =
        json!({"name": "Beta", "scope": {"type": "project", "id": ids[1]}, "amount": "100", "period": "weekly"});
    admin.post("/api/budgets", budget).await.status(201);

    let found = report(admin, "").await;
    assert_eq!((found.from.to_string().as_str(), found.to.to_string().as_str()), ("2026-03-09", "2026-03-16"));
    assert_eq!((found.organization.as_str(), found.time_zone.as_str()), ("Example Inc.", "Asia/Seoul"));
    // 10 + 12 + 30 + 40 + 50 + 60 + 7 + 20 + 2, and a call that nobody can price.
    assert_eq!(compared(&found.total), (some("231"), None, None));
    assert_eq!((found.total.basis, found.total.state), (Basis::Events, CostState::Estimated));
    assert_eq!((found.total.unpriced, found.total.unknown_days, found.total.complete), (1, 0, false));
    // Six by outcomes, one by feedback, which is in the middle of its own: behind three of six.
    assert_eq!((found.measured, names(&found.best)), (7, vec!["alpha", "beta", "gamma"]));
    assert_eq!(names(&found.worst), ["zeta", "epsilon", "delta"]);
    let changes =
        |list: &[RankedProject]| list.iter().map(|one| (one.previous_cost, one.change_percent)).collect::<Vec<_>>();
    assert_eq!(changes(&found.best), [(None, None); 3], "nothing is known of the week before");
    let each = |list: &[RankedProject]| list.iter().map(|one| text(one.cost_per_success)).collect::<Vec<_>>();
    assert_eq!(each(&found.best), [some("1"), some("2"), some("3")]);
    assert_eq!(each(&found.worst), [None, some("5"), some("4")]);
    let kinds = |list: &[RankedProject]| list.iter().map(|one| one.suggestion.kind).collect::<Vec<_>>();
    // Every tenth of the input that is read from a cache saves a twentieth; beta and gamma read all of it, and beta has a budget.
    assert_eq!(kinds(&found.best), [SuggestionKind::UseCache, SuggestionKind::Keep, SuggestionKind::SetBudget]);
    assert_eq!(
        kinds(&found.worst),
        [SuggestionKind::FixFailures, SuggestionKind::UseCache, SuggestionKind::FixFailures]
    );
    let gammas = &found.best[2].suggestion;
    assert_eq!(text(gammas.amount), some("128.571429"), "30 dollars a week, for 30 days");
    let alpha = &found.best[0].suggestion;
    assert_eq!((text(alpha.amount), alpha.share.map(|share| share.to_string())), (some("0.5"), some("0")));
    let (zeta, delta) = (&found.worst[0].suggestion, &found.worst[2].suggestion);
    assert_eq!((text(zeta.amount), zeta.share.map(|share| share.to_string())), (some("60"), some("100")));
    assert_eq!((text(delta.amount), delta.share.map(|share| share.to_string())), (some("20"), some("50")));
    assert_eq!(zeta.path, format!("/projects/{}?tab=value", ids[5]));
    let gamma = &found.best[2];
    assert_eq!((gamma.successes, gamma.failures, gamma.measure), (Some(10), Some(1), Measure::CostPerSuccess));
    assert_eq!(gamma.success_rate.map(|rate| rate.to_string()), some("90.91"));
    // A success of nobody knows what cost is no free one.
    let unmeasured: Vec<_> = found.not_measured.iter().map(|one| (one.project.name.as_str(), text(one.cost))).collect();
    assert_eq!((unmeasured, found.not_measured_count), (vec![("theta", some("7")), ("iota", None)], 2));
    assert_eq!(found.sent_at, None);

    // Another week of another who asks, and weeks that are none.
    let early = report(admin, "?week=2026-03-08").await;
    assert_eq!((early.from.to_string().as_str(), compared(&early.total)), ("2026-03-02", (some("3"), some("0"), None)));
    for query in ["?week=2026-03-16", "?week=2026-03-20", "?week=1990-01-01"] {
        admin.get(&format!("/api/reports/weekly{query}")).await.field("/week", "not_over");
    }
    people.user.get("/api/reports/weekly").await.problem(ErrorCode::Forbidden);
    let theirs = report(&people.outsider, "").await;
    assert_eq!((theirs.organization.as_str(), theirs.measured, text(theirs.total.cost)), ("Other Inc.", 0, None));
}

#[tokio::test]
async fn feedback_alone_compares_what_has_no_outcomes() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let platform = team(admin, "platform").await;
    let all = projects(admin, &platform, &["loved", "liked", "hated"]).await;
    for (project, score) in all.iter().zip(["9", "4", "-5"]) {
        let mut event = call(project, "2026-03-10T03:00:00Z", 8);
        event["feedbackScore"] = json!(score);
        track(admin, event).await;
    }
    let found = report(admin, "").await;
    assert_eq!((names(&found.best), names(&found.worst)), (vec!["loved", "liked"], vec!["hated"]));
    let loved = &found.best[0];
    assert_eq!((loved.measure, text(loved.feedback_per_dollar)), (Measure::FeedbackPerDollar, some("1.125")));
    assert_eq!((loved.feedback_scores, text(loved.feedback_mean)), (1, some("9")));
    assert_eq!((loved.successes, loved.success_rate, loved.cost_per_success), (None, None, None));
    let korean = preview(admin, "?locale=ko").await;
    assert!(korean.text.contains("1달러당 피드백 점수 1.125"), "{}", korean.text);
    assert!(korean.text.contains("피드백 1건, 평균 -5"), "{}", korean.text);
}

#[tokio::test]
async fn a_week_is_compared_with_the_one_before_by_the_organizations_days() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let platform = team(admin, "platform").await;
    let web = project(admin, &platform, "web").await;
    // The last hour of Sunday in Seoul, and the first of Monday.
    track(admin, call(&web, "2026-03-08T14:30:00Z", 100)).await;
    track(admin, call(&web, "2026-03-08T15:30:00Z", 50)).await;
    track(admin, call(&web, "2026-03-15T14:30:00Z", 62)).await;
    track(admin, call(&web, "2026-03-15T15:30:00Z", 1_000)).await;
    tell(admin, &web, 7, 0).await;
    let found = report(admin, "").await;
    assert_eq!(compared(&found.total), (some("112"), some("100"), some("12")));
    let of_web = &found.best[0];
    assert_eq!((text(of_web.previous_cost), of_web.change_percent), (some("100"), found.total.change_percent));
    assert_eq!((text(of_web.cost_per_success), &of_web.openai_project_id), (some("16"), &None));
    assert!(found.total.complete);
    let mail = preview(admin, "?locale=en").await;
    assert_eq!(mail.subject, "[Example Inc.] AI costs of last week: $112 (12% more)");
    assert!(
        mail.text.contains("cost $112 · on the week before +12%")
            && mail.text.contains("12% more ($100 → $112)")
            && mail.html.contains("12% more ($100 → $112)"),
        "{}",
        mail.text
    );
    let mail = preview(&admin.with_header("accept-language", "ko"), "").await;
    assert_eq!((mail.locale, mail.subject.as_str()), (Locale::Ko, "[Example Inc.] 지난주 AI 비용: $112 (12% 증가)"));
    assert!(mail.text.contains("3월 9일 월요일부터 3월 15일 일요일까지 (Asia/Seoul 기준)"), "{}", mail.text);

    // A call without a price in the week before: that one is not known whole, and there is nothing to compare with.
    let mut unknown = call(&web, "2026-03-04T03:00:00Z", 1);
    unknown["model"] = json!("nobody-knows-this-one");
    track(admin, unknown).await;
    let found = report(admin, "").await;
    assert_eq!((compared(&found.total), found.total.complete), ((some("112"), None, None), true));
    let mail = preview(admin, "?locale=en").await;
    assert_eq!(mail.subject, "[Example Inc.] AI costs of last week: $112");
    assert!(mail.text.contains("the week before is not known whole"), "{}", mail.text);

    // The same by other days.
    admin.patch("/api/organization", json!({"timeZone": "UTC"})).await.ok();
    let found = report(admin, "").await;
    assert_eq!(text(found.total.cost), some("1062"));
}

#[tokio::test]
async fn a_week_of_which_nothing_is_known_is_not_one_that_cost_nothing() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let found = report(&people.admin, "").await;
    assert_eq!(compared(&found.total), (None, None, None));
    assert_eq!((found.total.unknown_days, found.total.complete), (7, false));
    assert_eq!((found.measured, found.not_measured_count, found.alerts_raised), (0, 0, 0));
    assert!(found.best.is_empty() && found.worst.is_empty() && found.blocks.is_empty());
    let korean = preview(&people.admin, "?locale=ko").await;
    assert_eq!(korean.subject, "[Example Inc.] 지난주 AI 비용: 알 수 없음");
    assert!(korean.text.contains("7일 가운데 7일은 비용을 아직 다 알지 못합니다."), "{}", korean.text);
    let english = preview(&people.admin, "?locale=en").await;
    assert_eq!(english.subject, "[Example Inc.] AI costs of last week: unknown");
    for mail in [&korean, &english] {
        assert!(!mail.text.contains('$') && !mail.html.contains('$'), "{}", mail.text);
    }

    // Where calls are reported, silence means that there were none.
    let platform = team(&people.admin, "platform").await;
    let web = project(&people.admin, &platform, "web").await;
    track(&people.admin, call(&web, "2026-03-20T03:00:00Z", 1)).await;
    let found = report(&people.admin, "").await;
    assert_eq!((compared(&found.total), found.total.complete), ((some("0"), some("0"), None), true));
    assert_eq!(preview(&people.admin, "?locale=en").await.subject, "[Example Inc.] AI costs of last week: $0");
}

#[tokio::test]
async fn a_mail_shows_what_people_named_as_text_and_says_what_the_report_says() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    admin.patch("/api/organization", json!({"name": "<b>Inc & \"Co\"</b>"})).await.ok();
    let platform = team(admin, "<script>team</script>").await;
    let all = projects(admin, &platform, &["<img src=x>", "\"><a href=//evil.example>"]).await;
    let [evil, other] = &all[..] else { panic!("two projects") };
    track(admin, call(evil, "2026-03-10T03:00:00Z", 30)).await;
    tell(admin, evil, 8, 2).await;
    track(admin, call(other, "2026-03-10T03:00:00Z", 2)).await;
    let limits = json!({"daily": {"amount": "10", "type": "email"}});
    admin.put(&format!("/api/projects/{evil}/cost-thresholds"), limits).await.ok();
    app.runner().reconcile().await;
    let stop = json!({"target": {"type": "project", "id": evil}, "reason": "<i>", "mode": "stop"});
    admin.post("/api/blocks", stop).await.status(201);
    // What happens now is told a week later.
    app.advance(TimeDelta::days(4));
    track(admin, call(evil, "2026-03-18T03:00:00Z", 30)).await;
    app.runner().reconcile().await;

    let found = report(admin, "").await;
    assert_eq!((found.from.to_string().as_str(), found.blocks.len()), ("2026-03-16", 1));
    let block = &found.blocks[0];
    assert_eq!((block.target_type.as_str(), block.target.as_str()), ("project", "<img src=x>"));
    assert_eq!((block.by_budget, block.lifted_at), (false, None));
    for locale in ["ko", "en"] {
        let mail = preview(admin, &format!("?week=2026-03-10&locale={locale}")).await;
        for hostile in ["<img src=x", "<script>", "<b>Inc", "<a href=//evil"] {
            assert!(!mail.html.contains(hostile), "{hostile} in {}", mail.html);
        }
        for shown in ["&lt;img src=x&gt;", "&lt;script&gt;team&lt;/script&gt;", "&lt;b&gt;Inc &amp; &quot;Co&quot;"] {
            assert!(mail.html.contains(shown), "{shown} is missing in {}", mail.html);
        }
        assert!(mail.text.contains("<img src=x>") && mail.subject.starts_with("[<b>Inc & \"Co\"</b>]"));
        assert!(!mail.html.contains("/r/") && !mail.html.contains("/opened/"), "it tells nothing");
        // 30 dollars by 8 successes; 32 in all; 6 of them went into two failures of ten.
        for figure in ["$3.75", "$32", "80%"] {
            assert!(mail.text.contains(figure) && mail.html.contains(figure), "{figure} in {}", mail.text);
        }
    }
    let mail = preview(admin, "?locale=ko").await;
    assert!(mail.text.contains("프로젝트 <img src=x>") && mail.text.contains("3월 20일부터 차단 중"), "{}", mail.text);

    // It is what arrives, marked as a test.
    let answer = admin.post("/api/reports/weekly/test", json!({"week": "2026-03-12", "locale": "en"})).await;
    let sent: ReportTest = answer.read_as();
    assert_eq!((sent.to.as_str(), sent.week.to_string().as_str()), ("tenant-admin@example.com", "2026-03-09"));
    app.run_jobs().await;
    let mail = preview(admin, "?week=2026-03-12&locale=en").await;
    let tests: Vec<_> = mails(&app).into_iter().filter(|(_, subject, _)| subject.starts_with("[Test]")).collect();
    let [(to, subject, letter)] = tests.try_into().expect("one mail");
    assert_eq!((to.as_str(), subject), ("tenant-admin@example.com", format!("[Test] {}", mail.subject)));
    assert_eq!(letter.content["html"], json!(mail.html));
    assert_eq!(letter.content["text"], json!(mail.text));
    people.user.post("/api/reports/weekly/test", json!({})).await.problem(ErrorCode::Forbidden);
}

#[tokio::test]
async fn open_alerts_of_the_week_are_told_the_worst_first() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let platform = team(admin, "platform").await;
    let web = project(admin, &platform, "web").await;
    let budget = json!({"name": "Web", "scope": {"type": "project", "id": web}, "amount": "100", "period": "monthly",
        "alerts": [{"threshold": 50, "type": "email"}, {"threshold": 100, "type": "email"},
            {"threshold": 200, "type": "email", "basis": "forecast"}]});
    admin.post("/api/budgets", budget).await.status(201);
    let runner = app.runner();
    runner.reconcile().await;
    track(admin, call(&web, "2026-03-20T03:00:00Z", 120)).await;
    runner.reconcile().await;
    assert_eq!(report(admin, "").await.alerts_raised, 0, "they are another week's");
    app.advance(TimeDelta::days(4));
    let found = report(admin, "").await;
    let open: Vec<_> = found.open_alerts.iter().map(|one| (one.budget.as_deref(), one.threshold, one.basis)).collect();
    let percent = |number: i64| Some(finops_contract::Percent(number.into()));
    let (actual, forecast) = (Some(AlertBasis::Actual), Some(AlertBasis::Forecast));
    let worst_first =
        [(percent(100), actual), (percent(200), forecast), (percent(50), actual)].map(|(of, by)| (Some("Web"), of, by));
    assert_eq!((found.alerts_raised, open), (3, worst_first.to_vec()));
    admin.post(&format!("/api/alerts/{}/resolve", found.open_alerts[0].id), json!({})).await.ok();
    let found = report(admin, "").await;
    assert_eq!((found.alerts_raised, found.open_alerts.len()), (3, 2));
    let mail = preview(admin, "?locale=ko").await;
    assert!(mail.text.contains("알림 3건이 있었습니다") && mail.text.contains("예산의 50% 도달\n"), "{}", mail.text);
    // What is expected was not reached.
    assert!(mail.text.contains("예산의 200% 도달 예상"), "{}", mail.text);
    let mail = preview(admin, "?locale=en").await;
    assert!(mail.text.contains("forecast to reach 200% of the budget"), "{}", mail.text);
    assert!(!mail.text.contains("reached 200%") && mail.text.contains("reached 50% of the budget"), "{}", mail.text);
}

#[tokio::test]
async fn a_project_whose_cost_is_not_known_whole_is_not_ranked_and_the_report_says_why() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let platform = team(admin, "platform").await;
    let all = projects(admin, &platform, &["cheap", "fair", "silent", "unpriced"]).await;
    let [cheap, fair, silent, unpriced] = &all[..] else { panic!("four projects") };
    let tuesday = "2026-03-10T03:00:00Z";
    // A dollar of calls and 500 euros of a bill, by a hundred successes: not a cent each.
    track(admin, call(cheap, tuesday, 1)).await;
    bill(&app, cheap, "2026-03-10", "acme", "500 EUR").await;
    tell(admin, cheap, 100, 0).await;
    track(admin, call(fair, tuesday, 20)).await;
    tell(admin, fair, 10, 0).await;
    // Nobody said what came of this one, which costs something in euros alone.
    bill(&app, silent, "2026-03-11", "acme", "7 EUR").await;
    // A call without a price is told beside what it is ranked by.
    let mut nobody_knows = call(unpriced, tuesday, 1);
    nobody_knows["model"] = json!("nobody-knows-this-one");
    track(admin, nobody_knows).await;
    track(admin, call(unpriced, tuesday, 30)).await;
    tell(admin, unpriced, 10, 0).await;

    let found = report(admin, "").await;
    let ranked: Vec<_> = found.best.iter().chain(&found.worst).map(|one| one.project.name.as_str()).collect();
    assert_eq!((found.measured, ranked), (2, vec!["fair", "unpriced"]));
    let left_out: Vec<_> = found
        .not_measured
        .iter()
        .map(|one| (one.project.name.as_str(), text(one.cost), one.partial, one.reason))
        .collect();
    let (cheap_cost, silent_cost) = (some("1"), left_out[1].1.clone());
    assert_eq!(
        left_out,
        [
            ("cheap", cheap_cost, true, UnmeasuredReason::CostUnknown),
            ("silent", silent_cost.clone(), silent_cost.is_some(), UnmeasuredReason::Unrecorded),
        ]
    );
    let mail = preview(admin, "?locale=en").await;
    assert!(mail.text.contains("cheap (at least $1, not all of its cost is known)"), "{}", mail.text);
    assert!(mail.text.contains("Those whose cost is not known whole are not ranked."), "{}", mail.text);
    assert!(mail.text.contains("at least $3 per success") && !mail.text.contains("$0.01 per success"), "{}", mail.text);
    let mail = preview(admin, "?locale=ko").await;
    assert!(mail.text.contains("cheap ($1 이상, 비용을 다 알지 못함)"), "{}", mail.text);
}

#[tokio::test]
async fn a_project_with_days_of_which_nothing_is_known_is_not_ranked() {
    let app = TestApp::builder().with_accounts().spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let platform = team(admin, "platform").await;
    let web = project(admin, &platform, "web").await;
    track(admin, call(&web, "2026-03-10T03:00:00Z", 1)).await;
    tell(admin, &web, 100, 0).await;
    assert_eq!(report(admin, "").await.measured, 1, "whoever reports calls says by silence that there were none");
    // With a key the bill says what a day cost, and nothing was collected yet.
    register_key(admin, &platform, &app.provider_key("org-alpha")).await;
    let found = report(admin, "").await;
    let [left_out] = found.not_measured.try_into().expect("one project");
    assert_eq!(
        (left_out.reason, text(left_out.cost), left_out.partial),
        (UnmeasuredReason::CostUnknown, some("1"), true)
    );
    assert_eq!((found.measured, found.best.len(), found.worst.len()), (0, 0, 0));
    let mail = preview(admin, "?locale=en").await;
    assert!(mail.text.contains("No project could be compared"), "{}", mail.text);
    app.run_jobs().await;
}
