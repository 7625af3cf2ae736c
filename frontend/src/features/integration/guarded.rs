//! What to paste where a call is asked about before it is made: asked, made and reported, settled or released. Pure.

use super::snippets::{Language, MODEL, Values};

/// Ways to ask.
pub(super) const LANGUAGES: [Language; 3] = [Language::Curl, Language::Python, Language::TypeScript];

/// What is pasted. A check is about a project: without one there is `placeholder`.
pub(super) fn guarded(language: Language, values: &Values, placeholder: &str) -> String {
    let project = values.project.as_deref().unwrap_or(placeholder);
    match language {
        Language::Python => python(values, project),
        Language::TypeScript => typescript(values, project),
        Language::Curl | Language::OpenTelemetry => curl(values, project),
    }
}

fn curl(Values { origin, key, .. }: &Values, project: &str) -> String {
    format!(
        "ask() {{ curl -sS -H 'authorization: Bearer {key}' -H 'content-type: application/json' \"$@\"; }}

# May it be made? What it costs at most is held until it is settled or released.
answer=$(ask {origin}/api/guard/check -d '{{
    \"projectId\": \"{project}\",
    \"service\": \"integration-guide\",
    \"model\": \"{MODEL}\",
    \"estimatedCost\": \"0.01\",
    \"reserve\": true
  }}')
echo \"$answer\"
held=$(echo \"$answer\" | sed -n 's/.*\"reservationId\":\"\\([^\"]*\\)\".*/\\1/p')

if [ -n \"$held\" ]; then
  # Make the call here, and report what it used.
  if ask --fail {origin}/api/usage/track -d '{{
    \"projectId\": \"{project}\",
    \"service\": \"integration-guide\",
    \"model\": \"{MODEL}\",
    \"promptTokens\": 1200,
    \"completionTokens\": 350
  }}'; then
    ask -X POST {origin}/api/guard/reservations/$held/settle -d '{{}}'
  else
    ask -X DELETE {origin}/api/guard/reservations/$held
  fi
fi"
    )
}

fn python(Values { origin, key, .. }: &Values, project: &str) -> String {
    format!(
        "from finops_sdk import Finops

finops = Finops(api_key=\"{key}\", base_url=\"{origin}\", project_id=\"{project}\")
call = {{\"service\": \"integration-guide\", \"model\": \"{MODEL}\"}}

# May it be made? What it costs at most is held until it is settled or released.
decision = finops.check(call, estimated_cost=\"0.01\", reserve=True)
held = decision[\"reservationId\"]
if decision[\"allowed\"]:
    try:
        # Make the call here, and report what it used.
        finops.track(call, prompt_tokens=1200, completion_tokens=350)
    except Exception:
        if held:
            finops.release(held)
        raise
    if held:
        finops.settle(held)
print(decision[\"reason\"] or \"made\")
finops.close()"
    )
}

fn typescript(Values { origin, key, .. }: &Values, project: &str) -> String {
    format!(
        "import {{ Finops }} from \"finops-sdk\";

const finops = new Finops({{
  apiKey: \"{key}\",
  baseUrl: \"{origin}\",
  projectId: \"{project}\",
}});
const call = {{ service: \"integration-guide\", model: \"{MODEL}\" }};

// May it be made? What it costs at most is held until it is settled or released.
const decision = await finops.check({{ ...call, estimatedCost: \"0.01\", reserve: true }});
const held = decision.reservationId;
if (decision.allowed) {{
  try {{
    // Make the call here, and report what it used.
    finops.track({{ ...call, promptTokens: 1200, completionTokens: 350 }});
  }} catch (error) {{
    if (held) await finops.release(held);
    throw error;
  }}
  if (held) await finops.settle(held);
}}
console.log(decision.reason ?? \"made\");
await finops.close();"
    )
}

/// What Prometheus is configured with. The key is another one: what reports calls must not read costs.
pub(super) fn prometheus(origin: &str, key: &str) -> String {
    let (scheme, host) = origin.split_once("://").unwrap_or(("https", origin));
    format!(
        "scrape_configs:
  - job_name: finops
    scheme: {scheme}
    metrics_path: /api/metrics
    scrape_interval: 60s
    authorization:
      credentials: {key}
    static_configs:
      - targets: [\"{host}\"]"
    )
}

#[cfg(test)]
mod tests {
    use finops_contract::guard::GuardCheckRequest;
    use finops_contract::usage::UsageEventRequest;

    use super::super::snippets::tests::values;
    use super::*;

    #[test]
    fn every_way_asks_with_the_key_about_the_project_and_settles_or_releases() {
        for language in LANGUAGES {
            let text = guarded(language, &values(Some("p-1")), "YOUR_PROJECT_ID");
            for part in ["https://finops.example.com", "fin_abc", "\"p-1\"", MODEL, "check", "settle"] {
                assert!(text.contains(part), "{language:?} lacks {part}");
            }
            assert!(text.contains("release") || text.contains("DELETE"), "{language:?}");
            assert!(guarded(language, &values(None), "YOUR_PROJECT_ID").contains("\"YOUR_PROJECT_ID\""));
        }
    }

    #[test]
    fn what_curl_sends_is_the_documented_form() {
        let text = guarded(Language::Curl, &values(Some("01936f00-0000-7000-8000-000000000001")), "");
        let bodies: Vec<&str> = text.split("-d '").skip(1).map(|rest| rest.split('\'').next().unwrap()).collect();
        let check: GuardCheckRequest = serde_json::from_str(bodies[0]).unwrap();
        assert!(check.reserve && check.estimated_cost.is_some());
        let call: UsageEventRequest = serde_json::from_str(bodies[1]).unwrap();
        assert_eq!((check.project_id, check.service, check.model), (call.project_id, call.service, Some(call.model)));
        assert_eq!(bodies[2], "{}");
    }

    #[test]
    fn prometheus_is_told_where_and_with_which_key() {
        let text = prometheus("http://localhost:8080", "fin_abc");
        for line in ["    scheme: http", "      credentials: fin_abc", "      - targets: [\"localhost:8080\"]"] {
            assert!(text.lines().any(|found| found == line), "{line}");
        }
    }
}
