//! Why a request failed, in a form that pages can show.

use finops_contract::guard::GuardRefusal;
use finops_contract::{ErrorCode, FieldError, Problem};

use crate::features::auth::PASSWORD_MIN;
use crate::i18n::{error_text, words};

/// A request that did not succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// The HTTP status; 0 when there was no answer at all.
    pub status: u16,
    /// The stable code, if it is one that this version knows.
    pub code: Option<ErrorCode>,
    /// The fields at fault.
    pub fields: Vec<FieldError>,
    /// What to tell the support.
    pub request_id: Option<String>,
    /// What the guard tells of why it refuses.
    pub refusal: Option<Box<GuardRefusal>>,
}

impl ApiError {
    /// No answer came: no network, or a time-out.
    pub fn offline() -> ApiError {
        ApiError { status: 0, code: None, fields: Vec::new(), request_id: None, refusal: None }
    }

    /// An answer that is not what was expected of a success.
    pub fn unreadable(status: u16) -> ApiError {
        ApiError { status, ..ApiError::offline() }
    }

    /// What the service would say to fields that are seen to be wrong before they are sent: pointer and code of each.
    pub fn local(wrong: &[(&str, &str)]) -> ApiError {
        let field = |(pointer, code): &(&str, &str)| FieldError {
            pointer: (*pointer).to_owned(),
            code: (*code).to_owned(),
            message: String::new(),
        };
        let fields = wrong.iter().map(field).collect();
        ApiError { code: Some(ErrorCode::ValidationFailed), fields, ..ApiError::unreadable(422) }
    }

    /// From the body of an error, which may be anything when a proxy has answered.
    pub fn from_body(status: u16, body: &str) -> ApiError {
        match serde_json::from_str::<Problem>(body) {
            Ok(problem) => ApiError {
                status,
                refusal: refusal(&problem.code, body),
                code: ErrorCode::from_name(&problem.code),
                fields: problem.errors,
                request_id: (!problem.request_id.is_empty()).then_some(problem.request_id),
            },
            Err(_) => ApiError::unreadable(status),
        }
    }

    /// Whether the code is this one.
    pub fn is(&self, code: ErrorCode) -> bool {
        self.code == Some(code)
    }

    /// One sentence for people, in the language of now.
    pub fn text(&self) -> String {
        match self.code {
            Some(ErrorCode::ValidationFailed) if !self.fields.is_empty() => {
                words::common::FIELDS_WRONG.get().to_owned()
            }
            Some(code) => error_text(code).to_owned(),
            None if self.status == 0 => words::common::OFFLINE.get().to_owned(),
            None => words::common::UNKNOWN_ERROR.get().to_owned(),
        }
    }

    /// What is wrong with the field at a JSON pointer.
    pub fn field(&self, pointer: &str) -> Option<String> {
        let field = self.fields.iter().find(|field| field.pointer == pointer)?;
        let word = match field.code.as_str() {
            "required" | "missing" => words::common::FIELD_REQUIRED,
            "email" => words::common::FIELD_EMAIL,
            "length" => return Some(length_text(pointer, &field.message)),
            "range" => words::common::FIELD_RANGE,
            "blank" => words::common::FIELD_BLANK,
            "control_character" => words::common::FIELD_CONTROL,
            _ if field.message.is_empty() => words::common::FIELD_INVALID,
            _ => return Some(field.message.clone()),
        };
        Some(word.get().to_owned())
    }
}

fn refusal(code: &str, body: &str) -> Option<Box<GuardRefusal>> {
    let words = [ErrorCode::BudgetExceeded, ErrorCode::Blocked, ErrorCode::Throttled];
    let said = words.contains(&ErrorCode::from_name(code)?);
    said.then(|| serde_json::from_str(body).ok().map(Box::new)).flatten()
}

/// How long a text may be, from what the service says of it; a password's bounds are known before it is sent.
fn length_text(pointer: &str, message: &str) -> String {
    let numbers: Vec<&str> = message.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    match numbers[..] {
        [min, max] => words::common::field_length_between(&max, &min),
        [max] if message.contains("most") => words::common::field_length_max(&max),
        [min] => words::common::field_length_min(&min),
        _ if pointer.ends_with("assword") => words::common::field_length_min(&PASSWORD_MIN),
        _ => words::common::FIELD_LENGTH.get().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_with_its_bounds() {
        assert_eq!(length_text("/name", "must be 1 to 100 characters"), "1~100자로 입력해 주세요.");
        assert_eq!(length_text("/description", "must be at most 500 characters"), "500자 이하로 입력해 주세요.");
        assert_eq!(length_text("/newPassword", ""), "12자 이상 입력해 주세요.");
    }

    #[test]
    fn a_problem_is_read_and_anything_else_survived() {
        let body = r#"{"type":"/problems/email_taken","title":"t","status":409,"code":"email_taken","detail":"d","requestId":"r1"}"#;
        let error = ApiError::from_body(409, body);
        assert!(error.is(ErrorCode::EmailTaken));
        assert_eq!(error.request_id.as_deref(), Some("r1"));
        assert_eq!(error.refusal, None);
        assert_eq!(ApiError::from_body(502, "<html>"), ApiError::unreadable(502));
        let body = r#"{"type":"/problems/throttled","title":"t","status":429,"code":"throttled","detail":"d","requestId":"r1",
            "block":{"id":"01936f00-0000-7000-8000-000000000001","targetType":"project","cause":"manual",
            "since":"2026-11-24T08:58:00Z","limitPerMinute":60}}"#;
        let block = ApiError::from_body(429, body).refusal.unwrap().block.unwrap();
        assert_eq!(block.limit_per_minute, Some(60));
    }
}
