//! What the audit log says of a change.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::i18n::{Word, words};
use crate::url::query;

/// The kinds of things that changes are made to, as they are filtered by.
pub(super) const SUBJECTS: [(&str, Word); 27] = [
    ("admin_key", words::audit::SUBJECT_ADMIN_KEY),
    ("team", words::audit::SUBJECT_TEAM),
    ("project", words::audit::SUBJECT_PROJECT),
    ("collection", words::audit::SUBJECT_COLLECTION),
    ("cost", words::audit::SUBJECT_COST),
    ("organization", words::audit::SUBJECT_ORGANIZATION),
    ("member", words::audit::SUBJECT_MEMBER),
    ("invitation", words::audit::SUBJECT_INVITATION),
    ("account", words::audit::SUBJECT_ACCOUNT),
    ("session", words::audit::SUBJECT_SESSION),
    ("job", words::audit::SUBJECT_JOB),
    ("api_key", words::audit::SUBJECT_API_KEY),
    ("provider_key", words::audit::SUBJECT_PROVIDER_KEY),
    ("price", words::audit::SUBJECT_PRICE),
    ("price_override", words::audit::SUBJECT_PRICE_OVERRIDE),
    ("price_change", words::audit::SUBJECT_PRICE_CHANGE),
    ("budget", words::audit::SUBJECT_BUDGET),
    ("alert", words::audit::SUBJECT_ALERT),
    ("alert_rule", words::audit::SUBJECT_ALERT_RULE),
    ("channel", words::audit::SUBJECT_CHANNEL),
    ("delivery", words::audit::SUBJECT_DELIVERY),
    ("block", words::audit::SUBJECT_BLOCK),
    ("report", words::audit::SUBJECT_REPORT),
    ("fx_rate", words::audit::SUBJECT_FX_RATE),
    ("usage_import", words::audit::SUBJECT_USAGE_IMPORT),
    ("usage_prompt", words::audit::SUBJECT_USAGE_PROMPT),
    ("secret", words::audit::SUBJECT_SECRET),
];

/// What was done, in a sentence. `None` for an action of a later version, which is then shown by its code.
pub(super) fn action(code: &str) -> Option<Word> {
    use words::audit as w;
    Some(match code {
        "account.register" => w::ACCOUNT_REGISTER,
        "account.update" => w::ACCOUNT_UPDATE,
        "account.change_password" => w::ACCOUNT_CHANGE_PASSWORD,
        "session.begin" => w::SESSION_BEGIN,
        "session.end" => w::SESSION_END,
        "session.end_all" => w::SESSION_END_ALL,
        "session.end_replayed" => w::SESSION_END_REPLAYED,
        "organization.update" => w::ORGANIZATION_UPDATE,
        "member.update" => w::MEMBER_UPDATE,
        "member.remove" => w::MEMBER_REMOVE,
        "invitation.create" => w::INVITATION_CREATE,
        "invitation.revoke" => w::INVITATION_REVOKE,
        "team.create" => w::TEAM_CREATE,
        "team.update" => w::TEAM_UPDATE,
        "team.delete" => w::TEAM_DELETE,
        "team.add_member" => w::TEAM_ADD_MEMBER,
        "team.remove_member" => w::TEAM_REMOVE_MEMBER,
        "project.create" => w::PROJECT_CREATE,
        "project.update" => w::PROJECT_UPDATE,
        "project.delete" => w::PROJECT_DELETE,
        "project.add_member" => w::PROJECT_ADD_MEMBER,
        "project.remove_member" => w::PROJECT_REMOVE_MEMBER,
        "project.register_openai_project_id" => w::PROJECT_REGISTER_OPENAI_PROJECT_ID,
        "project.remove_openai_project_id" => w::PROJECT_REMOVE_OPENAI_PROJECT_ID,
        "admin_key.register" => w::ADMIN_KEY_REGISTER,
        "admin_key.rotate" => w::ADMIN_KEY_ROTATE,
        "admin_key.verify" => w::ADMIN_KEY_VERIFY,
        "admin_key.activate" => w::ADMIN_KEY_ACTIVATE,
        "admin_key.deactivate" => w::ADMIN_KEY_DEACTIVATE,
        "admin_key.delete" => w::ADMIN_KEY_DELETE,
        "collection.request" => w::COLLECTION_REQUEST,
        "cost.import" => w::COST_IMPORT,
        "collection.adopt_account" => w::COLLECTION_ADOPT_ACCOUNT,
        "project.attribute_costs" => w::PROJECT_ATTRIBUTE_COSTS,
        "job.retry" => w::JOB_RETRY,
        "api_key.create" => w::API_KEY_CREATE,
        "api_key.rotate" => w::API_KEY_ROTATE,
        "api_key.revoke" => w::API_KEY_REVOKE,
        "provider_key.store" => w::PROVIDER_KEY_STORE,
        "provider_key.delete" => w::PROVIDER_KEY_DELETE,
        "price.import" => w::PRICE_IMPORT,
        "price.reprice" => w::PRICE_REPRICE,
        "price.repriced" => w::PRICE_REPRICED,
        "price_override.create" => w::PRICE_OVERRIDE_CREATE,
        "price_override.end" => w::PRICE_OVERRIDE_END,
        "price_change.confirm" => w::PRICE_CHANGE_CONFIRM,
        "price_change.dismiss" => w::PRICE_CHANGE_DISMISS,
        "budget.create" => w::BUDGET_CREATE,
        "budget.update" => w::BUDGET_UPDATE,
        "budget.delete" => w::BUDGET_DELETE,
        "alert.acknowledge" => w::ALERT_ACKNOWLEDGE,
        "alert.resolve" => w::ALERT_RESOLVE,
        "alert.test" => w::ALERT_TEST,
        "alert_rule.update" => w::ALERT_RULE_UPDATE,
        "channel.create" => w::CHANNEL_CREATE,
        "channel.update" => w::CHANNEL_UPDATE,
        "channel.delete" => w::CHANNEL_DELETE,
        "channel.rotate_secret" => w::CHANNEL_ROTATE_SECRET,
        "channel.test" => w::CHANNEL_TEST,
        "channel.health" => w::CHANNEL_HEALTH,
        "delivery.resend" => w::DELIVERY_RESEND,
        "block.create" => w::BLOCK_CREATE,
        "block.approve" => w::BLOCK_APPROVE,
        "block.decline" => w::BLOCK_DECLINE,
        "block.request_lift" => w::BLOCK_REQUEST_LIFT,
        "block.decline_lift" => w::BLOCK_DECLINE_LIFT,
        "block.lift" => w::BLOCK_LIFT,
        "report.send" => w::REPORT_SEND,
        "report.test" => w::REPORT_TEST,
        "report.set_recipients" => w::REPORT_SET_RECIPIENTS,
        "block.provider_clamped" => w::BLOCK_PROVIDER_CLAMPED,
        "block.provider_restored" => w::BLOCK_PROVIDER_RESTORED,
        "block.provider_failed" => w::BLOCK_PROVIDER_FAILED,
        "fx_rate.set" => w::FX_RATE_SET,
        "usage_import.create" => w::USAGE_IMPORT_CREATE,
        "usage_import.cancel" => w::USAGE_IMPORT_CANCEL,
        "usage_prompt.read" => w::USAGE_PROMPT_READ,
        "secret.rekey" => w::SECRET_REKEY,
        _ => return None,
    })
}

/// A field that a change touched.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// Where it is, `key.isActive`.
    pub(super) path: String,
    /// As it was; `None` where it was not there.
    pub(super) before: Option<Value>,
    /// As it is since.
    pub(super) after: Option<Value>,
}

/// The fields that differ, in the order of their names.
pub(super) fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let (mut was, mut is) = (BTreeMap::new(), BTreeMap::new());
    flatten(String::new(), before, &mut was);
    flatten(String::new(), after, &mut is);
    let mut paths: Vec<_> = was.keys().chain(is.keys()).cloned().collect();
    paths.sort();
    paths.dedup();
    paths
        .into_iter()
        .map(|path| Difference { before: was.remove(&path), after: is.remove(&path), path })
        .filter(|difference| difference.before != difference.after)
        .collect()
}

fn flatten(path: String, value: Option<&Value>, out: &mut BTreeMap<String, Value>) {
    match value {
        None => {}
        Some(Value::Object(fields)) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                flatten(path, Some(value), out);
            }
        }
        Some(value) => drop(out.insert(path, value.clone())),
    }
}

/// What the page asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filter {
    pub(super) subject: Option<String>,
    pub(super) actor: Option<String>,
    pub(super) target: Option<String>,
    /// The first instant, RFC 3339.
    pub(super) from: Option<String>,
    /// The instant after the last.
    pub(super) to: Option<String>,
    pub(super) cursor: Option<String>,
}

impl Filter {
    /// Whether anything is left out.
    pub(super) fn is_narrow(&self) -> bool {
        Filter { cursor: None, ..self.clone() } != Filter::default()
    }

    /// The names and values of the service's query.
    pub(super) fn params(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            // All actions of one subject end with its dot.
            ("action", self.subject.as_ref().map(|subject| format!("{subject}."))),
            ("actorId", self.actor.clone()),
            ("targetId", self.target.clone()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
            ("cursor", self.cursor.clone()),
        ]
    }

    /// The address that answers it.
    pub(super) fn path(&self) -> String {
        let params = self.params();
        let params: Vec<_> = params.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        format!("/audit-log{}", query(&params))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_changed_is_told() {
        let before = json!({"name": "a", "key": {"last4": "abc1", "isActive": true}});
        let after = json!({"name": "a", "key": {"last4": "xyz9", "isActive": true}, "note": null});
        let found = differences(Some(&before), Some(&after));
        let paths: Vec<_> = found.iter().map(|difference| difference.path.as_str()).collect();
        assert_eq!(paths, ["key.last4", "note"]);
        assert_eq!(found[0].before, Some(json!("abc1")));
        assert_eq!(found[1].before, None);
    }

    #[test]
    fn what_is_new_has_no_before() {
        let found = differences(None, Some(&json!({"name": "a"})));
        assert_eq!(found, [Difference { path: "name".into(), before: None, after: Some(json!("a")) }]);
        assert!(differences(None, None).is_empty());
    }

    #[test]
    fn a_subject_asks_for_all_of_its_actions() {
        let filter = Filter { subject: Some("team".into()), cursor: Some("c".into()), ..Filter::default() };
        assert_eq!(filter.params()[0], ("action", Some("team.".to_owned())));
        assert!(filter.is_narrow());
        assert!(!Filter { cursor: Some("c".into()), ..Filter::default() }.is_narrow());
    }

    #[test]
    fn every_known_action_belongs_to_a_subject_that_can_be_filtered_by() {
        for (subject, _) in SUBJECTS {
            assert!(action(&format!("{subject}.")).is_none());
        }
        for code in ["admin_key.rotate", "cost.import", "session.begin"] {
            assert!(action(code).is_some());
            assert!(SUBJECTS.iter().any(|(subject, _)| code.starts_with(&format!("{subject}."))), "{code}");
        }
    }
}
