//! Everything that the simulator knows, behind one lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, anyhow, ensure};
use chrono::{DateTime, Utc};
use tokio::sync::watch;

use crate::channels::inbox::Post;
use crate::control::RequestRecord;
use crate::faults::Faults;
use crate::openai::spec::OrganizationSpec;
use crate::openai::state::Organization;

/// A registered admin key.
#[derive(Debug, Clone)]
pub(crate) struct AdminKey {
    /// Index of its organization.
    pub(crate) organization: usize,
    /// `None`: every scope.
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) revoked: bool,
    /// Unix seconds.
    pub(crate) created_at: i64,
    /// Unix seconds.
    pub(crate) last_used_at: Option<i64>,
}

/// The state of the simulator.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) clock: Option<DateTime<Utc>>,
    pub(crate) organizations: Vec<Organization>,
    pub(crate) keys: HashMap<String, AdminKey>,
    pub(crate) faults: Faults,
    pub(crate) requests: Vec<RequestRecord>,
    pub(crate) post: Post,
    /// How many requests were answered, for request ids.
    pub(crate) answered: u64,
}

/// The shared world.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    world: Mutex<World>,
    /// Changes with every letter, for whoever waits for one.
    letters: watch::Sender<()>,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait for letters.
    pub(crate) fn announce(&self) {
        self.0.letters.send_replace(());
    }

    /// Changes whenever a letter does.
    pub(crate) fn letters(&self) -> watch::Receiver<()> {
        self.0.letters.subscribe()
    }
}

impl World {
    /// The simulator's time.
    #[allow(clippy::disallowed_methods, reason = "the one place where the simulator reads the real clock")]
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.unwrap_or_else(Utc::now)
    }

    pub(crate) fn add_organization(&mut self, spec: OrganizationSpec) -> Result<()> {
        let exists = self.organizations.iter().any(|organization| organization.spec.id == spec.id);
        ensure!(!exists, "organization {:?} exists", spec.id);
        let taken = spec.admin_keys.iter().any(|key| self.keys.contains_key(key));
        ensure!(!taken, "an admin key belongs to another organization");
        let mut ids: Vec<&str> = spec.projects.iter().map(|project| project.id.as_str()).collect();
        ids.sort_unstable();
        ensure!(ids.windows(2).all(|pair| pair[0] != pair[1]), "a project id is used twice");
        let keys = spec.admin_keys.clone();
        let id = spec.id.clone();
        self.organizations.push(Organization::new(spec));
        keys.into_iter().try_for_each(|key| self.add_key(&id, key, None))
    }

    pub(crate) fn add_key(&mut self, organization: &str, key: String, scopes: Option<Vec<String>>) -> Result<()> {
        let index = self.index(organization)?;
        ensure!(!self.keys.contains_key(&key), "the key is registered already");
        let created_at = crate::openai::ledger::midnight(self.organizations[index].spec.first_day).timestamp();
        let entry = AdminKey { organization: index, scopes, revoked: false, created_at, last_used_at: None };
        self.keys.insert(key, entry);
        Ok(())
    }

    pub(crate) fn index(&self, organization: &str) -> Result<usize> {
        let position = self.organizations.iter().position(|known| known.spec.id == organization);
        position.ok_or_else(|| anyhow!("no organization {organization:?}"))
    }

    pub(crate) fn organization(&mut self, id: &str) -> Result<&mut Organization> {
        let index = self.index(id)?;
        Ok(&mut self.organizations[index])
    }
}
