//! Faults that change an answer's JSON. Literals of what is not changed survive as they are.

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::faults::Fault;

/// The answer's body after `fault`, as far as it is one of those that change JSON.
pub(crate) fn apply(fault: &Fault, body: String, own_cursor: Option<&str>) -> String {
    match fault {
        Fault::RepeatedCursor => set_cursor(body, own_cursor),
        Fault::NullCursor => set_cursor(body, None),
        Fault::WrongTypes => match serde_json::from_str::<Value>(&body) {
            Ok(value) => wrong(value).to_string(),
            Err(_) => body,
        },
        _ => body,
    }
}

/// Claims that there is more, at `cursor`.
fn set_cursor(body: String, cursor: Option<&str>) -> String {
    let Ok(mut fields) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(&body) else { return body };
    let name = if fields.contains_key("next_page") { "next_page" } else { "last_id" };
    let (Ok(more), Ok(cursor)) = (to_raw_value(&true), to_raw_value(&cursor)) else { return body };
    fields.insert("has_more".to_owned(), more);
    fields.insert(name.to_owned(), cursor);
    serde_json::to_string(&fields).unwrap_or(body)
}

/// Numbers become arrays, booleans words, and the value of an amount a word.
fn wrong(value: Value) -> Value {
    match value {
        Value::Number(number) => json!([number]),
        Value::Bool(flag) => json!(flag.to_string()),
        Value::Array(items) => items.into_iter().map(wrong).collect(),
        Value::Object(fields) => {
            let changed = fields.into_iter().map(|(name, value)| {
                let value = if name == "value" { json!("twelve") } else { wrong(value) };
                (name, value)
            });
            Value::Object(changed.collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, apply};

    #[test]
    fn only_the_cursor_changes() {
        let body = r#"{"data":[{"value":0E-6176}],"has_more":false,"next_page":null,"object":"page"}"#;
        assert_eq!(
            apply(&Fault::RepeatedCursor, body.to_owned(), Some("page_x")),
            r#"{"data":[{"value":0E-6176}],"has_more":true,"next_page":"page_x","object":"page"}"#
        );
        let wrong = apply(&Fault::WrongTypes, body.to_owned(), None);
        assert_eq!(wrong, r#"{"data":[{"value":"twelve"}],"has_more":"false","next_page":null,"object":"page"}"#);
    }
}
