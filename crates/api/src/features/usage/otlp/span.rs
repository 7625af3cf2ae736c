//! From a span to an event, by the GenAI conventions: current names first, then those that they replaced.

use chrono::DateTime;
use finops_contract::ErrorCode;
use serde_json::{Map, Value as Json, json};

use super::super::domain::Told;
use super::super::incoming;
use super::super::reject::Reject;
use super::attributes::Attributes;

/// Operations that are calls to a model.
const MODEL_CALLS: [&str; 7] =
    ["chat", "text_completion", "generate_content", "embeddings", "completion", "embedding", "image_generation"];
/// Operations around such calls: what they used is what the calls inside them used.
const AROUND: [&str; 9] = [
    "invoke_agent",
    "create_agent",
    "execute_tool",
    "invoke_workflow",
    "workflow",
    "agent",
    "task",
    "tool",
    "retrieval",
];
const INPUT: [&str; 3] = ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"];
const OUTPUT: [&str; 3] =
    ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"];
const TOTAL: [&str; 2] = ["gen_ai.usage.total_tokens", "llm.usage.total_tokens"];
/// The rest of what is counted, by our fields' names.
const PARTS: [(&str, &[&str]); 3] = [
    ("cached_tokens", &["gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"]),
    ("cache_write_tokens", &["gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_creation_input_tokens"]),
    ("reasoning_tokens", &["gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens"]),
];
/// Attributes whose text is a field of ours.
const FIELDS: [(&str, &[&str]); 6] = [
    ("provider", &["gen_ai.provider.name", "gen_ai.system"]),
    ("model", &["gen_ai.response.model", "gen_ai.request.model"]),
    ("session_id", &["gen_ai.conversation.id", "session.id"]),
    ("user_id", &["user.id"]),
    ("learner_id", &["enduser.id"]),
    ("service_tier", &["openai.response.service_tier", "gen_ai.openai.response.service_tier"]),
];
/// Attributes that are kept beside the event's own fields.
const KEPT: [&str; 6] = [
    "gen_ai.operation.name",
    "gen_ai.agent.name",
    "gen_ai.agent.id",
    "gen_ai.request.model",
    "error.type",
    "server.address",
];
/// The longest call that is believed, in nanoseconds.
const LONGEST: u64 = 86_400_000_000_000;

/// A span, as far as it matters here.
#[derive(Debug, PartialEq)]
pub(super) struct Span {
    /// In lower-case hex.
    pub(super) trace_id: String,
    /// In lower-case hex.
    pub(super) span_id: String,
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    /// Nanoseconds since 1970.
    pub(super) end: u64,
    pub(super) failed: bool,
    pub(super) attributes: Attributes,
}

/// What a span is to us.
#[derive(Debug)]
pub(super) enum Seen {
    /// A call to a model.
    Call(Box<Call>),
    /// Nothing that was used, or what the calls inside it used.
    Nothing,
    /// It has usage, and an operation that nobody knows.
    Unknown(String),
}

/// A call to a model.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) told: Told,
    /// An id that is this span's and no other's.
    pub(super) own_id: String,
}

impl Span {
    /// What names it in messages.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.trace_id, self.span_id)
    }

    /// What it is to us.
    ///
    /// # Errors
    /// The first thing that cannot be taken of a call.
    pub(super) fn see(&self, resource: &Attributes) -> Result<Seen, Reject> {
        if self.attributes.first(&INPUT).or(self.attributes.first(&OUTPUT)).or(self.attributes.first(&TOTAL)).is_none()
        {
            return Ok(Seen::Nothing);
        }
        // Before there was an operation's name, what stands around a call had a kind.
        let operation = self.attributes.text(&["gen_ai.operation.name", "traceloop.span.kind", "llm.request.type"]);
        match operation.map(str::to_ascii_lowercase) {
            Some(operation) if AROUND.contains(&operation.as_str()) => return Ok(Seen::Nothing),
            Some(operation) if !MODEL_CALLS.contains(&operation.as_str()) => return Ok(Seen::Unknown(operation)),
            _ => {}
        }
        let is_id = |id: &str, digits: usize| {
            id.len() == digits && id.bytes().all(|b| b.is_ascii_hexdigit()) && id.bytes().any(|b| b != b'0')
        };
        if !is_id(&self.trace_id, 32) || !is_id(&self.span_id, 16) {
            return Err(Reject::field("/traceId", "a span needs a trace id and a span id"));
        }
        let told = incoming::read(&Json::Object(self.fields(resource)?).to_string())?;
        Ok(Seen::Call(Box::new(Call { told, own_id: self.name() })))
    }

    /// The fields of the event, as a caller of our own API would name them.
    fn fields(&self, resource: &Attributes) -> Result<Map<String, Json>, Reject> {
        let Self { attributes, .. } = self;
        let mut fields = Map::new();
        for (field, names) in [("input_tokens", &INPUT[..]), ("output_tokens", &OUTPUT[..])].into_iter().chain(PARTS) {
            if let Some(value) = attributes.first(names) {
                fields.insert(field.into(), value.json());
            }
        }
        if fields.is_empty() {
            // A total beside both sides would say nothing new.
            fields.extend(attributes.first(&TOTAL).map(|total| ("total_tokens".to_owned(), total.json())));
        }
        for (field, names) in FIELDS {
            if let Some(text) = attributes.text(names).or_else(|| resource.text(names)) {
                fields.insert(field.into(), text.into());
            }
        }
        let id = attributes.text(&["gen_ai.response.id"]).map_or_else(|| self.name(), str::to_owned);
        fields.insert("event_id".into(), id.into());
        fields.extend(
            resource
                .text(&["service.name"])
                .filter(|name| !name.starts_with("unknown_service"))
                .map(|name| ("service".to_owned(), name.into())),
        );
        self.add_time(&mut fields)?;
        let failed = self.failed || attributes.text(&["error.type"]).is_some();
        fields.insert("status".into(), if failed { "error" } else { "success" }.into());
        self.add_metadata(resource, &mut fields);
        // Our own attributes: every field of an event by its name, on the span or on its resource.
        for (name, value) in resource.under("finops.").chain(attributes.under("finops.")) {
            fields.insert(name.to_owned(), value.json());
        }
        Ok(fields)
    }

    fn add_time(&self, fields: &mut Map<String, Json>) -> Result<(), Reject> {
        let start = i64::try_from(self.start).ok().filter(|start| *start > 0).map(DateTime::from_timestamp_nanos);
        let start =
            start.ok_or_else(|| Reject::new(ErrorCode::TimestampInvalid, "/startTimeUnixNano", "must be a time"))?;
        fields.insert("timestamp".into(), start.to_rfc3339().into());
        let taken = self.end.checked_sub(self.start).filter(|taken| *taken <= LONGEST);
        fields.extend(taken.map(|taken| ("latency_ms".to_owned(), (taken / 1_000_000).into())));
        Ok(())
    }

    fn add_metadata(&self, resource: &Attributes, fields: &mut Map<String, Json>) {
        let mut metadata = json!({"traceId": self.trace_id, "spanId": self.span_id});
        for name in KEPT {
            if let Some(value) = self.attributes.first(&[name]) {
                metadata[name] = value.json();
            }
        }
        let names = ["deployment.environment.name", "deployment.environment"];
        if let Some(name) = self.attributes.text(&names).or_else(|| resource.text(&names)) {
            // Any name will do there; what is none of ours is kept and not refused.
            match incoming::environment_of(name) {
                Some(environment) => _ = fields.insert("environment".into(), environment.name().into()),
                None => metadata["deployment.environment.name"] = name.into(),
            }
        }
        fields.insert("metadata".into(), metadata);
    }
}

#[cfg(test)]
mod tests {
    use finops_contract::{ErrorCode, UnitKind};

    use super::super::attributes::Value;
    use super::{Attributes, Call, Seen, Span};

    fn attributes(list: &[(&str, Value)]) -> Attributes {
        let mut attributes = Attributes::default();
        list.iter().for_each(|(name, value)| attributes.add((*name).to_owned(), value.clone()));
        attributes
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn span(list: &[(&str, Value)]) -> Span {
        Span {
            trace_id: "5b8efff798038103d269b633813fc60c".into(),
            span_id: "eee19b7ec3c1b174".into(),
            start: 1_774_000_000_000_000_000,
            end: 1_774_000_001_500_000_000,
            failed: false,
            attributes: attributes(list),
        }
    }

    fn call(span: &Span, resource: &[(&str, Value)]) -> Call {
        match span.see(&attributes(resource)).unwrap() {
            Seen::Call(call) => *call,
            other => panic!("{other:?}"),
        }
    }

    fn units(call: &Call) -> Vec<(UnitKind, String)> {
        call.told.used.quantities.iter().map(|(kind, n)| (kind, n.normalize().to_string())).collect()
    }

    #[test]
    fn current_names_become_disjoint_kinds() {
        let span = span(&[
            ("gen_ai.operation.name", text("chat")),
            ("gen_ai.provider.name", text("openai")),
            ("gen_ai.request.model", text("gpt-4o")),
            ("gen_ai.response.model", text("gpt-4o-2024-08-06")),
            ("gen_ai.response.id", text("chatcmpl-123")),
            ("gen_ai.conversation.id", text("conversation-1")),
            ("gen_ai.usage.input_tokens", Value::Int(100)),
            ("gen_ai.usage.cache_read.input_tokens", Value::Int(50)),
            ("gen_ai.usage.output_tokens", Value::Int(180)),
            ("gen_ai.usage.reasoning.output_tokens", Value::Int(50)),
            ("gen_ai.input.messages", text(&"secret ".repeat(1_000))),
            ("user.id", text("user-1")),
            ("enduser.id", text("learner-1")),
        ]);
        let resource = [
            ("service.name", text("support-bot")),
            ("deployment.environment.name", text("prod")),
            ("finops.project_id", text("proj_web")),
        ];
        let call = call(&span, &resource);
        assert_eq!(
            units(&call),
            [
                (UnitKind::Input, "50".into()),
                (UnitKind::CachedInput, "50".into()),
                (UnitKind::Output, "130".into()),
                (UnitKind::Reasoning, "50".into())
            ]
        );
        let told = &call.told;
        assert_eq!(
            (told.event_id.as_deref(), told.model.as_deref()),
            (Some("chatcmpl-123"), Some("gpt-4o-2024-08-06"))
        );
        assert_eq!((told.service.as_deref(), told.project.as_deref()), (Some("support-bot"), Some("proj_web")));
        assert_eq!(told.environment.map(|environment| environment.name()), Some("production"));
        assert_eq!((told.latency_ms, told.failed), (Some(1_500), false));
        assert_eq!(
            (told.texts.user_id.as_deref(), told.texts.learner_id.as_deref()),
            (Some("user-1"), Some("learner-1"))
        );
        assert_eq!(told.texts.session_id.as_deref(), Some("conversation-1"));
        assert_eq!(told.metadata["spanId"], "eee19b7ec3c1b174");
        assert!(!serde_json::to_string(&told.metadata).unwrap().contains("secret"));
    }

    #[test]
    fn deprecated_names_are_read_and_a_span_is_its_own_id() {
        let span = span(&[
            ("gen_ai.system", text("anthropic")),
            ("gen_ai.request.model", text("claude-opus-4-6")),
            ("gen_ai.usage.prompt_tokens", text("7")),
            ("gen_ai.usage.completion_tokens", Value::Double(3.0)),
            ("error.type", text("timeout")),
        ]);
        let call = call(&span, &[("deployment.environment", text("qa-7"))]);
        assert_eq!(units(&call), [(UnitKind::Input, "7".into()), (UnitKind::Output, "3".into())]);
        assert_eq!(call.told.event_id.as_deref(), Some("5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174"));
        assert!(call.told.failed);
        assert_eq!(call.told.environment, None);
        assert_eq!(call.told.metadata["deployment.environment.name"], "qa-7");
    }

    #[test]
    fn what_repeats_usage_or_has_none_is_left_out() {
        let usage = ("gen_ai.usage.input_tokens", Value::Int(1));
        for operation in ["invoke_agent", "create_agent", "execute_tool"] {
            let span = span(&[("gen_ai.operation.name", text(operation)), usage.clone()]);
            assert!(matches!(span.see(&Attributes::default()), Ok(Seen::Nothing)), "{operation}");
        }
        let span_of = |operation: &str| span(&[("gen_ai.operation.name", text(operation)), usage.clone()]);
        assert!(matches!(span_of("dream").see(&Attributes::default()), Ok(Seen::Unknown(name)) if name == "dream"));
        assert!(matches!(
            span(&[("gen_ai.operation.name", text("chat"))]).see(&Attributes::default()),
            Ok(Seen::Nothing)
        ));
        assert!(matches!(span(&[("http.route", text("/"))]).see(&Attributes::default()), Ok(Seen::Nothing)));
    }

    #[test]
    fn each_mistake_has_its_code() {
        let code = |span: &Span| span.see(&Attributes::default()).unwrap_err().code;
        let usage = |n: i64| ("gen_ai.usage.input_tokens", Value::Int(n));
        assert_eq!(code(&span(&[usage(-1)])), ErrorCode::QuantityInvalid);
        let cached = ("gen_ai.usage.cache_read.input_tokens", Value::Int(5));
        assert_eq!(code(&span(&[usage(4), cached])), ErrorCode::TokensExceedWhole);
        assert_eq!(code(&Span { start: 0, ..span(&[usage(1)]) }), ErrorCode::TimestampInvalid);
        assert_eq!(code(&Span { span_id: "0".repeat(16), ..span(&[usage(1)]) }), ErrorCode::ValidationFailed);
        let project = ("finops.environment", text("moon"));
        assert_eq!(code(&span(&[usage(1), project])), ErrorCode::ValidationFailed);
    }
}
