//! What the list of events is narrowed to, as a line of `key:value` terms. Pure.

use std::fmt;

use finops_contract::projects::{Environment, Project};
use uuid::Uuid;

use crate::order::folded;

/// The value that stands for "belongs to no project".
pub(super) const NONE: &str = "none";

/// Suggestions that are offered at once.
const OFFERED: usize = 8;

/// What can be asked about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Project,
    Model,
    Service,
    Provider,
    Environment,
    State,
    Failed,
    Learner,
    User,
    Session,
    Task,
    Tag,
    /// The API key that it came with.
    Credential,
}

impl Key {
    /// In the order in which they are offered.
    pub(super) const ALL: [Key; 13] = [
        Key::Project,
        Key::Model,
        Key::Service,
        Key::Provider,
        Key::Environment,
        Key::State,
        Key::Failed,
        Key::Learner,
        Key::User,
        Key::Session,
        Key::Task,
        Key::Tag,
        Key::Credential,
    ];

    /// As it is typed.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Key::Project => "project",
            Key::Model => "model",
            Key::Service => "service",
            Key::Provider => "provider",
            Key::Environment => "environment",
            Key::State => "state",
            Key::Failed => "failed",
            Key::Learner => "learner",
            Key::User => "user",
            Key::Session => "session",
            Key::Task => "task",
            Key::Tag => "tag",
            Key::Credential => "key",
        }
    }

    /// The service's parameter.
    const fn param(self) -> &'static str {
        match self {
            Key::Project => "projectId",
            Key::Learner => "learnerId",
            Key::User => "userId",
            Key::Session => "sessionId",
            Key::Task => "taskType",
            Key::Credential => "apiKeyId",
            _ => self.name(),
        }
    }

    fn from_name(name: &str) -> Option<Key> {
        Key::ALL.into_iter().find(|key| key.name() == name)
    }

    /// The only values that it takes, for one that has such.
    fn values(self) -> Option<Vec<&'static str>> {
        match self {
            Key::Environment => Some(Environment::ALL.iter().map(|environment| environment.name()).collect()),
            Key::State => Some(vec!["estimated", "unpriced", "free"]),
            Key::Failed => Some(vec!["true", "false"]),
            _ => None,
        }
    }
}

/// `model:gpt-4o`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) key: Key,
    pub(super) value: String,
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain =
            !self.value.is_empty() && !self.value.contains(|c: char| c.is_whitespace() || c == '"' || c == '\\');
        if plain {
            return write!(f, "{}:{}", self.key.name(), self.value);
        }
        write!(f, "{}:\"{}\"", self.key.name(), self.value.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Terms that all have to hold, one a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter(pub(super) Vec<Term>);

/// Why a filter cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It names nothing that can be asked about.
    Key(String),
    /// The key does not take this value.
    Value(Term),
    /// No project has this name, or several have.
    Project(String),
}

impl Filter {
    /// Reads a line. What names no key is a problem, and left out.
    pub(super) fn read(text: &str) -> (Filter, Vec<Problem>) {
        let (mut filter, mut problems) = (Filter::default(), Vec::new());
        for word in words(text) {
            match read_term(&word) {
                Ok(term) => filter = filter.with(term),
                Err(problem) => problems.push(problem),
            }
        }
        (filter, problems)
    }

    /// The line that reads as this.
    pub(super) fn write(&self) -> String {
        self.0.iter().map(Term::to_string).collect::<Vec<_>>().join(" ")
    }

    /// The same, and this term in the place of any other of its key.
    pub(super) fn with(mut self, term: Term) -> Filter {
        match self.0.iter_mut().find(|known| known.key == term.key) {
            Some(known) => *known = term,
            None => self.0.push(term),
        }
        self
    }

    /// The same without the term of a key.
    pub(super) fn without(mut self, key: Key) -> Filter {
        self.0.retain(|term| term.key != key);
        self
    }

    /// Names and values of the service's parameters. A project's name becomes its id.
    pub(super) fn params(&self, projects: &[Project]) -> Result<Vec<(&'static str, String)>, Problem> {
        let param = |term: &Term| {
            let value = match term.key {
                Key::Project => project_id(&term.value, projects)?,
                Key::Credential if term.value.parse::<Uuid>().is_err() => return Err(Problem::Value(term.clone())),
                key if key.values().is_some_and(|values| !values.contains(&term.value.as_str())) => {
                    return Err(Problem::Value(term.clone()));
                }
                _ => term.value.clone(),
            };
            Ok((term.key.param(), value))
        };
        self.0.iter().map(param).collect()
    }
}

fn project_id(value: &str, projects: &[Project]) -> Result<String, Problem> {
    if value == NONE || value.parse::<Uuid>().is_ok() {
        return Ok(value.to_owned());
    }
    let mut named = projects.iter().filter(|project| project.name == value);
    match (named.next(), named.next()) {
        (Some(project), None) => Ok(project.id.to_string()),
        _ => Err(Problem::Project(value.to_owned())),
    }
}

/// One term, as it is typed or out of a line.
pub(super) fn read_term(word: &str) -> Result<Term, Problem> {
    let unknown = || Problem::Key(word.to_owned());
    let (name, value) = word.split_once(':').ok_or_else(unknown)?;
    let key = Key::from_name(name).ok_or_else(unknown)?;
    let term = Term { key, value: unquoted(value) };
    if term.value.is_empty() { Err(Problem::Value(term)) } else { Ok(term) }
}

/// Splits at blanks outside of quotation marks.
fn words(text: &str) -> Vec<String> {
    let (mut out, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        if c.is_whitespace() && !quoted {
            if !word.is_empty() {
                out.push(std::mem::take(&mut word));
            }
            continue;
        }
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        word.push(c);
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.trim().to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            // Whoever types has not closed it yet, or has.
            '"' => break,
            _ => out.push(c),
        }
    }
    out
}

/// What the list may be narrowed by next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Suggestion {
    /// A key, to go on typing.
    Key(Key),
    /// A whole term.
    Term(Term),
}

/// What fits what was typed so far. `known` holds values that were seen, by their keys, the likeliest first; `label`
/// says what a key is called.
pub(super) fn suggest(typed: &str, known: &[Term], label: impl Fn(Key) -> String) -> Vec<Suggestion> {
    let typed = typed.trim_start();
    if let Some((name, value)) = typed.split_once(':') {
        let Some(key) = Key::from_name(name) else { return Vec::new() };
        let wanted = unquoted(value);
        let folded_value = folded(&wanted);
        let fixed = key.values().unwrap_or_default().into_iter().map(str::to_owned);
        let seen = known.iter().filter(|term| term.key == key).map(|term| term.value.clone());
        let mut values: Vec<String> = Vec::new();
        for value in fixed.chain(seen).filter(|value| folded(value).contains(&folded_value)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        // What nobody has seen yet may still be asked for.
        if key.values().is_none() && !wanted.is_empty() && !values.contains(&wanted) {
            values.insert(0, wanted);
        }
        return values.into_iter().take(OFFERED).map(|value| Suggestion::Term(Term { key, value })).collect();
    }
    let wanted = folded(typed.trim());
    let keys =
        Key::ALL.into_iter().filter(|key| key.name().contains(&wanted) || folded(&label(*key)).contains(&wanted));
    if wanted.is_empty() {
        return keys.map(Suggestion::Key).collect();
    }
    let terms = known.iter().filter(|term| folded(&term.value).contains(&wanted)).cloned();
    keys.map(Suggestion::Key).chain(terms.map(Suggestion::Term)).take(OFFERED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(key: Key, value: &str) -> Term {
        Term { key, value: value.to_owned() }
    }

    fn project(id: u128, name: &str) -> Project {
        serde_json::from_value(serde_json::json!({
            "id": Uuid::from_u128(id), "name": name, "environment": "production", "teamId": Uuid::nil(), "teamName": "",
            "memberCount": 0, "createdAt": "2026-11-24T00:00:00Z",
        }))
        .unwrap()
    }

    #[test]
    fn what_is_written_reads_as_the_same() {
        let filter = Filter(vec![
            term(Key::Project, "광고 문구 생성"),
            term(Key::Model, "gpt-4o"),
            term(Key::Tag, "a \"b\" \\c"),
            term(Key::Failed, "true"),
        ]);
        assert_eq!(filter.write(), r#"project:"광고 문구 생성" model:gpt-4o tag:"a \"b\" \\c" failed:true"#);
        assert_eq!(Filter::read(&filter.write()), (filter, Vec::new()));
    }

    #[test]
    fn a_key_holds_once_and_the_last_wins() {
        let (filter, problems) = Filter::read("model:a  failed:true model:b nonsense colour:red service:");
        assert_eq!(filter.0, [term(Key::Model, "b"), term(Key::Failed, "true")]);
        assert_eq!(problems.len(), 3);
        assert_eq!(filter.without(Key::Model).write(), "failed:true");
    }

    #[test]
    fn a_value_may_hold_colons() {
        assert_eq!(read_term("model:anthropic.claude-v2:1"), Ok(term(Key::Model, "anthropic.claude-v2:1")));
    }

    #[test]
    fn a_project_is_asked_for_by_its_id() {
        let projects = [project(1, "chatbot"), project(2, "twin"), project(3, "twin")];
        let ask = |value: &str| Filter(vec![term(Key::Project, value)]).params(&projects);
        assert_eq!(ask("chatbot"), Ok(vec![("projectId", Uuid::from_u128(1).to_string())]));
        assert_eq!(ask("none"), Ok(vec![("projectId", "none".to_owned())]));
        assert_eq!(ask("twin"), Err(Problem::Project("twin".into())), "a guess would be somebody else's costs");
        assert_eq!(ask("gone"), Err(Problem::Project("gone".into())));
        let id = Uuid::from_u128(3).to_string();
        assert_eq!(ask(&id), Ok(vec![("projectId", id.clone())]));
    }

    #[test]
    fn a_value_that_cannot_be_is_told_before_it_is_asked_for() {
        for wrong in ["failed:maybe", "state:billed", "environment:moon", "key:abc"] {
            let (filter, problems) = Filter::read(wrong);
            assert!(problems.is_empty());
            assert!(matches!(filter.params(&[]), Err(Problem::Value(_))), "{wrong}");
        }
        let (filter, _) = Filter::read("failed:false state:unpriced environment:ci learner:l-1");
        assert_eq!(filter.params(&[]).unwrap()[3], ("learnerId", "l-1".to_owned()));
    }

    #[test]
    fn suggestions_follow_what_is_typed() {
        let known = [term(Key::Model, "gpt-4o"), term(Key::Model, "claude-opus"), term(Key::Service, "gpt-gateway")];
        let label = |key: Key| if key == Key::Project { "프로젝트".to_owned() } else { key.name().to_owned() };
        let offered = |typed: &str| suggest(typed, &known, label);
        assert_eq!(offered("").len(), Key::ALL.len());
        assert_eq!(offered("프로"), [Suggestion::Key(Key::Project)]);
        assert_eq!(
            offered("GPT"),
            [Suggestion::Term(term(Key::Model, "gpt-4o")), Suggestion::Term(term(Key::Service, "gpt-gateway"))]
        );
        assert_eq!(
            offered("model:opus"),
            [Suggestion::Term(term(Key::Model, "opus")), Suggestion::Term(term(Key::Model, "claude-opus"))],
            "what nobody has seen can be asked for"
        );
        assert_eq!(offered("failed:t"), [Suggestion::Term(term(Key::Failed, "true"))]);
        assert_eq!(offered("colour:r"), []);
    }
}
