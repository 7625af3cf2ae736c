//! What limits at the provider were, before they were changed.

use finops_providers::RateLimitUpdate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::platform::db::OrganizationId;

/// The name that a spend limit is remembered by. No rate limit's id.
pub(super) const SPEND_LIMIT: &str = "spend_limit";

/// A limit as it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Remembered {
    /// The spend limit in US cents, if there was one.
    Spend(Option<u64>),
    /// A rate limit.
    Rate {
        /// Its id.
        id: String,
        /// Its numbers.
        limits: RateLimitUpdate,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cents {
    threshold_cents: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Numbers {
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    images_per_minute: Option<u64>,
    audio_megabytes_per_minute: Option<u64>,
    requests_per_day: Option<u64>,
    batch_input_tokens_per_day: Option<u64>,
}

impl Remembered {
    /// Its name in the table, and its value.
    fn to_row(&self) -> (String, Option<Value>) {
        match self {
            Self::Spend(before) => {
                (SPEND_LIMIT.to_owned(), before.map(|cents| json!(Cents { threshold_cents: cents })))
            }
            Self::Rate { id, limits } => {
                let numbers = Numbers {
                    requests_per_minute: limits.max_requests_per_1_minute,
                    tokens_per_minute: limits.max_tokens_per_1_minute,
                    images_per_minute: limits.max_images_per_1_minute,
                    audio_megabytes_per_minute: limits.max_audio_megabytes_per_1_minute,
                    requests_per_day: limits.max_requests_per_1_day,
                    batch_input_tokens_per_day: limits.batch_1_day_max_input_tokens,
                };
                (id.clone(), Some(json!(numbers)))
            }
        }
    }

    fn from_row(id: String, before: Option<Value>) -> Result<Self, serde_json::Error> {
        if id == SPEND_LIMIT {
            let cents = before.map(serde_json::from_value::<Cents>).transpose()?;
            return Ok(Self::Spend(cents.map(|cents| cents.threshold_cents)));
        }
        let numbers: Numbers = serde_json::from_value(before.unwrap_or_default())?;
        let limits = RateLimitUpdate {
            max_requests_per_1_minute: numbers.requests_per_minute,
            max_tokens_per_1_minute: numbers.tokens_per_minute,
            max_images_per_1_minute: numbers.images_per_minute,
            max_audio_megabytes_per_1_minute: numbers.audio_megabytes_per_minute,
            max_requests_per_1_day: numbers.requests_per_day,
            batch_1_day_max_input_tokens: numbers.batch_input_tokens_per_day,
        };
        Ok(Self::Rate { id, limits })
    }
}

/// All that is remembered of a Project ID.
pub(super) async fn of(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: &str,
) -> sqlx::Result<Vec<Remembered>> {
    let rows = sqlx::query!(
        "
        SELECT limit_id, before FROM provider_stop_limits
        WHERE organization_id = $1 AND openai_project_id = $2 ORDER BY limit_id
        ",
        organization as OrganizationId,
        id
    )
    .fetch_all(conn)
    .await?;
    let read = |error: serde_json::Error| sqlx::Error::Decode(error.into());
    rows.into_iter().map(|row| Remembered::from_row(row.limit_id, row.before).map_err(read)).collect()
}

/// Remembers limits as they are, before they are changed. What is remembered already was so before.
pub(super) async fn keep(
    conn: &mut PgConnection,
    organization: OrganizationId,
    id: &str,
    limits: &[Remembered],
) -> sqlx::Result<()> {
    for limit in limits {
        let (name, before) = limit.to_row();
        sqlx::query!(
            "
            INSERT INTO provider_stop_limits (organization_id, openai_project_id, limit_id, before) VALUES ($1, $2, $3, $4)
            ON CONFLICT DO NOTHING
            ",
            organization as OrganizationId,
            id,
            name,
            before
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Forgets what a Project ID's limits were: they are so again.
pub(super) async fn forget(conn: &mut PgConnection, organization: OrganizationId, id: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM provider_stop_limits WHERE organization_id = $1 AND openai_project_id = $2",
        organization as OrganizationId,
        id
    )
    .execute(conn)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_was() {
        let limits = RateLimitUpdate {
            max_requests_per_1_minute: Some(10_000),
            batch_1_day_max_input_tokens: Some(0),
            ..RateLimitUpdate::default()
        };
        for limit in
            [Remembered::Spend(None), Remembered::Spend(Some(10_000)), Remembered::Rate { id: "rl-a".into(), limits }]
        {
            let (id, before) = limit.to_row();
            assert_eq!(Remembered::from_row(id, before).unwrap(), limit);
        }
    }
}
