//! The command line, as a process.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::app::MASTER_KEY;
use crate::support::costs::{assert_rollup_is_exact, project, project_with_id, team, team_with_key};
use crate::support::database::Database;
use crate::support::process;

/// Another master key.
const OTHER_KEY: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

/// Runs `finops` against a service's database and outside world.
async fn finops(app: &TestApp, arguments: &[&str], input: &str) -> Output {
    let mut command = process::finops(app.database.url(), arguments);
    command
        .env("FINOPS_ENV", "development")
        .env("OPENAI_BASE_URL", app.simulator.openai_base_url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_owned();
    let run = move || {
        let mut child = command.spawn().expect("a process");
        // Whoever does not read it closes the pipe, which is no failure of the test's.
        drop(child.stdin.take().expect("a pipe").write_all(input.as_bytes()));
        child.wait_with_output().expect("an end")
    };
    tokio::task::spawn_blocking(run).await.expect("a process that ended")
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// What a command says that failed with this code.
fn problem(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let problem = json_of(output);
    assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{problem}");
    problem
}

#[tokio::test]
async fn a_team_is_set_up_and_checked_as_in_the_setup_guide() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let id = team(&people.admin, "Marketing Team").await;
    let before = finops(&app, &["validate-openai-setup", &id], "").await;
    assert_eq!(before.status.code(), Some(1), "it ran, and not all is well");
    assert!(text(&before).contains("✗ Admin API Key not registered"), "{before:?}");

    let key = app.provider_key("org-alpha");
    let registered = finops(&app, &["register-admin-key", &id], &format!("{key}\n")).await;
    let last4 = &key[key.len() - 4..];
    assert_eq!(text(&registered), format!("✓ The Admin API key is registered (ends with ...{last4})\n"));
    let everything = [registered.stdout.clone(), registered.stderr.clone()].concat();
    assert!(!String::from_utf8_lossy(&everything).contains(&key), "the key came back");
    let audit = people.admin.get("/api/audit-log").await.ok();
    let entry = audit["data"].as_array().unwrap().iter().find(|entry| entry["action"] == "admin_key.register");
    assert_eq!(entry.expect("an audit row")["actor"]["type"], "cli");

    project_with_id(&people.admin, &id, "web", "proj_web").await;
    project(&people.admin, &id, "idea").await;
    let valid = finops(&app, &["validate-openai-setup", "--all"], "").await;
    let expected = format!(
        "✓ Encryption working correctly\n✓ Team: Marketing Team ({id})\n  ✓ Admin API Key registered (ends with ...{last4})\n  \
         ✓ Admin API Key decryption successful\n  ✓ 2 projects found\n  ✓ 1 projects with OpenAI Project ID\n  \
         ✓ Costs API connection successful\n"
    );
    assert_eq!((text(&valid), valid.status.code()), (expected, Some(0)));
    app.run_jobs().await;
}

#[tokio::test]
async fn a_key_that_is_refused_is_told_with_its_code() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    let id = team(&people.admin, "platform").await;
    for (key, code) in [("sk-admin-0123456789abcdef0123456789", "admin_key_rejected"), ("hello", "admin_key_invalid")] {
        let refused = finops(&app, &["register-admin-key", &id], key).await;
        assert_eq!(refused.status.code(), Some(4));
        assert!(String::from_utf8_lossy(&refused.stderr).contains(code), "{refused:?}");
        let refused = finops(&app, &["-o", "json", "register-admin-key", &id], key).await;
        assert_eq!(
            (problem(&refused, 4)["status"].as_u64(), problem(&refused, 4)["code"].as_str()),
            (Some(422), Some(code))
        );
    }
    for arguments in [vec!["register-admin-key"], vec!["register-admin-key", "no-id"], vec!["no-such-command"]] {
        assert_eq!(finops(&app, &arguments, "").await.status.code(), Some(2), "{arguments:?}");
        let arguments = [arguments.as_slice(), &["-o", "json"]].concat();
        assert_eq!(problem(&finops(&app, &arguments, "").await, 2)["code"], "bad_request", "{arguments:?}");
    }
    let nobody = Uuid::from_u128(1).to_string();
    let missing = finops(&app, &["test-costs-api", &nobody], "").await;
    assert!(String::from_utf8_lossy(&missing.stderr).contains("there is no team"), "{missing:?}");
    for command in ["test-costs-api", "register-admin-key", "validate-openai-setup"] {
        let missing = finops(&app, &[command, &nobody, "-o", "json"], "sk-admin-0123456789abcdef0123456789").await;
        assert_eq!(problem(&missing, 3)["code"], "not_found", "{command}");
    }
    let keyless = finops(&app, &["test-costs-api", &id, "-o", "json"], "").await;
    assert_eq!(problem(&keyless, 4)["code"], "admin_key_missing");
}

#[tokio::test]
async fn what_does_not_answer_and_what_is_not_set_have_codes_of_their_own() {
    let nobody = Uuid::from_u128(1).to_string();
    let commands: [&[&str]; 6] = [
        &["migrate"],
        &["rekey"],
        &["verify-rollups"],
        &["collect"],
        &["validate-openai-setup"],
        &["test-costs-api", &nobody],
    ];
    for arguments in commands {
        let arguments = [arguments, &["--output", "json"]].concat();
        let run = |url: &str| process::finops(url, &arguments).output().expect("an end");
        let unreachable = run("postgres://nobody@127.0.0.1:1/nothing");
        assert_eq!(problem(&unreachable, 5)["code"], "unavailable", "{arguments:?}");
        let unset = problem(&run(""), 2);
        assert!(unset["detail"].as_str().unwrap().contains("DATABASE_URL"), "{arguments:?}: {unset}");
    }
}

#[tokio::test]
async fn the_schema_is_brought_up_to_date_without_the_services_secrets() {
    let database = Database::empty().await;
    let mut migrate = process::finops(database.url(), &["migrate", "-o", "json"]);
    let migrated = migrate.env_remove("ENCRYPTION_KEY").env_remove("JWT_SECRET").output().expect("an end");
    assert_eq!((json_of(&migrated), migrated.status.code()), (json!({"migrated": true}), Some(0)), "{migrated:?}");
    assert!(database.count("SELECT count(*) FROM _sqlx_migrations WHERE success").await > 5);
}

#[tokio::test]
async fn the_costs_api_is_tried_and_collected_from() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    // The process has the machine's clock, and so has the outside world now.
    app.provider().set_now(None);
    let id = team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    let tried = json_of(&finops(&app, &["test-costs-api", &id, "-o", "json"], "").await);
    assert_eq!((&tried["buckets"], &tried["projects"]), (&json!(30), &json!(2)));
    let collected = finops(&app, &["collect", "-o", "json"], "").await;
    let report = json_of(&collected);
    assert_eq!((&report["success"], &report["apiVersion"]), (&json!(true), &json!("costs_v1")));
    assert_eq!(report["recordsCreated"], json!(app.database.count("SELECT count(*) FROM billed_costs").await));
    let tomorrow = finops(&app, &["collect", "--date", "2999-01-01"], "").await;
    assert_eq!(tomorrow.status.code(), Some(2));
    let audit = people.admin.get("/api/audit-log?action=collection.request").await.ok();
    assert_eq!(audit["data"][0]["actor"], json!({"type": "cli", "id": null, "name": "finops"}));
    assert_eq!((&audit["data"][0]["targetId"], &audit["data"][0]["after"]["through"]), (&json!(id), &report["date"]));
    app.provider().revoke_key(&app.provider_key("org-alpha")).unwrap();
    let failed = finops(&app, &["collect"], "").await;
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed).contains("✗ platform: Unauthorized (401)"), "{failed:?}");
    let failed = finops(&app, &["collect", "-o", "json"], "").await;
    assert_eq!((json_of(&failed)["success"].clone(), failed.status.code()), (json!(false), Some(1)));
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    let said: Value = serde_json::from_str(told.lines().last().expect("a line")).expect("a problem beside the report");
    assert_eq!(said["code"], "check_failed");
    let tried = finops(&app, &["test-costs-api", &id, "-o", "json"], "").await;
    assert_eq!(problem(&tried, 4)["code"], "admin_key_rejected");
    app.run_jobs_and_let_them_die().await;
}

#[tokio::test]
async fn everything_is_encrypted_anew_and_the_settings_show_no_secret() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let report = json_of(&finops(&app, &["rekey", "-o", "json"], "").await);
    assert_eq!((&report["checked"], &report["failed"]), (&json!(1), &json!(0)));
    assert_eq!(report["rekeyed"], json!(0), "all of it is under this key");
    let mut rekey = process::finops(app.database.url(), &["rekey", "-o", "json"]);
    rekey.env("ENCRYPTION_KEY", OTHER_KEY).env("ENCRYPTION_KEY_PREVIOUS", MASTER_KEY);
    assert_eq!(json_of(&rekey.output().expect("an end"))["rekeyed"], json!(1));
    let audit = people.admin.get("/api/audit-log?action=secret.rekey").await.ok();
    assert_eq!(audit["data"].as_array().unwrap().len(), 1, "written down once, by whoever moved something");
    assert_eq!(
        (&audit["data"][0]["actor"]["type"], &audit["data"][0]["targetName"]),
        (&json!("cli"), &json!("secrets"))
    );
    let shown = finops(&app, &["config", "-o", "json"], "").await;
    assert!(json_of(&shown).as_array().unwrap().iter().any(|setting| setting["name"] == "OPENAI_BASE_URL"));
    let config = text(&finops(&app, &["config"], "").await);
    assert!(
        !text(&shown).contains(MASTER_KEY)
            && config.contains("OPENAI_BASE_URL")
            && !config.contains(MASTER_KEY)
            && !config.contains("a secret of the tests")
    );
    let migrated = finops(&app, &["migrate"], "").await;
    assert!(migrated.status.success(), "{migrated:?}");
}

#[tokio::test]
async fn sums_that_differ_from_their_lines_are_found_and_mended() {
    let app = TestApp::spawn().await;
    let people = app.people().await;
    team_with_key(&app, &people.admin, "platform", "org-alpha").await;
    app.run_jobs().await;
    let found = finops(&app, &["verify-rollups", "-o", "json"], "").await;
    assert_eq!((json_of(&found)["differing"].clone(), found.status.code()), (json!(0), Some(0)));
    app.database.sql("UPDATE billed_daily SET amount = amount + 0.000001 WHERE day = '2026-03-10'").await;
    app.database.sql("DELETE FROM billed_daily WHERE day = '2026-03-11'").await;
    let found = finops(&app, &["verify-rollups"], "").await;
    assert_eq!((text(&found).contains("2 days differ"), found.status.code()), (true, Some(1)));
    let mended = json_of(&finops(&app, &["verify-rollups", "--repair", "-o", "json"], "").await);
    assert_eq!((&mended["differing"], &mended["repaired"]), (&json!(2), &json!(2)));
    assert_rollup_is_exact(&app).await;
}
