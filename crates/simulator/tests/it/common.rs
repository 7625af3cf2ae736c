//! What the tests share: a small world, a client that keeps literals, and sums.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use finops_simulator::{AmountStyle, OrganizationSpec, ProjectSpec, Simulator, SimulatorConfig, Trend};
use reqwest::{Method, StatusCode};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

pub(crate) const ORG: &str = "org-alpha";
pub(crate) const OTHER: &str = "org-beta";

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn unix(text: &str) -> i64 {
    day(text).and_time(NaiveTime::MIN).and_utc().timestamp()
}

#[allow(
    clippy::disallowed_methods,
    reason = "the service's guarded client refuses loopback, and this one tests no client"
)]
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A Friday morning; the organizations began on 1 January.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-03-20T10:30:00Z".parse().unwrap()
}

pub(crate) fn project(id: &str, daily: i64, line_items: usize, api_keys: usize) -> ProjectSpec {
    let mut project = ProjectSpec::new(id, &format!("Project {id}"), Decimal::from(daily));
    project.line_items = line_items;
    project.api_keys = api_keys;
    project
}

pub(crate) fn organization(id: &str, seed: u64, style: AmountStyle) -> OrganizationSpec {
    let mut growing = project("proj_growing", 120, 18, 2);
    growing.trend = Trend::Growing;
    let mut organization = OrganizationSpec::new(id, seed, day("2026-01-01"))
        .with_project(growing)
        .with_project(project("proj_small", 3, 4, 0))
        .with_project(project("", 9, 2, 0));
    organization.amount_style = style;
    organization
}

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    client: reqwest::Client,
    pub(crate) key: String,
}

impl World {
    pub(crate) async fn of(organizations: Vec<OrganizationSpec>) -> Self {
        let key = organizations[0].admin_keys[0].clone();
        let config = SimulatorConfig { now: Some(now()), organizations, ..SimulatorConfig::default() };
        let simulator = Simulator::start(config).await.unwrap();
        let client = client();
        Self { simulator, client, key }
    }

    pub(crate) async fn start() -> Self {
        Self::styled(AmountStyle::Mixed).await
    }

    pub(crate) async fn styled(style: AmountStyle) -> Self {
        let other = OrganizationSpec::new(OTHER, 8, day("2026-01-01")).with_project(project("proj_other", 50, 3, 1));
        Self::of(vec![organization(ORG, 7, style), other]).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.simulator.openai_base_url());
        self.client.request(method, url).bearer_auth(&self.key)
    }

    pub(crate) async fn text(&self, path: &str) -> (StatusCode, String) {
        let response = self.request(Method::GET, path).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        assert!(response.headers().contains_key("x-request-id"), "{path}");
        (response.status(), response.json().await.unwrap())
    }

    pub(crate) async fn page(&self, path: &str) -> Page {
        let (status, text) = self.text(path).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// All pages of a query.
    pub(crate) async fn pages(&self, path: &str) -> Vec<Page> {
        let mut pages = vec![self.page(path).await];
        while let Some(token) = pages.last().and_then(|page| page.next_page.clone()) {
            let token = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
            pages.push(self.page(&format!("{path}&page={token}")).await);
        }
        assert!(pages.iter().rev().skip(1).all(|page| page.has_more));
        assert!(pages.last().is_some_and(|page| !page.has_more));
        pages
    }

    /// The control API.
    pub(crate) async fn sim(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let url = format!("{}/_sim{path}", self.simulator.base_url());
        let request = self.client.request(method, url).json(&body.unwrap_or(json!({})));
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) data: Vec<Bucket>,
    pub(crate) has_more: bool,
    pub(crate) next_page: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Bucket {
    pub(crate) start_time: i64,
    pub(crate) end_time: i64,
    pub(crate) results: Vec<CostResult>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CostResult {
    pub(crate) amount: Amount,
    pub(crate) project_id: Option<String>,
    pub(crate) line_item: Option<String>,
    pub(crate) api_key_id: Option<String>,
    pub(crate) quantity: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Amount {
    pub(crate) value: Box<RawValue>,
}

impl CostResult {
    /// The literal as a decimal, read from its text.
    pub(crate) fn decimal(&self) -> Decimal {
        let text = self.amount.value.get().trim_matches('"');
        if text.starts_with("0E") {
            return Decimal::ZERO;
        }
        // More digits than a `Decimal` holds are only ever trailing zeros.
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        Decimal::from_str_exact(text).unwrap()
    }
}

/// (day, project, line item, key) and the amount served.
pub(crate) type Served = BTreeMap<(NaiveDate, Option<String>, Option<String>, Option<String>), Decimal>;

/// What the pages served, by group. A group that comes twice is an error.
pub(crate) fn served(pages: &[Page]) -> Served {
    let mut rows = Served::new();
    for bucket in pages.iter().flat_map(|page| &page.data) {
        let day = DateTime::from_timestamp(bucket.start_time, 0).unwrap().date_naive();
        for result in &bucket.results {
            let key = (day, result.project_id.clone(), result.line_item.clone(), result.api_key_id.clone());
            assert!(rows.insert(key.clone(), result.decimal()).is_none(), "twice: {key:?}");
        }
    }
    rows
}
