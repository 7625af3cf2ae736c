//! Faults on demand: which request they hit, and what they do to its answer. Vendor-neutral; the bodies of error
//! answers are the vendor module's.

use serde::{Deserialize, Serialize};

/// A fault and the requests that it hits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultSpec {
    /// The requests it hits.
    #[serde(rename = "match", default)]
    pub matching: FaultMatch,
    /// What it does.
    pub fault: Fault,
    /// How many requests it hits before it is gone; `None`: until it is cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// How many matching requests pass unharmed first.
    #[serde(default)]
    pub skip: u32,
}

impl FaultSpec {
    /// A fault on every request to `path` (see [`FaultMatch::path`]), until it is cleared.
    #[must_use]
    pub fn new(path: &str, fault: Fault) -> Self {
        let matching = FaultMatch { path: Some(path.to_owned()), ..FaultMatch::default() };
        Self { matching, fault, times: None, skip: 0 }
    }

    /// Hits only requests of this organization.
    #[must_use]
    pub fn organization(mut self, id: &str) -> Self {
        self.matching.organization = Some(id.to_owned());
        self
    }

    /// Hits only requests made with this key.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.matching.key = Some(key.to_owned());
        self
    }

    /// Ends after so many hits.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

/// Which requests a fault hits. What is absent matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultMatch {
    /// The path, exact, or its beginning if it ends in `*`.
    pub path: Option<String>,
    /// The organization's id.
    pub organization: Option<String>,
    /// The key of the request, whether it is known or not.
    #[serde(skip_serializing)]
    pub key: Option<String>,
}

impl FaultMatch {
    fn matches(&self, path: &str, organization: Option<&str>, key: Option<&str>) -> bool {
        let path_matches = self.path.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == wanted,
        });
        let same = |wanted: &Option<String>, actual: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| actual == Some(wanted))
        };
        path_matches && same(&self.organization, organization) && same(&self.key, key)
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Fault {
    /// An error status with the vendor's error body; code and message follow from the status unless given.
    Status {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header, seconds or an HTTP date.
        #[serde(default)]
        retry_after: Option<String>,
        /// The `retry-after-ms` header.
        #[serde(default)]
        retry_after_ms: Option<u64>,
        /// Which of the vendor's error bodies.
        #[serde(default)]
        shape: ErrorShape,
        /// The error's code instead of the usual one.
        #[serde(default)]
        code: Option<String>,
        /// The error's message instead of the usual one.
        #[serde(default)]
        message: Option<String>,
    },
    /// Nothing is sent for so long, then the usual answer.
    Hang {
        /// How long.
        seconds: f64,
    },
    /// The connection ends without an answer. Channels only.
    Reset,
    /// Go elsewhere. Channels only.
    Redirect {
        /// A 3xx.
        status: u16,
        /// Where to.
        location: String,
    },
    /// The connection breaks after half of the body that the headers promised.
    Truncate,
    /// Status 200 with an HTML page, as from a captive proxy.
    Html,
    /// `has_more` with the cursor that was just used.
    RepeatedCursor,
    /// `has_more` without a cursor.
    NullCursor,
    /// Numbers are arrays and amounts are words.
    WrongTypes,
    /// A page brings the rows of the page before it once more.
    DuplicatePage,
    /// Amounts and counts are below zero.
    Negative,
    /// The answer is preceded by that much white space.
    Huge {
        /// How much.
        bytes: u64,
    },
}

impl Fault {
    /// An error status without a header or body of its own.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let shape = ErrorShape::default();
        Self::Status { status, retry_after: None, retry_after_ms: None, shape, code: None, message: None }
    }
}

/// The error bodies that were observed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorShape {
    /// `{"error":{"message","type","param","code"}}`.
    #[default]
    Object,
    /// `{"error":"text"}`.
    Text,
    /// `{"code":404,"message":…}`.
    Bare,
}

/// The faults in force, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Vec<(u64, FaultSpec)>,
    last_id: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, spec: FaultSpec) -> u64 {
        self.last_id += 1;
        self.active.push((self.last_id, spec));
        self.last_id
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    pub(crate) fn list(&self) -> impl Iterator<Item = &(u64, FaultSpec)> {
        self.active.iter()
    }

    /// The fault that hits this request, counted. Every earlier match that only lets it pass is counted too.
    pub(crate) fn take(&mut self, path: &str, organization: Option<&str>, key: Option<&str>) -> Option<Fault> {
        let mut taken = None;
        let matches = |spec: &FaultSpec| spec.times != Some(0) && spec.matching.matches(path, organization, key);
        for (_, spec) in self.active.iter_mut().filter(|(_, spec)| matches(spec)) {
            if spec.skip > 0 {
                spec.skip -= 1;
                continue;
            }
            spec.times = spec.times.map(|left| left.saturating_sub(1));
            taken = Some(spec.fault.clone());
            break;
        }
        self.active.retain(|(_, spec)| spec.times != Some(0));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultSpec, Faults};

    #[test]
    fn a_fault_hits_what_it_names_after_its_skips_and_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.add(FaultSpec::new("/v1/a*", Fault::Html).organization("org-1").skip(1).times(2));
        assert_eq!(faults.take("/v1/b", Some("org-1"), None), None);
        assert_eq!(faults.take("/v1/abc", Some("org-2"), None), None);
        assert_eq!(faults.take("/v1/abc", Some("org-1"), None), None, "skipped");
        assert_eq!(faults.take("/v1/abc", Some("org-1"), None), Some(Fault::Html));
        assert_eq!(faults.take("/v1/abc", Some("org-1"), None), Some(Fault::Html));
        assert_eq!(faults.take("/v1/abc", Some("org-1"), None), None, "used up");
    }

    #[test]
    fn a_fault_is_read_from_the_control_api_json() {
        let text = r#"{"match":{"path":"/v1/organization/costs"},"fault":{"kind":"status","status":429,"retryAfter":"2"},"times":1}"#;
        let spec: FaultSpec = serde_json::from_str(text).unwrap();
        assert!(matches!(spec.fault, Fault::Status { status: 429, retry_after: Some(ref after), .. } if after == "2"));
        assert!(serde_json::from_str::<FaultSpec>(r#"{"fault":{"kind":"gremlin"}}"#).is_err());
    }
}
