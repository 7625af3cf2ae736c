//! Whose model it was, where the caller does not say or says it in another field.

/// Vendors that callers name as the `service`, as the integration guide does.
const VENDORS: [&str; 8] =
    ["openai", "anthropic", "google_ai", "vertex_ai", "aws_bedrock", "azure", "mistral", "cohere"];

/// How the names of a vendor's own models begin. Only what no other vendor uses.
const MODELS: [(&str, &str); 13] = [
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4-", "openai"),
    ("text-embedding-", "openai"),
    ("whisper-", "openai"),
    ("tts-", "openai"),
    ("dall-e-", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "google_ai"),
    ("anthropic.", "aws_bedrock"),
    ("amazon.", "aws_bedrock"),
];

/// What is written where the vendor is not known.
pub(super) const UNKNOWN: &str = "unknown";

/// Whether a service's name is a vendor's.
pub(super) fn is_vendor(name: &str) -> bool {
    VENDORS.contains(&name)
}

/// The vendor of a model by its name.
pub(super) fn of_model(model: &str) -> &'static str {
    let bare = model.rsplit('/').next().unwrap_or(model);
    MODELS.iter().find(|(start, _)| bare.starts_with(start)).map_or(UNKNOWN, |(_, vendor)| vendor)
}

#[cfg(test)]
mod tests {
    use super::{UNKNOWN, of_model};

    #[test]
    fn models_tell_their_vendor() {
        assert_eq!(of_model("gpt-4o-2024-08-06"), "openai");
        assert_eq!(of_model("claude-opus-4-6"), "anthropic");
        assert_eq!(of_model("models/gemini-2.5-pro"), "google_ai");
        assert_eq!(of_model("anthropic.claude-3-haiku-20240307-v1:0"), "aws_bedrock");
        assert_eq!(of_model("llama3"), UNKNOWN);
    }
}
