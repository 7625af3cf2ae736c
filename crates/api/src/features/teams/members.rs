//! Who belongs to a team or to a project: one text of SQL for both, each for the table of its own feature.

/// Makes `list_members`, `add_member` and `remove_member` for the rows of `$table`, whose column `$group` says what somebody
/// belongs to. A macro, because checked queries are literals.
macro_rules! group_members {
    ($table:literal, $group:literal) => {
        /// Who belongs to it, in order.
        pub(super) async fn list_members(
            conn: &mut sqlx::PgConnection,
            organization: crate::platform::db::OrganizationId,
            group: uuid::Uuid,
            after: Option<uuid::Uuid>,
            limit: i64,
        ) -> sqlx::Result<Vec<finops_contract::teams::GroupMember>> {
            sqlx::query_as!(
                finops_contract::teams::GroupMember,
                "
                SELECT m.user_id, u.email, u.name, m.created_at
                FROM " + $table + " m JOIN users u ON u.organization_id = m.organization_id AND u.id = m.user_id
                WHERE m.organization_id = $1 AND m." + $group + " = $2 AND ($3::uuid IS NULL OR m.user_id > $3)
                ORDER BY m.user_id LIMIT $4
                ",
                organization as crate::platform::db::OrganizationId,
                group,
                after,
                limit
            )
            .fetch_all(conn)
            .await
        }

        /// Adds somebody of the organization; nothing when there is no such account.
        pub(super) async fn add_member(
            conn: &mut sqlx::PgConnection,
            organization: crate::platform::db::OrganizationId,
            group: uuid::Uuid,
            user: uuid::Uuid,
            now: chrono::DateTime<chrono::Utc>,
        ) -> sqlx::Result<Option<finops_contract::teams::GroupMember>> {
            sqlx::query!(
                "
                INSERT INTO " + $table + " (organization_id, " + $group + ", user_id, created_at)
                SELECT organization_id, $2, id, $4 FROM users WHERE organization_id = $1 AND id = $3 AND deleted_at IS NULL
                ON CONFLICT DO NOTHING
                ",
                organization as crate::platform::db::OrganizationId,
                group,
                user,
                now
            )
            .execute(&mut *conn)
            .await?;
            sqlx::query_as!(
                finops_contract::teams::GroupMember,
                "
                SELECT m.user_id, u.email, u.name, m.created_at
                FROM " + $table + " m JOIN users u ON u.organization_id = m.organization_id AND u.id = m.user_id
                WHERE m.organization_id = $1 AND m." + $group + " = $2 AND m.user_id = $3
                ",
                organization as crate::platform::db::OrganizationId,
                group,
                user
            )
            .fetch_optional(conn)
            .await
        }

        /// Takes somebody out; answers whether they were in.
        pub(super) async fn remove_member(
            conn: &mut sqlx::PgConnection,
            organization: crate::platform::db::OrganizationId,
            group: uuid::Uuid,
            user: uuid::Uuid,
        ) -> sqlx::Result<bool> {
            let deleted = sqlx::query!(
                "DELETE FROM " + $table + " WHERE organization_id = $1 AND " + $group + " = $2 AND user_id = $3",
                organization as crate::platform::db::OrganizationId,
                group,
                user
            )
            .execute(conn)
            .await?;
            Ok(deleted.rows_affected() > 0)
        }
    };
}

pub(crate) use group_members;
