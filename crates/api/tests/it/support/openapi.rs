//! The API's description, as tests go through it: every operation, and whether answers are what it says.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use finops_contract::api_keys::Scope;
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

/// The description that the service serves.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&finops_api::app::openapi()).expect("the description is JSON"));

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("a path");
        item.iter().map(move |(method, operation)| Operation::read(path, method, operation))
    });
    operations.collect()
});

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Its id.
    pub(crate) id: String,
    /// Its method.
    pub(crate) method: Method,
    /// Its path, with `{names}`.
    pub(crate) path: String,
    /// Who may call it.
    pub(crate) access: Access,
    /// The scope of the API keys that may call it too.
    pub(crate) scope: Option<Scope>,
    /// The media type of its body and the example of one.
    pub(crate) body: Option<(String, Value)>,
    /// The names in its path.
    pub(crate) ids: Vec<String>,
    /// Its query parameters.
    pub(crate) query: Vec<Parameter>,
    pointer: String,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// Who is signed in.
    Session,
    /// Who knows the deployment's secret for its cron.
    Cron,
}

/// A query parameter.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: String,
    /// Whether it must be there.
    pub(crate) required: bool,
    /// Whether it names something by its id.
    pub(crate) is_id: bool,
}

/// Every operation of the description.
pub(crate) fn operations() -> &'static [Operation] {
    &OPERATIONS
}

impl Operation {
    fn read(path: &str, method: &str, operation: &Value) -> Self {
        let access = match operation["security"].as_array().and_then(|security| security.first()) {
            None => Access::Session,
            Some(first) if first.get("session").is_some() => Access::Session,
            Some(first) if first.get("cron_secret").is_some() => Access::Cron,
            Some(_) => Access::Public,
        };
        let scope = operation["security"].as_array().into_iter().flatten().find_map(|security| {
            let name = security.get("api_key")?[0].as_str()?;
            Some(Scope::from_name(name).unwrap_or_else(|| panic!("there is no scope {name}")))
        });
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let query = parameters.filter(|parameter| parameter["in"] == "query").map(|parameter| Parameter {
            name: parameter["name"].as_str().expect("a name").to_owned(),
            required: parameter["required"] == true,
            is_id: parameter["schema"]["format"] == "uuid",
        });
        let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
        Self {
            id: operation["operationId"].as_str().expect("an id").to_owned(),
            method: method.to_uppercase().parse().expect("a method"),
            path: path.to_owned(),
            access,
            scope,
            body: bodies.map(|(media, content)| (media.clone(), content["example"].clone())).next(),
            ids: path
                .split('/')
                .filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.to_owned()))
                .collect(),
            query: query.collect(),
            pointer: format!("/paths/{}/{method}", path.replace('~', "~0").replace('/', "~1")),
        }
    }

    /// Whether it changes something.
    pub(crate) fn is_change(&self) -> bool {
        self.method != Method::GET
    }

    /// Its address with these in place of its names.
    pub(crate) fn address(&self, id_of: impl Fn(&str) -> String) -> String {
        self.ids.iter().fold(self.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), &id_of(name)))
    }

    fn is_at(&self, method: &Method, path: &str) -> bool {
        let (known, asked): (Vec<_>, Vec<_>) = (self.path.split('/').collect(), path.split('/').collect());
        let fits = known.iter().zip(&asked).all(|(known, asked)| known.starts_with('{') || known == asked);
        self.method == *method && known.len() == asked.len() && fits
    }
}

/// Fails the test when an answer is not one that the description allows. Addresses that it does not have are left alone.
#[track_caller]
pub(super) fn check(method: &Method, path: &str, status: u16, media: &str, body: &str) {
    let Some(operation) = operations().iter().find(|operation| operation.is_at(method, path)) else { return };
    let asked = format!("{method} {path}");
    let documented = DOCUMENT.pointer(&format!("{}/responses/{status}", operation.pointer));
    let (schema, documented) = match documented {
        _ if status >= 400 => ("/components/schemas/Problem".to_owned(), None),
        None => panic!("{asked}: the description of {} has no answer {status}", operation.id),
        Some(answer) => {
            let media = media.split(';').next().unwrap_or_default();
            let key = media.replace('~', "~0").replace('/', "~1");
            (format!("{}/responses/{status}/content/{key}/schema", operation.pointer), Some(answer))
        }
    };
    if documented.is_some_and(|answer| answer["content"].is_null()) {
        assert_eq!(body, "", "{asked}: the description of {} has no body for {status}", operation.id);
        return;
    }
    assert!(DOCUMENT.pointer(&schema).is_some(), "{asked}: {media} is not described for {status}");
    if !media.contains("json") {
        return;
    }
    let value: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{asked}: {error}: {body}"));
    let faults = faults(&schema, &value);
    assert!(faults.is_empty(), "{asked}: {status} is not as described: {}\n{body}", faults.join("; "));
}

/// What is wrong with a value, by the schema at a pointer into the description.
pub(crate) fn faults(schema: &str, value: &Value) -> Vec<String> {
    let validator = validator(schema);
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn validator(schema: &str) -> Arc<Validator> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let made = known.entry(schema.to_owned()).or_insert_with(|| {
        // Beside its components, because its references lead there.
        let root = json!({"allOf": [DOCUMENT.pointer(schema)], "components": DOCUMENT["components"]});
        let options = jsonschema::options().should_validate_formats(true);
        Arc::new(options.build(&root).unwrap_or_else(|error| panic!("{schema}: {error}")))
    });
    Arc::clone(made)
}
