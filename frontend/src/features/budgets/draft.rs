//! What the forms about budgets say. Pure.

use finops_contract::budgets::{
    AlertAction, AlertBasis, Budget, BudgetAlert, BudgetPeriod, BudgetRequest, BudgetScope, BudgetTemplate,
    CostThreshold, Enforcement, ScopeType,
};
use finops_contract::fx_rates::SetFxRateRequest;
use rust_decimal::Decimal;

use super::model;

/// The most thresholds that a budget has.
pub(super) const MOST: usize = 20;

/// Pointer and code of each field that is wrong.
pub(super) type Wrong = Vec<(String, &'static str)>;

fn missing_or(text: &str, code: &'static str) -> &'static str {
    if text.trim().is_empty() { "required" } else { code }
}

/// A threshold as it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) percent: String,
    pub(super) basis: AlertBasis,
    pub(super) action: AlertAction,
}

impl Line {
    fn of(alert: &BudgetAlert) -> Line {
        Line { percent: alert.threshold.to_string(), basis: alert.basis, action: alert.action }
    }

    /// What it comes after: what cannot be read stays where it is, at the end.
    pub(super) fn rank(&self) -> Decimal {
        model::read_percent(&self.percent).map_or(Decimal::MAX, |percent| percent.0)
    }
}

/// What somebody has filled in of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) scope: ScopeType,
    /// Nothing for the organization.
    pub(super) scope_id: String,
    pub(super) amount: String,
    pub(super) currency: String,
    pub(super) period: BudgetPeriod,
    pub(super) enforcement: Enforcement,
    pub(super) lines: Vec<Line>,
}

impl Default for Draft {
    fn default() -> Self {
        let line =
            |percent: &str| Line { percent: percent.to_owned(), basis: AlertBasis::Actual, action: AlertAction::Both };
        Draft {
            name: String::new(),
            scope: ScopeType::Organization,
            scope_id: String::new(),
            amount: String::new(),
            currency: "USD".to_owned(),
            period: BudgetPeriod::Monthly,
            enforcement: Enforcement::Soft,
            lines: ["50", "80", "100"].map(line).to_vec(),
        }
    }
}

/// An amount as somebody would type it.
fn typed(amount: Decimal) -> String {
    amount.normalize().to_string()
}

impl Draft {
    /// What a budget says.
    pub(super) fn of(budget: &Budget) -> Draft {
        Draft {
            name: budget.name.clone(),
            scope: budget.scope.kind,
            scope_id: budget.scope.id.clone().unwrap_or_default(),
            amount: typed(budget.amount.0),
            currency: budget.currency.clone(),
            period: budget.period,
            enforcement: budget.enforcement,
            lines: budget.alerts.iter().map(Line::of).collect(),
        }
    }

    /// What is usual, under a name of its own.
    pub(super) fn from_template(template: &BudgetTemplate, name: &str) -> Draft {
        Draft {
            name: name.to_owned(),
            scope: template.scope.kind,
            scope_id: template.scope.id.clone().unwrap_or_default(),
            amount: template.amount.map(|amount| typed(amount.0)).unwrap_or_default(),
            currency: template.currency.clone(),
            period: template.period,
            enforcement: template.enforcement,
            lines: template.alerts.iter().map(Line::of).collect(),
        }
    }

    /// What is asked for, or what is wrong. The thresholds must have been put in order.
    pub(super) fn read(&self) -> Result<BudgetRequest, Wrong> {
        let mut wrong = Wrong::new();
        let (name, scope_id) = (self.name.trim(), self.scope_id.trim());
        if name.is_empty() {
            wrong.push(("/name".to_owned(), "required"));
        }
        if self.scope != ScopeType::Organization && scope_id.is_empty() {
            wrong.push(("/scope/id".to_owned(), "required"));
        }
        let amount = model::read_amount(&self.amount);
        if amount.is_none() {
            wrong.push(("/amount".to_owned(), missing_or(&self.amount, "range")));
        }
        let alerts = self.read_lines(&mut wrong);
        match amount.filter(|_| wrong.is_empty()) {
            Some(amount) => Ok(BudgetRequest {
                name: name.to_owned(),
                scope: BudgetScope {
                    kind: self.scope,
                    id: (self.scope != ScopeType::Organization).then(|| scope_id.to_owned()),
                },
                amount,
                currency: self.currency.clone(),
                period: self.period,
                enforcement: self.enforcement,
                alerts,
            }),
            None => Err(wrong),
        }
    }

    fn read_lines(&self, wrong: &mut Wrong) -> Vec<BudgetAlert> {
        let mut alerts: Vec<BudgetAlert> = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            let pointer = format!("/alerts/{at}/threshold");
            let Some(threshold) = model::read_percent(&line.percent) else {
                wrong.push((pointer, missing_or(&line.percent, "range")));
                continue;
            };
            if alerts.iter().any(|other| (other.threshold, other.basis) == (threshold, line.basis)) {
                wrong.push((pointer, "duplicate"));
            }
            if line.action == AlertAction::Block {
                let code = match (line.basis, self.enforcement) {
                    _ if !can_be_stopped(self.scope) => Some("not_stoppable"),
                    (AlertBasis::Forecast, _) => Some("needs_actual"),
                    (_, Enforcement::Soft) => Some("needs_hard"),
                    _ => None,
                };
                wrong.extend(code.map(|code| (format!("/alerts/{at}/type"), code)));
            }
            alerts.push(BudgetAlert { threshold, action: line.action, basis: line.basis });
        }
        alerts
    }
}

/// Whether a budget of such a scope can stop anything.
pub(super) fn can_be_stopped(scope: ScopeType) -> bool {
    !matches!(scope, ScopeType::Service | ScopeType::Learner)
}

/// What somebody has filled in of an exchange rate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RateDraft {
    pub(super) rate: String,
    pub(super) date: String,
    pub(super) source: String,
}

impl RateDraft {
    /// What is asked for, or what is wrong.
    pub(super) fn read(&self, currency: &str) -> Result<SetFxRateRequest, Wrong> {
        let mut wrong = Wrong::new();
        let rate = self.rate.replace(',', "").trim().parse::<finops_contract::Amount>().ok();
        let rate = rate.filter(|rate| rate.0 > Decimal::ZERO && rate.0 < Decimal::from(1_000_000_000_u32));
        if rate.is_none() {
            wrong.push(("/rate".to_owned(), missing_or(&self.rate, "range")));
        }
        let date = self.date.parse().ok();
        if date.is_none() {
            wrong.push(("/date".to_owned(), missing_or(&self.date, "range")));
        }
        let source = self.source.trim();
        if source.is_empty() {
            wrong.push(("/source".to_owned(), "required"));
        }
        match (rate, date) {
            (Some(rate), Some(date)) if wrong.is_empty() => {
                Ok(SetFxRateRequest { currency: currency.to_owned(), date, rate, source: source.to_owned() })
            }
            _ => Err(wrong),
        }
    }
}

/// What somebody has filled in of a cost threshold; without an amount there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LimitDraft {
    pub(super) amount: String,
    pub(super) currency: String,
    pub(super) action: AlertAction,
    pub(super) enforcement: Enforcement,
}

impl LimitDraft {
    /// What is set, or nothing.
    pub(super) fn of(limit: Option<&Budget>) -> LimitDraft {
        LimitDraft {
            amount: limit.map(|limit| typed(limit.amount.0)).unwrap_or_default(),
            currency: limit.map_or_else(|| "USD".to_owned(), |limit| limit.currency.clone()),
            action: limit.and_then(|limit| limit.alerts.first()).map_or(AlertAction::Both, |alert| alert.action),
            enforcement: limit.map_or(Enforcement::Soft, |limit| limit.enforcement),
        }
    }

    /// What is asked for, or what is wrong with what is at `at`.
    pub(super) fn read(&self, at: &str, wrong: &mut Wrong) -> Option<CostThreshold> {
        if self.amount.trim().is_empty() {
            return None;
        }
        if self.action == AlertAction::Block && self.enforcement == Enforcement::Soft {
            wrong.push((format!("{at}/type"), "needs_hard"));
        }
        let amount = model::read_amount(&self.amount);
        if amount.is_none() {
            wrong.push((format!("{at}/amount"), "range"));
        }
        Some(CostThreshold {
            amount: amount?,
            currency: self.currency.clone(),
            action: self.action,
            enforcement: self.enforcement,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(percent: &str, basis: AlertBasis, action: AlertAction) -> Line {
        Line { percent: percent.into(), basis, action }
    }

    fn draft() -> Draft {
        Draft { name: " AI ".into(), amount: "1,000".into(), ..Draft::default() }
    }

    fn pointers(draft: &Draft) -> Vec<(String, &'static str)> {
        draft.read().unwrap_err()
    }

    #[test]
    fn a_budget_is_sent_as_it_was_filled_in() {
        let request = draft().read().unwrap();
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            concat!(
                r#"{"name":"AI","scope":{"type":"organization"},"amount":"1000.000000","currency":"USD","period":"monthly","enforcement":"soft","#,
                r#""alerts":[{"threshold":"50","type":"both","basis":"actual"},{"threshold":"80","type":"both","basis":"actual"},"#,
                r#"{"threshold":"100","type":"both","basis":"actual"}]}"#
            )
        );
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let nothing = Draft { scope: ScopeType::Team, lines: vec![], ..Draft::default() };
        let told = |pointer: &str, code| (pointer.to_owned(), code);
        assert_eq!(
            pointers(&nothing),
            [told("/name", "required"), told("/scope/id", "required"), told("/amount", "required")]
        );
        use AlertAction::{Block, Both};
        use AlertBasis::{Actual, Forecast};
        let lines = vec![
            line("", Actual, Both),
            line("50", Actual, Both),
            line("50.00", Actual, Both),
            line("50", Forecast, Both),
            line("100", Actual, Block),
            line("1001", Actual, Both),
        ];
        assert_eq!(
            pointers(&Draft { lines, ..draft() }),
            [
                told("/alerts/0/threshold", "required"),
                told("/alerts/2/threshold", "duplicate"),
                told("/alerts/4/type", "needs_hard"),
                told("/alerts/5/threshold", "range"),
            ]
        );
        let stops = |basis| Draft { enforcement: Enforcement::Hard, lines: vec![line("100", basis, Block)], ..draft() };
        assert!(stops(Actual).read().is_ok());
        assert_eq!(pointers(&stops(Forecast)), [told("/alerts/0/type", "needs_actual")]);
        for scope in [ScopeType::Service, ScopeType::Learner] {
            let stops = Draft { scope, scope_id: "chatbot".to_owned(), ..stops(Actual) };
            assert_eq!(pointers(&stops), [told("/alerts/0/type", "not_stoppable")]);
        }
    }

    #[test]
    fn a_rate_says_of_when_and_from_whom_it_is() {
        let draft = RateDraft { rate: "1,385.5".into(), date: "2026-03-02".into(), source: " SMB ".into() };
        let request = draft.read("KRW").unwrap();
        assert_eq!((request.rate.to_string().as_str(), request.source.as_str()), ("1385.500000", "SMB"));
        let wrong: Vec<_> = RateDraft::default().read("KRW").unwrap_err().into_iter().map(|(at, _)| at).collect();
        assert_eq!(wrong, ["/rate", "/date", "/source"]);
        assert_eq!(RateDraft { rate: "0".into(), ..draft }.read("KRW").unwrap_err(), [("/rate".to_owned(), "range")]);
    }

    #[test]
    fn a_limit_without_an_amount_is_none() {
        let mut wrong = Wrong::new();
        assert_eq!(LimitDraft::of(None).read("/daily", &mut wrong), None);
        assert_eq!(wrong, []);
        let bad = LimitDraft { amount: "0".into(), action: AlertAction::Block, ..LimitDraft::of(None) };
        assert_eq!(bad.read("/daily", &mut wrong), None);
        assert_eq!(wrong, [("/daily/type".to_owned(), "needs_hard"), ("/daily/amount".to_owned(), "range")]);
    }
}
