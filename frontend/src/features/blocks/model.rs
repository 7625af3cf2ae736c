//! What a block means. Pure.

use finops_contract::blocks::{Block, BlockPreview, BlockStatus, BlockTarget, BlockTargetType, ProviderStopState};
use uuid::Uuid;

/// What the address `/block/project:0199…` names.
pub(super) fn read_target(text: &str) -> Option<BlockTarget> {
    let (kind, id) = text.split_once(':')?;
    Some(BlockTarget { kind: BlockTargetType::from_name(kind)?, id: id.parse().ok()? })
}

/// The services that would get no answer, each once however many projects it works for, with their calls, the busiest
/// first.
pub(super) fn services(preview: &BlockPreview) -> Vec<(String, i64)> {
    let mut all: Vec<(String, i64)> = Vec::new();
    for service in preview.projects.iter().flat_map(|project| &project.services) {
        match all.iter_mut().find(|(name, _)| *name == service.name) {
            Some((_, calls)) => *calls = calls.saturating_add(service.calls),
            None => all.push((service.name.clone(), service.calls)),
        }
    }
    crate::order::sort_by(&mut all, |a, b| b.1.cmp(&a.1));
    all
}

/// Whether something about it still moves by itself.
pub(super) fn is_moving(block: &Block) -> bool {
    use ProviderStopState as S;
    block.provider.iter().any(|stop| matches!(stop.state, S::Clamping | S::Restoring | S::Failed))
}

/// Whether a second person has to decide something.
pub(super) fn is_waiting(block: &Block) -> bool {
    block.status == BlockStatus::Requested || block.lift_request.is_some()
}

/// Where one comes from, or would look next: the alert, else what was to be stopped, an Admin key at its team.
pub(super) fn way_back(target: Option<BlockTarget>, alert: Option<Uuid>, team: Option<Uuid>) -> String {
    match (alert, target) {
        (Some(alert), _) => format!("/alerts/{alert}"),
        (None, Some(BlockTarget { kind: BlockTargetType::Project, id })) => format!("/projects/{id}"),
        (None, Some(BlockTarget { kind: BlockTargetType::ApiKey, .. })) => "/settings?tab=keys".to_owned(),
        (None, Some(BlockTarget { kind: BlockTargetType::AdminKey, .. })) => {
            team.map_or_else(|| "/teams".to_owned(), |team| format!("/teams/{team}"))
        }
        (None, None) => "/blocks".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01936f00-0000-7000-8000-0000000000b1";

    #[test]
    fn an_address_names_a_target_or_nothing() {
        for kind in BlockTargetType::ALL {
            let target = read_target(&format!("{}:{ID}", kind.name())).unwrap();
            assert_eq!((target.kind, target.id.to_string().as_str()), (*kind, ID));
        }
        for text in ["", "project", "project:", "team:01936f00-0000-7000-8000-0000000000b1", "project:x"] {
            assert_eq!(read_target(text), None);
        }
    }

    #[test]
    fn a_service_of_several_projects_is_one() {
        let project = |services: &str| {
            let usage = r#"{"calls":0,"cost":"0","currency":"USD","unpriced":0}"#;
            format!(
                r#"{{"id":"{ID}","name":"a","environment":"production","openaiProjectId":null,"day":{usage},"week":{usage},"services":[{services}]}}"#
            )
        };
        let service = |name: &str, calls: i64| {
            format!(r#"{{"name":"{name}","calls":{calls},"lastCallAt":"2026-11-24T08:00:00Z"}}"#)
        };
        let json = format!(
            r#"{{"target":{{"type":"admin_key","id":"{ID}","name":"a"}},"team":null,"mode":"stop","blockId":null,
            "projects":[{},{}],"day":{{"calls":0,"cost":"0","currency":"USD","unpriced":0}},
            "week":{{"calls":0,"cost":"0","currency":"USD","unpriced":0}},"apiKeys":[],
            "provider":{{"allowed":false,"willClamp":false,"means":[],"openaiProjectIds":[]}},"people":[],"notStopped":[],
            "needsApproval":false,"mayBlock":true,"liftedBy":[]}}"#,
            project(&[service("tutor", 3), service("search", 9)].join(",")),
            project(&service("tutor", 8)),
        );
        let preview: BlockPreview = serde_json::from_str(&json).unwrap();
        assert_eq!(services(&preview), [("tutor".to_owned(), 11), ("search".to_owned(), 9)]);
    }

    #[test]
    fn who_leaves_it_goes_back_to_where_it_was_about() {
        let target = read_target(&format!("project:{ID}"));
        let team = ID.parse().ok();
        assert_eq!(way_back(target, None, team), format!("/projects/{ID}"));
        assert_eq!(way_back(target, ID.parse().ok(), team), format!("/alerts/{ID}"));
        let key = read_target(&format!("admin_key:{ID}"));
        assert_eq!(way_back(key, None, team), format!("/teams/{ID}"));
        assert_eq!(way_back(key, None, None), "/teams");
        assert_eq!(way_back(None, None, None), "/blocks");
    }
}
