//! Setting a team up from the command line, and checking that it is.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Read as _};

use anyhow::{Context as _, ensure};
use finops_contract::ErrorCode;
use finops_contract::accounts::Locale;
use finops_contract::admin_keys::{Provider, RegisterAdminKeyRequest};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use uuid::Uuid;

use super::exit::{Unwell, Usage};
use super::output::{Output, print};
use crate::features::collector::setup::{self, Check, Probe, TeamSetup};
use crate::features::teams::{self, Team};
use crate::features::{admin_keys, organizations};
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::db::OrganizationId;
use crate::platform::http::{Actor, ApiError, Ctx};
use crate::platform::state::State;

/// A key longer than this is no key.
const KEY_LIMIT: u64 = 4_096;

/// Registers a team's admin key, read from standard input or a prompt: an argument would be seen by every process.
pub(super) async fn register_admin_key(config: Config, team: Uuid, output: Output) -> anyhow::Result<()> {
    let key = read_key()?;
    let state = State::new(config, Clock::system()).await?;
    let (organization, team) = find(&state, team).await?;
    let mut ctx = Ctx::trusted(Actor::Cli, organization, state.clock.clone());
    ctx.locale = Locale::En;
    let request = RegisterAdminKeyRequest { provider: Provider::Openai, key: key.expose_secret().to_owned() };
    let registered = admin_keys::register(&state, &ctx, team.id, &request).await;
    state.db.close().await;
    output.print(&registered?, |registered| format!("✓ {}\n", registered.message))
}

fn read_key() -> anyhow::Result<SecretString> {
    if std::io::stdin().is_terminal() {
        return Ok(rpassword::prompt_password("Admin API key: ").context("cannot read the key")?.into());
    }
    let mut key = String::new();
    std::io::stdin().take(KEY_LIMIT).read_to_string(&mut key).context("cannot read the key from standard input")?;
    ensure!(!key.trim().is_empty(), Usage("give the key on standard input"));
    Ok(key.into())
}

/// A team of any organization.
async fn find(state: &State, id: Uuid) -> anyhow::Result<(OrganizationId, Team)> {
    for (organization, team) in all(state).await? {
        if team.id == id {
            return Ok((organization, team));
        }
    }
    state.db.close().await;
    Err(ApiError::new(ErrorCode::NotFound).with_detail(format!("there is no team {id}")).into())
}

/// Every team of every organization.
async fn all(state: &State) -> anyhow::Result<Vec<(OrganizationId, Team)>> {
    let mut tx = state.db.platform().await.context("the database does not answer")?;
    let organizations = organizations::ids(&mut tx).await?;
    tx.commit().await?;
    let mut found = Vec::new();
    for organization in organizations {
        let mut tx = state.db.tenant(organization).await?;
        found.extend(teams::all(&mut tx, organization).await?.into_iter().map(|team| (organization, team)));
        tx.commit().await?;
    }
    Ok(found)
}

/// What was checked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    ok: bool,
    encryption: Encryption,
    teams: Vec<TeamSetup>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Encryption {
    ok: bool,
    key_id: String,
    error: Option<String>,
}

/// Checks the encryption and one team, or all of them.
pub(super) async fn validate(config: Config, team: Option<Uuid>, output: Output) -> anyhow::Result<()> {
    let state = State::new(config, Clock::system()).await?;
    let encryption = match state.secrets.vault().check().await {
        Ok(()) => Encryption { ok: true, key_id: state.secrets.vault().key_id().to_owned(), error: None },
        Err(error) => {
            let key_id = state.secrets.vault().key_id().to_owned();
            Encryption { ok: false, key_id, error: Some(error.to_string()) }
        }
    };
    let chosen = match team {
        Some(team) => vec![find(&state, team).await?],
        None => all(&state).await?,
    };
    let mut teams = Vec::new();
    for (organization, team) in chosen {
        teams.push(setup::check_team(&state, organization, team.id, team.name).await?);
    }
    state.db.close().await;
    let ok = encryption.ok && teams.iter().all(|team| team.ok);
    let validation = Validation { ok, encryption, teams };
    output.print(&validation, text)?;
    ensure!(ok, Unwell("the set-up is not complete"));
    Ok(())
}

fn text(validation: &Validation) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = match &validation.encryption {
        Encryption { error: None, .. } => writeln!(text, "✓ Encryption working correctly"),
        Encryption { error: Some(error), .. } => writeln!(text, "✗ Encryption: {error}"),
    };
    if validation.teams.is_empty() {
        text.push_str("✗ No teams found\n");
    }
    for team in &validation.teams {
        let _ = writeln!(text, "{} Team: {} ({})", mark(team.ok), team.team_name, team.team_id);
        for check in &team.checks {
            let _ = writeln!(text, "  {} {}", mark(check.ok), check.text);
        }
    }
    text
}

const fn mark(ok: bool) -> char {
    if ok { '✓' } else { '✗' }
}

/// Asks the Costs API for a team's last thirty days.
pub(super) async fn test_costs_api(config: Config, team: Uuid, output: Output) -> anyhow::Result<()> {
    let state = State::new(config, Clock::system()).await?;
    let (organization, team) = find(&state, team).await?;
    let probe = setup::probe(&state, organization, team.id).await;
    state.db.close().await;
    match probe {
        Ok(probe) => output.print(&probe, probe_text),
        Err(check) => {
            if output == Output::Text {
                print(&format!("✗ {}\n", check.text))?;
            }
            Err(ApiError::new(code_of(&check)).with_detail(check.text).into())
        }
    }
}

/// What a failed check is among the errors.
fn code_of(check: &Check) -> ErrorCode {
    match check.code {
        Some("unauthorized" | "rejected") => ErrorCode::AdminKeyRejected,
        Some("admin_key_missing") => ErrorCode::AdminKeyMissing,
        Some("encryption_unavailable") => ErrorCode::EncryptionUnavailable,
        Some("database_unavailable") => ErrorCode::Unavailable,
        Some("decryption_failed") => ErrorCode::Internal,
        _ => ErrorCode::ProviderUnavailable,
    }
}

fn probe_text(probe: &Probe) -> String {
    let mut text = format!("✓ Costs API response received\n✓ Found {} cost buckets\n", probe.buckets);
    for (currency, total) in &probe.totals {
        let _ = match currency.as_str() {
            "USD" => writeln!(text, "✓ Total cost: ${}", total.round_dp(2)),
            other => writeln!(text, "✓ Total cost: {} {other}", total.round_dp(2)),
        };
    }
    if probe.totals.is_empty() {
        text.push_str("✓ No usage data found: OpenAI's data is delayed by 8 to 24 hours\n");
    }
    let _ = writeln!(text, "✓ Unique projects: {}", probe.projects);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_reads_as_in_the_setup_guide() {
        let totals = [("USD".to_owned(), "45.674".parse().unwrap())].into();
        let text = probe_text(&Probe { buckets: 12, totals, projects: 3 });
        assert_eq!(
            text,
            "✓ Costs API response received\n✓ Found 12 cost buckets\n✓ Total cost: $45.67\n✓ Unique projects: 3\n"
        );
    }
}
