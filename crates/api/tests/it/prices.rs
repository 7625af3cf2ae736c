//! The price book: what is in it, who changes it, and how fast everybody knows.

mod reprice;

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use finops_api::features::prices::{Books, Incoming, Lookup};
use finops_api::platform::db::OrganizationId;
use finops_contract::prices::{PriceChange, PriceEntry, PriceImportReport, PriceOverride, PriceVersion, ResolvedPrice};
use finops_contract::{ErrorCode, Page, Quantities, UnitKind};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::client::Client;
use crate::support::process::finops;

/// What a million input tokens cost in an organization.
async fn million(app: &TestApp, books: &Books, organization: OrganizationId, provider: &str, model: &str) -> String {
    let quantities = Quantities::default().with(UnitKind::Input, 1_000_000);
    let book = books.of(organization).await.expect("a book");
    let lookup = Lookup { provider, model, tier: None, region: None, at: app.now(), quantities: &quantities };
    book.price(&lookup).cost().as_ref().map_or_else(|| "unpriced".into(), Decimal::to_string)
}

/// A file in the shape of the public list, gone with this.
struct List(std::path::PathBuf);

impl List {
    fn new(models: &Value) -> Self {
        let name = format!("finops-prices-{}.json", finops_api::platform::clock::Clock::system().new_id().simple());
        let path = std::env::temp_dir().join(name);
        std::fs::File::create(&path)
            .and_then(|mut file| file.write_all(models.to_string().as_bytes()))
            .expect("a file");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for List {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

/// A model of a provider of the tests, at this price of a token.
fn model(price: &str) -> Value {
    let price: Value = serde_json::from_str(price).expect("a number");
    json!({"litellm_provider": "acme", "mode": "chat", "input_cost_per_token": price, "output_cost_per_token": 0.00001})
}

/// Reads a list in, at the app's time.
async fn import(app: &TestApp, models: &Value) -> PriceImportReport {
    let list = List::new(models);
    // Files are told apart by their name, so the same one is written again and again.
    let fixed = std::env::temp_dir().join(format!("finops-prices-of-{}.json", app.address().port()));
    std::fs::rename(&list.0, &fixed).expect("renamed");
    let incoming = Incoming::given(&app.state, fixed.to_str().expect("text"), None).await.expect("a list");
    std::fs::remove_file(&fixed).expect("removed");
    incoming.take(&app.state).await.expect("taken")
}

/// A change that waits for an administrator.
pub(crate) async fn strange_change(app: &TestApp, name: &str) -> Uuid {
    import(app, &json!({name: model("1e-6")})).await;
    import(app, &json!({name: model("1e-3")})).await;
    sqlx::query_scalar("SELECT id FROM price_changes WHERE model = $1 AND state = 'pending'")
        .bind(name)
        .fetch_one(&mut app.database.owner().await)
        .await
        .expect("a change that waits")
}

async fn resolved(client: &Client, query: &str) -> ResolvedPrice {
    client.get(&format!("/api/prices/resolve?{query}")).await.read_as()
}

/// The price of an input token, as the API tells it.
async fn input_price(client: &Client, model: &str) -> String {
    let resolved = resolved(client, &format!("provider=acme&model={model}")).await;
    let price = resolved.prices.iter().find(|price| price.kind == UnitKind::Input);
    price.map_or_else(|| resolved.reason.clone().unwrap_or_default(), |price| price.price.to_string())
}

#[tokio::test]
async fn the_shipped_book_is_there_from_the_beginning() {
    let app = TestApp::spawn().await;
    let organization = app.database.organization(&app.state.clock).await;
    let books = Books::new(app.db().clone(), app.state.clock.clone());
    assert!(books.cached(organization).is_none());
    for (provider, model, expected) in [
        ("openai", "gpt-4o-2024-08-06", "2.5"),
        ("openai", "gpt-5.4-mini-2026-03-17", "0.75"),
        ("anthropic", "claude-sonnet-5", "2"),
        ("gcp.gemini", "models/gemini-2.5-flash", "0.3"),
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "6.6"),
        ("openai", "gpt-4o-nano", "unpriced"),
    ] {
        assert_eq!(million(&app, &books, organization, provider, model).await, expected, "{model}");
    }
    assert!(books.cached(organization).is_some());
}

#[tokio::test]
async fn a_database_without_prices_gets_the_shipped_ones_once() {
    let app = TestApp::spawn().await;
    let organization = app.database.organization(&app.state.clock).await;
    app.database.sql("TRUNCATE price_versions, price_entries, prices, price_factors, price_changes").await;
    let replicas = [0; 4].map(|_| Books::new(app.db().clone(), app.state.clock.clone()));
    let asked = replicas.iter().map(|books| million(&app, books, organization, "openai", "gpt-4o"));
    assert_eq!(futures_util::future::join_all(asked).await, ["2.5"; 4]);
    assert_eq!(app.database.count("SELECT count(*) FROM price_versions").await, 1);
}

#[tokio::test]
async fn prices_are_listed_by_page_provider_name_and_time() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let page =
        async |query: &str| -> Page<PriceEntry> { people.user.get(&format!("/api/prices?{query}")).await.read_as() };
    let names = |page: &Page<PriceEntry>| page.data.iter().map(|entry| entry.model.clone()).collect::<Vec<_>>();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = page(&format!("provider=gcp.gemini&limit=5{cursor}")).await;
        seen.extend(names(&page));
        let Some(next) = page.next_cursor else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 12);
    assert!(seen.is_sorted() && seen.contains(&"gemini-2.5-flash".to_owned()));
    let named = page("model=GPT-4O-mini").await;
    assert_eq!(names(&named), ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"]);
    let entry = &named.data[0];
    let price = entry.prices.iter().find(|price| price.kind == UnitKind::CachedInput).expect("a price");
    assert_eq!((price.price.to_string(), entry.currency.as_str()), ("0.000000075".into(), "USD"));
    assert!(entry.confirmed_by.starts_with("shipped: ") && entry.source.is_some());
    people.user.get("/api/prices?model=%00").await.problem(ErrorCode::InvalidQuery);

    import(&app, &json!({"m-1": model("1e-6")})).await;
    app.advance(TimeDelta::days(1));
    import(&app, &json!({"m-1": model("2e-6")})).await;
    let of = async |query: &str| {
        let page = page(&format!("provider=acme&{query}")).await;
        page.data.iter().map(|entry| entry.prices[0].price.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(of("").await, ["0.000002"]);
    assert_eq!(of("at=2026-03-21T10:29:59Z").await, ["0.000001"]);
    // The first price that is known of a model also holds for what came before.
    assert_eq!(of("at=2019-01-01T00:00:00Z").await, ["0.000001"]);
    assert_eq!(of("history=true").await, ["0.000001", "0.000002"]);
    let versions: Page<PriceVersion> = people.user.get("/api/prices/versions").await.read_as();
    let numbers: Vec<_> = versions.data.iter().map(|version| (version.number, version.entries_changed)).collect();
    assert_eq!(numbers, [(3, 1), (2, 0), (1, 0)]);
    assert_eq!(versions.data[1].effective_to, Some(versions.data[0].effective_from));
    assert_eq!(versions.data[2].licence.as_deref(), Some("MIT, Copyright (c) 2023 Berri AI"));
}

#[tokio::test]
async fn a_list_is_read_exactly_and_what_is_strange_waits_for_somebody() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let list = json!({
        "sample_spec": {"input_cost_per_token": "explains"}, "m-1": model("1.25e-07"), "m-2": model("2e-6"),
        "bad": {"litellm_provider": "acme", "input_cost_per_token": "NaN"},
    });
    let first = import(&app, &list).await;
    assert_eq!((first.entries_new, first.entries_skipped), (2, 1));
    assert_eq!(first.skipped[0].name, "bad");
    assert_eq!(input_price(&people.user, "m-1").await, "0.000000125");

    app.advance(TimeDelta::hours(1));
    let second = import(&app, &json!({"m-1": model("1.26e-6"), "m-3": model("0")})).await;
    assert_eq!((second.entries_new, second.entries_changed, second.entries_suspicious), (1, 0, 2));
    assert_eq!(input_price(&people.user, "m-1").await, "0.000000125", "it waits");
    people.tenant_admin.get("/api/prices/changes").await.problem(ErrorCode::Forbidden);
    let changes = async |query: &str| -> Vec<PriceChange> {
        people.admin.get(&format!("/api/prices/changes{query}")).await.read_as::<Page<PriceChange>>().data
    };
    let waiting = changes("").await;
    let reasons: Vec<_> = waiting.iter().map(|change| (change.model.as_str(), change.reasons.join(", "))).collect();
    assert_eq!(reasons, [("m-2", "missing".to_owned()), ("m-1", "ten_times: standard input".to_owned())]);

    // The same list again asks nothing new, and a list that takes it back withdraws it.
    let again = import(&app, &json!({"m-1": model("1.26e-6"), "m-3": model("0")})).await;
    assert_eq!((again.entries_unchanged, again.entries_suspicious, changes("").await.len()), (1, 2, 2));
    assert_eq!(app.database.count("SELECT count(*) FROM price_versions").await, 3, "it said nothing new");
    let kept = json!({"m-1": model("1.26e-6"), "m-2": model("2e-6"), "m-3": model("0")});
    assert_eq!(import(&app, &kept).await.entries_suspicious, 1);
    assert_eq!(changes("?state=withdrawn").await[0].model, "m-2");
    import(&app, &json!({"m-1": model("1.26e-6"), "m-3": model("0")})).await;
    let waiting = changes("").await;
    assert_eq!(waiting.len(), 2, "it is missing again");

    let path = |index: usize, verb: &str| format!("/api/prices/changes/{}/{verb}", waiting[index].id);
    people.admin.send(reqwest::Method::POST, &path(1, "confirm")).await.ok();
    assert_eq!(input_price(&people.user, "m-1").await, "0.00000126", "at once, in this process");
    let before = format!("provider=acme&model=m-1&at={}", "2026-03-20T10:45:00Z");
    let past = resolved(&people.user, &before).await;
    assert_eq!(past.prices[0].price.to_string(), "0.000000125", "what is past stays");
    people.admin.send(reqwest::Method::POST, &path(1, "dismiss")).await.problem(ErrorCode::PriceChangeDecided);
    people.admin.send(reqwest::Method::POST, &path(0, "dismiss")).await.ok();
    assert_eq!(input_price(&people.user, "m-2").await, "0.000002");
    let third = import(&app, &json!({"m-1": model("1.26e-6"), "m-3": model("0")})).await;
    assert_eq!((third.entries_suspicious, changes("").await.len()), (0, 0), "the same is not asked twice");
    assert_eq!(changes("?state=confirmed").await.len(), 1);
    people.admin.send(reqwest::Method::POST, &path(0, "confirm")).await.problem(ErrorCode::PriceChangeDecided);
}

#[tokio::test]
async fn the_command_line_reads_a_list() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let run = async |arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut command = finops(app.database.url(), &arguments);
        tokio::task::spawn_blocking(move || command.output().expect("finops")).await.expect("ended")
    };
    let list = List::new(&json!({"m-1": model("1e-6"), "bad": model("-1")}));
    let import = |more: &[&str]| {
        let all = ["prices", "import", list.path()];
        all.iter().chain(more).map(|text| (*text).to_owned()).collect::<Vec<_>>()
    };
    let output = run(import(&[])).await;
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(
        output.status.success() && text.starts_with("1 new, 0 changed and 0 unchanged prices from file "),
        "{text}"
    );
    assert!(text.contains("✗ bad: input_cost_per_token: out of range"), "{text}");
    let report: PriceImportReport = serde_json::from_slice(&run(import(&["-o", "json"])).await.stdout).expect("JSON");
    assert_eq!((report.entries_new, report.entries_unchanged), (0, 1));
    assert_eq!(run(import(&["--effective-from", "2020-01-01T00:00:00Z"])).await.status.code(), Some(2));
    let of = |from: &str| vec!["prices".to_owned(), "import".to_owned(), from.to_owned()];
    assert_eq!(run(of("/no/such/file")).await.status.code(), Some(3));
    let no_list = List::new(&json!({"text": "x"}));
    assert_eq!(run(of(no_list.path())).await.status.code(), Some(4));
    assert_eq!(run(of("http://127.0.0.1:9/map.json")).await.status.code(), Some(5));
    let audit = people.admin.get("/api/audit-log?action=price.import").await.ok();
    assert_eq!(audit["data"].as_array().map(Vec::len), Some(1), "{audit}");
    assert_eq!(audit["data"][0]["actor"]["type"], "cli");
}

/// A web server that answers every request with the same text, as it is then.
#[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
async fn serve(text: Arc<Mutex<(u16, String)>>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://user:hidden@{}/map.json?token=hidden", listener.local_addr().expect("an address"));
    tokio::task::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let (status, body) = text.lock().expect("a text").clone();
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configured_list_updates_the_book_every_day() {
    let text = Arc::new(Mutex::new((200, json!({"m-1": model("1e-6")}).to_string())));
    let app = TestApp::builder().set("PRICE_MAP_URL", serve(Arc::clone(&text)).await).spawn().await;
    let people = app.people().await;
    app.run_jobs().await;
    assert_eq!(input_price(&people.user, "m-1").await, "0.000001");
    let versions: Page<PriceVersion> = people.user.get("/api/prices/versions?limit=1").await.read_as();
    let source = &versions.data[0].source;
    assert!(source.ends_with("/map.json") && !source.contains("hidden"), "{source}");
    let audit = people.admin.get("/api/audit-log?action=price.import").await.ok();
    assert_eq!(audit["data"][0]["actor"]["name"], "update_prices");

    // The next day's list is broken: nothing changes, and the job says so.
    *text.lock().expect("a text") = (200, "<html>".into());
    app.database.sql("DELETE FROM jobs WHERE name = 'update_prices'").await;
    app.run_jobs_and_let_them_die().await;
    let waiting = app.jobs("queued").await;
    let failed = waiting.iter().find(|job| job.name == "update_prices").expect("it is tried again");
    let error = failed.last_error.as_deref().unwrap_or_default();
    assert!(error.contains("not a price map") && !error.contains("hidden"), "{error}");
    *text.lock().expect("a text") = (200, json!({"m-1": model("3e-6")}).to_string());
    app.hurry_jobs().await;
    app.run_jobs().await;
    let seen = async { while input_price(&people.user, "m-1").await != "0.000003" {} };
    tokio::time::timeout(Duration::from_secs(1), seen).await.expect("within a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_negotiated_holds_at_once_here_and_within_a_second_elsewhere() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let organization = OrganizationId(people.admin.organization());
    let elsewhere = Books::new(app.db().clone(), app.state.clock.clone());
    assert_eq!(million(&app, &elsewhere, organization, "openai", "gpt-4o").await, "2.5");

    let body = json!({"provider": "OpenAI", "model": "gpt-4o-2026-02-02", "kind": "input", "unitPrice": 2.25e-6});
    people.user.post("/api/prices/overrides", &body).await.problem(ErrorCode::Forbidden);
    let own: PriceOverride = people.tenant_admin.post("/api/prices/overrides", &body).await.read_as();
    assert_eq!((own.provider.as_str(), own.model.as_deref()), ("openai", Some("gpt-4o")), "by the book's name");
    let mine = resolved(&people.user, "provider=openai&model=gpt-4o").await;
    let input = mine.prices.iter().find(|price| price.kind == UnitKind::Input).expect("a price");
    assert_eq!((input.price.to_string(), input.negotiated), ("0.00000225".into(), true));
    assert_eq!(mine.resolution.as_deref(), Some("exact:gpt-4o*"));
    let theirs = resolved(&people.outsider, "provider=openai&model=gpt-4o").await;
    assert!(theirs.prices.iter().all(|price| !price.negotiated), "it is another organization's");
    let seen = async { while million(&app, &elsewhere, organization, "openai", "gpt-4o").await != "2.25" {} };
    tokio::time::timeout(Duration::from_secs(1), seen).await.expect("within a second");

    people.tenant_admin.post("/api/prices/overrides", &body).await.problem(ErrorCode::PriceOverrideOverlaps);
    app.advance(TimeDelta::hours(1));
    let path = format!("/api/prices/overrides/{}", own.id);
    people.outsider.delete(&path).await.problem(ErrorCode::NotFound);
    people.tenant_admin.delete(&path).await.status(204);
    people.tenant_admin.delete(&path).await.status(204);
    let mine = resolved(&people.user, "provider=openai&model=gpt-4o").await;
    assert!(mine.prices.iter().all(|price| !price.negotiated), "it ended");
    let then = resolved(&people.user, "provider=openai&model=gpt-4o&at=2026-03-20T11:00:00Z").await;
    assert_eq!(then.resolution.as_deref(), Some("exact:gpt-4o*"), "and is known to have held");
    let list: Page<PriceOverride> = people.user.get("/api/prices/overrides").await.read_as();
    assert_eq!((list.data.len(), list.data[0].effective_to), (1, Some(app.now())));
    people.tenant_admin.post("/api/prices/overrides", &body).await.status(201);
    let log = people.admin.get("/api/audit-log?action=price_override.").await.ok();
    assert_eq!(log["data"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn terms_that_make_no_sense_are_named() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    for (body, pointer, code) in [
        (json!({"provider": "openai"}), "/unitPrice", "required"),
        (json!({"provider": "openai", "discountPercent": "5", "unitPrice": "1"}), "/unitPrice", "unexpected"),
        (json!({"provider": "openai", "discountPercent": "0"}), "/discountPercent", "range"),
        (json!({"provider": "openai", "discountPercent": "100.0001"}), "/discountPercent", "range"),
        (json!({"provider": "openai", "discountPercent": "5", "kind": "input"}), "/kind", "unexpected"),
        (json!({"provider": "openai", "model": "m", "unitPrice": "1"}), "/kind", "required"),
        (json!({"provider": "openai", "kind": "input", "unitPrice": "1"}), "/model", "required"),
        (json!({"provider": "openai", "model": "m", "kind": "input", "unitPrice": "-1"}), "/unitPrice", "range"),
        (json!({"provider": "open ai", "discountPercent": "5"}), "/provider", "format"),
        (json!({"provider": "openai", "model": "mine", "sameAs": "nobody"}), "/sameAs", "unknown"),
        (json!({"provider": "openai", "model": "gpt-4o", "sameAs": "gpt-4o-mini"}), "/model", "known"),
        (
            json!({"provider": "openai", "discountPercent": "5", "effectiveFrom": "2026-03-01T00:00:00Z"}),
            "/effectiveFrom",
            "past",
        ),
        (
            json!({"provider": "openai", "discountPercent": "5", "effectiveTo": "2026-03-01T00:00:00Z"}),
            "/effectiveTo",
            "range",
        ),
    ] {
        people.tenant_admin.post("/api/prices/overrides", &body).await.field(pointer, code);
    }
    let name = json!({"provider": "openai", "model": "chat-prod", "sameAs": "gpt-4o-2024-08-06"});
    people.tenant_admin.post("/api/prices/overrides", name).await.status(201);
    let found = resolved(&people.user, "provider=openai&model=chat-prod").await;
    assert_eq!(found.resolution.as_deref(), Some("alias:gpt-4o-2024-08-06"));
}

#[tokio::test]
async fn a_name_says_what_it_becomes_or_why_it_does_not() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let of = async |query: &str| {
        let found = resolved(&people.user, query).await;
        found.resolution.or(found.reason).unwrap_or_default()
    };
    assert_eq!(of("provider=openai&model=gpt-5.4-mini-2026-03-17").await, "dated_snapshot:gpt-5.4-mini");
    assert_eq!(of("provider=openai&model=gpt-5.6&region=eu").await, "exact:gpt-5.6@eu");
    assert_eq!(of("provider=openai&model=gpt-4o-2024-05-13").await, "unknown_model");
    assert_eq!(of("provider=openai&model=gpt-4o&tier=scale").await, "unknown_tier");
    let eu = resolved(&people.user, "provider=aws_bedrock&model=eu.anthropic.claude-opus-5").await;
    assert_eq!((eu.reason.as_deref(), eu.prices.len()), (Some("unknown_region"), 0));
    let steps = resolved(&people.user, "provider=openai&model=gpt-5.4").await;
    let input = steps.prices.iter().filter(|price| price.kind == UnitKind::Input);
    let input: Vec<_> = input.map(|price| (price.above_tokens, price.price.to_string())).collect();
    assert_eq!(input, [(0, "0.0000025".to_owned()), (272_000, "0.000005".to_owned())]);
    let flex = resolved(&people.user, "provider=openai&model=gpt-4o&tier=flex").await;
    assert_eq!((flex.reason.as_deref(), flex.entry_id.is_some()), (Some("unknown_tier"), true));
}
