//! Walking pages of a provider that cannot be trusted to end them.

use finops_providers::{
    BucketWidth, CostPages, ProviderError, UsageKind, UsagePages, UsageQuery, all_project_api_keys, all_projects,
    all_rate_limits,
};

use crate::server::{Reply, Server};
use crate::{LAST, client, midnight, page, query};

fn more(cursor: &str) -> String {
    format!(r#""has_more":true,"next_page":"{cursor}""#)
}

/// Walks a script of pages; gives the number of good pages, the error that ended the walk, and the requests made.
async fn walk(pages: Vec<String>, max_pages: usize) -> (usize, Option<ProviderError>, usize) {
    let server = Server::start(move |_, before| Reply::json(pages[before.min(pages.len() - 1)].clone())).await;
    let client = client(server.base());
    let mut walk = CostPages::new(&client, query()).with_max_pages(max_pages);
    let mut good = 0;
    let error = loop {
        match walk.next().await {
            Ok(Some(_)) => good += 1,
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    (good, error, server.seen().len())
}

#[tokio::test]
async fn pages_come_in_order_until_the_last() {
    let server = Server::start(|seen, _| match seen.all("page").first() {
        None => Reply::json(page(&[0, 1], &more("p2"))),
        Some(&"p2") => Reply::json(page(&[], &more("p3"))),
        Some(_) => Reply::json(page(&[2], LAST)),
    })
    .await;
    let client = client(server.base());
    let mut walk = CostPages::new(&client, query());
    let mut sizes = Vec::new();
    while let Some(page) = walk.next().await.unwrap() {
        sizes.push(page.buckets.len());
    }
    assert_eq!(sizes, [2, 0, 1]);
    assert_eq!(walk.next().await, Ok(None));
    assert_eq!(server.seen().len(), 3, "nothing is asked after the end");
}

#[tokio::test]
async fn broken_paging_ends_with_an_error() {
    let broken = |good, pages| async move {
        let (walked, error, calls) = walk(pages, 50).await;
        assert!(matches!(error, Some(ProviderError::BrokenPaging { .. })), "{error:?}");
        assert_eq!((walked, calls), (good, good + 1));
    };
    broken(0, vec![page(&[0], r#""has_more":true,"next_page":null"#)]).await;
    broken(0, vec![page(&[0], r#""has_more":true,"next_page":"""#)]).await;
    broken(0, vec![page(&[0], r#""has_more":true"#)]).await;
    // The same cursor again, and one from further back.
    broken(1, vec![page(&[0], &more("a")), page(&[1], &more("a"))]).await;
    broken(3, vec![page(&[0], &more("a")), page(&[1], &more("b")), page(&[2], &more("c")), page(&[3], &more("a"))])
        .await;
    // The same page again under another cursor, a page that overlaps, a day twice in one page.
    broken(1, vec![page(&[0, 1], &more("a")), page(&[0, 1], &more("b"))]).await;
    broken(1, vec![page(&[0, 1], &more("a")), page(&[1, 2], LAST)]).await;
    broken(0, vec![page(&[0, 0], LAST)]).await;
}

#[tokio::test]
async fn endless_new_cursors_end_at_the_cap() {
    let server = Server::start(|_, before| Reply::json(page(&[], &more(&format!("p{before}"))))).await;
    let client = client(server.base());
    let mut walk = CostPages::new(&client, query()).with_max_pages(5);
    let mut good = 0;
    let error = loop {
        match walk.next().await {
            Ok(page) => good += usize::from(page.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!((good, error.user_reason(), server.seen().len()), (4, "broken_paging", 5));
}

#[tokio::test]
async fn a_page_that_failed_for_now_can_be_asked_for_again() {
    let server = Server::start(|_, before| match before {
        0 => Reply::json(page(&[0], &more("p2"))),
        1..=3 => Reply::status(503, ""),
        _ => Reply::json(page(&[1], LAST)),
    })
    .await;
    let client = client(server.base());
    let mut walk = CostPages::new(&client, query());
    assert!(walk.next().await.unwrap().is_some());
    assert!(walk.next().await.unwrap_err().is_transient());
    assert_eq!(walk.next().await.unwrap().unwrap().buckets.len(), 1);
    assert_eq!(walk.next().await, Ok(None));
    assert!(server.seen()[1..].iter().all(|seen| seen.all("page") == ["p2"]));
}

#[tokio::test]
async fn usage_is_guarded_alike() {
    let bucket = r#"{"object":"page","data":[{"start_time":1782432000,"end_time":1782432060,"results":[]}],"has_more":true,"next_page":"NEXT"}"#;
    let server = Server::start(move |_, before| Reply::json(bucket.replace("NEXT", &format!("p{before}")))).await;
    let client = client(server.base());
    let query = UsageQuery {
        kind: UsageKind::Completions,
        start: midnight(),
        end: None,
        width: BucketWidth::Minute,
        project_ids: vec![],
        limit: 60,
    };
    let mut walk = UsagePages::new(&client, query);
    assert!(walk.next().await.unwrap().is_some());
    assert_eq!(walk.next().await.unwrap_err().user_reason(), "broken_paging");
    assert_eq!(server.seen()[1].all("page"), ["p0"]);
}

#[tokio::test]
async fn lists_are_walked_whole_and_guarded() {
    let server = Server::start(|seen, _| {
        let list = |id: &str, more: bool| {
            Reply::json(format!(
                r#"{{"object":"list","data":[{{"id":"{id}","model":"m"}}],"last_id":"{id}","has_more":{more}}}"#
            ))
        };
        let stuck = seen.path.contains("proj_stuck");
        match seen.all("after").first() {
            None => list("a", true),
            Some(&"a") if !stuck => list("b", false),
            Some(_) => list("a", true),
        }
    })
    .await;
    let client = client(server.base());
    let ids: Vec<_> = all_projects(&client, true).await.unwrap().into_iter().map(|project| project.id).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(all_project_api_keys(&client, "proj_a").await.unwrap().len(), 2);
    assert_eq!(all_rate_limits(&client, "proj_a").await.unwrap().len(), 2);
    assert_eq!(all_project_api_keys(&client, "proj_stuck").await.unwrap_err().user_reason(), "broken_paging");
    assert_eq!(all_rate_limits(&client, "proj_stuck").await.unwrap_err().user_reason(), "broken_paging");
}
