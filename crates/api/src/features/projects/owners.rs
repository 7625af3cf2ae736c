//! Whose the costs of a day are that a provider names by a Project ID.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, Attribution};
use crate::platform::db::OrganizationId;

/// What Project IDs stand for, by UTC day.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    holders: HashMap<String, Attribution>,
    /// Who had each before, the first one first.
    former: HashMap<String, Vec<Former>>,
}

/// A project that a Project ID was taken away from.
#[derive(Clone, Debug)]
struct Former {
    owner: Attribution,
    /// On this day.
    last: NaiveDate,
    /// Days up to that one of which something metered is the project's.
    metered: Vec<NaiveDate>,
}

impl Owners {
    /// Whose the costs of a Project ID are on a UTC day; nobody's where no project has it.
    pub fn of(&self, openai_project_id: &str, day: NaiveDate) -> Option<&Attribution> {
        let holder = self.holders.get(openai_project_id);
        let former = self.former.get(openai_project_id).map_or(&[][..], Vec::as_slice);
        let is_last = |at: usize| holder.is_none() && at + 1 == former.len();
        let mut had = former.iter().enumerate();
        let before = had.find(|(at, one)| day <= one.last && (is_last(*at) || one.metered.contains(&day)));
        before.map(|(_, one)| &one.owner).or(holder)
    }
}

/// Reads what every Project ID of the organization stands for, on days since one. One that was taken away is its project's up
/// to the end of the UTC day on which it was, in the bill and in what is metered alike: of a day that one of them knows the
/// project in and the other does not, both would count. So it is even where another project has it by now, for the days that
/// something metered of is the former one's.
///
/// # Errors
/// The database's.
pub async fn owners(conn: &mut PgConnection, organization: OrganizationId, since: NaiveDate) -> sqlx::Result<Owners> {
    let holders = store::attributions(conn, organization).await?;
    let rows = sqlx::query!(
        r#"
        SELECT f.openai_project_id, f.project_id, p.team_id, f.last_day,
            ARRAY(SELECT DISTINCT u.day FROM provider_usage_daily u
                WHERE u.organization_id = $1 AND u.project_id = f.project_id AND u.day >= $2 AND u.day <= f.last_day)
                AS "metered!"
        FROM former_project_ids f JOIN projects p ON p.organization_id = f.organization_id AND p.id = f.project_id
        WHERE f.organization_id = $1 AND f.last_day >= $2 AND p.openai_project_id IS DISTINCT FROM f.openai_project_id
        ORDER BY f.last_day, f.project_id
        "#,
        organization as OrganizationId,
        since
    )
    .fetch_all(conn)
    .await?;
    let mut owners = Owners::default();
    for holder in holders {
        owners.holders.insert(holder.openai_project_id.clone(), holder);
    }
    for row in rows {
        let (openai_project_id, project_id, team_id) = (row.openai_project_id, row.project_id, row.team_id);
        let owner = Attribution { openai_project_id: openai_project_id.clone(), project_id, team_id };
        let former = Former { owner, last: row.last_day, metered: row.metered };
        owners.former.entry(openai_project_id).or_default().push(former);
    }
    Ok(owners)
}

/// Remembers that a Project ID is taken away from its project on a UTC day.
pub(super) async fn remember(
    conn: &mut PgConnection,
    organization: OrganizationId,
    openai_project_id: &str,
    project: Uuid,
    day: NaiveDate,
) -> sqlx::Result<()> {
    sqlx::query!(
        "
        INSERT INTO former_project_ids (organization_id, openai_project_id, project_id, last_day) VALUES ($1, $2, $3, $4)
        ON CONFLICT (organization_id, openai_project_id, project_id) DO UPDATE SET last_day = excluded.last_day
        ",
        organization as OrganizationId,
        openai_project_id,
        project,
        day
    )
    .execute(conn)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    fn attribution(project: u128) -> Attribution {
        let project_id = Uuid::from_u128(project);
        Attribution { openai_project_id: "proj_web".into(), project_id, team_id: Uuid::nil() }
    }

    fn owners(holder: Option<u128>, former: &[(u128, u32, &[u32])]) -> Owners {
        let former = former.iter().map(|(project, last, metered)| Former {
            owner: attribution(*project),
            last: day(*last),
            metered: metered.iter().copied().map(day).collect(),
        });
        let holders = holder.map(|holder| ("proj_web".to_owned(), attribution(holder)));
        Owners { holders: holders.into_iter().collect(), former: [("proj_web".to_owned(), former.collect())].into() }
    }

    #[test]
    fn a_day_is_one_projects() {
        let of = |owners: &Owners, on: u32| owners.of("proj_web", day(on)).map(|owner| owner.project_id.as_u128());
        let taken_away = owners(None, &[(1, 20, &[])]);
        assert_eq!([19, 20, 21].map(|on| of(&taken_away, on)), [Some(1), Some(1), None]);
        // Given to another: but for what the former one is metered on.
        let given = owners(Some(2), &[(1, 20, &[20])]);
        assert_eq!([19, 20, 21].map(|on| of(&given, on)), [Some(2), Some(1), Some(2)]);
        // And taken away from that one too.
        let again = owners(None, &[(1, 20, &[20]), (2, 22, &[21])]);
        assert_eq!([19, 20, 21, 22, 23].map(|on| of(&again, on)), [Some(2), Some(1), Some(2), Some(2), None]);
        assert_eq!(owners(Some(2), &[]).of("proj_other", day(1)), None);
    }
}
