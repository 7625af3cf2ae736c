//! How many calls and tokens, of what is metered.

use std::collections::BTreeMap;

use finops_contract::UnitKind;

/// `ARRAY` of what is counted, for [`Counts::new`]: calls, all tokens, and tokens by kind.
pub(super) const COUNTS: &str = "ARRAY[sum(b.requests), sum(b.tokens), sum(b.input), sum(b.cached_input),
        sum(b.cache_write_5m), sum(b.cache_write_1h), sum(b.output), sum(b.reasoning), sum(b.audio_input),
        sum(b.audio_output)]::bigint[] AS counts";

/// Calls and tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) requests: Option<i64>,
    pub(super) total_tokens: Option<i64>,
    pub(super) tokens: Option<BTreeMap<UnitKind, i64>>,
}

impl Counts {
    /// As [`COUNTS`] selects them. Kinds that were not used are left out.
    pub(super) fn new(counts: &[Option<i64>]) -> Self {
        let [requests, total_tokens, kinds @ ..] = counts else { return Self::default() };
        let kinds = UnitKind::ALL.into_iter().filter(|kind| kind.is_token()).zip(kinds);
        let used = kinds.filter_map(|(kind, count)| count.filter(|count| *count != 0).map(|count| (kind, count)));
        let tokens = used.collect();
        Self { requests: *requests, total_tokens: *total_tokens, tokens: requests.map(|_| tokens) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_in_their_order_and_unknown_is_not_zero() {
        let counts = Counts::new(&[Some(2), Some(9), Some(4), Some(0), None, None, None, Some(5), None, None]);
        assert_eq!(counts.tokens, Some(BTreeMap::from([(UnitKind::Input, 4), (UnitKind::Reasoning, 5)])));
        assert_eq!(Counts::new(&[None; 10]), Counts::default());
    }
}
