//! Projects: what costs are attributed to.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a project runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Real users.
    Production,
    /// The rehearsal.
    Staging,
    /// Somebody's desk.
    Development,
    /// The build.
    Ci,
}

impl Environment {
    /// Every environment.
    pub const ALL: [Self; 4] = [Self::Production, Self::Staging, Self::Development, Self::Ci];

    /// The stable name, as in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Staging => "staging",
            Self::Development => "development",
            Self::Ci => "ci",
        }
    }

    /// The environment with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|environment| environment.name() == name)
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique in its team among projects that exist.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Where it runs.
    pub environment: Environment,
    /// The team that owns it.
    pub team_id: Uuid,
    /// That team's name.
    pub team_name: String,
    /// Its Project ID at OpenAI, if one is registered.
    #[cfg_attr(feature = "server", schema(example = "proj_abc123"))]
    pub openai_project_id: Option<String>,
    /// Since when that Project ID is registered.
    pub openai_project_id_since: Option<DateTime<Utc>>,
    /// How far its earlier costs are its own, while that takes time: a Project ID with many lines was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribution: Option<AttributionProgress>,
    /// How many people belong to it, besides its team's.
    pub member_count: i64,
    /// Whether what was asked and answered in its calls is stored, encrypted, for 30 days at most.
    #[serde(default)]
    pub store_prompts: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// How far the earlier cost lines of a Project ID are the project's. The rest is still shown as unattributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AttributionProgress {
    /// Lines that are the project's now.
    #[cfg_attr(feature = "server", schema(example = 45_000))]
    pub done: i64,
    /// Lines in all.
    #[cfg_attr(feature = "server", schema(example = 198_412))]
    pub total: i64,
}

/// `GET /api/projects`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "server", into_params(parameter_in = Query))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListProjectsQuery {
    /// How many items, 1 to 200; 50 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", param(minimum = 1, maximum = 200))]
    pub limit: Option<u16>,
    /// `nextCursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Only this team's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
}

/// `POST /api/projects`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateProjectRequest {
    /// The team that owns it.
    pub team_id: Uuid,
    /// 1 to 100 characters.
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100, example = "chatbot-experiment"))]
    pub name: String,
    /// What it is for, at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(max = 500)))]
    #[cfg_attr(feature = "server", schema(max_length = 500))]
    pub description: Option<String>,
    /// Where it runs.
    pub environment: Environment,
}

/// `PATCH /api/projects/{projectId}`. What is left out stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateProjectRequest {
    /// Moves it to another team. Its Project ID must be reachable with that team's key, or be removed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<Uuid>,
    /// 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(min = 1, max = 100), custom(function = "crate::teams::not_blank")))]
    #[cfg_attr(feature = "server", schema(min_length = 1, max_length = 100))]
    pub name: Option<String>,
    /// At most 500 characters; an empty text removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "server", validate(length(max = 500)))]
    #[cfg_attr(feature = "server", schema(max_length = 500))]
    pub description: Option<String>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// Whether to store what is asked and answered in its calls from now on. Turned off, what was stored is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_prompts: Option<bool>,
}

/// `PUT /api/projects/{projectId}/openai-project-id`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema, validator::Validate))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetOpenaiProjectIdRequest {
    /// `proj_…`, as shown in the OpenAI dashboard under the project's settings.
    #[cfg_attr(feature = "server", schema(example = "proj_abc123"))]
    pub openai_project_id: String,
}

/// The answer to a registered Project ID.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RegisteredProjectId {
    /// The project as it is now.
    pub project: Project,
    /// For people, in the language of `Accept-Language`.
    #[cfg_attr(
        feature = "server",
        schema(example = "Project ID가 등록되었습니다. 내일부터 비용 데이터가 수집됩니다.")
    )]
    pub message: String,
}

/// A project at the provider that the team's admin key can see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProviderProject {
    /// Its Project ID.
    #[cfg_attr(feature = "server", schema(example = "proj_abc123"))]
    pub id: String,
    /// Its name there.
    pub name: String,
    /// Whether it is archived there.
    pub archived: bool,
    /// The project of ours that has this Project ID.
    pub project_id: Option<Uuid>,
}
