//! The client libraries in `sdk/`: their generated types, and their tests against the built service.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::demo::{Session, SignIn};
use crate::postgres::free_port;
use crate::programs::{self, Programs};
use crate::services::{self, Ledger};
use crate::test::Servers;
use crate::{paths, toolchain};

const DATABASE: &str = "finops_sdk";

/// What the project was billed, as date, model and cost: what the libraries' tests of analytics expect to the last digit.
const BILL: [(&str, &str, &str); 3] =
    [("2026-01-01", "gpt-4o", "0.1"), ("2026-01-01", "gpt-4o-mini", "0.000000000001"), ("2026-01-31", "gpt-4o", "0.2")];

/// Makes the libraries' types from `openapi/openapi.json`, or (with `check`) compares them.
///
/// # Errors
/// When a generator fails, or (with `check`) something is out of date.
pub(crate) fn types(root: &Path, check: bool) -> Result<()> {
    let check = check.then_some("--check");
    services::run(Command::new("python3").current_dir(root).arg("sdk/python/scripts/generate.py").args(check))?;
    let typescript = root.join("sdk/typescript");
    toolchain::npm_ci(&typescript)?;
    services::run(Command::new("node").current_dir(typescript).arg("scripts/generate.mjs").args(check))
}

/// Runs the libraries' tests against the built service on a database of its own.
///
/// # Errors
/// When one fails, or something they need is missing or does not start.
pub(crate) fn test(root: &Path, servers: &Servers, bin: PathBuf) -> Result<()> {
    let home = root.join("target/sdk");
    paths::private_dir(&home, false)?;
    let ledger = Ledger::at(home.join("children.json"));
    ledger.sweep();
    servers.cluster.ensure_database(DATABASE)?;
    let port = free_port()?;
    let env = programs::quiet(servers.cluster.url(DATABASE), port)?;
    let programs = Programs { root, bin, home: &home, ledger: &ledger };
    programs.migrate(&env)?;
    let _service = programs.serve(&env, port)?;
    let url = format!("http://127.0.0.1:{port}");
    let (project, key) = customer(&url)?;
    let told = [
        ("FINOPS_URL", url.as_str()),
        ("FINOPS_API_KEY", key.as_str()),
        ("FINOPS_PROJECT_ID", project.as_str()),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let python = toolchain::sdk_python(root)?;
    let unittest = services::run(
        Command::new(python).current_dir(root.join("sdk/python")).args(["-m", "unittest", "--quiet"]).envs(told),
    );
    let typescript = root.join("sdk/typescript");
    toolchain::npm_ci(&typescript)?;
    services::run(Command::new("npm").current_dir(typescript).args(["test", "--silent"]).envs(told))?;
    unittest
}

/// An organization with a project that cost something; answers the project's id and an API key.
fn customer(url: &str) -> Result<(String, String)> {
    let password = format!("sdk-{}", paths::hex(&paths::random::<8>()?));
    let mut session = Session::open(url, &SignIn { email: "sdk@example.com".to_owned(), password })?;
    let team = session.team("Clients")?;
    let project = session.post("/api/projects", &json!({ "teamId": team, "name": "client", "environment": "ci" }))?;
    let project = text(&project, "id")?;
    let key = session.post("/api/api-keys", &json!({ "name": "client", "scopes": ["ingest", "read", "guard"] }))?;
    // What the libraries' tests of checks are held to: it is theirs alone, and no test spends as much.
    let budget = json!({ "name": "client", "scope": { "type": "project", "id": project }, "amount": "1000000", "period": "yearly",
        "enforcement": "hard" });
    session.post("/api/budgets", &budget)?;
    let lines: String =
        BILL.iter().map(|(day, model, cost)| format!("{day},{project},{model},1000,{cost},USD\n")).collect();
    let file = format!("date,project,model,tokens,cost,currency\n{lines}");
    session.upload(&format!("/api/costs/import?teamId={team}"), "text/csv", &file)?;
    Ok((project, text(&key, "key")?))
}

fn text(answer: &Value, field: &str) -> Result<String> {
    Ok(answer[field].as_str().with_context(|| format!("no `{field}`"))?.to_owned())
}
