//! `/_sim`: [`Control`] over HTTP, JSON in camelCase.

use std::time::Duration;

use actix_web::{HttpResponse, delete, get, http::StatusCode, post, web};
use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::channels::Channel;
use crate::channels::inbox::InboxQuery;
use crate::control::{Control, RestateSpec};
use crate::faults::FaultSpec;
use crate::openai::spec::OrganizationSpec;
use crate::truth::{Dimension, TruthQuery};

/// Registers the routes.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let json = web::JsonConfig::default().limit(16 << 20).error_handler(|error, _| {
        let answer = failure(StatusCode::BAD_REQUEST, &error.to_string());
        actix_web::error::InternalError::from_response(error, answer).into()
    });
    config.service(
        web::scope("/_sim")
            .app_data(json)
            .service(health)
            .service(add_organization)
            .service(list_organizations)
            .service(get_truth)
            .service(archive_project)
            .service(get_limits)
            .service(call_organization)
            .service(add_fault)
            .service(list_faults)
            .service(clear_faults)
            .service(restate)
            .service(restate_usage)
            .service(set_clock)
            .service(list_requests)
            .service(clear_requests)
            .service(list_inbox)
            .service(list_all_letters)
            .service(show_inbox)
            .service(clear_inbox)
            .service(add_credential)
            .service(revoke_credential)
            .service(add_key)
            .service(revoke_key)
            .default_service(web::to(async || failure(StatusCode::NOT_FOUND, "no such control operation"))),
    );
}

fn failure(status: StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": message }))
}

fn answer<T: Serialize>(status: StatusCode, result: Result<T>) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::build(status).json(value),
        Err(error) => {
            let message = error.to_string();
            let status = if message.starts_with("no ") { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
            failure(status, &message)
        }
    }
}

fn done(result: Result<()>) -> HttpResponse {
    answer(StatusCode::OK, result.map(|()| json!({ "ok": true })))
}

#[get("/health")]
async fn health(control: web::Data<Control>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok", "now": control.now() }))
}

#[post("/organizations")]
async fn add_organization(control: web::Data<Control>, spec: web::Json<OrganizationSpec>) -> HttpResponse {
    let spec = spec.into_inner();
    answer(StatusCode::CREATED, control.add_organization(spec.clone()).map(|()| spec))
}

#[get("/organizations")]
async fn list_organizations(control: web::Data<Control>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "data": control.organizations() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TruthParams {
    from: NaiveDate,
    to: NaiveDate,
    #[serde(default)]
    group_by: String,
    project: Option<String>,
    #[serde(default)]
    settled: bool,
}

#[get("/organizations/{organization}/truth")]
async fn get_truth(
    control: web::Data<Control>,
    organization: web::Path<String>,
    params: Result<web::Query<TruthParams>, actix_web::Error>,
) -> HttpResponse {
    let params = match params {
        Ok(params) => params.into_inner(),
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let truth = Dimension::parse_list(&params.group_by).and_then(|group_by| {
        control.truth(&TruthQuery {
            organization: organization.into_inner(),
            from: params.from,
            to: params.to,
            group_by,
            project: params.project,
            settled: params.settled,
        })
    });
    answer(StatusCode::OK, truth)
}

#[post("/organizations/{organization}/projects/{project}/archive")]
async fn archive_project(control: web::Data<Control>, path: web::Path<(String, String)>) -> HttpResponse {
    done(control.archive_project(&path.0, &path.1))
}

#[get("/organizations/{organization}/projects/{project}/limits")]
async fn get_limits(control: web::Data<Control>, path: web::Path<(String, String)>) -> HttpResponse {
    answer(StatusCode::OK, control.limits(&path.0, &path.1))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Called {
    called: Option<String>,
}

#[post("/organizations/{organization}/called")]
async fn call_organization(
    control: web::Data<Control>,
    organization: web::Path<String>,
    body: web::Json<Called>,
) -> HttpResponse {
    done(control.call_organization(&organization, body.called.as_deref()))
}

#[post("/faults")]
async fn add_fault(control: web::Data<Control>, spec: web::Json<FaultSpec>) -> HttpResponse {
    let id = control.add_fault(spec.into_inner());
    HttpResponse::Created().json(json!({ "id": id }))
}

#[get("/faults")]
async fn list_faults(control: web::Data<Control>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "data": control.faults() }))
}

#[delete("/faults")]
async fn clear_faults(control: web::Data<Control>) -> HttpResponse {
    control.clear_faults();
    done(Ok(()))
}

#[post("/restate")]
async fn restate(control: web::Data<Control>, spec: web::Json<RestateSpec>) -> HttpResponse {
    answer(StatusCode::OK, control.restate(&spec).map(|rows| json!({ "rows": rows })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestatedUsage {
    organization: String,
    project: String,
    day: NaiveDate,
    percent: u64,
}

#[post("/restate-usage")]
async fn restate_usage(control: web::Data<Control>, spec: web::Json<RestatedUsage>) -> HttpResponse {
    let changed = control.restate_usage(&spec.organization, &spec.project, spec.day, spec.percent);
    answer(StatusCode::OK, changed.map(|rows| json!({ "rows": rows })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    now: Option<DateTime<Utc>>,
}

#[post("/clock")]
async fn set_clock(control: web::Data<Control>, clock: web::Json<Clock>) -> HttpResponse {
    control.set_now(clock.now);
    HttpResponse::Ok().json(json!({ "now": control.now() }))
}

#[get("/requests")]
async fn list_requests(control: web::Data<Control>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "data": control.requests() }))
}

#[delete("/requests")]
async fn clear_requests(control: web::Data<Control>) -> HttpResponse {
    control.clear_requests();
    done(Ok(()))
}

/// Nobody waits longer.
const LONGEST_WAIT: f64 = 60.0;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct InboxParams {
    path: Option<String>,
    after: u64,
    attempts: bool,
    count: usize,
    /// Seconds.
    wait: f64,
}

impl Default for InboxParams {
    fn default() -> Self {
        Self { path: None, after: 0, attempts: false, count: 1, wait: 0.0 }
    }
}

#[get("/inbox/{channel}")]
async fn list_inbox(
    control: web::Data<Control>,
    channel: web::Path<String>,
    params: Result<web::Query<InboxParams>, actix_web::Error>,
) -> HttpResponse {
    let params = match params {
        Ok(params) => params.into_inner(),
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let Some(channel) = Channel::named(&channel) else { return failure(StatusCode::NOT_FOUND, "no such channel") };
    let Ok(wait) = Duration::try_from_secs_f64(params.wait.min(LONGEST_WAIT)) else {
        return failure(StatusCode::BAD_REQUEST, "wait is not a number of seconds");
    };
    let query = InboxQuery { channel, path: params.path, after: params.after, attempts: params.attempts };
    let letters = control.await_inbox(&query, params.count, wait).await;
    HttpResponse::Ok().json(json!({ "data": letters }))
}

#[get("/inbox")]
async fn list_all_letters(control: web::Data<Control>) -> HttpResponse {
    let mut letters: Vec<_> =
        Channel::ALL.into_iter().flat_map(|channel| control.inbox(&InboxQuery::new(channel).attempts())).collect();
    letters.sort_by_key(|letter| letter.number);
    HttpResponse::Ok().json(json!({ "data": letters }))
}

/// The same for people: a page that renders what arrived, with its links.
#[get("/inbox.html")]
async fn show_inbox() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(include_str!("channels/inbox.html"))
}

#[delete("/inbox")]
async fn clear_inbox(control: web::Data<Control>) -> HttpResponse {
    control.clear_inbox();
    done(Ok(()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credential {
    channel: Channel,
    credential: String,
}

#[post("/credentials")]
async fn add_credential(control: web::Data<Control>, new: web::Json<Credential>) -> HttpResponse {
    control.add_credential(new.channel, &new.credential);
    answer(StatusCode::CREATED, Ok(json!({ "ok": true })))
}

#[post("/credentials/revoke")]
async fn revoke_credential(control: web::Data<Control>, old: web::Json<Credential>) -> HttpResponse {
    done(control.revoke_credential(old.channel, &old.credential))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    organization: String,
    key: String,
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

#[post("/keys")]
async fn add_key(control: web::Data<Control>, new: web::Json<NewKey>) -> HttpResponse {
    let scopes: Option<Vec<&str>> = new.scopes.as_ref().map(|scopes| scopes.iter().map(String::as_str).collect());
    let added: Result<Value> =
        control.add_key(&new.organization, &new.key, scopes.as_deref()).map(|()| json!({ "ok": true }));
    answer(StatusCode::CREATED, added)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokedKey {
    key: String,
}

#[post("/keys/revoke")]
async fn revoke_key(control: web::Data<Control>, key: web::Json<RevokedKey>) -> HttpResponse {
    done(control.revoke_key(&key.key))
}
