//! Guessing passwords: slowed down by address, by account, and by all strangers together; whoever waits as long as they are
//! told gets their attempt.

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use serde_json::json;

use super::{founder, login};
use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::people::PASSWORD;

/// The seconds that somebody who was refused is told to wait.
fn wait(answer: &Answer) -> i64 {
    answer.problem(ErrorCode::RateLimited);
    answer.header("retry-after").parse().expect("seconds")
}

async fn guess(client: &Client, email: &str) -> Answer {
    login(client, email, "wrong horse battery").await
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_owner_is_not_locked_out() {
    let app = TestApp::builder().set("TRUSTED_PROXY_HOPS", "1").spawn().await;
    let from = |address: &str| app.anonymous().with_header("x-forwarded-for", address);
    from("198.51.100.1").post("/api/auth/register", founder("admin@example.com")).await.ok();
    let (owner, guesser) = (from("198.51.100.1"), from("203.0.113.9"));
    for _ in 0..5 {
        login(&guesser, "admin@example.com", "wrong horse battery").await.problem(ErrorCode::InvalidCredentials);
    }
    let slowed = login(&guesser, "admin@example.com", PASSWORD).await;
    slowed.problem(ErrorCode::RateLimited);
    let wait: i64 = slowed.header("retry-after").parse().expect("seconds");
    assert_eq!(wait, 30, "until there is one again");
    login(&owner, "admin@example.com", PASSWORD).await.ok();
    // Another spelling of the forwarded chain is the same caller: only our own proxy's word counts.
    let spoofed = app.anonymous().with_header("x-forwarded-for", "198.51.100.1, 203.0.113.9");
    login(&spoofed, "admin@example.com", PASSWORD).await.problem(ErrorCode::RateLimited);
    app.advance(TimeDelta::seconds(wait));
    login(&guesser, "admin@example.com", PASSWORD).await.ok();
    // One address at many accounts.
    let mut refused = 0;
    for number in 0..21 {
        let answer = login(&from("192.0.2.1"), &format!("nobody-{number}@example.com"), "wrong horse battery").await;
        refused += u32::from(answer.status == 429);
    }
    assert_eq!(refused, 1);
    // Whoever has an IPv6 address has all of its network.
    let mut refused = 0;
    for number in 0..21 {
        let neighbour = from(&format!("2001:db8:7:7::{number:x}"));
        let answer = login(&neighbour, &format!("nobody-else-{number}@example.com"), "wrong horse battery").await;
        refused += u32::from(answer.status == 429);
    }
    assert_eq!(refused, 1);
    login(&from("2001:db8:7:8::1"), "nobody@example.com", "wrong").await.problem(ErrorCode::InvalidCredentials);
    assert_eq!(app.database.count("SELECT count(*) FROM rate_limit_buckets WHERE length(key) <> 32").await, 0);
}

#[tokio::test]
async fn many_addresses_guess_no_faster_than_one_and_the_owner_still_gets_in() {
    let app = TestApp::builder().set("TRUSTED_PROXY_HOPS", "1").spawn().await;
    let from = |address: String| app.anonymous().with_header("x-forwarded-for", address);
    app.found("admin@example.com", "Example Inc.").await;
    let home = from("198.51.100.1".into());
    login(&home, "admin@example.com", PASSWORD).await.ok();
    let mut refused = 0;
    for number in 0..33 {
        let guess = login(&from(format!("203.0.113.{number}")), "admin@example.com", "wrong horse battery").await;
        refused += u32::from(guess.status == 429);
    }
    assert_eq!(refused, 4, "the first of thirty was the owner's own");
    login(&home, "admin@example.com", PASSWORD).await.ok();
    login(&from("192.0.2.77".into()), "admin@example.com", PASSWORD).await.problem(ErrorCode::RateLimited);
    app.advance(TimeDelta::minutes(10));
    login(&from("192.0.2.77".into()), "admin@example.com", PASSWORD).await.ok();
}

#[tokio::test]
async fn whoever_waits_as_long_as_they_are_told_gets_their_attempt() {
    let app = TestApp::builder().set("TRUSTED_PROXY_HOPS", "1").spawn().await;
    let from = |address: &str| app.anonymous().with_header("x-forwarded-for", address);
    app.found("admin@example.com", "Example Inc.").await;
    // At an account. Being refused costs nothing, however often.
    let one = from("203.0.113.9");
    for _ in 0..5 {
        guess(&one, "admin@example.com").await.problem(ErrorCode::InvalidCredentials);
    }
    for _ in 0..20 {
        assert_eq!(wait(&guess(&one, "admin@example.com").await), 30);
    }
    app.advance(TimeDelta::milliseconds(12_500));
    assert_eq!(wait(&guess(&one, "admin@example.com").await), 18, "rounded up");
    app.advance(TimeDelta::seconds(18));
    guess(&one, "admin@example.com").await.problem(ErrorCode::InvalidCredentials);
    // No faster than that: one in thirty seconds, for half an hour.
    let mut attempts = 0;
    for _ in 0..180 {
        app.advance(TimeDelta::seconds(10));
        attempts += u32::from(guess(&one, "admin@example.com").await.status == 401);
    }
    // All strangers have one a minute.
    assert!((50..=60).contains(&attempts), "{attempts}");
    // What an account refuses costs the address nothing: it may go on at others.
    let two = from("203.0.113.10");
    for _ in 0..60 {
        guess(&two, "nobody@example.com").await;
    }
    for number in 0..15 {
        guess(&two, &format!("nobody-{number}@example.com")).await.problem(ErrorCode::InvalidCredentials);
    }
    assert_eq!(wait(&guess(&two, "nobody-15@example.com").await), 5, "twenty in all");
    // Where both are used up, it is the longer wait that helps.
    let both = wait(&guess(&two, "nobody@example.com").await);
    assert_eq!(both, 30);
    app.advance(TimeDelta::seconds(both));
    guess(&two, "nobody@example.com").await.problem(ErrorCode::InvalidCredentials);
    // From everywhere at one account.
    let mut refused = 0;
    for number in 0..31 {
        let answer = guess(&from(&format!("198.51.100.{number}")), "victim@example.com").await;
        if answer.status == 429 {
            assert_eq!(wait(&answer), 60);
            refused += 1;
        }
    }
    assert_eq!(refused, 1);
    app.advance(TimeDelta::seconds(60));
    guess(&from("198.51.100.200"), "victim@example.com").await.problem(ErrorCode::InvalidCredentials);
    assert_eq!(wait(&guess(&from("198.51.100.201"), "victim@example.com").await), 60);
}

#[tokio::test]
async fn guessing_the_current_password_is_slowed_down_as_well() {
    let app = TestApp::spawn().await;
    let me = app.found("admin@example.com", "Example Inc.").await;
    let change = async |current: &str| {
        let body = json!({"currentPassword": current, "newPassword": "another horse battery"});
        me.post("/api/auth/password", body).await
    };
    for _ in 0..5 {
        change("wrong horse battery").await.field("/currentPassword", "wrong");
    }
    for _ in 0..3 {
        assert_eq!(wait(&change(PASSWORD).await), 30);
    }
    app.advance(TimeDelta::seconds(30));
    change(PASSWORD).await.status(204);
}
