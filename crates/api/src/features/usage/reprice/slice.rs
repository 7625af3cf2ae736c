//! One slice of events: what they cost by the book as it is now, and what that changes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use finops_contract::projects::Environment;
use finops_contract::{Quantities, UnitKind};
use rust_decimal::Decimal;
use sqlx::FromRow;
use uuid::Uuid;

use super::super::domain::Price;
use super::super::rollups::{Counted, Deltas};
use super::Wish;
use crate::features::prices::{Book, Lookup, Priced};
use crate::platform::exact::{self, Inexact};

/// A stored event, as far as its price and its sums go.
#[derive(Debug, FromRow)]
pub(super) struct Stored {
    pub(super) event_key: Uuid,
    pub(super) occurred_at: DateTime<Utc>,
    project_id: Option<Uuid>,
    team_id: Option<Uuid>,
    environment: Option<String>,
    service: Option<String>,
    provider: String,
    model: String,
    service_tier: Option<String>,
    region: Option<String>,
    /// The kinds in the order of [`UnitKind::ALL`].
    units: Vec<Option<Decimal>>,
    cost: Option<Decimal>,
    price_id: Option<Uuid>,
    resolution: Option<String>,
    learner_id: Option<String>,
    user_id: Option<String>,
    api_key_id: Option<Uuid>,
    task_type: Option<String>,
}

/// An event that is to cost something else.
#[derive(Debug)]
pub(super) struct Correction {
    pub(super) event_key: Uuid,
    pub(super) occurred_at: DateTime<Utc>,
    pub(super) price: Price,
}

/// Of which model and project a difference is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Of {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) project: Option<Uuid>,
}

/// What pricing anew comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) events: i64,
    pub(super) changed: i64,
    pub(super) cost_before: Decimal,
    pub(super) cost_after: Decimal,
    pub(super) unpriced_before: i64,
    pub(super) unpriced_after: i64,
}

/// What a slice changes.
#[derive(Debug, Default)]
pub(super) struct Outcome<'a> {
    pub(super) corrections: Vec<Correction>,
    pub(super) differences: BTreeMap<Of, Difference>,
    pub(super) sums: Deltas<'a>,
}

/// Prices events anew.
///
/// # Errors
/// When a sum cannot be held exactly.
pub(super) fn reprice<'a>(book: &Book, wish: &Wish, events: &'a [Stored]) -> Result<Outcome<'a>, Inexact> {
    let mut outcome = Outcome::default();
    for event in events {
        let priced = event.price(book);
        if event.is_meant(wish, &priced) {
            outcome.take(event, Price::of(priced, &event.model))?;
        }
    }
    Ok(outcome)
}

impl Stored {
    fn price(&self, book: &Book) -> Priced {
        let quantities = UnitKind::ALL
            .into_iter()
            .zip(&self.units)
            .fold(Quantities::default(), |all, (kind, units)| all.with(kind, units.unwrap_or_default()));
        let lookup = Lookup {
            provider: &self.provider,
            model: &self.model,
            tier: self.service_tier.as_deref(),
            region: self.region.as_deref(),
            at: self.occurred_at,
            quantities: &quantities,
        };
        book.price(&lookup)
    }

    /// Whether the event is of the model that was named, by the caller's name or by the book's.
    fn is_meant(&self, wish: &Wish, priced: &Priced) -> bool {
        let Some(wanted) = wish.model.as_deref() else { return true };
        self.model == wanted || priced.resolution().is_some_and(|resolution| &*resolution.model == wanted)
    }

    fn is_priced_so(&self, price: &Price) -> bool {
        self.cost == price.cost
            && self.price_id == price.price_id
            && self.resolution.as_deref() == Some(&*price.resolution)
    }
}

impl<'a> Outcome<'a> {
    fn take(&mut self, event: &'a Stored, price: Price) -> Result<(), Inexact> {
        let of = Of { provider: event.provider.clone(), model: event.model.clone(), project: event.project_id };
        let difference = self.differences.entry(of).or_default();
        difference.events += 1;
        difference.cost_before = exact::add(difference.cost_before, event.cost.unwrap_or_default())?;
        difference.cost_after = exact::add(difference.cost_after, price.cost.unwrap_or_default())?;
        difference.unpriced_before += i64::from(event.cost.is_none());
        difference.unpriced_after += i64::from(price.cost.is_none());
        if event.is_priced_so(&price) {
            return Ok(());
        }
        difference.changed += 1;
        let counted = Counted {
            occurred_at: event.occurred_at,
            project: event.project_id,
            team: event.team_id,
            environment: event.environment.as_deref().and_then(Environment::from_name),
            provider: &event.provider,
            model: &event.model,
            service: event.service.as_deref(),
            learner: event.learner_id.as_deref(),
            user: event.user_id.as_deref(),
            api_key: event.api_key_id,
            task_type: event.task_type.as_deref(),
        };
        self.sums.correct(&counted, event.cost, price.cost);
        let (event_key, occurred_at) = (event.event_key, event.occurred_at);
        self.corrections.push(Correction { event_key, occurred_at, price });
        Ok(())
    }
}
