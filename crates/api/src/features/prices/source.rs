//! Where price maps come from: a file, or an address that the operator configured or typed.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use chrono::{DateTime, Utc};
use finops_contract::ErrorCode;
use finops_contract::prices::{PriceImportReport, PriceVersionKind};
use futures_util::StreamExt as _;
use serde_json::json;
use uuid::Uuid;

use super::import::{self, Source};
use super::{litellm, store};
use crate::features::audit;
use crate::platform::db::{self, OrganizationId, Tx};
use crate::platform::http::{Actor, ApiError, Ctx};
use crate::platform::state::State;

/// The largest map that is read. The public one has some three megabytes.
const LIMIT: usize = 16 * 1024 * 1024;

/// Reads a map from a file.
///
/// # Errors
/// When it cannot be read, or is too large.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    ensure!(usize::try_from(size).is_ok_and(|size| size <= LIMIT), "{shown} is too large to be a price map");
    std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))
}

/// Fetches a map. Nothing of the address or of the answer is in the error: both may be secret.
///
/// # Errors
/// When there is no answer, or it is no text, too large, or an error.
pub(super) async fn fetch(http: &reqwest::Client, url: &str) -> anyhow::Result<String> {
    let answer = http.get(url).send().await.map_err(|error| anyhow::anyhow!("{}", failure(&error)))?;
    ensure!(answer.status().is_success(), "the list answered {}", answer.status().as_u16());
    let mut body = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| anyhow::anyhow!("{}", failure(&error)))?;
        ensure!(body.len() + chunk.len() <= LIMIT, "the list is too large to be a price map");
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| anyhow::anyhow!("the list is not UTF-8"))
}

fn failure(error: &reqwest::Error) -> &'static str {
    match () {
        () if error.is_builder() => "the list's address is no http or https URL",
        () if error.is_timeout() => "the list did not answer in time",
        () if error.is_connect() => "the list cannot be reached",
        () => "the list's answer broke off",
    }
}

/// An address without what may be secret in it: who asks, and with which token.
pub(super) fn public_name(url: &str) -> anyhow::Result<String> {
    let Ok(mut url) = reqwest::Url::parse(url) else { bail!("the list's address is no URL") };
    ensure!(matches!(url.scheme(), "http" | "https"), "the list's address is no http or https URL");
    url.set_query(None);
    url.set_fragment(None);
    let anonymous = url.set_username("").is_ok() && url.set_password(None).is_ok();
    ensure!(anonymous && url.as_str().len() <= 500, "the list's address is too long");
    Ok(url.into())
}

/// A map that was read, and how.
#[derive(Debug)]
pub struct Incoming {
    kind: PriceVersionKind,
    name: String,
    text: String,
    from: DateTime<Utc>,
    actor: Actor,
}

impl Incoming {
    /// Reads a file or fetches an address, for somebody at the command line.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn given(state: &State, from_where: &str, from: Option<DateTime<Utc>>) -> anyhow::Result<Self> {
        let now = state.clock.now();
        let from = from.unwrap_or(now);
        ensure!(from >= now, "public prices change from now on or later: what is past was priced");
        let is_url = from_where.starts_with("http://") || from_where.starts_with("https://");
        let (name, text) = if is_url {
            (public_name(from_where)?, fetch(state.providers.http(), from_where).await?)
        } else {
            let path = Path::new(from_where);
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (format!("file {name}"), read(path)?)
        };
        Ok(Self { kind: PriceVersionKind::Import, name, text, from, actor: Actor::Cli })
    }

    /// Fetches the configured address, for the job.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) async fn configured(state: &State, url: &str, job: &'static str) -> anyhow::Result<Self> {
        let text = fetch(state.providers.http(), url).await?;
        let (kind, from) = (PriceVersionKind::Update, state.clock.now());
        Ok(Self { kind, name: public_name(url)?, text, from, actor: Actor::System { job } })
    }

    /// Takes it into the book.
    ///
    /// # Errors
    /// When it is no price map, and the database's.
    pub async fn take(self, state: &State) -> anyhow::Result<PriceImportReport> {
        let map = litellm::parse(&self.text)
            .map_err(|error| ApiError::new(ErrorCode::BadRequest).with_detail(error.to_string()).with_source(error))?;
        let by = match self.actor {
            Actor::Cli => "command line",
            _ => "daily update",
        };
        let source = Source {
            kind: self.kind,
            name: &self.name,
            licence: None,
            checksum: import::checksum(&self.text),
            effective_from: self.from,
            checked_at: state.clock.now(),
            by,
        };
        let mut tx = state.db.background().platform().await?;
        let (report, version) = import::take(&mut tx, &state.clock, &source, map).await?;
        if let Some(version) = version {
            write_down(state, &mut tx, self.actor, version, &report).await?;
        }
        tx.commit().await?;
        Ok(report)
    }
}

/// Writes a change of the public prices down where the platform's administrators see it. Before there is any, the version
/// alone says it.
async fn write_down(
    state: &State,
    tx: &mut Tx,
    actor: Actor,
    version: Uuid,
    report: &PriceImportReport,
) -> sqlx::Result<()> {
    let Some(organization) = store::administrators(tx).await?.map(OrganizationId) else { return Ok(()) };
    db::enter(tx, organization).await?;
    let ctx = Ctx::trusted(actor, organization, state.clock.clone());
    let counts = json!({
        "entriesNew": report.entries_new, "entriesChanged": report.entries_changed,
        "entriesSuspicious": report.entries_suspicious, "entriesSkipped": report.entries_skipped,
    });
    audit::record(tx, &ctx, audit::Change::new("price.import", version, &report.source).after(counts)).await
}

#[cfg(test)]
mod tests {
    use super::public_name;

    #[test]
    fn the_name_of_a_list_holds_no_secret() {
        let name = public_name("https://user:secret@prices.example.com/map.json?token=secret#x").unwrap();
        assert_eq!(name, "https://prices.example.com/map.json");
        for bad in ["ftp://example.com/x", "nonsense", "file:///etc/passwd"] {
            assert!(public_name(bad).is_err(), "{bad}");
        }
    }
}
