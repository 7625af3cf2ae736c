//! What a vendor sees of a request, and what it answers.

use std::collections::BTreeMap;

use serde_json::Value;

/// One request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// The path below the vendor's base.
    pub(crate) path: &'a str,
    /// The credential as it was sent.
    pub(crate) authorization: Option<&'a str>,
    /// The other headers, names in lower case.
    pub(crate) headers: &'a BTreeMap<String, String>,
    pub(crate) body: &'a str,
    /// The body's JSON, or the fields of its form; null when it is neither.
    pub(crate) content: &'a Value,
}

impl Request<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The bearer's token.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.authorization?.strip_prefix("Bearer ").map(str::trim)
    }

    pub(crate) fn is_json(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("application/json"))
    }

    /// A text field of the body, if it is there and not blank.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.content.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let content_type = "application/json";
        Self { status, content_type, headers: Vec::new(), body: body.to_string() }
    }

    pub(crate) fn text(status: u16, content_type: &'static str, body: &str) -> Self {
        Self { status, content_type, headers: Vec::new(), body: body.to_owned() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Whether it looks like a mail address, alone or as `Name <address>`.
pub(crate) fn is_address(text: &str) -> bool {
    let bare = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')).map_or(text, |(_, bare)| bare);
    let Some((user, domain)) = bare.rsplit_once('@') else { return false };
    let clean = |part: &str| !part.is_empty() && !part.contains([' ', '<', '>', ',', '@', '\r', '\n']);
    clean(user) && clean(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
}

/// A length as the vendors count it.
pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}
