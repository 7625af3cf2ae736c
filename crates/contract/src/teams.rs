//! Teams: they own projects and admin keys.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique in the organization among teams that exist.
    pub name: String,
    /// How many projects it owns.
    pub project_count: i64,
    /// How many people belong to it.
    pub member_count: i64,
    /// Whether it has an active admin key.
    pub has_active_admin_key: bool,
    /// Whether a block of its things may stop them at the provider too.
    #[serde(default)]
    pub allow_provider_stops: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// `POST /api/teams`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTeamRequest {
    /// 1 to 100 characters.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100, example = "마케팅팀"))]
    pub name: String,
}

/// `PATCH /api/teams/{teamId}`. What is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateTeamRequest {
    /// 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100, example = "마케팅팀"))]
    pub name: Option<String>,
    /// Whether a block of its things may stop them at the provider too: limits there are clamped, remembered, and put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_provider_stops: Option<bool>,
}

/// A person who belongs to a team or a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GroupMember {
    /// The account.
    pub user_id: Uuid,
    /// Their e-mail address.
    pub email: String,
    /// How to address them.
    pub name: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// Refuses a name that is only white space, holds control characters, or starts or ends with a blank.
#[cfg(feature = "server")]
pub fn not_blank(name: &str) -> Result<(), validator::ValidationError> {
    if name.trim() != name || name.is_empty() {
        return Err(validator::ValidationError::new("blank"));
    }
    if name.chars().any(|c| c.is_control() || is_misleading(c)) {
        return Err(validator::ValidationError::new("control_character"));
    }
    if name.chars().all(is_invisible) {
        return Err(validator::ValidationError::new("blank"));
    }
    Ok(())
}

/// Turns the reading direction of what follows, or is no character at all.
#[cfg(feature = "server")]
const fn is_misleading(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}' | '\u{E0000}'..='\u{E007F}')
}

/// Takes no room. Between others they have their use: the joiner holds emoji together.
#[cfg(feature = "server")]
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | ' ')
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::not_blank;

    #[test]
    fn a_name_can_be_seen_and_reads_as_it_is_written() {
        for name in ["마케팅팀", "a b", "👩\u{200D}💻 team", "x\u{00AD}y"] {
            assert!(not_blank(name).is_ok(), "{name}");
        }
        for name in ["", " a", "a ", "\u{200B}", "\u{FEFF}\u{00AD}", "\u{202E}evil", "a\u{FFFF}", "a\nb", "\u{E0001}"] {
            assert!(not_blank(name).is_err(), "{name:?}");
        }
    }
}
