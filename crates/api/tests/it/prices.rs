//! The price book: what is in it, who changes it, and how fast everybody knows.

use finops_api::features::prices::{Books, Lookup};
use finops_api::platform::db::OrganizationId;
use finops_contract::{Quantities, UnitKind};
use rust_decimal::Decimal;

use crate::support::TestApp;

/// What a million input tokens cost in an organization.
async fn million(app: &TestApp, books: &Books, organization: OrganizationId, provider: &str, model: &str) -> String {
    let quantities = Quantities::default().with(UnitKind::Input, 1_000_000);
    let book = books.of(organization).await.expect("a book");
    let lookup = Lookup { provider, model, tier: None, region: None, at: app.now(), quantities: &quantities };
    book.price(&lookup).cost().as_ref().map_or_else(|| "unpriced".into(), Decimal::to_string)
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
    let all = "TRUNCATE price_versions, price_entries, prices, price_factors, price_changes";
    app.database.sql(all).await;
    let replicas = [0; 4].map(|_| Books::new(app.db().clone(), app.state.clock.clone()));
    let asked = replicas.iter().map(|books| million(&app, books, organization, "openai", "gpt-4o"));
    assert_eq!(futures_util::future::join_all(asked).await, ["2.5"; 4]);
    assert_eq!(app.database.count("SELECT count(*) FROM price_versions").await, 1);
}
