//! Registering, signing in, staying signed in, inviting others.

mod guessing;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use finops_contract::ErrorCode;
use finops_contract::accounts::{CreatedInvitation, Invitation, Role, Session};
use finops_contract::page::Page;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::TestApp;
use crate::support::client::{Answer, Client};
use crate::support::people::PASSWORD;

fn founder(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "name": "Founder", "organizationName": "Example Inc."})
}

fn invited(email: &str, token: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "name": "Colleague", "invitationToken": token})
}

async fn login(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/api/auth/login", json!({"email": email, "password": password})).await
}

/// The refresh cookie that an answer sets: its value, and all of it.
#[track_caller]
fn cookie(answer: &Answer) -> (String, String) {
    let whole = answer.header("set-cookie").to_owned();
    let value = whole.split(';').next().and_then(|pair| pair.strip_prefix("finops_refresh="));
    (value.expect("a refresh cookie").to_owned(), whole)
}

async fn refresh(app: &TestApp, value: &str) -> Answer {
    let client = app.anonymous().with_header("cookie", format!("finops_refresh={value}"));
    client.send(Method::POST, "/api/auth/refresh").await
}

async fn actions(client: &Client) -> Vec<String> {
    let entries = client.get("/api/audit-log?limit=200").await.ok();
    let entries = entries["data"].as_array().expect("entries").iter();
    entries.map(|entry| entry["action"].as_str().expect("an action").to_owned()).collect()
}

#[tokio::test]
async fn the_first_account_runs_the_platform_and_the_mode_decides_on_the_others() {
    for (mode, later) in [
        ("open", None),
        ("invite", Some(ErrorCode::InvitationRequired)),
        ("closed", Some(ErrorCode::RegistrationClosed)),
    ] {
        let app = TestApp::builder().set("REGISTRATION", mode).spawn().await;
        let info = async || app.anonymous().get("/api/auth/registration").await.ok();
        assert_eq!(info().await, json!({"mode": mode, "firstAccount": true}));
        let first: Session = app.anonymous().post("/api/auth/register", founder("one@example.com")).await.read_as();
        assert_eq!(first.user.role, Role::Admin);
        assert_eq!(info().await, json!({"mode": mode, "firstAccount": false}));
        let second = app.anonymous().post("/api/auth/register", founder("two@example.com")).await;
        match later {
            None => assert_eq!(second.read_as::<Session>().user.role, Role::TenantAdmin),
            Some(code) => drop(second.problem(code)),
        }
    }
}

#[tokio::test]
async fn of_many_first_accounts_one_is_the_first() {
    let app = TestApp::builder().set("TRUSTED_PROXY_HOPS", "1").spawn().await;
    let mut requests = JoinSet::new();
    for number in 0..8 {
        let client = app.anonymous().with_header("x-forwarded-for", format!("203.0.113.{number}"));
        requests.spawn(async move {
            let answer = client.post("/api/auth/register", founder(&format!("founder-{number}@example.com"))).await;
            answer.read_as::<Session>().user.role
        });
    }
    let roles = requests.join_all().await;
    assert_eq!(roles.iter().filter(|role| **role == Role::Admin).count(), 1, "{roles:?}");
}

#[tokio::test]
async fn an_address_is_registered_once_and_what_is_wrong_is_said_at_its_field() {
    let app = TestApp::spawn().await;
    app.found("admin@example.com", "Example Inc.").await;
    let register = async |body: Value| app.anonymous().post("/api/auth/register", body).await;
    register(founder(" ADMIN@example.com")).await.field("/email", "email");
    register(founder("ADMIN@example.com")).await.problem(ErrorCode::EmailTaken);
    let mut without = founder("two@example.com");
    without.as_object_mut().expect("an object").remove("organizationName");
    register(without).await.field("/organizationName", "required");
    for (field, value, code) in [
        ("password", "elevenchars", "length"),
        ("password", &"x".repeat(129), "length"),
        ("password", "nothing\u{0}typed", "control_character"),
        ("email", "nobody", "email"),
        ("name", " ", "blank"),
        ("name", "a\nb", "control_character"),
    ] {
        let mut body = founder("two@example.com");
        body[field] = json!(value);
        register(body).await.field(&format!("/{field}"), code);
    }
    for common in ["qwertyuiop123", "two@example.com", "abababababab"] {
        let mut body = founder("two@example.com");
        body["password"] = json!(common);
        register(body).await.problem(ErrorCode::PasswordTooCommon);
    }
    assert_eq!(app.database.count("SELECT count(*) FROM organizations").await, 1, "nothing was founded on the way");
}

#[tokio::test]
async fn an_invitation_opens_one_door_once() {
    let app = TestApp::builder().set("REGISTRATION", "invite").spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let team = admin.post("/api/teams", json!({"name": "Learning AI"})).await.ok();
    let body = json!({"email": "New@Example.com", "role": "user", "teamId": team["id"]});
    let created: CreatedInvitation = admin.post("/api/invitations", &body).await.read_as();
    assert_eq!(created.link, format!("{}/register#invite={}", app.url(), created.token));
    let listed = admin.get("/api/invitations").await;
    assert_eq!(listed.read_as::<Page<Invitation>>().data, std::slice::from_ref(&created.invitation));
    assert!(!listed.text.contains(&created.token));
    let preview = app.anonymous().post("/api/auth/invitation", json!({"token": created.token})).await.ok();
    assert_eq!(preview, json!({"email": "new@example.com", "organizationName": "Example Inc.", "role": "user"}));

    let register =
        async |email: &str, token: &str| app.anonymous().post("/api/auth/register", invited(email, token)).await;
    register("other@example.com", &created.token).await.problem(ErrorCode::InvitationInvalid);
    register("new@example.com", "wrong").await.problem(ErrorCode::InvitationInvalid);
    let session: Session = register("NEW@example.com", &created.token).await.read_as();
    assert_eq!((session.user.role, session.user.organization.id), (Role::User, admin.organization()));
    let mine = app.client_of(&session).get("/api/teams").await.ok();
    assert_eq!(mine["data"][0]["id"], team["id"], "they belong to the team at once");
    register("new@example.com", &created.token).await.problem(ErrorCode::InvitationInvalid);
    app.anonymous()
        .post("/api/auth/invitation", json!({"token": created.token}))
        .await
        .problem(ErrorCode::InvitationInvalid);
    admin.post("/api/invitations", &body).await.problem(ErrorCode::EmailTaken);
    assert!(admin.get("/api/invitations").await.read_as::<Page<Invitation>>().data.is_empty());
}

#[tokio::test]
async fn an_invitation_ends_when_it_is_withdrawn_replaced_or_late() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let invite = async || -> CreatedInvitation {
        admin.post("/api/invitations", json!({"email": "new@example.com", "role": "user"})).await.read_as()
    };
    let refused = async |token: &str| {
        let answer = app.anonymous().post("/api/auth/invitation", json!({"token": token})).await;
        answer.problem(ErrorCode::InvitationInvalid);
    };
    let (first, second) = (invite().await, invite().await);
    refused(&first.token).await;
    let address = format!("/api/invitations/{}", second.invitation.id);
    admin.delete(&address).await.status(204);
    admin.delete(&address).await.problem(ErrorCode::NotFound);
    refused(&second.token).await;
    let third = invite().await;
    app.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    app.anonymous().post("/api/auth/invitation", json!({"token": third.token})).await.ok();
    app.advance(TimeDelta::seconds(1));
    refused(&third.token).await;
    assert!(admin.get("/api/invitations").await.read_as::<Page<Invitation>>().data.is_empty());
}

#[tokio::test]
async fn nobody_invites_above_themselves_or_into_what_is_not_theirs() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let invite = async |by: &Client, body: Value| by.post("/api/invitations", body).await;
    invite(&people.tenant_admin, json!({"email": "a@example.com", "role": "admin"})).await.field("/role", "range");
    invite(&people.admin, json!({"email": "a@example.com", "role": "admin"})).await.status(201);
    let theirs = people.outsider.post("/api/teams", json!({"name": "Theirs"})).await.ok();
    let body = json!({"email": "b@example.com", "role": "user", "teamId": theirs["id"]});
    invite(&people.admin, body).await.field("/teamId", "unknown");
}

#[tokio::test]
async fn a_closed_registration_takes_no_invitation_either() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let invitation = json!({"email": "new@example.com", "role": "user"});
    let created: CreatedInvitation = admin.post("/api/invitations", &invitation).await.read_as();
    // The same deployment, closed since.
    let closed = TestApp::builder().set("REGISTRATION", "closed").spawn().await;
    let admin = closed.found("admin@example.com", "Example Inc.").await;
    admin.post("/api/invitations", &invitation).await.problem(ErrorCode::RegistrationClosed);
    let answer = closed.anonymous().post("/api/auth/register", invited("new@example.com", &created.token)).await;
    answer.problem(ErrorCode::RegistrationClosed);
}

#[tokio::test]
async fn signing_in_opens_a_session_that_no_script_can_read() {
    let app = TestApp::builder().set("PUBLIC_URL", "https://finops.example.com").spawn().await;
    app.found("admin@example.com", "Example Inc.").await;
    let answer = login(&app.anonymous(), " Admin@Example.com ", PASSWORD).await;
    let session: Session = answer.read_as();
    assert_eq!((session.token_type.as_str(), session.expires_in), ("Bearer", 900));
    let (value, whole) = cookie(&answer);
    for attribute in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/api/auth", "Max-Age=2592000"] {
        assert!(whole.contains(attribute), "{attribute} is not in {whole}");
    }
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    let stored = app.database.count("SELECT count(*) FROM refresh_tokens WHERE length(token_hash) = 32").await;
    assert_eq!(stored, 2);
    let clear = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM refresh_tokens WHERE token_hash::text LIKE '%' || $1 || '%'",
    );
    assert_eq!(clear.bind(value).fetch_one(&mut app.database.owner().await).await.expect("an answer"), 0);
    app.anonymous().with_token(session.access_token).get("/api/auth/me").await.ok();

    let local = TestApp::spawn().await;
    let answer = local.anonymous().post("/api/auth/register", founder("admin@example.com")).await;
    assert!(!cookie(&answer).1.contains("Secure"), "this machine's own address has no TLS");
}

#[tokio::test]
async fn who_does_not_exist_is_answered_as_who_has_another_password() {
    let app = TestApp::builder().set("TRUSTED_PROXY_HOPS", "1").spawn().await;
    app.found("admin@example.com", "Example Inc.").await;
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..7 {
        for (kind, email) in ["admin@example.com", "nobody@example.com"].into_iter().enumerate() {
            let client = app.anonymous().with_header("x-forwarded-for", format!("203.0.{kind}.{round}"));
            let started = Instant::now();
            let answer = login(&client, email, "wrong horse battery").await;
            times[kind].push(started.elapsed());
            let problem = answer.problem(ErrorCode::InvalidCredentials);
            assert_eq!(problem.detail, ErrorCode::InvalidCredentials.title_ko());
        }
    }
    // The least of each is what the work itself takes.
    let [known, unknown] = times.map(|times| times.into_iter().min().expect("times"));
    let (less, more) = (known.min(unknown), known.max(unknown));
    assert!(less > Duration::from_millis(5) && more < less * 2, "known {known:?}, unknown {unknown:?}");
}

#[tokio::test]
async fn an_old_hash_is_replaced_when_its_owner_signs_in() {
    let app = TestApp::spawn().await;
    app.found("admin@example.com", "Example Inc.").await;
    // `PASSWORD`, hashed with the least that argon2 allows.
    use argon2::password_hash::PasswordHasher as _;
    let params = argon2::Params::new(8, 1, 1, None).expect("parameters");
    let weak = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let weak = weak.hash_password(PASSWORD.as_bytes()).expect("a hash").to_string();
    sqlx::query("UPDATE users SET password_hash = $1")
        .bind(weak)
        .execute(&mut app.database.owner().await)
        .await
        .expect("stored");
    let strong = "SELECT count(*) FROM users WHERE password_hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'";
    assert_eq!(app.database.count(strong).await, 0);
    login(&app.anonymous(), "admin@example.com", PASSWORD).await.ok();
    assert_eq!(app.database.count(strong).await, 1);
    login(&app.anonymous(), "admin@example.com", PASSWORD).await.ok();
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_return_ends_the_session() {
    let app = TestApp::spawn().await;
    let admin = app.found("admin@example.com", "Example Inc.").await;
    let opened = login(&app.anonymous(), "admin@example.com", PASSWORD).await;
    let (first, _) = cookie(&opened);
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let (client, first) = (app.anonymous(), first.clone());
        requests.spawn(async move {
            let client = client.with_header("cookie", format!("finops_refresh={first}"));
            client.send(Method::POST, "/api/auth/refresh").await
        });
    }
    let answers = requests.join_all().await;
    let (lived, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(lived.len(), 1, "one live successor");
    refused.iter().for_each(|answer| drop(answer.problem(ErrorCode::RefreshInvalid)));
    let second = refresh(&app, &cookie(&lived[0]).0).await;
    let session: Session = second.read_as();
    let client = app.anonymous().with_token(session.access_token);
    client.get("/api/auth/me").await.ok();

    app.advance(TimeDelta::seconds(10));
    refresh(&app, &first).await.problem(ErrorCode::RefreshInvalid);
    refresh(&app, &cookie(&second).0).await.problem(ErrorCode::RefreshInvalid);
    client.get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    admin.get("/api/auth/me").await.ok();
    assert_eq!(actions(&admin).await[0], "session.end_replayed");
}

#[tokio::test]
async fn a_session_ends_after_thirty_days_of_silence() {
    let app = TestApp::spawn().await;
    let (value, _) = cookie(&app.anonymous().post("/api/auth/register", founder("admin@example.com")).await);
    app.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    let (value, _) = cookie(&refresh(&app, &value).await);
    app.advance(TimeDelta::days(30));
    refresh(&app, &value).await.problem(ErrorCode::RefreshInvalid);
    for strange in ["", "wrong", "a%00b"] {
        refresh(&app, strange).await.problem(ErrorCode::RefreshInvalid);
    }
    app.anonymous().send(Method::POST, "/api/auth/refresh").await.problem(ErrorCode::RefreshInvalid);
}

#[tokio::test]
async fn signing_out_ends_this_session_and_signing_out_everywhere_ends_all() {
    let app = TestApp::spawn().await;
    let first = app.found("admin@example.com", "Example Inc.").await;
    let opened = login(&app.anonymous(), "admin@example.com", PASSWORD).await;
    let (value, _) = cookie(&opened);
    let second = app.client_of(&opened.read_as());
    let out = async |value: &str| {
        let client = app.anonymous().with_header("cookie", format!("finops_refresh={value}"));
        client.send(Method::POST, "/api/auth/logout").await
    };
    let answer = out(&value).await;
    answer.status(204);
    assert!(cookie(&answer).1.contains("Max-Age=0"));
    second.get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    refresh(&app, &value).await.problem(ErrorCode::RefreshInvalid);
    first.get("/api/auth/me").await.ok();
    out(&value).await.status(204);
    out("nonsense").await.status(204);

    let third = app.sign_in("admin@example.com").await;
    third.delete("/api/auth/sessions").await.status(204);
    first.get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    third.get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    let again = app.sign_in("admin@example.com").await;
    assert_eq!(actions(&again).await[..4], ["session.begin", "session.end_all", "session.begin", "session.end"]);
}

#[tokio::test]
async fn a_changed_password_ends_every_other_session() {
    let app = TestApp::spawn().await;
    let first = app.found("admin@example.com", "Example Inc.").await;
    let second = app.sign_in("admin@example.com").await;
    let change = async |current: &str, new: &str| {
        first.post("/api/auth/password", json!({"currentPassword": current, "newPassword": new})).await
    };
    change(PASSWORD, "short").await.field("/newPassword", "length");
    change(PASSWORD, "nothing\u{0}typed").await.field("/newPassword", "control_character");
    for common in ["Password1234", "aaaaaaaaaaaaaaaa", "123456789012", "Admin@example.com"] {
        change(PASSWORD, common).await.problem(ErrorCode::PasswordTooCommon);
    }
    change("wrong horse battery", "a better horse battery").await.field("/currentPassword", "wrong");
    change(PASSWORD, "a better horse battery").await.status(204);
    first.get("/api/auth/me").await.ok();
    second.get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    login(&app.anonymous(), "admin@example.com", PASSWORD).await.problem(ErrorCode::InvalidCredentials);
    login(&app.anonymous(), "admin@example.com", "a better horse battery").await.ok();
    for _ in 0..5 {
        change("wrong horse battery", "a better horse battery").await.field("/currentPassword", "wrong");
    }
    change("a better horse battery", PASSWORD).await.problem(ErrorCode::RateLimited);
}

#[tokio::test]
async fn forged_tokens_open_nothing() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let app = TestApp::spawn().await;
    let answer = app.anonymous().post("/api/auth/register", founder("admin@example.com")).await;
    let (session, (refresh, _)) = (answer.read_as::<Session>(), cookie(&answer));
    let parts: Vec<&str> = session.access_token.split('.').collect();
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT"}"#), parts[1]);
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).expect("base64")).expect("text");
    let later = claims.replace("\"exp\":1", "\"exp\":9");
    assert_ne!(claims, later);
    let altered = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(later), parts[2]);
    // The same account and session, signed by a deployment with another key.
    let other = TestApp::builder().set("JWT_SECRET", "another secret of the tests, long enough").spawn().await;
    let claims = app.state.tokens.verify(&session.access_token, app.now()).expect("ours");
    let foreign = other.state.tokens.issue(claims.sub, claims.sid, app.now()).expect("a token");
    for token in [unsigned, altered, foreign, refresh, String::new()] {
        app.anonymous().with_token(token).get("/api/auth/me").await.problem(ErrorCode::Unauthenticated);
    }
    let mine = app.anonymous().with_token(session.access_token);
    mine.get("/api/auth/me").await.ok();
    app.advance(TimeDelta::minutes(15) + TimeDelta::seconds(5));
    mine.get("/api/auth/me").await.problem(ErrorCode::TokenExpired);
}

#[tokio::test]
async fn people_change_themselves_and_nothing_else() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let changed = people.user.patch("/api/auth/me", json!({"name": "New name", "locale": "en"})).await.ok();
    assert_eq!((&changed["name"], &changed["locale"]), (&json!("New name"), &json!("en")));
    let refused = people.user.patch("/api/auth/me", json!({"name": "Root", "role": "admin"})).await;
    refused.field("/role", "unknown_field");
    assert_eq!(people.user.get("/api/auth/me").await.ok(), changed);
    // An administrator of the platform acting elsewhere changes their own account at home.
    let elsewhere = people.admin.with_header("x-organization-id", people.outsider.organization());
    let me = elsewhere.patch("/api/auth/me", json!({"name": "Platform"})).await.ok();
    assert_eq!(me["organization"]["name"], "Other Inc.");
    assert_eq!(actions(&people.admin).await[0], "account.update");
    assert!(!actions(&people.outsider).await.contains(&"account.update".to_owned()));
}

#[tokio::test]
async fn the_language_of_the_request_comes_first() {
    let app = TestApp::spawn().await;
    for (wanted, title) in [
        ("en", ErrorCode::Unauthenticated.title_en()),
        ("fr, en;q=0.5", ErrorCode::Unauthenticated.title_en()),
        ("ko-KR", ErrorCode::Unauthenticated.title_ko()),
        ("fr", ErrorCode::Unauthenticated.title_ko()),
    ] {
        let client = app.anonymous().with_header("accept-language", wanted);
        assert_eq!(client.get("/api/auth/me").await.problem(ErrorCode::Unauthenticated).title, title, "{wanted}");
    }
}
