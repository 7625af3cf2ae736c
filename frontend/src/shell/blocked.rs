//! Whether anything is blocked that the reader sees. Only then is there a banner, and only then does its code come.

use std::sync::LazyLock;
use std::time::Duration;

use finops_contract::Page;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;

use crate::api::{ApiError, client};
use crate::reactive::{effect, live};
use crate::{pieces, session};

/// What is blocked now; what the banner shows of it, and a little more.
pub const BLOCKS_PATH: &str = "/blocks?status=active&limit=20";

/// What waits for a second person.
pub const WAITING_PATH: &str = "/blocks?status=requested&limit=20";

/// How often it is looked for: somebody else, or a budget, may block too.
const EVERY: Duration = Duration::from_secs(30);

static LOOKS: LazyLock<ArcRwSignal<u32>> = LazyLock::new(ArcRwSignal::default);

/// What is stopped, as the addresses of `/block/…` name it.
static STOPPED: LazyLock<ArcRwSignal<Vec<String>>> = LazyLock::new(ArcRwSignal::default);

/// What is looked at of a block; the pages about blocks read all of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    target: SeenTarget,
    mode: String,
    may_approve: bool,
}

#[derive(Deserialize)]
struct SeenTarget {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

impl Seen {
    fn address(&self) -> String {
        format!("{}:{}", self.target.kind, self.target.id)
    }
}

/// Something was blocked or lifted: looks at once.
pub fn look_for_blocks() {
    LOOKS.update(|looks| *looks += 1);
}

/// How often it was looked for; follows it.
pub fn looks_for_blocks() -> u32 {
    LOOKS.get()
}

/// Whether what `/block/…` would stop is stopped already; follows that.
pub fn is_stopped(path: &str) -> bool {
    let target = path.strip_prefix("/block/").and_then(|rest| rest.split('?').next());
    target.is_some_and(|target| STOPPED.with(|stopped| stopped.iter().any(|one| one == target)))
}

/// Whether the reader may have something to approve.
pub fn asks_for_waiting() -> bool {
    session::manages() && session::me().is_some_and(|me| me.organization.two_person_blocks)
}

async fn read(path: &str) -> Result<Vec<Seen>, ApiError> {
    client::get_text(path).await.and_then(|text| client::read::<Page<Seen>>(&text)).map(|page| page.data)
}

/// Whether there is something to say. Fails where that is not known.
async fn look() -> Result<bool, ApiError> {
    let active = read(BLOCKS_PATH).await?;
    let stopped: Vec<_> = active.iter().filter(|block| block.mode == "stop").map(Seen::address).collect();
    if STOPPED.with_untracked(|known| *known != stopped) {
        STOPPED.set(stopped);
    }
    let waits = asks_for_waiting() && read(WAITING_PATH).await?.iter().any(|block| block.may_approve);
    Ok(waits || !active.is_empty())
}

/// The banner, if there is something to say.
pub(super) fn banner() -> AnyView {
    let any = RwSignal::new(false);
    let again = move || {
        spawn_local(async move {
            // Without an answer what was known stays.
            if let Ok(now) = look().await {
                any.try_set(now);
            }
        });
    };
    effect(move |_| {
        LOOKS.track();
        // What the page shows comes first.
        pieces::when_idle(again);
    });
    let tick = || {
        if !document().hidden() {
            look_for_blocks();
        }
    };
    if let Ok(handle) = set_interval_with_handle(tick, EVERY) {
        on_cleanup(move || handle.clear());
    }
    let shown = Memo::new(move |_| any.get());
    live(move || shown.get().then(|| pieces::once_here(pieces::block_banner)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stopped_is_not_offered_again() {
        let json = r#"{"id":"b","target":{"type":"project","id":"1","name":"n"},"mode":"stop","mayApprove":false}"#;
        let seen: Seen = serde_json::from_str(json).unwrap();
        STOPPED.set(vec![seen.address()]);
        assert!(is_stopped("/block/project:1?alert=2"));
        for other in ["/block/project:12", "/block/api_key:1", "/alerts/1", ""] {
            assert!(!is_stopped(other));
        }
    }
}
