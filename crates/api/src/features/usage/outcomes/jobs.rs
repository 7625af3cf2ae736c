//! Calls that are reported after what came of them.

use std::time::Duration;

use async_trait::async_trait;

use super::{service, store};
use crate::platform::clock::Clock;
use crate::platform::db::Db;
use crate::platform::jobs::Reconciler;

/// How soon a call is looked for, about.
const PERIOD: Duration = Duration::from_secs(10);

/// Brings outcomes and calls together, of every organization.
#[derive(Debug)]
pub(in super::super) struct Match {
    pub(in super::super) db: Db,
    pub(in super::super) clock: Clock,
}

#[async_trait]
impl Reconciler for Match {
    fn name(&self) -> &'static str {
        "usage_outcomes"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn pass(&self) -> anyhow::Result<()> {
        let mut tx = self.db.background().platform().await?;
        let organizations = store::who_waits(&mut tx, self.clock.now()).await?;
        tx.commit().await?;
        for organization in organizations {
            while service::match_waiting(&self.db, &self.clock, organization).await? {}
        }
        Ok(())
    }
}
