//! The day of a block is counted once: by usage until the bill has it, by the bill afterwards.

use chrono::TimeDelta;
use finops_contract::costs::{CostsAnswer, Dimension};
use rust_decimal::Decimal;

use super::{World, block, lift};
use crate::support::TestApp;
use crate::support::costs::{assert_rollup_is_exact, costs, truth};

/// The day that tests begin on.
const DAY: &str = "2026-03-20";
const NAMES: [(&str, &str); 1] = [("proj_web", "web")];

impl World {
    /// What the organization (or whatever the rest of the question says) cost on the day of the block.
    async fn cost_of_day(&self, rest: &str) -> Decimal {
        let path = format!("/api/costs/query?from={DAY}&to=2026-03-21{rest}");
        let answer: CostsAnswer = self.manager().get(&path).await.read_as();
        answer.totals.iter().map(|total| total.cost.0).sum()
    }
}

#[tokio::test]
async fn the_day_of_a_block_is_counted_once() {
    let world = World::of(TestApp::builder().set("USAGE_POLL_INTERVAL", "60").spawn().await).await;
    let (app, admin) = (&world.app, world.manager());
    app.run_jobs().await;
    let (of_team, of_web) = (format!("&teamId={}", world.team), format!("&projectId={}", world.web));
    assert!(world.cost_of_day(&of_web).await > Decimal::ZERO, "usage says what the day has cost so far");
    let made = block(admin, "project", &world.web).await;
    // Calls with the provider's own keys go on, as the provider is not told.
    app.advance(TimeDelta::hours(4));
    world.retry().await;
    app.advance(TimeDelta::days(2));
    world.retry().await;
    let by = [Dimension::Project, Dimension::Day];
    let billed = truth(app, "org-alpha", &by, &NAMES);
    let web = billed[&vec!["web".to_owned(), DAY.to_owned()]];
    let all: Decimal = billed.iter().filter(|(key, _)| key[1] == DAY).map(|(_, cost)| *cost).sum();
    let totals = [("", all), (of_team.as_str(), all), (of_web.as_str(), web)];
    for (rest, cost) in totals {
        assert_eq!(world.cost_of_day(rest).await.normalize(), cost, "{rest}");
    }
    let blocked = costs(app, admin, &by).await;
    assert!(!blocked.contains_key(&vec!["web".to_owned(), "2026-03-21".to_owned()]), "days after are nobody's");

    lift(admin, &made).await;
    world.retry().await;
    for (rest, cost) in totals {
        assert_eq!(world.cost_of_day(rest).await.normalize(), cost, "{rest}");
    }
    let billed_days = |day: &String| day.as_str() < "2026-03-22";
    let mut lifted = costs(app, admin, &by).await;
    let mut billed = truth(app, "org-alpha", &by, &NAMES);
    lifted.retain(|key, _| billed_days(&key[1]));
    billed.retain(|key, _| billed_days(&key[1]));
    assert_eq!(lifted, billed);
    assert_rollup_is_exact(app).await;
}
