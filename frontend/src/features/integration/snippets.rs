//! What to paste. Pure: the address, the key and the project are filled in.

/// A way to report calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Curl,
    Python,
    TypeScript,
    OpenTelemetry,
}

impl Language {
    pub(super) const ALL: [Language; 4] =
        [Language::Curl, Language::Python, Language::TypeScript, Language::OpenTelemetry];

    /// As it stands in the URL.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Language::Curl => "curl",
            Language::Python => "python",
            Language::TypeScript => "typescript",
            Language::OpenTelemetry => "opentelemetry",
        }
    }

    pub(super) fn from_name(name: &str) -> Language {
        Language::ALL.into_iter().find(|language| language.name() == name).unwrap_or(Language::Curl)
    }
}

/// What a snippet is filled in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    /// Where the service is, without a slash at the end.
    pub(super) origin: String,
    /// The key's text, or what stands for it.
    pub(super) key: String,
    /// The project's id.
    pub(super) project: Option<String>,
}

/// A model that the price book knows, so that the first event has a cost.
pub(super) const MODEL: &str = "gpt-4o-mini";

/// What is run once before, in a shell.
pub(super) fn install(language: Language) -> Option<&'static str> {
    match language {
        Language::Curl => None,
        Language::Python => Some("pip install ./sdk/python"),
        Language::TypeScript => Some("(cd sdk/typescript && npm ci && npm run build)\nnpm install ./sdk/typescript"),
        Language::OpenTelemetry => Some("pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"),
    }
}

/// What is pasted.
pub(super) fn snippet(language: Language, values: &Values) -> String {
    match language {
        Language::Curl => curl(values),
        Language::Python => python(values),
        Language::TypeScript => typescript(values),
        Language::OpenTelemetry => opentelemetry(values),
    }
}

fn curl(Values { origin, key, project }: &Values) -> String {
    let project = project.as_ref().map(|id| format!("\n    \"projectId\": \"{id}\",")).unwrap_or_default();
    format!(
        "curl -sS {origin}/api/usage/track \\
  -H 'authorization: Bearer {key}' \\
  -H 'content-type: application/json' \\
  -d '{{{project}
    \"service\": \"integration-guide\",
    \"model\": \"{MODEL}\",
    \"promptTokens\": 1200,
    \"completionTokens\": 350,
    \"responseTime\": 840
  }}'"
    )
}

fn python(Values { origin, key, project }: &Values) -> String {
    let project = project.as_ref().map(|id| format!(", project_id=\"{id}\"")).unwrap_or_default();
    format!(
        "from finops_sdk import Finops

finops = Finops(api_key=\"{key}\", base_url=\"{origin}\"{project})

# Every answer's usage is reported from here on:
# client = finops.meter(OpenAI(), service=\"tutor\")

# Or tell a call yourself.
finops.track(
    model=\"{MODEL}\",
    service=\"integration-guide\",
    prompt_tokens=1200,
    completion_tokens=350,
    response_time=840,
)
finops.close()"
    )
}

fn typescript(Values { origin, key, project }: &Values) -> String {
    let project = project.as_ref().map(|id| format!("\n  projectId: \"{id}\",")).unwrap_or_default();
    format!(
        "import {{ Finops }} from \"finops-sdk\";

const finops = new Finops({{
  apiKey: \"{key}\",
  baseUrl: \"{origin}\",{project}
}});

// Every answer's usage is reported from here on:
// const client = finops.meter(new OpenAI(), {{ service: \"tutor\" }});

// Or tell a call yourself.
finops.track({{
  model: \"{MODEL}\",
  service: \"integration-guide\",
  promptTokens: 1200,
  completionTokens: 350,
  responseTime: 840,
}});
await finops.close();"
    )
}

fn opentelemetry(Values { origin, key, project }: &Values) -> String {
    let project = project.as_ref().map(|id| format!(", \"finops.project_id\": \"{id}\"")).unwrap_or_default();
    format!(
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

exporter = OTLPSpanExporter(endpoint=\"{origin}/otlp/v1/traces\", headers={{\"x-api-key\": \"{key}\"}})
resource = Resource({{\"service.name\": \"integration-guide\"{project}}})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(exporter))

# Instrumentations of OpenAI, Anthropic and others make such spans by themselves.
with provider.get_tracer(\"guide\").start_as_current_span(\"chat {MODEL}\") as span:
    span.set_attributes({{
        \"gen_ai.operation.name\": \"chat\",
        \"gen_ai.provider.name\": \"openai\",
        \"gen_ai.response.model\": \"{MODEL}\",
        \"gen_ai.usage.input_tokens\": 1200,
        \"gen_ai.usage.output_tokens\": 350,
    }})
provider.shutdown()"
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What snippets are filled in with.
    pub(in super::super) fn values(project: Option<&str>) -> Values {
        Values {
            origin: "https://finops.example.com".into(),
            key: "fin_abc".into(),
            project: project.map(str::to_owned),
        }
    }

    #[test]
    fn every_snippet_has_the_address_the_key_and_the_project() {
        for language in Language::ALL {
            let with = snippet(language, &values(Some("p-1")));
            for part in ["https://finops.example.com", "fin_abc", "\"p-1\"", MODEL] {
                assert!(with.contains(part), "{language:?} lacks {part}");
            }
            let without = snippet(language, &values(None));
            assert!(!without.to_lowercase().contains("project"), "{language:?}: {without}");
            assert!(!without.contains(['{', '}']) || !without.contains("{{"), "{language:?}");
        }
    }

    #[test]
    fn what_curl_sends_is_the_documented_form() {
        for project in [None, Some("01936f00-0000-7000-8000-000000000001")] {
            let text = snippet(Language::Curl, &values(project));
            let body = text.split_once("-d '").unwrap().1.strip_suffix('\'').unwrap();
            let sent: finops_contract::usage::UsageEventRequest = serde_json::from_str(body).unwrap();
            assert_eq!(sent.project_id.as_deref(), project);
            assert_eq!((sent.prompt_tokens, sent.completion_tokens), (Some(1200), Some(350)));
            let known = serde_json::to_value(&sent).unwrap();
            let given: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(known, given, "every field is one of the form's");
        }
    }

    #[test]
    fn a_language_that_nobody_offers_is_curl() {
        assert_eq!(Language::from_name("cobol"), Language::Curl);
        for language in Language::ALL {
            assert_eq!(Language::from_name(language.name()), language);
        }
    }
}
