//! What a budget may be, and when a threshold is reached. Pure.

use std::collections::BTreeSet;

use finops_contract::FieldError;
use finops_contract::Percent;
use finops_contract::budgets::{
    AlertAction, AlertBasis, Budget, BudgetAlert, BudgetPeriod, BudgetRequest, BudgetScope, BudgetTemplate,
    Enforcement, ScopeType,
};
use finops_contract::projects::Environment;
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use crate::features::costs::Spender;
use crate::platform::exact::Inexact;
use crate::platform::http::{ApiError, ApiResult};

/// An amount is below this, …
const MAX_AMOUNT: Decimal = Decimal::from_parts(3_567_587_328, 232, 0, false, 0);
/// … and has no more decimal places.
const AMOUNT_SCALE: u32 = 6;
/// A threshold is at most this, …
const MAX_THRESHOLD: Decimal = Decimal::ONE_THOUSAND;
/// … has no more decimal places, …
const THRESHOLD_SCALE: u32 = 2;
/// … and a budget has no more of them.
const MAX_THRESHOLDS: usize = 20;
/// The longest name of a service or a learner in characters, as events have them.
const MAX_NAME: usize = 256;

/// The most projects whose budgets are asked for at once: as many as a page of projects has.
const MAX_PROJECTS: usize = 200;

/// Reads the ids of projects.
///
/// # Errors
/// `validation_failed`.
pub(super) fn project_ids(text: &str) -> ApiResult<Vec<Uuid>> {
    let ids: Result<Vec<Uuid>, _> = text.split(',').map(|id| id.trim().parse()).collect();
    match ids {
        Err(_) => Err(ApiError::field("/projectId", "format", "must be ids of projects, comma-separated")),
        Ok(ids) if ids.len() > MAX_PROJECTS => {
            Err(ApiError::field("/projectId", "too_many", "must be at most 200 ids"))
        }
        Ok(ids) => Ok(ids),
    }
}

/// What somebody wants a budget to be, checked but for what only the database knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) spender: Spender,
    pub(super) amount: Decimal,
    pub(super) currency: String,
    pub(super) period: BudgetPeriod,
    pub(super) enforcement: Enforcement,
    pub(super) alerts: Vec<BudgetAlert>,
}

impl Draft {
    /// Reads a request.
    ///
    /// # Errors
    /// `validation_failed` with every field at fault.
    pub(super) fn read(request: &BudgetRequest) -> ApiResult<Self> {
        let mut faults = Faults::default();
        let spender = spender(&request.scope, &mut faults);
        faults.extend(amount_faults(request.amount.0, "/amount"));
        faults.extend(currency_fault(&request.currency, "/currency"));
        faults.extend(threshold_faults(&request.alerts, request.enforcement, request.scope.kind));
        match spender {
            Some(spender) if faults.0.is_empty() => Ok(Self {
                name: request.name.clone(),
                spender,
                amount: request.amount.0.normalize(),
                currency: request.currency.clone(),
                period: request.period,
                enforcement: request.enforcement,
                alerts: request.alerts.clone(),
            }),
            _ => Err(ApiError::fields(faults.0)),
        }
    }
}

#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn extend(&mut self, more: impl IntoIterator<Item = FieldError>) {
        self.0.extend(more);
    }
}

fn fault(pointer: impl Into<String>, code: &str, message: &str) -> FieldError {
    FieldError { pointer: pointer.into(), code: code.into(), message: message.into() }
}

/// Reads whose spending it is about.
fn spender(scope: &BudgetScope, faults: &mut Faults) -> Option<Spender> {
    let id = scope.id.as_deref();
    let wrong = match (scope.kind, id) {
        (ScopeType::Organization, None) => return Some(Spender::Organization),
        (ScopeType::Organization, Some(_)) => fault("/scope/id", "unexpected", "the organization needs none"),
        (_, None) => fault("/scope/id", "required", "say which one"),
        (ScopeType::Team | ScopeType::Project, Some(id)) => match id.parse() {
            Ok(id) if scope.kind == ScopeType::Team => return Some(Spender::Team(id)),
            Ok(id) => return Some(Spender::Project(id)),
            Err(_) => fault("/scope/id", "format", "must be an id"),
        },
        (ScopeType::Environment, Some(name)) => match Environment::from_name(name) {
            Some(environment) => return Some(Spender::Environment(environment)),
            None => fault("/scope/id", "unknown", "must be production, staging, development or ci"),
        },
        (ScopeType::Service | ScopeType::Learner, Some(name)) => {
            // As events have it.
            let name = name.trim();
            let length = name.chars().count();
            let fits = (1..=MAX_NAME).contains(&length) && !name.chars().any(char::is_control);
            match (fits, scope.kind) {
                (false, _) => fault("/scope/id", "length", "must be a name of 1 to 256 visible characters"),
                (true, ScopeType::Service) => return Some(Spender::Service(name.into())),
                (true, _) => return Some(Spender::Learner(name.into())),
            }
        }
    };
    faults.extend([wrong]);
    None
}

/// What is wrong with an amount.
pub(super) fn amount_faults(amount: Decimal, pointer: &str) -> Option<FieldError> {
    let fits = amount > Decimal::ZERO && amount < MAX_AMOUNT && amount.normalize().scale() <= AMOUNT_SCALE;
    (!fits).then(|| fault(pointer, "range", "must be more than 0 and below 10^12, with at most six decimal places"))
}

/// What is wrong with a currency. Whether there is a rate of it is another question.
pub(super) fn currency_fault(currency: &str, pointer: &str) -> Option<FieldError> {
    let fits = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    (!fits).then(|| fault(pointer, "currency", "must be an ISO 4217 code, such as USD"))
}

/// What is wrong with thresholds: each of them by itself, their order, and that none is there twice.
pub(super) fn threshold_faults(alerts: &[BudgetAlert], enforcement: Enforcement, scope: ScopeType) -> Vec<FieldError> {
    if alerts.len() > MAX_THRESHOLDS {
        return vec![fault("/alerts", "too_many", "must be at most 20")];
    }
    let (mut faults, mut seen) = (Vec::new(), BTreeSet::new());
    let mut highest = Decimal::ZERO;
    for (at, BudgetAlert { threshold, action, basis }) in alerts.iter().enumerate() {
        let (pointer, percent) = (format!("/alerts/{at}/threshold"), threshold.0.normalize());
        if percent <= Decimal::ZERO || percent > MAX_THRESHOLD || percent.scale() > THRESHOLD_SCALE {
            let message = "must be more than 0 and at most 1000, with at most two decimal places";
            faults.push(fault(pointer, "range", message));
        } else if !seen.insert((percent, *basis)) {
            faults.push(fault(pointer, "duplicate", "is there already"));
        } else if percent < highest {
            faults.push(fault(pointer, "order", "must come before those that are higher"));
        }
        highest = highest.max(percent);
        if *action == AlertAction::Block {
            let pointer = format!("/alerts/{at}/type");
            if !can_be_stopped(scope) {
                faults.push(fault(pointer, "not_stoppable", "a service's or learner's spending is nothing to stop"));
            } else if *basis == AlertBasis::Forecast {
                faults.push(fault(pointer, "needs_actual", "only what was spent can stop anything, not a forecast"));
            } else if enforcement == Enforcement::Soft {
                faults.push(fault(pointer, "needs_hard", "only a hard budget stops anything"));
            }
        }
    }
    faults
}

/// Whether there is something to stop: projects, by themselves or by an Admin key.
const fn can_be_stopped(scope: ScopeType) -> bool {
    !matches!(scope, ScopeType::Service | ScopeType::Learner)
}

/// What a budget tells of: its thresholds; and of a hard one that it is spent, for calls are refused from then on.
pub(super) fn told(budget: &Budget) -> Vec<BudgetAlert> {
    let spent =
        BudgetAlert { threshold: Percent(Decimal::ONE_HUNDRED), action: AlertAction::Both, basis: AlertBasis::Actual };
    let mut alerts = budget.alerts.clone();
    let is_said = alerts.iter().any(|alert| (alert.threshold, alert.basis) == (spent.threshold, spent.basis));
    if budget.enforcement == Enforcement::Hard && !is_said {
        alerts.push(spent);
    }
    alerts
}

/// How much a threshold is, exactly.
pub(super) fn share_of(amount: Decimal, percent: Percent) -> Decimal {
    // 18 digits and six, so the product has no more than 24, and two places more divide it by a hundred.
    let product = (amount.normalize() * percent.0.normalize()).normalize();
    Decimal::try_from_i128_with_scale(product.mantissa(), product.scale() + 2).unwrap_or(Decimal::MAX).normalize()
}

/// Percent of an amount, with two decimal places and never more than it is: 99.999 is not yet 100.
///
/// # Errors
/// [`Inexact`] for what is beyond all measure.
pub fn percent_of(figure: Decimal, amount: Decimal) -> Result<Percent, Inexact> {
    let part = figure.checked_div(amount).and_then(|part| part.checked_mul(Decimal::ONE_HUNDRED)).ok_or(Inexact)?;
    let percent = Percent(part.round_dp_with_strategy(THRESHOLD_SCALE, RoundingStrategy::ToNegativeInfinity));
    // The division rounds at its 28th digit.
    let is_more = percent.0.is_sign_positive() && share_of(amount, percent) > figure;
    Ok(if is_more { Percent(percent.0 - Decimal::new(1, THRESHOLD_SCALE)) } else { percent })
}

/// What an environment's budget usually is.
pub(super) fn template(environment: Environment) -> BudgetTemplate {
    let (amount, thresholds): (Option<i64>, &[i64]) = match environment {
        Environment::Production => (None, &[50, 75, 90]),
        Environment::Staging => (Some(500), &[75, 90]),
        Environment::Development => (Some(100), &[90]),
        Environment::Ci => (Some(50), &[]),
    };
    let alert = |percent: &i64| BudgetAlert {
        threshold: Percent(Decimal::from(*percent)),
        action: AlertAction::Both,
        basis: AlertBasis::Actual,
    };
    BudgetTemplate {
        environment,
        scope: BudgetScope { kind: ScopeType::Environment, id: Some(environment.name().into()) },
        amount: amount.map(|amount| Decimal::from(amount).into()),
        currency: "USD".into(),
        period: BudgetPeriod::Monthly,
        // Customers are not stopped unless somebody says so.
        enforcement: if environment == Environment::Production { Enforcement::Soft } else { Enforcement::Hard },
        alerts: thresholds.iter().map(alert).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn alert(threshold: &str, action: AlertAction, basis: AlertBasis) -> BudgetAlert {
        BudgetAlert { threshold: Percent(decimal(threshold)), action, basis }
    }

    fn codes(faults: &[FieldError]) -> Vec<(&str, &str)> {
        faults.iter().map(|fault| (fault.pointer.as_str(), fault.code.as_str())).collect()
    }

    #[test]
    fn thresholds_ascend_and_are_there_once() {
        use AlertAction::{Block, Email};
        use AlertBasis::{Actual, Forecast};
        let plain = |all: &[&str]| {
            let alerts: Vec<_> = all.iter().map(|threshold| alert(threshold, Email, Actual)).collect();
            codes(&threshold_faults(&alerts, Enforcement::Soft, ScopeType::Learner))
                .into_iter()
                .map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
                .collect::<Vec<_>>()
        };
        let at = |index: usize, code: &str| vec![(format!("/alerts/{index}/threshold"), code.to_owned())];
        for good in [&[][..], &["50", "75", "90", "100"], &["0.01", "1000"], &["99.99", "100"]] {
            assert_eq!(plain(good), [], "{good:?}");
        }
        for zero in ["0", "-1", "1000.01", "1001", "50.001"] {
            assert_eq!(plain(&[zero]), at(0, "range"), "{zero}");
        }
        assert_eq!(plain(&["90", "75"]), at(1, "order"));
        assert_eq!(plain(&["50", "50.00"]), at(1, "duplicate"));
        assert_eq!(plain(&["50"; 21])[0].1, "too_many");
        let both = [alert("100", Email, Actual), alert("100", Email, Forecast), alert("120", Block, Actual)];
        assert_eq!(codes(&threshold_faults(&both, Enforcement::Hard, ScopeType::Team)), []);
        assert_eq!(
            codes(&threshold_faults(&both, Enforcement::Soft, ScopeType::Team)),
            [("/alerts/2/type", "needs_hard")]
        );
        let stops = [alert("100", Block, Forecast)];
        assert_eq!(
            codes(&threshold_faults(&stops, Enforcement::Hard, ScopeType::Team)),
            [("/alerts/0/type", "needs_actual")]
        );
        for scope in [ScopeType::Service, ScopeType::Learner] {
            let faults = threshold_faults(&both, Enforcement::Hard, scope);
            assert_eq!(codes(&faults), [("/alerts/2/type", "not_stoppable")], "{scope:?}");
        }
    }

    #[test]
    fn amounts_are_money_that_can_be_spent() {
        for good in ["0.000001", "1", "999999999999.999999", "100.50000000"] {
            assert_eq!(amount_faults(decimal(good), "/amount"), None, "{good}");
        }
        for bad in ["0", "-1", "1000000000000", "0.0000001"] {
            assert_eq!(amount_faults(decimal(bad), "/amount").unwrap().code, "range", "{bad}");
        }
        for bad in ["", "usd", "US", "USDT", "원화화"] {
            assert!(currency_fault(bad, "/currency").is_some(), "{bad}");
        }
    }

    #[test]
    fn a_scope_names_what_there_is_one_of() {
        let read = |kind, id: Option<&str>| {
            let mut faults = Faults::default();
            spender(&BudgetScope { kind, id: id.map(Into::into) }, &mut faults).ok_or_else(|| faults.0[0].code.clone())
        };
        let id = uuid::Uuid::from_u128(7);
        assert_eq!(read(ScopeType::Organization, None), Ok(Spender::Organization));
        assert_eq!(read(ScopeType::Team, Some(&id.to_string())), Ok(Spender::Team(id)));
        assert_eq!(read(ScopeType::Environment, Some("ci")), Ok(Spender::Environment(Environment::Ci)));
        assert_eq!(read(ScopeType::Learner, Some("학습자 1")), Ok(Spender::Learner("학습자 1".into())));
        for (kind, id, code) in [
            (ScopeType::Organization, Some("x"), "unexpected"),
            (ScopeType::Project, None, "required"),
            (ScopeType::Project, Some("x"), "format"),
            (ScopeType::Environment, Some("prod"), "unknown"),
            (ScopeType::Service, Some(" "), "length"),
            (ScopeType::Service, Some("a\0"), "length"),
        ] {
            assert_eq!(read(kind, id), Err(code.to_owned()), "{kind:?} {id:?}");
        }
    }

    #[test]
    fn a_percentage_is_never_more_than_it_is() {
        for (figure, amount, percent) in [
            ("742", "500", "148.4"),
            ("0", "500", "0"),
            ("99.99999", "100", "99.99"),
            ("100", "100", "100"),
            ("1", "3", "33.33"),
            ("999999999999.9999999999999999", "999999999999.999999", "100"),
            ("999999999999.9999989999999999", "999999999999.999999", "99.99"),
            ("-1", "300", "-0.34"),
        ] {
            assert_eq!(
                percent_of(decimal(figure), decimal(amount)).unwrap().to_string(),
                percent,
                "{figure} of {amount}"
            );
        }
        assert_eq!(
            share_of(decimal("999999999999.999999"), Percent(decimal("999.99"))),
            decimal("9999899999999.9999900001")
        );
    }

    #[test]
    fn templates_are_budgets_once_their_amount_is_said() {
        for environment in Environment::ALL {
            let template = template(environment);
            let request = BudgetRequest {
                name: environment.name().into(),
                scope: template.scope,
                amount: template.amount.unwrap_or(finops_contract::Amount(Decimal::ONE)),
                currency: template.currency,
                period: template.period,
                enforcement: template.enforcement,
                alerts: template.alerts,
            };
            assert_eq!(Draft::read(&request).unwrap().spender, Spender::Environment(environment));
            assert_eq!(template.amount.is_none(), environment == Environment::Production);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_as_reached_is_reached(figure in 0u64..u64::MAX, scale in 0u32..=18, amount in 1u64..1_000_000_000_000_000_000, cents in 1i64..=100_000) {
            let (figure, amount) = (Decimal::from_i128_with_scale(figure.into(), scale), Decimal::from_i128_with_scale(amount.into(), 6));
            let threshold = Percent(Decimal::new(cents, 2));
            let reached = figure >= share_of(amount, threshold);
            let shown = percent_of(figure, amount).unwrap();
            prop_assert_eq!(reached, shown.0 >= threshold.0, "{} of {} is {}, reached {}", figure, amount, shown, threshold);
        }
    }
}
