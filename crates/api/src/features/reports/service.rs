//! Sending a report, trying one, and saying who gets it.

use finops_contract::ErrorCode;
use finops_contract::accounts::Locale;
use finops_contract::organizations::Organization;
use finops_contract::reports::{
    ReportPreview, ReportRecipients, ReportRecipientsRequest, ReportTest, ReportTestRequest, WeeklyReport,
    WeeklyReportQuery,
};
use sqlx::PgConnection;

use super::mail::{self, Links};
use super::store::{self, Did};
use super::{domain, find, recipients};
use crate::features::budgets::{Calendar, Span};
use crate::features::deliveries::{self, Outgoing, To};
use crate::features::prices::{Book, Books};
use crate::features::{audit, organizations};
use crate::platform::auth::OpaqueToken;
use crate::platform::db::{OrganizationId, Tx};
use crate::platform::http::{Actor, ApiResult, Ctx};
use crate::platform::state::State;

/// A week's report: as it was sent, or of what is known now.
///
/// # Errors
/// `validation_failed` at `/week`, `sum_too_large`.
pub(super) async fn report(
    state: &State,
    books: &Books,
    ctx: &Ctx,
    query: &WeeklyReportQuery,
) -> ApiResult<WeeklyReport> {
    // Before the transaction: prices are read in one of their own.
    let book = books.of(ctx.organization).await?;
    let mut tx = state.db.analytics(ctx.organization).await?;
    let organization = organizations::find(&mut tx, ctx.organization).await?.ok_or(ErrorCode::NotFound)?;
    let week = domain::week(query.week, Calendar::of(&organization), ctx.now())?;
    let report = of_week(&mut tx, &organization, &book, week).await?;
    tx.commit().await?;
    Ok(report)
}

async fn of_week(
    conn: &mut PgConnection,
    organization: &Organization,
    book: &Book,
    week: Span,
) -> ApiResult<WeeklyReport> {
    match store::sent(conn, OrganizationId(organization.id), week.from).await? {
        Some(sent) => Ok(sent),
        None => find::report(conn, organization, book, week).await,
    }
}

/// The mail about it, but for what tells that it was opened.
///
/// # Errors
/// As [`report`].
pub(super) async fn preview(
    state: &State,
    books: &Books,
    ctx: &Ctx,
    query: &WeeklyReportQuery,
) -> ApiResult<ReportPreview> {
    let report = report(state, books, ctx, query).await?;
    let locale = query.locale.unwrap_or(ctx.locale);
    let links = Links { public_url: &state.config.public_url, token: None };
    let mail::Mail { subject, html, text } = mail::mail(&report, &links, locale);
    Ok(ReportPreview { week: report.from, locale, subject, html, text })
}

/// Sends the mail to whoever asks for it, marked as a trial. Nothing is recorded of what they do with it.
///
/// # Errors
/// As [`report`]; `channel_not_configured` where the service has no way for mail, `rate_limited`.
pub(super) async fn test(
    state: &State,
    books: &Books,
    ctx: &Ctx,
    request: &ReportTestRequest,
) -> ApiResult<ReportTest> {
    let user = ctx.user_id()?;
    let Actor::User { email, .. } = &ctx.actor else { return Err(ErrorCode::Forbidden.into()) };
    if !state.notifiers.has_mail() {
        return Err(ErrorCode::ChannelNotConfigured.into());
    }
    deliveries::allow_test(state, ctx).await?;
    let query = WeeklyReportQuery { week: request.week, locale: request.locale };
    let report = report(state, books, ctx, &query).await?;
    let links = Links { public_url: &state.config.public_url, token: None };
    let notice = |locale: Locale| {
        let mail = mail::marked(mail::mail(&report, &links, locale), locale);
        mail::notice(mail, mail::TEST, &report, ctx.now())
    };
    let to = [(email.clone(), request.locale.unwrap_or(ctx.locale))];
    let outgoing = Outgoing { to: To::People(&to), alert_id: None, group: None, kind: mail::TEST, notice: &notice };
    let mut tx = state.db.tenant(ctx.organization).await?;
    deliveries::enqueue(&mut tx, ctx.organization, &ctx.clock, &outgoing).await?;
    let change =
        audit::Change::new("report.test", user, report.from.to_string()).after(serde_json::json!({"to": email}));
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    deliveries::nudge(state);
    Ok(ReportTest { to: email.clone(), week: report.from })
}

/// What became of sending a week's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It went to so many.
    To(usize),
    /// There is nobody to send it to.
    Nobody,
    /// It was sent before.
    Before,
}

/// Sends a week's report to whom it is for, once for all time: with its row, its mails and its audit row in one transaction.
/// Nudge the deliveries after the commit.
///
/// # Errors
/// `sum_too_large`.
pub(super) async fn send(state: &State, tx: &mut Tx, ctx: &Ctx, book: &Book, week: Span) -> ApiResult<Sent> {
    let organization = organizations::find(tx, ctx.organization).await?.ok_or(ErrorCode::NotFound)?;
    let people: Vec<_> = recipients::people(&recipients::of(tx, ctx.organization).await?.recipients).collect();
    if people.is_empty() {
        return Ok(Sent::Nobody);
    }
    let found = find::report(tx, &organization, book, week).await?;
    let (id, now) = (ctx.clock.new_id(), ctx.now());
    let report = WeeklyReport { sent_at: Some(now), ..found };
    if !store::insert(tx, ctx.organization, id, &report, now).await? {
        return Ok(Sent::Before);
    }
    for (email, locale) in &people {
        let token = OpaqueToken::generate()?;
        store::insert_send(tx, ctx.organization, week.from, (email, *locale), &token).await?;
        let links = Links { public_url: &state.config.public_url, token: Some(token.reveal()) };
        let notice = |locale| mail::notice(mail::mail(&report, &links, locale), mail::WEEKLY, &report, now);
        let to = [(email.clone(), *locale)];
        let outgoing =
            Outgoing { to: To::People(&to), alert_id: None, group: None, kind: mail::WEEKLY, notice: &notice };
        deliveries::enqueue(tx, ctx.organization, &ctx.clock, &outgoing).await?;
    }
    let addresses: Vec<&str> = people.iter().map(|(email, _)| email.as_str()).collect();
    let change = audit::Change::new("report.send", id, week.from.to_string())
        .after(serde_json::json!({"recipients": addresses}));
    audit::record(tx, ctx, change).await?;
    Ok(Sent::To(people.len()))
}

/// Says who gets it from now on.
///
/// # Errors
/// `validation_failed`.
pub(super) async fn set_recipients(
    state: &State,
    ctx: &Ctx,
    request: &ReportRecipientsRequest,
) -> ApiResult<ReportRecipients> {
    let named = recipients::read(request)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let before = recipients::of(&mut tx, ctx.organization).await?;
    recipients::set(&mut tx, ctx.organization, named.as_deref(), ctx.now()).await?;
    let after = recipients::of(&mut tx, ctx.organization).await?;
    let change = audit::Change::new("report.set_recipients", ctx.organization.0, "weekly").before(before).after(&after);
    audit::record(&mut tx, ctx, change).await?;
    tx.commit().await?;
    Ok(after)
}

/// Writes down that a mail was opened, or a link of it followed. Whose token nobody has changes nothing, and is told nothing.
///
/// # Errors
/// When the database fails.
pub(super) async fn note(state: &State, token: &str, did: Did) -> sqlx::Result<()> {
    let mut tx = state.db.platform().await?;
    store::note(&mut tx, &OpaqueToken::presented(token), did, state.clock.now()).await?;
    tx.commit().await
}
