//! Without a database: figures are believed for a while, and then the setting has the word.

use super::*;
use crate::support::Database;
use crate::support::proxy::Proxy;

/// A service whose way to the database can be shut.
async fn behind_a_proxy(on_loss: &str) -> (Proxy, World) {
    let database = Database::new().await;
    let mut url = reqwest::Url::parse(database.url()).expect("a URL");
    let target = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
    let proxy = Proxy::to(target).await;
    url.set_port(Some(proxy.port())).expect("a port");
    let app = TestApp::builder().set("DATABASE_URL", url).set("GUARD_ON_DATABASE_LOSS", on_loss);
    let world = World::of(app.spawn_on(database).await).await;
    (proxy, world)
}

/// Asks until the answer is this, for as long as somebody who finds out may take.
async fn in_the_end(client: &Client, body: &Value, status: u16) -> Answer {
    let asking = async {
        loop {
            let answer = check(client, body).await;
            if answer.status == status {
                return answer;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), asking).await.unwrap_or_else(|_| panic!("never {status}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_believed_for_half_a_minute_and_then_calls_are_refused() {
    let (proxy, world) = behind_a_proxy("closed").await;
    let (program, call) = (&world.program, world.call());
    let stopped = project(world.manager(), &world.team, "stopped").await;
    set(world.manager(), budget("1", json!({"type": "project", "id": stopped}))).await;
    track(world.manager(), event(&stopped, 100)).await;
    let exceeded = json!({"projectId": stopped});
    allowed(program, &call).await;
    until(program, &exceeded, 503).await;
    let read_at = world.app.now();

    proxy.open(false);
    world.app.advance(TimeDelta::seconds(29));
    // What is known is still answered, soon, and says how old it is.
    let since = Instant::now();
    let mut slowest = Duration::ZERO;
    while since.elapsed() < Duration::from_secs(3) {
        let asked = Instant::now();
        let answer = allowed(program, &call).await;
        assert_eq!((answer.as_of, answer.degraded), (read_at, false));
        assert_eq!(refused(program, &exceeded, ErrorCode::BudgetExceeded).await.as_of, Some(read_at));
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_secs(2), "a check took {slowest:?}");
    // What needs the database is refused, and so is who was not seen lately.
    let reserve = json!({"projectId": world.web, "estimatedCost": "1", "reserve": true});
    assert_eq!(check(program, &reserve).await.header("retry-after"), "1");
    check(program, &reserve).await.problem(ErrorCode::GuardUnavailable);

    world.app.advance(TimeDelta::seconds(2));
    let lost = check(program, &call).await;
    lost.problem(ErrorCode::GuardUnavailable);
    assert_eq!(lost.header("retry-after"), "1");
    // Who was never seen is nobody.
    let nobodys = finops_api::platform::auth::api_keys::ApiKeyText::generate().expect("a key");
    let nobody = world.app.anonymous().with_token(nobodys.reveal());
    check(&nobody, &call).await.problem(ErrorCode::Unavailable);

    proxy.open(true);
    let back = in_the_end(program, &call, 200).await.expect::<GuardAnswer>(200);
    assert!(back.as_of > read_at);
    check(program, &reserve).await.status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_chose_so_lets_calls_through_then() {
    let (proxy, world) = behind_a_proxy("open").await;
    let (program, call) = (&world.program, world.call());
    block(&world, "project", &world.web, None).await;
    check(program, &call).await.problem(ErrorCode::Blocked);
    let read_at = world.app.now();
    let reserve = json!({"projectId": world.web, "estimatedCost": "1", "reserve": true});
    let key = world.manager().post("/api/api-keys", json!({"name": "Stopped", "scopes": ["guard"]})).await.ok();
    let stopped = world.app.anonymous().with_token(key["key"].as_str().expect("a key"));
    block(&world, "api_key", key["id"].as_str().expect("an id"), None).await;
    check(&stopped, &call).await.problem(ErrorCode::Blocked);

    proxy.open(false);
    world.app.advance(TimeDelta::seconds(30));
    check(program, &call).await.problem(ErrorCode::Blocked);
    world.app.advance(TimeDelta::seconds(1));
    for body in [&call, &reserve] {
        let answer = in_the_end(program, body, 200).await.expect::<GuardAnswer>(200);
        assert!(answer.degraded && answer.budgets.is_empty());
        assert_eq!((answer.as_of, answer.reservation_id), (read_at, None));
    }
    // What was stopped by then stays so.
    check(&stopped, &call).await.problem(ErrorCode::Blocked);
    let metrics = world.app.anonymous().get("/metrics").await.text;
    assert!(metrics.contains("finops_guard_checks_total{outcome=\"degraded\"} 2"), "{metrics}");

    proxy.open(true);
    in_the_end(program, &call, 403).await.problem(ErrorCode::Blocked);
}
