//! Walking pages without trusting the provider to end the list, to move forward, or to say each thing once.

use std::collections::HashSet;
use std::hash::Hash;

use crate::capabilities::{
    CostPage, CostQuery, CostSource, Cursor, Project, ProjectApiKey, ProjectControls, ProjectDirectory, RateLimit,
};
use crate::error::ProviderError;
use crate::usage::{UsagePage, UsageQuery, UsageSource};

/// More pages than this are not a list. Costs have 180 days a page and usage a day of minutes, so both go years back.
const MAX_PAGES: usize = 2_000;

/// Remembers what has been seen. `K` is what makes an entry of the list unique.
#[derive(Debug)]
struct Guard<K> {
    cursors: HashSet<Cursor>,
    entries: HashSet<K>,
    pages: usize,
    max_pages: usize,
}

impl<K: Eq + Hash> Guard<K> {
    fn new(max_pages: usize) -> Self {
        Self { cursors: HashSet::new(), entries: HashSet::new(), pages: 0, max_pages }
    }

    fn admit(&mut self, next: Option<&Cursor>, entries: impl Iterator<Item = K>) -> Result<(), ProviderError> {
        let broken = |reason| Err(ProviderError::BrokenPaging { reason });
        for entry in entries {
            if !self.entries.insert(entry) {
                return broken("an entry came twice");
            }
        }
        self.pages += 1;
        let Some(next) = next else { return Ok(()) };
        if !self.cursors.insert(next.clone()) {
            return broken("a cursor came twice");
        }
        if self.pages >= self.max_pages {
            return broken("too many pages");
        }
        Ok(())
    }
}

/// Where a walk stands.
#[derive(Debug)]
enum Place {
    Start,
    At(Cursor),
    End,
}

impl Place {
    fn after(next: Option<&Cursor>) -> Self {
        next.map_or(Self::End, |cursor| Self::At(cursor.clone()))
    }
}

/// Walks all pages of a cost query, one at a time, so that the caller can store while paging.
///
/// ```no_run
/// # async fn f(source: &dyn finops_providers::CostSource, query: finops_providers::CostQuery) -> Result<(), finops_providers::ProviderError> {
/// let mut pages = finops_providers::CostPages::new(source, query);
/// while let Some(page) = pages.next().await? {
///     // store page.buckets
/// }
/// # Ok(()) }
/// ```
pub struct CostPages<'a> {
    source: &'a dyn CostSource,
    query: CostQuery,
    guard: Guard<i64>,
    place: Place,
}

impl<'a> CostPages<'a> {
    /// Starts at the first page; nothing is asked yet.
    pub fn new(source: &'a dyn CostSource, query: CostQuery) -> Self {
        Self { source, query, guard: Guard::new(MAX_PAGES), place: Place::Start }
    }

    /// Ends with an error after this many pages instead of 2000.
    #[must_use]
    pub fn with_max_pages(mut self, max_pages: usize) -> Self {
        self.guard.max_pages = max_pages;
        self
    }

    /// Gives the next page, None after the last. The page that broke the paging is not given: nothing in it can be
    /// trusted. After a transient error the same page may be asked for again; dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ProviderError::BrokenPaging`] for a cursor that is missing, empty or seen before, a day seen before, or too
    /// many pages; else what the source gives.
    pub async fn next(&mut self) -> Result<Option<CostPage>, ProviderError> {
        let page = match &self.place {
            Place::End => return Ok(None),
            Place::Start => self.source.costs_page(&self.query, None).await?,
            Place::At(cursor) => self.source.costs_page(&self.query, Some(cursor)).await?,
        };
        self.guard.admit(page.next.as_ref(), page.buckets.iter().map(|bucket| bucket.start.timestamp()))?;
        self.place = Place::after(page.next.as_ref());
        Ok(Some(page))
    }
}

/// Walks all pages of a usage query; see [`CostPages`].
pub struct UsagePages<'a> {
    source: &'a dyn UsageSource,
    query: UsageQuery,
    guard: Guard<i64>,
    place: Place,
}

impl<'a> UsagePages<'a> {
    /// Starts at the first page; nothing is asked yet.
    pub fn new(source: &'a dyn UsageSource, query: UsageQuery) -> Self {
        Self { source, query, guard: Guard::new(MAX_PAGES), place: Place::Start }
    }

    /// Ends with an error after this many pages instead of 2000.
    #[must_use]
    pub fn with_max_pages(mut self, max_pages: usize) -> Self {
        self.guard.max_pages = max_pages;
        self
    }

    /// Gives the next page, None after the last. After a transient error the same page may be asked for again.
    ///
    /// # Errors
    /// As [`CostPages::next`].
    pub async fn next(&mut self) -> Result<Option<UsagePage>, ProviderError> {
        let page = match &self.place {
            Place::End => return Ok(None),
            Place::Start => self.source.usage_page(&self.query, None).await?,
            Place::At(cursor) => self.source.usage_page(&self.query, Some(cursor)).await?,
        };
        self.guard.admit(page.next.as_ref(), page.buckets.iter().map(|bucket| bucket.start.timestamp()))?;
        self.place = Place::after(page.next.as_ref());
        Ok(Some(page))
    }
}

/// Gives all projects of the organization.
///
/// # Errors
/// [`ProviderError::BrokenPaging`] as for [`CostPages::next`]; else what the directory gives.
pub async fn all_projects(
    directory: &dyn ProjectDirectory,
    include_archived: bool,
) -> Result<Vec<Project>, ProviderError> {
    let mut guard = Guard::new(MAX_PAGES);
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = directory.list_projects(include_archived, cursor.as_ref()).await?;
        guard.admit(page.next.as_ref(), page.projects.iter().map(|project| project.id.clone()))?;
        all.extend(page.projects);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

/// Gives all API keys of a project.
///
/// # Errors
/// As [`all_projects`].
pub async fn all_project_api_keys(
    controls: &dyn ProjectControls,
    project_id: &str,
) -> Result<Vec<ProjectApiKey>, ProviderError> {
    let mut guard = Guard::new(MAX_PAGES);
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = controls.list_project_api_keys(project_id, cursor.as_ref()).await?;
        guard.admit(page.next.as_ref(), page.keys.iter().map(|key| key.id.clone()))?;
        all.extend(page.keys);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

/// Gives all rate limits of a project.
///
/// # Errors
/// As [`all_projects`].
pub async fn all_rate_limits(
    controls: &dyn ProjectControls,
    project_id: &str,
) -> Result<Vec<RateLimit>, ProviderError> {
    let mut guard = Guard::new(MAX_PAGES);
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = controls.list_rate_limits(project_id, cursor.as_ref()).await?;
        guard.admit(page.next.as_ref(), page.limits.iter().map(|limit| limit.id.clone()))?;
        all.extend(page.limits);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(all);
        }
    }
}
