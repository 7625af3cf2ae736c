//! What callers were told.

use std::collections::BTreeMap;

/// What callers were told, of all of them.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Ids of events that the service said it has.
    pub(super) acknowledged: Vec<String>,
    /// Answers by status; `none` where there was no answer.
    pub(super) answers: BTreeMap<String, u64>,
    /// Answers that must not be, the first of them.
    pub(super) unexpected: Vec<String>,
}

impl Ledger {
    /// Counts an answer.
    pub(super) fn count(&mut self, answer: &str) {
        *self.answers.entry(answer.to_owned()).or_default() += 1;
    }

    /// Keeps an answer that must not be.
    pub(super) fn wonder(&mut self, what: String) {
        if self.unexpected.len() < 10 {
            self.unexpected.push(what);
        }
    }
}
