//! Whose the costs of a day are that a provider names by a Project ID.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::store::Attribution;
use crate::platform::db::OrganizationId;

/// What Project IDs stand for, by UTC day.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// With the last day of a Project ID that a block has taken away.
    by_id: HashMap<String, (Attribution, Option<NaiveDate>)>,
}

impl Owners {
    /// Whose the costs of a Project ID are on a UTC day; nobody's where no project has it.
    pub fn of(&self, openai_project_id: &str, day: NaiveDate) -> Option<&Attribution> {
        let (owner, last) = self.by_id.get(openai_project_id)?;
        last.is_none_or(|last| day <= last).then_some(owner)
    }
}

/// Reads what every Project ID of the organization stands for. One that a block in force has taken away, and that no other
/// project has by now, is its project's up to the end of the UTC day on which the block came into force, in the bill and in
/// what is metered alike: of a day that one of them knows the project in and the other does not, both would count.
///
/// # Errors
/// The database's.
pub async fn owners(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Owners> {
    let rows = sqlx::query!(
        r#"
        SELECT openai_project_id AS "openai_project_id!", id AS "project_id!", team_id AS "team_id!", NULL::date AS last
        FROM projects WHERE organization_id = $1 AND openai_project_id IS NOT NULL
        UNION ALL
        (SELECT DISTINCT ON (b.openai_project_id) b.openai_project_id, p.id, p.team_id,
            (b.activated_at AT TIME ZONE 'UTC')::date
        FROM blocks b JOIN projects p ON p.organization_id = b.organization_id AND p.id = b.project_id
        WHERE b.organization_id = $1 AND b.status = 'active' AND b.openai_project_id IS NOT NULL AND p.deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM projects o
                WHERE o.organization_id = $1 AND o.openai_project_id = b.openai_project_id)
        ORDER BY b.openai_project_id, b.activated_at DESC, b.id DESC)
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await?;
    let by_id = rows.into_iter().map(|row| {
        let (openai_project_id, project_id, team_id) = (row.openai_project_id, row.project_id, row.team_id);
        (openai_project_id.clone(), (Attribution { openai_project_id, project_id, team_id }, row.last))
    });
    Ok(Owners { by_id: by_id.collect() })
}
