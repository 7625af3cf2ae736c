//! Why one event is not taken.

use std::fmt::Display;

use finops_contract::{ErrorCode, FieldError};

use super::raw::TOO_DEEP;
use crate::platform::http::ApiError;

/// Why an event is not taken: a stable code, where, and one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reject {
    pub(super) code: ErrorCode,
    /// JSON pointer into the event; empty for the event as a whole.
    pub(super) pointer: String,
    pub(super) message: String,
}

impl Reject {
    pub(super) fn new(code: ErrorCode, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, pointer: pointer.into(), message: message.into() }
    }

    /// A field of the wrong shape.
    pub(super) fn field(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ValidationFailed, pointer, message)
    }

    /// The same, of a field of what it was thought to be about.
    pub(super) fn under(self, field: impl Display) -> Self {
        Self { pointer: format!("/{field}{}", self.pointer), ..self }
    }

    /// The same, of what lies at a pointer.
    pub(super) fn below(self, pointer: &str) -> Self {
        Self { pointer: format!("{pointer}{}", self.pointer), ..self }
    }

    /// What serde_json could not read.
    pub(super) fn json(error: &serde_json::Error, pointer: &str) -> Self {
        let text = error.to_string();
        let message = text.split(" at line").next().unwrap_or_default().to_owned();
        // Past serde_json's own limit a value nests far too deeply as well.
        let deep = message == TOO_DEEP || message.starts_with("recursion limit");
        let range = message.starts_with("number out of range");
        let code = match error.classify() {
            _ if deep => ErrorCode::MetadataTooDeep,
            _ if message.starts_with("duplicate field") => ErrorCode::DuplicateField,
            serde_json::error::Category::Data => ErrorCode::ValidationFailed,
            _ if range => ErrorCode::ValidationFailed,
            _ => ErrorCode::MalformedJson,
        };
        let pointer = match message.strip_prefix("duplicate field `").and_then(|rest| rest.split('`').next()) {
            Some(name) => format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
            None => pointer.to_owned(),
        };
        Self { code, pointer, message }
    }
}

impl From<Reject> for ApiError {
    fn from(reject: Reject) -> Self {
        let field = FieldError { pointer: reject.pointer, code: reject.code.name().into(), message: reject.message };
        Self { fields: vec![field], ..Self::new(reject.code) }
    }
}
