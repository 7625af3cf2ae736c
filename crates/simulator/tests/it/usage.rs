//! Usage: what a day adds up to however it is cut, and how it agrees with the bill.

use std::collections::BTreeMap;

use finops_simulator::openai::OPERATIONS;
use serde_json::Value;

use crate::common::{World, unix};

/// Sums of every number, over all results of all pages.
async fn sums(world: &World, path: &str) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    let mut next = Some(String::new());
    while let Some(page) = next {
        let (status, body) = world.get(&format!("{path}{page}")).await;
        assert_eq!(status, 200, "{body}");
        for result in body["data"].as_array().unwrap().iter().flat_map(|bucket| bucket["results"].as_array().unwrap()) {
            for (name, value) in result.as_object().unwrap().iter().filter(|(_, value)| value.is_number()) {
                *sums.entry(name.clone()).or_default() += value.as_i64().unwrap();
            }
        }
        let token = body["next_page"].as_str().map(|token| token.replace('+', "%2B").replace('/', "%2F"));
        next = token.map(|token| format!("&page={token}"));
    }
    sums
}

#[tokio::test]
async fn every_width_and_grouping_adds_up_to_the_same() {
    let world = World::start().await;
    let (start, end) = (unix("2026-03-10"), unix("2026-03-12"));
    for (_, path) in OPERATIONS.iter().filter(|(_, path)| path.contains("/usage/")) {
        let query = |rest: &str| format!("{path}?start_time={start}&end_time={end}&{rest}");
        let days = sums(&world, &query("bucket_width=1d")).await;
        assert!(days.values().any(|sum| *sum > 0), "{path}: {days:?}");
        assert_eq!(days, sums(&world, &query("bucket_width=1h&limit=10")).await, "{path}");
        assert_eq!(days, sums(&world, &query("bucket_width=1m&limit=1440&group_by=project_id")).await, "{path}");
        assert_eq!(days, sums(&world, &query("group_by[]=project_id")).await, "{path}");
    }
}

#[tokio::test]
async fn input_tokens_include_cached_and_cache_write() {
    let world = World::start().await;
    let groups = "group_by=project_id,model,api_key_id,user_id,batch,service_tier";
    let (_, body) = world
        .get(&format!("/organization/usage/completions?start_time={}&bucket_width=1h&{groups}", unix("2026-03-10")))
        .await;
    let buckets = body["data"].as_array().unwrap();
    assert_eq!(buckets.len(), 24, "the default for hours");
    let mut cached = 0;
    for result in buckets.iter().flat_map(|bucket| bucket["results"].as_array().unwrap()) {
        let number = |name: &str| result[name].as_i64().unwrap();
        cached += number("input_cached_tokens") + number("input_cache_write_tokens");
        let parts =
            number("input_uncached_tokens") + number("input_cached_tokens") + number("input_cache_write_tokens");
        assert_eq!(number("input_tokens"), parts);
        assert!(result["batch"].is_boolean() && result["model"].is_string());
    }
    assert!(cached > 0);
}

#[tokio::test]
async fn tokens_are_the_quantities_of_the_bill() {
    let world = World::start().await;
    let (start, end) = (unix("2026-03-10"), unix("2026-03-11"));
    let costs = world
        .page(&format!(
            "/organization/costs?start_time={start}&end_time={end}&group_by=line_item&project_ids=proj_growing"
        ))
        .await;
    let billed = |part: &str| -> i64 {
        let results = costs.data[0].results.iter();
        let mine = results.filter(|result| {
            result.line_item.as_deref().is_some_and(|item| item.starts_with("gpt") && item.ends_with(part))
        });
        mine.filter(|result| !result.line_item.as_deref().unwrap().contains("image"))
            .map(|result| result.quantity.unwrap())
            .sum()
    };
    let usage = sums(
        &world,
        &format!("/organization/usage/completions?start_time={start}&end_time={end}&project_ids[]=proj_growing"),
    )
    .await;
    assert_eq!(usage["output_tokens"], billed(", output"));
    assert_eq!(usage["input_cached_tokens"], billed(", cached input"));
    assert_eq!(usage["input_uncached_tokens"] + usage["input_cache_write_tokens"], billed(", input"));
}

#[tokio::test]
async fn today_is_near_real_time_and_filters_filter() {
    let world = World::start().await;
    let today = unix("2026-03-20");
    let path = format!("/organization/usage/completions?start_time={today}&bucket_width=1m&limit=1440");
    let (_, body) = world.get(&path).await;
    let buckets = body["data"].as_array().unwrap();
    assert_eq!(buckets.len(), 10 * 60 + 31, "up to the minute that has begun");
    let filled: Vec<bool> = buckets.iter().map(|bucket| !bucket["results"].as_array().unwrap().is_empty()).collect();
    assert!(filled[600] && !filled[630]);

    let whole = sums(&world, &path).await;
    let part = sums(&world, &format!("{path}&models=gpt-5.4-mini")).await;
    assert!(part["input_tokens"] > 0 && part["input_tokens"] < whole["input_tokens"]);
    let yes = sums(&world, &format!("{path}&batch=true")).await.get("output_tokens").copied().unwrap_or(0);
    let no = sums(&world, &format!("{path}&batch=false")).await.get("output_tokens").copied().unwrap_or(0);
    assert_eq!(yes + no, whole["output_tokens"]);
    assert_eq!(world.get(&format!("{path}&batch=maybe")).await.0, 400);
    let unaligned = today - 3_600 * 20 + 17;
    let (_, body) = world.get(&format!("/organization/usage/completions?start_time={unaligned}&bucket_width=1h")).await;
    let first: &Value = &body["data"][0];
    assert_eq!((first["start_time"].as_i64(), first["end_time"].as_i64()), (Some(unaligned), Some(today - 3_600 * 19)));
}
