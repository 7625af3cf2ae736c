//! Costs: spellings, paging, buckets, restatements, and the truth to the last decimal.

use std::collections::BTreeSet;

use chrono::{TimeDelta, TimeZone, Utc};
use finops_simulator::{AmountStyle, Dimension, OrganizationSpec, RestateSpec, Trend, TruthQuery};
use reqwest::Method;
use rust_decimal::Decimal;

use crate::common::{ORG, Served, World, day, now, organization, project, served, unix};

const ALL: &str = "group_by[]=project_id&group_by[]=line_item&group_by[]=api_key_id";
const EVERY: [Dimension; 4] = [Dimension::Day, Dimension::Project, Dimension::LineItem, Dimension::ApiKey];

fn truth(world: &World, organization: &str, dimensions: &[Dimension]) -> Served {
    let query = TruthQuery::new(organization, day("2025-12-01"), day("2026-04-01")).group_by(dimensions);
    let truth = world.simulator.control().truth(&query).unwrap();
    assert_eq!(truth.total, truth.rows.iter().map(|row| row.amount).sum::<Decimal>());
    let row =
        |row: finops_simulator::TruthRow| ((row.day.unwrap(), row.project, row.line_item, row.api_key), row.amount);
    truth.rows.into_iter().map(row).collect()
}

#[tokio::test]
async fn what_is_served_equals_the_truth_in_every_style() {
    for style in [AmountStyle::Mixed, AmountStyle::Number, AmountStyle::String, AmountStyle::Decimal128] {
        let world = World::styled(style).await;
        let path = format!("/organization/costs?start_time={}&{ALL}&limit=7", unix("2025-12-20"));
        let pages = world.pages(&path).await;
        assert!(pages.len() > 10);
        let rows = served(&pages);
        assert_eq!(rows, truth(&world, ORG, &EVERY));
        assert!(rows.len() > 2_000, "{}", rows.len());
        assert!(rows.values().any(Decimal::is_sign_negative), "no credit");
        assert!(rows.values().any(Decimal::is_zero), "no zero");
        assert!(rows.values().any(|amount| amount.scale() >= 14), "no long decimal");
    }
}

#[tokio::test]
async fn the_mixed_style_has_every_literal_that_was_observed() {
    let world = World::start().await;
    let path = format!("/organization/costs?start_time={}&{ALL}&limit=180", unix("2026-01-01"));
    let pages = world.pages(&path).await;
    let results = pages.iter().flat_map(|page| &page.data).flat_map(|bucket| &bucket.results);
    let literals: BTreeSet<&str> = results.map(|result| result.amount.value.get()).collect();
    assert!(literals.contains("0E-6176") && literals.contains("\"0E-6176\""));
    assert!(literals.iter().any(|text| !text.starts_with('"') && text.len() > 34), "bare Decimal128");
    assert!(literals.iter().any(|text| text.starts_with('"') && text.len() > 36), "quoted Decimal128");
    assert!(literals.iter().any(|text| text.starts_with("\"0.") && text.len() < 15), "quoted short");
    assert!(literals.iter().all(|text| !text.contains('e')), "an exponent");
}

#[tokio::test]
async fn each_grouping_sums_up_to_the_same_truth_and_nulls_the_rest() {
    let world = World::start().await;
    let whole: Decimal = truth(&world, ORG, &EVERY).values().sum();
    let groupings: [(&str, &[Dimension]); 4] = [
        ("", &[Dimension::Day]),
        ("&group_by=project_id", &[Dimension::Day, Dimension::Project]),
        ("&group_by=line_item,project_id", &[Dimension::Day, Dimension::LineItem, Dimension::Project]),
        ("&group_by[]=api_key_id", &[Dimension::Day, Dimension::ApiKey]),
    ];
    for (query, dimensions) in groupings {
        let path = format!("/organization/costs?start_time={}&limit=180{query}", unix("2026-01-01"));
        let pages = world.pages(&path).await;
        let rows = served(&pages);
        assert_eq!(rows, truth(&world, ORG, dimensions), "{query}");
        assert_eq!(rows.values().sum::<Decimal>(), whole, "{query}");
        let by_item = query.contains("line_item");
        let mut results = pages.iter().flat_map(|page| &page.data).flat_map(|bucket| &bucket.results);
        assert!(results.all(|result| result.quantity.is_some() == by_item && result.line_item.is_some() == by_item));
    }
}

#[tokio::test]
async fn every_spelling_of_arrays_pages_alike() {
    let world = World::start().await;
    let start = unix("2026-02-01");
    let mut answers = Vec::new();
    for spelling in [
        "group_by[]=project_id&group_by[]=line_item",
        "group_by%5B%5D=project_id&group_by%5B%5D=line_item",
        "group_by=project_id&group_by=line_item",
        "group_by=project_id,line_item",
    ] {
        let path = format!("/organization/costs?start_time={start}&limit=10&{spelling}");
        answers.push(served(&world.pages(&path).await));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0] && !answer.is_empty()));
    for spelling in ["project_ids[]=proj_small", "project_ids=proj_small,proj_other"] {
        let path = format!("/organization/costs?start_time={start}&limit=60&group_by=project_id&{spelling}");
        let projects: BTreeSet<_> = served(&world.pages(&path).await).into_keys().map(|key| key.1).collect();
        assert_eq!(projects, BTreeSet::from([Some("proj_small".to_owned())]));
    }
}

#[tokio::test]
async fn a_page_token_belongs_to_its_query() {
    let world = World::start().await;
    let path = format!("/organization/costs?start_time={}&limit=5&group_by[]=project_id", unix("2026-02-01"));
    let token = world.page(&path).await.next_page.unwrap();
    let token = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let respelt = path.replace("[]", "");
    assert_eq!(world.get(&format!("{respelt}&page={token}")).await.0, 200);
    for other in
        [path.replace("project_id", "line_item"), path.replace("limit=5", "limit=6"), path.replace("=17", "=16")]
    {
        let (status, body) = world.get(&format!("{other}&page={token}")).await;
        assert_eq!((status.as_u16(), body["error"]["param"].as_str()), (400, Some("page")));
    }
}

#[tokio::test]
async fn an_unaligned_start_gives_a_partial_first_bucket() {
    let world = World::start().await;
    let start = unix("2026-03-02") + 43_200;
    let page = world.page(&format!("/organization/costs?start_time={start}&end_time={}", unix("2026-03-04"))).await;
    let bounds: Vec<_> = page.data.iter().map(|bucket| (bucket.start_time, bucket.end_time)).collect();
    assert_eq!(bounds, [(start, unix("2026-03-03")), (unix("2026-03-03"), unix("2026-03-04"))]);
    let whole = world.page(&format!("/organization/costs?start_time={}&limit=1", unix("2026-03-02"))).await;
    let (half, full) = (page.data[0].results[0].decimal(), whole.data[0].results[0].decimal());
    assert!((half * Decimal::TWO - full).abs() < Decimal::new(1, 9), "{half} {full}");
}

#[tokio::test]
async fn empty_days_have_empty_buckets_and_the_future_has_none() {
    let mut sparse = project("proj_sparse", 10, 3, 1);
    sparse.empty_days = true;
    let world = World::of(vec![OrganizationSpec::new(ORG, 3, day("2026-01-01")).with_project(sparse)]).await;
    let pages = world.pages(&format!("/organization/costs?start_time={}&limit=180", unix("2025-12-25"))).await;
    let buckets: Vec<_> = pages.iter().flat_map(|page| &page.data).collect();
    assert_eq!(buckets.len(), 86, "25 December to 20 March");
    assert!(buckets.iter().take(7).all(|bucket| bucket.results.is_empty()), "before the first day");
    let empty = buckets.iter().skip(7).filter(|bucket| bucket.results.is_empty()).count();
    assert!((5..30).contains(&empty), "{empty}");
    let tomorrow = world.page(&format!("/organization/costs?start_time={}", unix("2026-03-21"))).await;
    assert!(tomorrow.data.is_empty() && !tomorrow.has_more);
}

#[tokio::test]
async fn recent_days_grow_with_the_clock_and_then_settle() {
    let world = World::start().await;
    let control = world.simulator.control();
    let query = TruthQuery::new(ORG, day("2026-03-20"), day("2026-03-21"));
    let total = |hours: i64| {
        control.set_now(Some(Utc.with_ymd_and_hms(2026, 3, 20, 0, 0, 0).unwrap() + TimeDelta::hours(hours)));
        control.truth(&query).unwrap().total
    };
    let (none, morning, evening, next, settled, later) =
        (total(0), total(8), total(23), total(30), total(72), total(500));
    assert!(none.is_zero() && none < morning && morning < evening && evening < next && next < settled);
    assert_eq!(settled, later);
    control.set_now(Some(now()));
    let mut final_query = query.clone();
    final_query.settled = true;
    assert_eq!(control.truth(&final_query).unwrap().total, settled);
}

#[tokio::test]
async fn a_restatement_is_served_exactly() {
    let world = World::start().await;
    let control = world.simulator.control();
    let past = day("2026-02-10");
    let before = truth(&world, ORG, &EVERY);
    let amount: Decimal = "1234.567890123456789".parse::<Decimal>().unwrap().round_dp(15);
    control.restate(&RestateSpec::amount(ORG, "proj_growing", past, amount)).unwrap();
    control.restate(&RestateSpec::factor(ORG, "proj_small", past, "1.1".parse().unwrap())).unwrap();
    let today = RestateSpec::amount(ORG, "proj_small", now().date_naive(), Decimal::TEN)
        .line_item("gpt-5.4-2026-03-05, output");
    assert_eq!(control.restate(&today).unwrap(), 1);
    control.restate(&RestateSpec::remove(ORG, "", past)).unwrap();
    assert!(control.restate(&RestateSpec::remove(ORG, "", past)).is_err(), "nothing left");
    assert!(control.restate(&RestateSpec::remove(ORG, "proj_other", past)).is_err(), "another organization's");

    let path = format!("/organization/costs?start_time={}&{ALL}&limit=180", unix("2026-01-01"));
    let rows = served(&world.pages(&path).await);
    assert_eq!(rows, truth(&world, ORG, &EVERY));
    let of = |rows: &Served, project: &str| -> Decimal {
        rows.iter()
            .filter(|(key, _)| key.0 == past && key.1.as_deref() == Some(project))
            .map(|(_, amount)| amount)
            .sum()
    };
    assert_eq!(of(&rows, "proj_growing"), amount);
    let raised = of(&before, "proj_small") * "1.1".parse::<Decimal>().unwrap();
    assert!((of(&rows, "proj_small") - raised).abs() < Decimal::new(1, 12));
    assert!(!rows.keys().any(|key| key.0 == past && key.1.is_none()), "removed");
    let changed = rows
        .iter()
        .filter(|(key, amount)| before.get(*key) != Some(amount))
        .all(|(key, _)| key.0 == past || key.0 == now().date_naive());
    assert!(changed, "another day changed");
}

#[tokio::test]
async fn the_seed_decides() {
    let world = World::of(vec![
        organization(ORG, 7, AmountStyle::Mixed),
        {
            let mut twin = organization("org-twin", 7, AmountStyle::Mixed);
            twin.admin_keys = vec!["sk-admin-sim-twin".to_owned()];
            twin
        },
        organization("org-third", 8, AmountStyle::Mixed),
    ])
    .await;
    let again = World::start().await;
    let path = format!("/organization/costs?start_time={}&{ALL}&limit=180", unix("2026-01-01"));
    assert_eq!(world.text(&path).await.1, again.text(&path).await.1);
    assert_eq!(truth(&world, ORG, &EVERY), truth(&world, "org-twin", &EVERY));
    let days = [Dimension::Day, Dimension::Project];
    assert_ne!(truth(&world, ORG, &days), truth(&world, "org-third", &days));
}

#[tokio::test]
async fn trends_shape_the_spend() {
    let mut organization = OrganizationSpec::new(ORG, 5, day("2026-01-01"));
    for (id, trend) in [
        ("proj_flat", Trend::Flat),
        ("proj_spike", Trend::Spike { day_offset: 40 }),
        ("proj_new", Trend::Since { day_offset: 40 }),
        ("proj_shrinking", Trend::Shrinking),
    ] {
        let mut project = project(id, 100, 6, 1);
        project.trend = trend;
        organization = organization.with_project(project);
    }
    let world = World::of(vec![organization]).await;
    let spent = |project: &str, from: &str, to: &str| {
        let mut query = TruthQuery::new(ORG, day(from), day(to));
        query.project = Some(project.to_owned());
        world.simulator.control().truth(&query).unwrap().total
    };
    let (spike, usual) =
        (spent("proj_spike", "2026-02-10", "2026-02-11"), spent("proj_spike", "2026-02-11", "2026-02-12"));
    assert!(spike > usual * Decimal::TEN && spike < usual * Decimal::from(25), "{spike} {usual}");
    assert!(spent("proj_new", "2026-01-01", "2026-02-10").is_zero());
    assert!(spent("proj_new", "2026-02-10", "2026-02-11") > Decimal::TEN);
    let weeks = |project| (spent(project, "2026-01-01", "2026-01-08"), spent(project, "2026-03-05", "2026-03-12"));
    assert!(weeks("proj_shrinking").1 * Decimal::TWO < weeks("proj_shrinking").0);
    let mean = spent("proj_flat", "2026-01-05", "2026-03-16") / Decimal::from(70);
    assert!(mean > Decimal::from(80) && mean < Decimal::from(120), "{mean}");
}

#[tokio::test]
async fn an_archived_project_stops_costing_and_its_history_stays() {
    let world = World::start().await;
    let path = "/organization/projects/proj_growing/archive";
    assert_eq!(world.send(Method::POST, path, None).await.1["status"], "archived");
    let before = truth(&world, ORG, &EVERY);
    world.simulator.control().set_now(Some(now() + TimeDelta::days(4)));
    let after = truth(&world, ORG, &EVERY);
    assert!(before.keys().all(|key| after.contains_key(key)));
    assert!(after.keys().all(|key| key.0 <= now().date_naive() || key.1.as_deref() != Some("proj_growing")));
}

#[tokio::test]
async fn the_benchmarks_organization_is_served_whole() {
    let mut large = OrganizationSpec::new(ORG, 11, day("2025-09-21"));
    for number in 0..50 {
        large = large.with_project(project(&format!("proj_{number:02}"), 40, 20, 1));
    }
    let world = World::of(vec![large]).await;
    let path =
        format!("/organization/costs?start_time={}&end_time={}&{ALL}&limit=30", unix("2025-09-21"), unix("2026-03-20"));
    let rows = served(&world.pages(&path).await);
    assert_eq!(rows.len(), 180 * 50 * 20);
    let query = TruthQuery::new(ORG, day("2025-09-21"), day("2026-03-20"));
    assert_eq!(rows.values().sum::<Decimal>(), world.simulator.control().truth(&query).unwrap().total);
}
