//! Where projects belong, for whoever has to attribute much in a short time.

use std::collections::HashMap;

use finops_contract::projects::Environment;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::platform::db::OrganizationId;

/// The projects of one organization as they are now.
#[derive(Debug, Default)]
pub struct Directory {
    projects: HashMap<Uuid, Place>,
    /// By Project ID at OpenAI; one that a block took away is known as before, unless it was given to another project.
    openai: HashMap<String, Uuid>,
}

/// Where a project belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The project.
    pub project: Uuid,
    /// The team that owns it.
    pub team: Uuid,
    /// Where it runs.
    pub environment: Environment,
    /// Whether it stores what was asked and answered.
    pub store_prompts: bool,
}

impl Directory {
    /// The project of an id of ours or of a Project ID at OpenAI.
    pub fn find(&self, id: &str) -> Option<Place> {
        let project = Uuid::try_parse(id).ok().or_else(|| self.openai.get(id).copied())?;
        self.place(project)
    }

    /// Where a project belongs; nothing for one that does not exist.
    pub fn place(&self, project: Uuid) -> Option<Place> {
        self.projects.get(&project).copied()
    }
}

/// Reads the projects that exist.
///
/// # Errors
/// The database's.
pub async fn directory(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Directory> {
    let rows = sqlx::query!(
        "SELECT id, team_id, environment, openai_project_id, store_prompts FROM projects
        WHERE organization_id = $1 AND deleted_at IS NULL",
        organization as OrganizationId
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut directory = Directory::default();
    for row in rows {
        // The table's CHECK allows no other.
        let environment = Environment::from_name(&row.environment).unwrap_or(Environment::Production);
        let place = Place { project: row.id, team: row.team_id, environment, store_prompts: row.store_prompts };
        directory.projects.insert(row.id, place);
        if let Some(id) = row.openai_project_id {
            directory.openai.insert(id, row.id);
        }
    }
    let taken_away = sqlx::query!(
        r#"
        SELECT openai_project_id AS "id!", project_id AS "project!" FROM blocks
        WHERE organization_id = $1 AND status = 'active' AND openai_project_id IS NOT NULL AND project_id IS NOT NULL
        ORDER BY activated_at DESC, id DESC
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    for row in taken_away {
        directory.openai.entry(row.id).or_insert(row.project);
    }
    Ok(directory)
}
