//! Services on a database of their own, and what is found in it afterwards.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::ledger::Ledger;
use crate::demo::{Session, SignIn};
use crate::paths;
use crate::postgres::{Cluster, Spec, free_port};
use crate::programs::Programs;
use crate::services::Service;

/// What is tortured.
pub(super) struct Stage<'a> {
    pub(super) programs: &'a Programs<'a>,
    pub(super) cluster: &'a mut Cluster,
    pub(super) spec: &'a Spec,
    pub(super) seed: u64,
}

/// One service and how it is started again.
pub(super) struct Replica {
    pub(super) service: Service,
    pub(super) url: String,
    env: Vec<(String, OsString)>,
    port: u16,
}

/// Whoever reports: a key, and the project that events name.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) key: String,
    pub(super) project: String,
}

impl Stage<'_> {
    /// Starts a service on a fresh database, reached at `port` of this machine, and sets it up.
    pub(super) fn open(&self, database: &str, port: u16, jobs: bool) -> Result<(Replica, Caller)> {
        self.cluster.ensure_database(database)?;
        let replica = self.replica(database, port, jobs)?;
        let password = format!("torture-{}", paths::hex(&paths::random::<8>()?));
        let mut session = Session::open(&replica.url, &SignIn { email: "torture@example.com".to_owned(), password })?;
        let team = session.team("Torture")?;
        let project = json!({"teamId": team, "name": "torture", "environment": "ci"});
        let project = session.put("POST", "/api/projects", &project)?;
        let key = session.put("POST", "/api/api-keys", &json!({"name": "torture", "scopes": ["ingest"]}))?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("a text");
        Ok((replica, Caller { key: text(&key["key"])?, project: text(&project["id"])? }))
    }

    fn replica(&self, database: &str, port: u16, jobs: bool) -> Result<Replica> {
        self.replica_with(database, port, jobs, &[])
    }

    /// Starts a service on a database, reached at `port`, with more in its environment.
    pub(super) fn replica_with(
        &self,
        database: &str,
        port: u16,
        jobs: bool,
        more: &[(&str, String)],
    ) -> Result<Replica> {
        let listens = free_port()?;
        let url = format!("http://127.0.0.1:{listens}");
        let env = [
            ("FINOPS_ENV", "development".to_owned()),
            ("HOST", "127.0.0.1".to_owned()),
            ("PORT", listens.to_string()),
            ("PUBLIC_URL", url.clone()),
            ("DATABASE_URL", self.cluster.url_at(database, port)),
            ("JWT_SECRET", paths::hex(&paths::random::<32>()?)),
            ("ENCRYPTION_KEY", paths::hex(&paths::random::<32>()?)),
            ("JOBS_ENABLED", jobs.to_string()),
            ("LOG_FORMAT", "json".to_owned()),
        ];
        let env = env.into_iter().chain(more.iter().map(|(name, value)| (*name, value.clone())));
        let env: Vec<(String, OsString)> = env.map(|(name, value)| (name.to_owned(), value.into())).collect();
        self.programs.migrate(&env)?;
        let service = self.programs.serve(&env, listens)?.grace(Duration::from_secs(3));
        Ok(Replica { service, url, env, port: listens })
    }

    /// A second service beside one.
    pub(super) fn beside(&self, replica: &Replica) -> Result<Replica> {
        let listens = free_port()?;
        let mut env = replica.env.clone();
        for (name, value) in &mut env {
            if name == "PORT" {
                *value = listens.to_string().into();
            }
        }
        let url = format!("http://127.0.0.1:{listens}");
        let service = self.programs.serve(&env, listens)?.grace(Duration::from_secs(3));
        Ok(Replica { service, url, env, port: listens })
    }

    /// Kills a service where it stands and starts it again; seconds until it was ready.
    pub(super) fn kill(&self, replica: &mut Replica) -> Result<f64> {
        replica.service.kill()?;
        self.start_again(replica)
    }

    /// Starts a service again that has ended; seconds until it was ready.
    pub(super) fn start_again(&self, replica: &mut Replica) -> Result<f64> {
        let start = Instant::now();
        replica.service = self.programs.serve(&replica.env, replica.port)?.grace(Duration::from_secs(3));
        Ok(start.elapsed().as_secs_f64())
    }

    /// Compares what callers were told with what is there, and proves the sums.
    pub(super) fn find(&self, database: &str, replica: &Replica, ledger: &Ledger) -> Result<Found> {
        let stored = self.cluster.session(database, &["SELECT event_id FROM usage_events"])?;
        let stored: Vec<&str> = stored.lines().filter(|line| !line.is_empty()).collect();
        let unique: BTreeSet<&str> = stored.iter().copied().collect();
        let acknowledged: BTreeSet<&str> = ledger.acknowledged.iter().map(String::as_str).collect();
        let rollups = self.programs.answer(&["verify-rollups", "--output", "json"], &replica.env);
        Ok(Found {
            acknowledged: acknowledged.len(),
            stored: stored.len(),
            lost: acknowledged.difference(&unique).count(),
            unasked: unique.difference(&acknowledged).count(),
            duplicates: stored.len() - unique.len(),
            rollups: match rollups {
                Ok(_) => "exact".to_owned(),
                Err(error) => format!("{error:#}"),
            },
        })
    }
}

/// What is in the database, against what callers were told.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) acknowledged: usize,
    pub(super) stored: usize,
    pub(super) lost: usize,
    /// Stored and never acknowledged, although every caller went on until they knew.
    pub(super) unasked: usize,
    pub(super) duplicates: usize,
    pub(super) rollups: String,
}

impl Found {
    pub(super) fn is_right(&self) -> bool {
        self.acknowledged > 0 && self.lost + self.unasked + self.duplicates == 0 && self.rollups == "exact"
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "acknowledged": self.acknowledged, "stored": self.stored, "lost": self.lost, "unasked": self.unasked,
            "duplicates": self.duplicates, "rollups": self.rollups,
        })
    }
}
