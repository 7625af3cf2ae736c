//! Projects' cost thresholds, changed as the budgets that they are.

use finops_contract::Page;
use finops_contract::budgets::CostThresholds;
use serde_json::{Value, json};

use super::Budget;
use crate::support::TestApp;
use crate::support::costs::{project, team};

#[tokio::test]
async fn a_cost_threshold_stays_one_however_it_is_changed() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let admin = &people.tenant_admin;
    let web = project(admin, &team(admin, "alpha").await, "web").await;
    let limits = format!("/api/projects/{web}/cost-thresholds");
    let set: CostThresholds = admin.put(&limits, json!({"daily": {"amount": "500"}})).await.read_as();
    let path = format!("/api/budgets/{}", set.daily.expect("a threshold").id);
    let body = |alerts: Value| json!({"name": "web", "scope": {"type": "project", "id": web}, "amount": "400", "period": "daily", "alerts": alerts});
    let whole = json!({"threshold": 100, "type": "slack"});
    for alerts in [
        json!([]),
        json!([{"threshold": 50, "type": "slack"}]),
        json!([{"threshold": 50, "type": "slack"}, whole]),
        json!([{"threshold": 100, "type": "slack", "basis": "forecast"}]),
    ] {
        admin.put(&path, body(alerts)).await.field("/alerts", "one_threshold");
    }
    let mut named = body(json!([whole]));
    named["name"] = json!("A name of its own");
    admin.put(&path, named).await.field("/name", "immutable");
    let changed: Budget = admin.put(&path, body(json!([whole]))).await.read_as();
    assert_eq!((changed.revision, changed.alerts.len()), (2, 1));
    let set: CostThresholds = admin.get(&limits).await.read_as();
    assert_eq!(set.daily.as_ref(), Some(&changed), "both say the same");

    // It is called as its project is, everywhere, and that is no change of it.
    admin.patch(&format!("/api/projects/{web}"), json!({"name": "shop"})).await.ok();
    let expected = Budget { name: "shop".into(), ..changed };
    let one: Budget = admin.get(&path).await.read_as();
    let listed: Page<Budget> = admin.get("/api/budgets?kind=limit").await.read_as();
    let set: CostThresholds = admin.get(&limits).await.read_as();
    for found in [Some(one), listed.data.into_iter().next(), set.daily] {
        let found = found.expect("a threshold");
        assert_eq!((&found.name, found.scope.name.as_deref()), (&expected.name, Some("shop")));
        assert_eq!((found.revision, found.updated_at), (expected.revision, expected.updated_at));
    }
    let same: CostThresholds = admin.put(&limits, json!({"daily": {"amount": "400", "type": "slack"}})).await.read_as();
    assert_eq!(
        same.daily.map(|daily| (daily.revision, daily.updated_at)),
        Some((expected.revision, expected.updated_at))
    );
}
