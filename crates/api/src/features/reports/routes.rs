//! `/api/reports`, and `/r/{token}`.

use actix_web::http::header;
use actix_web::{HttpResponse, get, post, put, web};
use finops_contract::reports::{
    ReportEffect, ReportEffectQuery, ReportLinkQuery, ReportPreview, ReportRecipients, ReportRecipientsRequest,
    ReportTest, ReportTestRequest, WeeklyReport, WeeklyReportQuery,
};
use finops_contract::{ErrorCode, Page};

use super::store::Did;
use super::{effect, recipients, service};
use crate::features::{Shared, budgets};
use crate::platform::auth::Permission;
use crate::platform::http::routes::Routes;
use crate::platform::http::{ApiError, ApiResult, Ctx, Json, Path, Query};
use crate::platform::state::State;

/// Reports whose effect is told when nobody says how many, and at most.
const USUAL_REPORTS: u8 = 8;
const MOST_REPORTS: u8 = 26;
/// A transparent picture of one pixel (GIF89a).
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// This feature's routes.
pub fn routes(config: &mut Routes<'_>) {
    config
        .service(get_weekly_report)
        .service(preview_weekly_report)
        .service(get_report_recipients)
        .service(set_report_recipients)
        .service(test_weekly_report)
        .service(get_report_effect)
        .service(show_report_pixel);
}

/// Where links of mails lead, outside of `/api`.
pub fn root_routes(config: &mut Routes<'_>) {
    config.service(follow_report_link);
}

/// The report of a week
///
/// What the week cost beside the week before, which projects made the most of it and which have most to gain, each with what to
/// do next, what alerts are open and what was stopped. One that was sent is shown as it was sent.
#[utoipa::path(
    tag = "reports",
    params(WeeklyReportQuery),
    responses((status = 200, description = "The report", body = WeeklyReport))
)]
#[get("/reports/weekly")]
async fn get_weekly_report(
    ctx: Ctx,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    query: Query<WeeklyReportQuery>,
) -> ApiResult<web::Json<WeeklyReport>> {
    ctx.require(Permission::SeeEverything)?;
    service::report(&state, &shared.books, &ctx, &query.0).await.map(web::Json)
}

/// The report as it is mailed
#[utoipa::path(
    tag = "reports",
    params(WeeklyReportQuery),
    responses((status = 200, description = "The mail", body = ReportPreview))
)]
#[get("/reports/weekly/preview")]
async fn preview_weekly_report(
    ctx: Ctx,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    query: Query<WeeklyReportQuery>,
) -> ApiResult<web::Json<ReportPreview>> {
    ctx.require(Permission::SeeEverything)?;
    service::preview(&state, &shared.books, &ctx, &query.0).await.map(web::Json)
}

/// Who gets the report
#[utoipa::path(tag = "reports", responses((status = 200, description = "Its recipients", body = ReportRecipients)))]
#[get("/reports/weekly/recipients")]
async fn get_report_recipients(ctx: Ctx, state: web::Data<State>) -> ApiResult<web::Json<ReportRecipients>> {
    ctx.require(Permission::ChannelsWrite)?;
    let mut tx = state.db.tenant(ctx.organization).await?;
    let found = recipients::of(&mut tx, ctx.organization).await?;
    tx.commit().await?;
    Ok(web::Json(found))
}

/// Set who gets the report
#[utoipa::path(
    tag = "reports",
    request_body = ReportRecipientsRequest,
    responses((status = 200, description = "As it is now", body = ReportRecipients))
)]
#[put("/reports/weekly/recipients")]
async fn set_report_recipients(
    ctx: Ctx,
    state: web::Data<State>,
    body: Json<ReportRecipientsRequest>,
) -> ApiResult<web::Json<ReportRecipients>> {
    ctx.require(Permission::ChannelsWrite)?;
    service::set_recipients(&state, &ctx, &body.0).await.map(web::Json)
}

/// Send the report to oneself
///
/// Marked as a test. What one does with it is not recorded.
#[utoipa::path(
    tag = "reports",
    request_body = ReportTestRequest,
    responses((status = 200, description = "It is on its way", body = ReportTest))
)]
#[post("/reports/weekly/test")]
async fn test_weekly_report(
    ctx: Ctx,
    state: web::Data<State>,
    shared: web::Data<Shared>,
    body: Json<ReportTestRequest>,
) -> ApiResult<web::Json<ReportTest>> {
    ctx.require(Permission::ChannelsWrite)?;
    service::test(&state, &shared.books, &ctx, &body.0).await.map(web::Json)
}

/// What came of the latest reports
///
/// Who opened them and followed their links, what was done in the seven days after them, and what those cost. The latest first.
#[utoipa::path(
    tag = "reports",
    params(ReportEffectQuery),
    responses((status = 200, description = "Report by report", body = Page<ReportEffect>))
)]
#[get("/reports/weekly/effect")]
async fn get_report_effect(
    ctx: Ctx,
    state: web::Data<State>,
    query: Query<ReportEffectQuery>,
) -> ApiResult<web::Json<Page<ReportEffect>>> {
    ctx.require(Permission::AuditRead)?;
    let weeks = query.0.weeks.unwrap_or(USUAL_REPORTS);
    if !(1..=MOST_REPORTS).contains(&weeks) {
        return Err(ApiError::field("/weeks", "range", format!("must be 1 to {MOST_REPORTS}")));
    }
    let mut tx = state.db.analytics(ctx.organization).await?;
    let calendar = budgets::calendar(&mut tx, ctx.organization).await?;
    let effects = effect::of_reports(&mut tx, ctx.organization, calendar, weeks.into(), ctx.now()).await?;
    tx.commit().await?;
    Ok(web::Json(Page::whole(effects)))
}

/// The picture by which a mailed report tells that it was opened
///
/// The same for every token, whether somebody has it or not.
#[utoipa::path(
    tag = "reports",
    security(()),
    params(("token" = String, Path, description = "One recipient's, of one report")),
    responses((status = 200, description = "One transparent pixel", body = String, content_type = "image/gif", example = "GIF89a"))
)]
#[get("/reports/opened/{token}")]
async fn show_report_pixel(state: web::Data<State>, token: Path<String>) -> HttpResponse {
    // A picture that is missing would be seen; that it was not noted, nobody needs to see in a mail.
    if let Err(error) = service::note(&state, &token.0, Did::Opened).await {
        tracing::warn!(%error, "that a report was opened could not be noted");
    }
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "image/gif"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(PIXEL)
}

/// Follow a link of a mailed report
///
/// Leads to a page of the app, and nowhere else.
#[utoipa::path(
    tag = "reports",
    security(()),
    params(("token" = String, Path, description = "One recipient's, of one report"), ReportLinkQuery),
    responses((status = 302, description = "To the page"))
)]
#[get("/r/{token}")]
async fn follow_report_link(
    state: web::Data<State>,
    token: Path<String>,
    query: Query<ReportLinkQuery>,
) -> ApiResult<HttpResponse> {
    let to = page(&query.0.to).ok_or(ErrorCode::NotFound)?;
    if let Err(error) = service::note(&state, &token.0, Did::Followed).await {
        tracing::warn!(%error, "that a report's link was followed could not be noted");
    }
    Ok(HttpResponse::Found()
        .insert_header((header::LOCATION, format!("{}{to}", state.config.public_url)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish())
}

/// A page of the app: a path of its own, and never the beginning of another host's name.
fn page(to: &str) -> Option<&str> {
    let own = to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\");
    (own && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_link_leads_to_the_app_and_nowhere_else() {
        for path in ["/", "/projects/1?tab=value", "/reports/weekly?week=2026-03-09"] {
            assert_eq!(page(path), Some(path));
        }
        for path in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "@evil.example",
            ".evil.example",
            "/a\r\nset-cookie: a=b",
            "/a b",
            "/\u{e9}",
            "javascript:alert(1)",
            "/a\\b",
        ] {
            assert_eq!(page(path), None, "{path:?}");
        }
    }
}
