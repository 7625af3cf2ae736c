//! The figures as OpenMetrics text.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use chrono::{DateTime, Utc};
use finops_contract::budgets::BudgetPeriod;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use sqlx::PgConnection;

use super::dollars::Dollars;
use super::store::{self, NamedCost};
use crate::features::budgets::{self, Calendar, Watch};
use crate::platform::db::OrganizationId;
use crate::platform::http::{ApiError, ApiResult};
use crate::platform::snapshots::Snapshots;
use crate::platform::state::State;

/// Services and learners that have a line of their own.
const NAMED: usize = 50;
/// Models that have one.
const MODELS: usize = 200;
/// The name of the rest, and of calls that name nobody. What has one of these names, or one that is the same as far as it is
/// told, is in the same sum.
const OTHER: &str = "other";
const NONE: &str = "none";
/// The longest name that is told.
const LONGEST: usize = 120;

type Money = Gauge<f64, AtomicU64>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Provider {
    provider: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Currency {
    currency: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Service {
    service: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Learner {
    learner: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BudgetLabels {
    budget_id: String,
    budget: String,
    scope_type: &'static str,
    scope: String,
    period: &'static str,
    enforcement: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AlertLabels {
    kind: String,
    severity: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ModelLabels {
    provider: String,
    model: String,
}

/// Organizations' figures, each as it was at most `COST_AGGREGATION_INTERVAL` ago; of tokens, budgets and alerts, as it is: two
/// replicas behind one address that remember a counter of different times would make it go backwards.
#[derive(Clone, Debug)]
pub struct Figures(Arc<Snapshots<Costs>>);

/// What takes sums of a month, and is kept for a while.
#[derive(Debug)]
struct Costs {
    dollars: Dollars,
    by_service: BTreeMap<String, Decimal>,
    by_learner: BTreeMap<String, Decimal>,
}

impl Figures {
    /// None yet.
    pub fn new(state: &State) -> Self {
        Self(Arc::new(Snapshots::new(Duration::from_secs(state.config.cost_aggregation_interval.into()))))
    }

    /// The text that Prometheus scrapes (OpenMetrics 1.0).
    ///
    /// # Errors
    /// `sum_too_large`.
    pub(super) async fn render(
        &self,
        state: &State,
        organization: OrganizationId,
        now: DateTime<Utc>,
    ) -> ApiResult<String> {
        let costs = self.0.get(organization, || costs(state, organization, now)).await?;
        let mut registry = Registry::with_prefix("finops");
        costs.register(&mut registry);
        let mut tx = state.db.analytics(organization).await?;
        let calendar = budgets::calendar(&mut tx, organization).await?;
        register_tokens(&mut registry, store::tokens(&mut tx, organization).await?);
        register_budgets(&mut registry, &mut tx, organization, calendar, now).await?;
        let alerts = Family::<AlertLabels, Gauge>::default();
        for open in store::open_alerts(&mut tx, organization).await? {
            alerts.get_or_create(&AlertLabels { kind: open.kind, severity: open.severity }).set(open.alerts);
        }
        tx.commit().await?;
        registry.register("budget_alerts_active", "Alerts that are not resolved", alerts);
        let mut out = String::new();
        text::encode(&mut out, &registry).map_err(|error: fmt::Error| ApiError::internal(error))?;
        Ok(out)
    }
}

/// What was spent in the month that runs.
async fn costs(state: &State, organization: OrganizationId, now: DateTime<Utc>) -> ApiResult<Costs> {
    let mut tx = state.db.analytics(organization).await?;
    let calendar = budgets::calendar(&mut tx, organization).await?;
    let today = calendar.today(now);
    let days = store::month_so_far(calendar.period(BudgetPeriod::Monthly, today).from, today);
    let bounds = (calendar.days().start(days.0), calendar.days().start(days.1));
    let dollars = Dollars::spent(&mut tx, organization, calendar, days).await?;
    let by_service = bounded(store::by_service(&mut tx, organization, bounds).await?);
    let by_learner = bounded(store::by_learner(&mut tx, organization, bounds).await?);
    tx.commit().await?;
    Ok(Costs { dollars, by_service, by_learner })
}

/// Those that cost most, and the others together.
fn bounded(costs: Vec<NamedCost>) -> BTreeMap<String, Decimal> {
    let mut shown: BTreeMap<String, Decimal> = BTreeMap::new();
    for (place, NamedCost { name, cost }) in costs.into_iter().enumerate() {
        let name = match place < NAMED {
            true => name.as_deref().map_or_else(|| NONE.to_owned(), short),
            false => OTHER.to_owned(),
        };
        *shown.entry(name).or_default() += cost.0;
    }
    shown
}

fn short(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}

/// For the eye of a graph: what counts is in the API, exactly.
fn float(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or(f64::NAN)
}

impl Costs {
    fn register(&self, registry: &mut Registry) {
        let total = Money::default();
        // Not known is not zero.
        total.set(self.dollars.total.map_or(f64::NAN, float));
        let month = "of the month that runs, in the organization's calendar, in US dollars";
        registry.register("total_cost_usd", format!("Cost {month}"), total);
        let by_provider = Family::<Provider, Money>::default();
        for (provider, cost) in &self.dollars.by_provider {
            by_provider.get_or_create(&Provider { provider: provider.clone() }).set(float(*cost));
        }
        registry.register("cost_by_provider_usd", format!("Cost by provider {month}"), by_provider);
        let unconverted = Family::<Currency, Money>::default();
        for (currency, cost) in &self.dollars.unconverted {
            unconverted.get_or_create(&Currency { currency: currency.clone() }).set(float(*cost));
        }
        let help = "What the two leave out of that month, in its own currency: days before any exchange rate of it";
        registry.register("cost_unconverted", help, unconverted);
        let by_service = Family::<Service, Money>::default();
        for (service, cost) in &self.by_service {
            by_service.get_or_create(&Service { service: service.clone() }).set(float(*cost));
        }
        let rest = "`other` is the rest, `none` what names none; what has such a name itself is in it";
        registry.register("cost_by_service_usd", format!("Cost by service, by events, {month}; {rest}"), by_service);
        let by_learner = Family::<Learner, Money>::default();
        for (learner, cost) in &self.by_learner {
            by_learner.get_or_create(&Learner { learner: learner.clone() }).set(float(*cost));
        }
        registry.register("cost_by_learner_usd", format!("Cost by learner, by events, {month}; {rest}"), by_learner);
    }
}

/// Those that came up first have a line each, so that the counter of the rest only grows, too.
fn register_tokens(registry: &mut Registry, all: Vec<store::ModelTokens>) {
    let tokens = Family::<ModelLabels, Counter>::default();
    for (place, of) in all.into_iter().enumerate() {
        let (provider, model) = match place < MODELS {
            true => (short(&of.provider), short(&of.model)),
            false => (OTHER.to_owned(), OTHER.to_owned()),
        };
        tokens.get_or_create(&ModelLabels { provider, model }).inc_by(u64::try_from(of.tokens).unwrap_or_default());
    }
    registry.register("tokens", "Tokens of reported calls, by model", tokens);
}

async fn register_budgets(
    registry: &mut Registry,
    conn: &mut PgConnection,
    organization: OrganizationId,
    calendar: Calendar,
    now: DateTime<Utc>,
) -> ApiResult<()> {
    let used = Family::<BudgetLabels, Money>::default();
    let all = budgets::in_force(conn, organization).await?;
    let running = Watch::default().read(conn, organization, calendar, &all, now).await?;
    for (budget, running) in all.iter().zip(running) {
        let Some(spent) = running.spent else { continue };
        let labels = BudgetLabels {
            budget_id: budget.id.to_string(),
            budget: short(&budget.name),
            scope_type: budget.scope.kind.name(),
            scope: short(budget.scope.name.as_deref().or(budget.scope.id.as_deref()).unwrap_or_default()),
            period: budget.period.name(),
            enforcement: budget.enforcement.name(),
        };
        used.get_or_create(&labels).set(float(budgets::percent_of(spent, budget.amount.0)?.0));
    }
    registry.register("budget_percentage_used", "What was spent of each budget, in percent of its amount", used);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::exact::Exact;

    #[test]
    fn what_is_named_like_the_rest_is_not_lost() {
        let cost =
            |name: Option<&str>, cost: i64| NamedCost { name: name.map(str::to_owned), cost: Exact(cost.into()) };
        let long = "s".repeat(LONGEST);
        let mut costs = vec![cost(Some("other"), 900), cost(Some("none"), 800), cost(None, 70)];
        costs.extend([cost(Some(&format!("{long}-a")), 60), cost(Some(&format!("{long}-b")), 50)]);
        costs.extend((costs.len()..NAMED + 2).map(|at| cost(Some(&format!("service-{at}")), 1)));
        let shown = bounded(costs);
        assert_eq!(shown["other"], Decimal::from(902), "the service, and two that have no line");
        assert_eq!(shown["none"], Decimal::from(870), "the service, and calls that name none");
        assert_eq!(shown[&long], Decimal::from(110), "two of a name, as far as it is told");
        assert_eq!(shown.values().sum::<Decimal>(), Decimal::from(1_880 + 47), "nothing is left out");
    }
}
