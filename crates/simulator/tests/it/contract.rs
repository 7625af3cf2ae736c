//! The provider's specification as JSON Schema.
//!
//! OpenAPI 3.1 schemas are JSON Schema 2020-12, so they are used as they are, with two changes: a stray 3.0 `nullable`
//! becomes a type, and objects admit no property that the specification does not name (it leaves them open, and a
//! misspelt optional field would pass unnoticed).

use serde_json::{Map, Value, json};

const SPECIFICATION: &str = include_str!("../contract/openai-admin.openapi.yaml");
pub(crate) const RESEND: &str = include_str!("../contract/resend.openapi.yaml");
pub(crate) const SENDGRID: &str = include_str!("../contract/sendgrid-mail.openapi.yaml");
pub(crate) const TWILIO: &str = include_str!("../contract/twilio-messages.openapi.yaml");

pub(crate) struct Contract {
    specification: Value,
}

impl Contract {
    pub(crate) fn load() -> Self {
        Self::of(SPECIFICATION)
    }

    pub(crate) fn of(specification: &str) -> Self {
        let mut specification: Value = serde_saphyr::from_str(specification).unwrap();
        tighten(&mut specification["components"]);
        tighten(&mut specification["paths"]);
        Self { specification }
    }

    /// Whether the specification has the operation.
    pub(crate) fn has(&self, method: &str, path: &str) -> bool {
        self.specification["paths"][path][method.to_lowercase()].is_object()
    }

    /// The validator of an answer. Errors that an operation does not list have the schema `ErrorResponse`.
    pub(crate) fn validator(&self, method: &str, path: &str, status: u16) -> jsonschema::Validator {
        let operation = &self.specification["paths"][path][method.to_lowercase()];
        let mut answer = &operation["responses"][status.to_string()];
        if let Some(reference) = answer["$ref"].as_str() {
            answer = self.specification.pointer(reference.trim_start_matches('#')).unwrap();
        }
        let listed = &answer["content"]["application/json"]["schema"];
        let schema = match (listed.is_null(), status) {
            (false, _) => listed.clone(),
            (true, 400..) => json!({ "$ref": "#/components/schemas/ErrorResponse" }),
            (true, _) => panic!("{method} {path} has no answer {status}"),
        };
        let document = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.specification["components"],
            "allOf": [schema],
        });
        jsonschema::validator_for(&document).unwrap()
    }
}

fn tighten(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(tighten),
        Value::Object(fields) => {
            if fields.remove("nullable") == Some(Value::Bool(true)) {
                let inner = Value::Object(std::mem::take(fields));
                fields.insert("anyOf".to_owned(), json!([inner, { "type": "null" }]));
            }
            close(fields);
            fields.values_mut().for_each(tighten);
        }
        _ => {}
    }
}

fn close(fields: &mut Map<String, Value>) {
    let object = fields.get("type") == Some(&json!("object")) && fields.get("properties").is_some_and(Value::is_object);
    if object && !fields.contains_key("additionalProperties") {
        fields.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}
