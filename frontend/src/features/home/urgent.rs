//! Critical alerts that nobody is at: what home puts before everything else.

use finops_contract::{Amount, Page};
use serde::Deserialize;
use uuid::Uuid;

use crate::data::{Query, use_told};

/// What home needs of an alert; the pages about alerts read all of it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Urgent {
    pub(super) id: Uuid,
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

/// The critical ones that are open, the latest first, as many as there is room for. However many others there are, they are
/// not hidden by them.
pub(super) fn use_urgent(most: usize) -> Query<Page<Urgent>> {
    use_told(move || Some(format!("/alerts?status=open&severity=critical&limit={most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urgent(path: &str) -> Urgent {
        let json = format!(
            r#"{{"id":"01936f00-0000-7000-8000-000000000001","severity":"critical","subject":"s","team":null,
            "budget":{{"figure":"742.000000","currency":"USD","name":"more than home needs"}},
            "links":[{{"action":"open","path":"/alerts/1"}},{{"action":"block","path":"{path}"}}]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn a_block_is_a_page_of_this_app() {
        assert_eq!(urgent("/block/project:1?alert=2").block(), Some("/block/project:1?alert=2"));
        assert_eq!(urgent("https://elsewhere.example/block/").block(), None);
    }
}
