//! What may be chosen in the settings.

use finops_contract::accounts::Role;
use finops_contract::organizations::{Organization, UpdateOrganizationRequest};

use crate::i18n::{Word, words};

/// The currencies that the service shows amounts in first.
pub(super) const CURRENCIES: [&str; 8] = ["USD", "KRW", "EUR", "JPY", "GBP", "CNY", "SGD", "AUD"];

/// The roles that somebody may give: no higher than their own, the lowest first.
pub(super) fn grantable(own: Role) -> Vec<Role> {
    [Role::User, Role::TenantAdmin, Role::Admin].into_iter().filter(|role| *role <= own).collect()
}

/// What a role may do.
pub(super) const fn role_body(role: Role) -> Word {
    match role {
        Role::User => words::settings::ROLE_USER_BODY,
        Role::TenantAdmin => words::settings::ROLE_TENANT_ADMIN_BODY,
        Role::Admin => words::settings::ROLE_ADMIN_BODY,
    }
}

/// Days of retention, if the text is a number of days that the service takes.
pub(super) fn retention(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|days| (1..=3650).contains(days))
}

/// What differs from the settings as they are; the service leaves the rest as it is.
pub(super) fn changes(now: &Organization, wanted: &Organization) -> UpdateOrganizationRequest {
    UpdateOrganizationRequest {
        name: (now.name != wanted.name).then(|| wanted.name.clone()),
        time_zone: (now.time_zone != wanted.time_zone).then(|| wanted.time_zone.clone()),
        currency: (now.currency != wanted.currency).then(|| wanted.currency.clone()),
        fiscal_year_start_month: (now.fiscal_year_start_month != wanted.fiscal_year_start_month)
            .then_some(wanted.fiscal_year_start_month),
        retention_days: (now.retention_days != wanted.retention_days).then_some(wanted.retention_days),
        two_person_blocks: (now.two_person_blocks != wanted.two_person_blocks).then_some(wanted.two_person_blocks),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_more_than_they_have() {
        assert_eq!(grantable(Role::TenantAdmin), [Role::User, Role::TenantAdmin]);
        assert_eq!(grantable(Role::Admin).len(), 3);
    }

    #[test]
    fn retention_is_a_number_of_days_within_ten_years() {
        assert_eq!(retention(" 90 "), Some(90));
        for text in ["", "0", "3651", "90.5", "many", "-1"] {
            assert_eq!(retention(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_differs_is_sent() {
        let now = Organization {
            id: uuid::Uuid::nil(),
            name: "a".into(),
            time_zone: "Asia/Seoul".into(),
            currency: "USD".into(),
            fiscal_year_start_month: 1,
            retention_days: 90,
            two_person_blocks: false,
            created_at: chrono::DateTime::UNIX_EPOCH,
        };
        let wanted = Organization { currency: "KRW".into(), ..now.clone() };
        let json = serde_json::to_string(&changes(&now, &wanted)).unwrap();
        assert_eq!(json, r#"{"currency":"KRW"}"#);
    }
}
