//! The services, each with the key that is stored or without. Pure.

use finops_contract::provider_keys::{KeyService, ProviderKey};

use crate::i18n::{Word, words};

/// Every service once, in its usual order, with its key.
pub(super) fn by_service(keys: &[ProviderKey]) -> [(KeyService, Option<ProviderKey>); 4] {
    KeyService::ALL.map(|service| (service, keys.iter().find(|key| key.service == service).cloned()))
}

/// What a key of the service looks like.
pub(super) const fn example(service: KeyService) -> &'static str {
    match service {
        KeyService::Openai => "sk-proj-…",
        KeyService::Anthropic => "sk-ant-api03-…",
        KeyService::GoogleAi => "AIza…",
        KeyService::AwsBedrock => "ABSK…",
    }
}

/// Where one gets such a key, and which.
pub(super) const fn hint(service: KeyService) -> Word {
    match service {
        KeyService::Openai => words::provider_keys::HINT_OPENAI,
        KeyService::Anthropic => words::provider_keys::HINT_ANTHROPIC,
        KeyService::GoogleAi => words::provider_keys::HINT_GOOGLE_AI,
        KeyService::AwsBedrock => words::provider_keys::HINT_AWS_BEDROCK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_its_place_whatever_is_stored() {
        let key = ProviderKey {
            service: KeyService::GoogleAi,
            masked: "AIza…wxyz".into(),
            last4: "wxyz".into(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            replaced_at: None,
        };
        let all = by_service(std::slice::from_ref(&key));
        assert_eq!(all.each_ref().map(|(service, _)| *service), KeyService::ALL);
        let stored: Vec<_> = all.into_iter().filter_map(|(_, key)| key).collect();
        assert_eq!(stored, [key]);
    }
}
