//! What we send, against the vendors' own specifications.

use serde_json::{Value, json};

pub(crate) const RESEND: &str = include_str!("../../../../simulator/tests/contract/resend.openapi.yaml");
pub(crate) const SENDGRID: &str = include_str!("../../../../simulator/tests/contract/sendgrid-mail.openapi.yaml");
pub(crate) const TWILIO: &str = include_str!("../../../../simulator/tests/contract/twilio-messages.openapi.yaml");

/// The mistakes in a request's body. What the specification does not name is one.
pub(crate) fn mistakes(specification: &str, path: &str, content_type: &str, body: &Value) -> Vec<String> {
    let mut specification: Value = serde_saphyr::from_str(specification).expect("a specification");
    close(&mut specification);
    let mut request = specification["paths"][path]["post"]["requestBody"].clone();
    if let Some(reference) = request["$ref"].as_str() {
        request = specification.pointer(reference.trim_start_matches('#')).expect("a reference").clone();
    }
    let schema = request["content"][content_type]["schema"].clone();
    assert!(schema.is_object(), "{path} takes no {content_type}");
    let document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": specification["components"],
        "allOf": [schema],
    });
    let validator = jsonschema::validator_for(&document).expect("a schema");
    validator.iter_errors(body).map(|error| error.to_string()).collect()
}

fn close(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(|p| p.is_object()) && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        _ => {}
    }
}
