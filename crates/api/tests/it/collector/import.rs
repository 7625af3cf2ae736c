//! Legacy rows from CSV, beside what is collected.

use finops_contract::ErrorCode;
use finops_contract::costs::Dimension;
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::costs::{assert_rollup_is_exact, costs, project_with_id, team_with_key, truth};

async fn import(client: &Client, team: &str, text: &str) -> Answer {
    let request = client.request(Method::POST, &format!("/api/costs/import?teamId={team}"));
    Answer::of(request.header("content-type", "text/csv").body(text.to_owned())).await
}

fn costs_of(answer: &Value) -> Vec<String> {
    let rows = answer["data"].as_array().expect("rows");
    rows.iter().map(|row| row["cost"].as_str().expect("a decimal string").to_owned()).collect()
}

#[tokio::test]
async fn legacy_rows_are_aggregated_beside_collected_ones_and_never_counted_twice() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    project_with_id(&people.admin, &team, "web", "proj_web").await;
    let file = "date,projectId,model,tokens,cost,snapshotId\n\
        2026-02-27,proj_web,gpt-4o,1000,1.25,a\n\
        2026-02-27,proj_web,gpt-4o,500,0.75,b\n\
        2026-02-28,web,gpt-4o,,3.000001,c\n\
        2026-02-28,proj_gone,gpt-4o,,0.5,d\n\
        2026-03-10,proj_web,gpt-4o,,999,e\n";
    let report = import(&people.admin, &team, file).await.ok();
    assert_eq!((&report["recordsCreated"], &report["apiVersion"]), (&json!(4), &json!("usage_v1")));
    let path = "/api/costs/query?from=2026-02-27&to=2026-03-01&groupBy=day,project";
    let shown = costs_of(&people.admin.get(path).await.ok());
    assert_eq!(shown, ["2.000000", "3.000001", "0.500000"]);
    app.run_jobs().await;
    assert_eq!(costs_of(&people.admin.get(path).await.ok()), shown, "collecting leaves them alone");
    let by = [Dimension::Project, Dimension::Day];
    assert_eq!(
        costs(&app, &people.admin, &by).await,
        truth(&app, "org-alpha", &by, &[("proj_web", "web")]),
        "where the bill is in, it counts and the legacy row does not"
    );
    let asked = "/api/costs/query?from=2026-02-27&to=2026-03-20&apiVersion=usage_v1";
    assert_eq!(people.admin.get(asked).await.ok()["totals"][0]["cost"], "1004.500001");
    assert_rollup_is_exact(&app).await;
}

#[tokio::test]
async fn the_same_file_again_changes_nothing_and_another_figure_replaces() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = crate::support::costs::team(&people.admin, "platform").await;
    let file =
        |cost: &str| format!("date,project,model,cost,currency\n2026-01-05,,m,{cost},usd\n2026-01-06,,m,2,usd\n");
    import(&people.admin, &team, &file("1")).await.ok();
    let again = import(&people.admin, &team, &file("1")).await.ok();
    assert_eq!((&again["recordsCreated"], &again["recordsUnchanged"]), (&json!(0), &json!(2)));
    let other = import(&people.admin, &team, &file("1.5")).await.ok();
    assert_eq!((&other["recordsUpdated"], &other["recordsUnchanged"]), (&json!(1), &json!(1)));
    let total = people.admin.get("/api/costs/query?from=2026-01-01&to=2026-02-01").await.ok();
    assert_eq!(total["totals"][0]["cost"], "3.500000");
    assert_eq!(app.database.count("SELECT count(*) FROM billed_cost_revisions").await, 1);
    assert!(people.admin.get("/api/audit-log").await.text.contains("cost.import"));
}

#[tokio::test]
async fn a_file_with_one_wrong_line_is_refused_whole() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let team = crate::support::costs::team(&people.admin, "platform").await;
    let file = "date,project,model,cost\n2026-01-05,,m,1\n2026-01-06,,m,NaN\n";
    let problem = import(&people.admin, &team, file).await.problem(ErrorCode::CsvInvalid);
    assert_eq!((problem.errors[0].pointer.as_str(), problem.errors[0].code.as_str()), ("/3/cost", "decimal"));
    assert_eq!(app.database.count("SELECT count(*) FROM billed_costs").await, 0);
    import(&people.user, &team, file).await.problem(ErrorCode::Forbidden);
    import(&people.outsider, &team, "date,project,model,cost\n2026-01-05,,m,1\n").await.problem(ErrorCode::NotFound);
    let huge = "x".repeat(9 * 1024 * 1024);
    import(&people.admin, &team, &huge).await.problem(ErrorCode::PayloadTooLarge);
    assert_eq!(Decimal::ZERO, costs(&app, &people.admin, &[]).await.into_values().sum::<Decimal>());
}

#[tokio::test]
async fn legacy_rows_without_a_project_give_way_to_the_bill_of_the_teams_account() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    app.provider().add_key("org-beta", "sk-admin-a-second-key-of-beta-2222", None).unwrap();
    let first = team_with_key(&app, &people.admin, "first", "org-beta").await;
    project_with_id(&people.admin, &first, "other", "proj_other").await;
    let second = crate::support::costs::team(&people.admin, "second").await;
    let keyless = crate::support::costs::team(&people.admin, "keyless").await;
    // Before the bill begins, on a day that it knows, and a project whose name nobody knows any more.
    let file = "date,project,model,cost\n2026-02-28,,m,5\n2026-03-10,,m,7\n2026-03-10,proj_gone,m,11\n";
    for team in [&first, &second, &keyless] {
        import(&people.admin, team, file).await.ok();
    }
    let before = people.admin.get("/api/costs/query?from=2026-02-28&to=2026-03-11&groupBy=day").await.ok();
    assert_eq!(costs_of(&before), ["15.000000", "54.000000"], "without a bill all of them count");
    crate::support::costs::register_key(&people.admin, &second, "sk-admin-a-second-key-of-beta-2222").await;
    app.run_jobs().await;
    let by_team = "/api/costs/query?from=2026-02-28&to=2026-03-01&groupBy=team";
    assert_eq!(costs_of(&people.admin.get(by_team).await.ok()), ["5.000000"; 3], "what predates the bill stays");
    // Every line of the bill is attributed: the legacy rows are in it all the same. So they are for the other team with a key
    // to that account, and not for the one without.
    let day = [Dimension::Day];
    let billed = truth(&app, "org-beta", &day, &[])[&vec!["2026-03-10".to_owned()]];
    let expected = billed + Decimal::from(18);
    for query in ["", "&groupBy=day", "&groupBy=model"] {
        let answer = people.admin.get(&format!("/api/costs/query?from=2026-03-10&to=2026-03-11{query}")).await.ok();
        let total: Decimal = answer["totals"][0]["cost"].as_str().unwrap().parse().unwrap();
        assert_eq!(total, expected, "{query}");
    }
    let of_team = async |team: &str| {
        let path = format!("/api/costs/query?from=2026-03-10&to=2026-03-11&teamId={team}");
        costs_of(&people.admin.get(&path).await.ok())
    };
    assert_eq!(of_team(&second).await, Vec::<String>::new());
    assert_eq!(of_team(&keyless).await, ["18.000000"]);
    let asked = "/api/costs/query?from=2026-03-10&to=2026-03-11&apiVersion=usage_v1";
    assert_eq!(people.admin.get(asked).await.ok()["totals"][0]["cost"], "54.000000", "what gave way is still there");
    assert_rollup_is_exact(&app).await;
    // Each team's rows are its own: another figure of one replaces nobody else's.
    let other = import(&people.admin, &keyless, "date,project,model,cost\n2026-03-10,,m,8\n").await.ok();
    assert_eq!((&other["recordsUpdated"], &other["recordsCreated"]), (&json!(1), &json!(0)));
    assert_eq!(people.admin.get(asked).await.ok()["totals"][0]["cost"], "55.000000");
    assert_rollup_is_exact(&app).await;
}
