//! Who gets the report: whom the organization names, or whoever runs it.

use chrono::{DateTime, Utc};
use finops_contract::FieldError;
use finops_contract::accounts::Locale;
use finops_contract::reports::{MAX_RECIPIENTS, ReportRecipient, ReportRecipients, ReportRecipientsRequest};
use finops_providers::MailRoute;
use sqlx::PgConnection;
use sqlx::types::Json;
use validator::ValidateEmail as _;

use crate::features::deliveries;
use crate::platform::db::OrganizationId;
use crate::platform::http::{ApiError, ApiResult};

/// Who gets it now. Somebody who was removed from the organization gets nothing of it, though named.
pub(super) async fn of(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<ReportRecipients> {
    let named = sqlx::query_scalar!(
        r#"
        SELECT recipients AS "recipients: Json<Vec<ReportRecipient>>" FROM weekly_report_recipients
        WHERE organization_id = $1
        "#,
        organization as OrganizationId
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(named) = named else {
        let people = deliveries::administrators(conn, organization).await?;
        let recipients = people.into_iter().map(|(email, locale)| ReportRecipient { email, locale }).collect();
        return Ok(ReportRecipients { recipients, is_default: true });
    };
    let removed = removed(conn, organization).await?;
    let is_removed = |one: &ReportRecipient| removed.contains(&one.email.to_lowercase());
    let recipients = named.0.into_iter().filter(|one| !is_removed(one)).collect();
    Ok(ReportRecipients { recipients, is_default: false })
}

/// Addresses whose accounts were removed, and that have no other.
async fn removed(conn: &mut PgConnection, organization: OrganizationId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        SELECT lower(email) AS "email!" FROM users WHERE organization_id = $1 GROUP BY 1
        HAVING bool_and(deleted_at IS NOT NULL)
        "#,
        organization as OrganizationId
    )
    .fetch_all(conn)
    .await
}

/// Reads whom a request names.
///
/// # Errors
/// `validation_failed` for too many, for what is no address, and for one that is named twice.
pub(super) fn read(request: &ReportRecipientsRequest) -> ApiResult<Option<Vec<ReportRecipient>>> {
    let Some(named) = &request.recipients else { return Ok(None) };
    if named.len() > MAX_RECIPIENTS {
        return Err(ApiError::field("/recipients", "length", format!("must be at most {MAX_RECIPIENTS}")));
    }
    let (mut read, mut faults) = (Vec::<ReportRecipient>::new(), Vec::new());
    for (number, one) in named.iter().enumerate() {
        let email = one.email.trim();
        let fault = if !email.validate_email() || MailRoute::new(email, [email]).is_err() {
            Some(("email", "must be an e-mail address"))
        } else if read.iter().any(|known| known.email.eq_ignore_ascii_case(email)) {
            Some(("duplicate", "is named twice"))
        } else {
            None
        };
        match fault {
            Some((code, message)) => faults.push(FieldError {
                pointer: format!("/recipients/{number}/email"),
                code: code.into(),
                message: message.into(),
            }),
            None => read.push(ReportRecipient { email: email.to_owned(), locale: one.locale }),
        }
    }
    if faults.is_empty() { Ok(Some(read)) } else { Err(ApiError::fields(faults)) }
}

/// Names them, or nobody any more.
pub(super) async fn set(
    conn: &mut PgConnection,
    organization: OrganizationId,
    recipients: Option<&[ReportRecipient]>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let Some(recipients) = recipients else {
        return sqlx::query!(
            "DELETE FROM weekly_report_recipients WHERE organization_id = $1",
            organization as OrganizationId
        )
        .execute(conn)
        .await
        .map(drop);
    };
    sqlx::query!(
        "
        INSERT INTO weekly_report_recipients (organization_id, recipients, set_at) VALUES ($1, $2, $3)
        ON CONFLICT (organization_id) DO UPDATE SET recipients = excluded.recipients, set_at = excluded.set_at
        ",
        organization as OrganizationId,
        Json(recipients) as _,
        now
    )
    .execute(conn)
    .await
    .map(drop)
}

/// As deliveries want them.
pub(super) fn people(recipients: &[ReportRecipient]) -> impl Iterator<Item = (String, Locale)> + '_ {
    recipients.iter().map(|one| (one.email.clone(), one.locale))
}
