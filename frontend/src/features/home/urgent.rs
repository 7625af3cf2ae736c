//! Critical alerts that nobody is at: what home puts before everything else.

use finops_contract::{Amount, Page};
use serde::Deserialize;
use uuid::Uuid;

use crate::data::{Query, use_told};

/// What home needs of an alert; the pages about alerts read all of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Urgent {
    pub(super) id: Uuid,
    severity: String,
    /// One line that says it all.
    pub(super) subject: String,
    pub(super) budget: Option<Spent>,
    links: Vec<Link>,
}

/// How much it is about.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Spent {
    pub(super) figure: Amount,
    pub(super) currency: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Link {
    action: String,
    path: String,
}

impl Urgent {
    /// The way to the block dialog, where something can be stopped.
    pub(super) fn block(&self) -> Option<&str> {
        let found = self.links.iter().find(|link| link.action == "block");
        // A path within the app, whatever it was sent as.
        found.map(|link| link.path.as_str()).filter(|path| path.starts_with("/block/"))
    }
}

/// The open alerts, the latest first.
pub(super) fn use_urgent() -> Query<Page<Urgent>> {
    use_told(|| Some("/alerts?status=open&limit=50".to_owned()))
}

/// The critical ones among them.
pub(super) fn critical(alerts: Vec<Urgent>) -> Vec<Urgent> {
    alerts.into_iter().filter(|alert| alert.severity == "critical").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urgent(severity: &str, path: &str) -> Urgent {
        let json = format!(
            r#"{{"id":"01936f00-0000-7000-8000-000000000001","severity":"{severity}","subject":"s","team":null,
            "budget":{{"figure":"742.000000","currency":"USD","name":"more than home needs"}},
            "links":[{{"action":"open","path":"/alerts/1"}},{{"action":"block","path":"{path}"}}]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn only_what_is_critical_comes_first() {
        let all = ["warning", "critical", "error"].map(|severity| urgent(severity, "/block/project:1"));
        let kept: Vec<_> = critical(all.to_vec()).into_iter().map(|alert| alert.severity).collect();
        assert_eq!(kept, ["critical"]);
    }

    #[test]
    fn a_block_is_a_page_of_this_app() {
        assert_eq!(urgent("critical", "/block/project:1?alert=2").block(), Some("/block/project:1?alert=2"));
        assert_eq!(urgent("critical", "https://elsewhere.example/block/").block(), None);
    }
}
