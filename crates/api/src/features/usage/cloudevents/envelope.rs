//! One event: its envelope, and what is in it.

use serde_json::value::{RawValue, to_raw_value};

use super::super::domain::Told;
use super::super::incoming::{self, MAX_TEXT, Reader};
use super::super::raw::Object;
use super::super::reject::Reject;

/// What is around an event, from JSON or from headers. Values are the texts of JSON values.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) specversion: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) time: Option<Box<RawValue>>,
    pub(super) project: Option<Box<RawValue>>,
    pub(super) data: Option<&'a RawValue>,
}

/// Reads an event in the structured form.
///
/// # Errors
/// The first attribute or field that cannot be taken.
pub(super) fn structured(text: &str) -> Result<Told, Reject> {
    let object = Object::read(text, "")?;
    let mut envelope = Envelope::default();
    for (name, raw) in object.fields() {
        let at = format!("/{name}");
        let place = match name {
            "id" => &mut envelope.id,
            "source" => &mut envelope.source,
            "specversion" => &mut envelope.specversion,
            "type" => &mut envelope.kind,
            "subject" => &mut envelope.subject,
            "time" => {
                envelope.time = Some(raw.to_owned());
                continue;
            }
            "projectid" => {
                envelope.project = Some(raw.to_owned());
                continue;
            }
            "data" => {
                envelope.data = Some(raw);
                continue;
            }
            "data_base64" => return Err(Reject::field(at, "send data as JSON")),
            // The form of the data is known, and other extensions mean nothing here.
            _ => continue,
        };
        let text: String =
            serde_json::from_str(raw.get()).map_err(|_| Reject::field(at.as_str(), "must be a string"))?;
        *place = Some(text);
    }
    envelope.open()
}

impl Envelope<'_> {
    /// The event inside.
    ///
    /// # Errors
    /// The first attribute or field that cannot be taken.
    pub(super) fn open(self) -> Result<Told, Reject> {
        let required = |text: Option<String>, name: &str| {
            let at = format!("/{name}");
            match text {
                Some(text) => incoming::checked(&text, &at, MAX_TEXT),
                None => Err(Reject::field(at, "is required")),
            }
        };
        if required(self.specversion, "specversion")? != "1.0" {
            return Err(Reject::field("/specversion", "must be 1.0"));
        }
        let (id, source, kind) =
            (required(self.id, "id")?, required(self.source, "source")?, required(self.kind, "type")?);
        if source.contains(char::is_whitespace) {
            return Err(Reject::field("/source", "must be a URI reference"));
        }
        // No source holds a space, so no two pairs make one id.
        let event_id = incoming::checked(&format!("{source} {id}"), "/id", MAX_TEXT).map_err(|_| {
            Reject::field("/id", format!("source and id must be less than {MAX_TEXT} characters together"))
        })?;
        let mut reader = Reader::default();
        if let Some(project) = &self.project {
            reader.field("projectId", project, "/projectid")?;
        }
        match self.data {
            Some(data) => read_data(&mut reader, data)?,
            None => return Err(Reject::field("/data", "is required")),
        }
        if let Some(time) = &self.time {
            reader.field("timestamp", time, "/time")?;
        }
        let mut told = reader.finish()?;
        told.event_id = Some(event_id);
        if told.texts.learner_id.is_none() {
            told.texts.learner_id =
                self.subject.map(|subject| incoming::checked(&subject, "/subject", MAX_TEXT)).transpose()?;
        }
        told.metadata.insert("cloudEventType".into(), kind.into());
        told.service = told.service.or(Some(source));
        Ok(told)
    }
}

/// Which side of a call OpenMeter's `type` means.
fn side(kind: &str) -> Option<&'static str> {
    match kind {
        "input" | "prompt" | "system" => Some("inputTokens"),
        "output" | "completion" => Some("outputTokens"),
        _ => None,
    }
}

fn read_data(reader: &mut Reader, data: &RawValue) -> Result<(), Reject> {
    let data = Object::read(data.get(), "/data")?;
    let kind: Option<String> = data.get("type").and_then(|kind| serde_json::from_str(kind.get()).ok());
    let side = kind.as_deref().and_then(side).filter(|_| data.get("tokens").is_some());
    for (name, raw) in data.fields() {
        let at = format!("/data/{name}");
        match (name, side) {
            // What identifies an event is in its envelope.
            ("eventId" | "event_id" | "id" | "responseId" | "response_id", _) => {}
            ("tokens", Some(side)) => reader.field(side, raw, &at)?,
            _ => reader.field(name, raw, &at)?,
        }
    }
    Ok(())
}

/// The text of a header as a JSON value.
///
/// # Errors
/// Never for text.
pub(super) fn raw(text: &str) -> Result<Box<RawValue>, Reject> {
    to_raw_value(text).map_err(|error| Reject::json(&error, ""))
}

#[cfg(test)]
mod tests {
    use finops_contract::{ErrorCode, UnitKind};
    use serde_json::{Value, json};

    use super::structured;

    fn event() -> Value {
        json!({
            "specversion": "1.0", "id": "5c10fade", "source": "service-name", "type": "prompt", "subject": "customer-1",
            "time": "2026-03-20T10:00:00.001Z", "data": {"model": "gpt-4o", "tokens": "1200", "type": "input"},
        })
    }

    #[test]
    fn openmeters_own_is_one_side_of_a_call() {
        let told = structured(&event().to_string()).unwrap();
        assert_eq!(told.event_id.as_deref(), Some("service-name 5c10fade"));
        assert_eq!(
            told.used.quantities.iter().map(|(kind, n)| (kind, n.to_string())).collect::<Vec<_>>(),
            [(UnitKind::Input, "1200".to_owned())]
        );
        assert_eq!(
            (told.texts.learner_id.as_deref(), told.service.as_deref()),
            (Some("customer-1"), Some("service-name"))
        );
        assert_eq!(told.metadata["cloudEventType"], "prompt");
        let mut whole = event();
        whole["data"] = json!({"model": "gpt-4o", "promptTokens": 5, "completionTokens": 7, "learnerId": "learner-1"});
        let told = structured(&whole.to_string()).unwrap();
        assert_eq!(
            (told.used.sides().0.to_string(), told.texts.learner_id.as_deref()),
            ("5".into(), Some("learner-1"))
        );
        let mut either = event();
        either["data"]["type"] = json!("moderation");
        assert_eq!(structured(&either.to_string()).unwrap().used.unsplit, 1200);
    }

    #[test]
    fn each_mistake_points_at_its_place() {
        for (change, code, pointer) in [
            (json!({"id": null}), ErrorCode::ValidationFailed, "/id"),
            (json!({"id": 7}), ErrorCode::ValidationFailed, "/id"),
            (json!({"source": "a b"}), ErrorCode::ValidationFailed, "/source"),
            (json!({"source": "a".repeat(250)}), ErrorCode::ValidationFailed, "/id"),
            (json!({"specversion": "0.3"}), ErrorCode::ValidationFailed, "/specversion"),
            (json!({"type": ""}), ErrorCode::ValidationFailed, "/type"),
            (json!({"time": "yesterday"}), ErrorCode::TimestampInvalid, "/time"),
            (json!({"data": [1]}), ErrorCode::ValidationFailed, "/data"),
            (json!({"data": null}), ErrorCode::ValidationFailed, "/data"),
            (json!({"data_base64": "e30="}), ErrorCode::ValidationFailed, "/data_base64"),
            (json!({"data": {"tokens": -1, "type": "input"}}), ErrorCode::QuantityInvalid, "/data/tokens"),
            (json!({"data": {"cost": "NaN"}}), ErrorCode::AmountInvalid, "/data/cost"),
        ] {
            let mut event = event();
            event.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reject = structured(&event.to_string()).unwrap_err();
            assert_eq!((reject.code, reject.pointer.as_str()), (code, pointer), "{change}");
        }
    }
}
