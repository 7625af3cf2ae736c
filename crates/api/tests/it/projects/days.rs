//! The day on which a project loses its Project ID is counted once: by usage until the bill has it, by the bill afterwards.

use chrono::TimeDelta;
use finops_contract::costs::Dimension;
use reqwest::Method;
use rust_decimal::Decimal;

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::costs::{
    assert_rollup_is_exact, costs, project, project_with_id, set_project_id, team_with_key, truth,
};

/// The day that tests begin on, and the one after it.
const DAYS: [&str; 2] = ["2026-03-20", "2026-03-21"];

/// A service that knows of a project "web" what it has cost so far today, by the provider's usage; its team and its id.
async fn world() -> (TestApp, Client, String, String) {
    let app = TestApp::builder().set("USAGE_POLL_INTERVAL", "60").spawn().await;
    let admin = app.people().await.tenant_admin;
    let team = team_with_key(&app, &admin, "platform", "org-alpha").await;
    let web = project_with_id(&admin, &team, "web", "proj_web").await;
    app.run_jobs().await;
    let path = format!("/api/costs/query?from={}&to={}&projectId={web}", DAYS[0], DAYS[1]);
    assert_eq!(admin.get(&path).await.ok()["totals"][0]["basis"], "provider_usage");
    (app, admin, team, web)
}

async fn pass(app: &TestApp, time: TimeDelta) {
    app.advance(time);
    app.hurry_jobs().await;
    app.run_jobs().await;
}

/// What a project cost on both days here; what belongs to none has no name.
async fn cost(app: &TestApp, admin: &Client, project: &str) -> [Decimal; 2] {
    let all = costs(app, admin, &[Dimension::Project, Dimension::Day]).await;
    DAYS.map(|day| all.get(&vec![project.to_owned(), day.to_owned()]).copied().unwrap_or_default())
}

/// What the provider billed for "proj_web" on both days, and what for everything else.
fn billed(app: &TestApp) -> ([Decimal; 2], [Decimal; 2]) {
    let all = truth(app, "org-alpha", &[Dimension::Project, Dimension::Day], &[("proj_web", "web")]);
    let of = |name: &str| DAYS.map(|day| all[&vec![name.to_owned(), day.to_owned()]]);
    (of("web"), of(""))
}

#[tokio::test]
async fn the_day_on_which_an_id_is_removed_or_its_project_deleted_is_counted_once() {
    for rest in ["/openai-project-id", ""] {
        let (app, admin, _, web) = world().await;
        admin.send(Method::DELETE, &format!("/api/projects/{web}{rest}")).await.status(204);
        // Calls go on: the provider was told nothing.
        pass(&app, TimeDelta::hours(4)).await;
        pass(&app, TimeDelta::days(2)).await;
        let (of_web, others) = billed(&app);
        assert_eq!(cost(&app, &admin, "web").await, [of_web[0], Decimal::ZERO], "{rest}: its own day, and none after");
        assert_eq!(cost(&app, &admin, "").await, [others[0], others[1] + of_web[1]], "{rest}");
        assert_rollup_is_exact(&app).await;
    }
}

#[tokio::test]
async fn an_id_that_another_project_gets_before_the_bill_comes_leaves_the_day_behind() {
    let (app, admin, team, web) = world().await;
    let shop = project(&admin, &team, "shop").await;
    admin.send(Method::DELETE, &format!("/api/projects/{web}/openai-project-id")).await.status(204);
    // Half an hour into the next day, of which usage is known already but not yesterday's bill.
    app.advance(TimeDelta::hours(14));
    set_project_id(&admin, &shop, "proj_web").await;
    pass(&app, TimeDelta::zero()).await;
    pass(&app, TimeDelta::days(2)).await;
    let (of_web, others) = billed(&app);
    assert_eq!(cost(&app, &admin, "web").await, [of_web[0], Decimal::ZERO]);
    assert_eq!(cost(&app, &admin, "shop").await, [Decimal::ZERO, of_web[1]]);
    assert_eq!(cost(&app, &admin, "").await, others);
    assert_rollup_is_exact(&app).await;
}
