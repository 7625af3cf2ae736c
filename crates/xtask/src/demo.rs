//! Fills the demo organization the way its people would: through the public REST API, so that
//! every cost in it came in through the collector. What is there already is left alone, which is
//! also how a half-filled demo is resumed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::{Answer, Client};
use crate::paths;
use crate::programs::Address;
use crate::report::Clock;
use crate::services;

const ORGANIZATION: &str = "한결에듀";
const PERSON: &str = "김하늘";
const SLACK: &str = "FinOps 슬랙";
const MAIL: &str = "FinOps 이메일";

/// A simulated organization's id, the team it becomes, and its projects with their environments.
type Wanted = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const TEAMS: [Wanted; 3] = [
    (
        "org-sim-learning",
        "학습AI팀",
        &[("tutor-svc", "production"), ("chatbot-experiment", "development"), ("essay-grader", "staging")],
    ),
    (
        "org-sim-search",
        "검색팀",
        &[("search-ranking", "production"), ("doc-embeddings", "production"), ("voice-notes", "staging")],
    ),
    ("org-sim-platform", "플랫폼팀", &[("support-assistant", "production"), ("ci-code-review", "ci")]),
];

/// Projects of which it is told what came of their calls: how many a day succeeded, and how many failed.
const OUTCOMES: [(&str, u32, u32); 6] = [
    ("tutor-svc", 940, 60),
    ("essay-grader", 180, 70),
    ("search-ranking", 3_200, 40),
    ("doc-embeddings", 5_100, 20),
    ("support-assistant", 620, 90),
    ("chatbot-experiment", 35, 65),
];

/// The demo's sign-in: made once, kept in `.finops/demo.json`.
#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct SignIn {
    /// The account's e-mail address.
    pub(crate) email: String,
    /// Its password.
    pub(crate) password: String,
}

/// A team to make, with its admin key and its projects.
#[derive(Debug, PartialEq)]
struct Team {
    name: String,
    key: String,
    projects: Vec<Project>,
}

/// A project to make.
#[derive(Debug, PartialEq)]
pub(crate) struct Project {
    /// Its name.
    pub(crate) name: String,
    /// Its environment, such as `production`.
    pub(crate) environment: String,
    /// Its id at the provider.
    pub(crate) openai_id: String,
}

/// Reads or makes the sign-in.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn sign_in(file: &Path) -> Result<SignIn> {
    if let Some(known) = paths::read_json(file) {
        return Ok(known);
    }
    let fresh = SignIn {
        email: "demo@example.com".to_owned(),
        password: format!("demo-{}", paths::hex(&paths::random::<8>()?)),
    };
    paths::write_json(file, &fresh)?;
    Ok(fresh)
}

/// Brings the demo to its full size; does next to nothing when it has it.
///
/// # Errors
/// When the service or the simulator refuses, the collector fails, or a stop is asked for.
pub(crate) fn fill(
    clock: Clock,
    service: &str,
    simulator: &Address,
    sign_in: &SignIn,
    check: &mut dyn FnMut() -> Result<()>,
) -> Result<()> {
    let world = Client::new(&simulator.base)
        .send("GET", "/_sim/organizations", None)?
        .success("the simulator's organizations")?;
    let teams = plan(&world)?;
    let mut session = Session::open(service, sign_in)?;
    let mut waiting = BTreeMap::new();
    for team in &teams {
        check()?;
        let id = session.team(&team.name)?;
        session.admin_key(&id, &team.key)?;
        for project in &team.projects {
            session.project(&id, project)?;
        }
        clock.line(&format!("demo: {} with {} projects", team.name, team.projects.len()));
        waiting.insert(id, team.name.clone());
    }
    session.channels(sign_in, simulator)?;
    clock.line("demo: a Slack channel and an e-mail channel");
    collect(clock, &mut session, waiting, check)?;
    session.budgets()?;
    session.outcomes()?;
    clock.line("demo: budgets, and what came of some projects' calls");
    Ok(())
}

/// Waits until the collector has brought in every team's bill.
fn collect(
    clock: Clock,
    session: &mut Session,
    mut waiting: BTreeMap<String, String>,
    check: &mut dyn FnMut() -> Result<()>,
) -> Result<()> {
    let mut shown = BTreeMap::<String, String>::new();
    let mut moved = Instant::now();
    while !waiting.is_empty() {
        check()?;
        for (id, name) in waiting.clone() {
            let state = session.get(&format!("/api/teams/{id}/collection"))?;
            let progress = describe(&state);
            if shown.get(&id) != Some(&progress) {
                clock.line(&format!("demo: {name}: {progress}"));
                shown.insert(id.clone(), progress);
                moved = Instant::now();
            }
            // A later run that failed leaves a full demo full; its reason is on the page.
            let settled = state["status"] == "healthy" || state["status"] == "failed";
            if settled && !state["lastSuccessAt"].is_null() {
                waiting.remove(&id);
            }
        }
        if !waiting.is_empty() {
            if moved.elapsed() > Duration::from_secs(180) {
                bail!("the collector has not moved for 3 minutes; see `.finops/finops.log`");
            }
            services::pause(Duration::from_secs(1))?;
        }
    }
    Ok(())
}

/// `running, 45 of 180 days` and the like.
fn describe(state: &Value) -> String {
    let status = state["status"].as_str().unwrap_or("unknown").replace('_', " ");
    let days = match (state["daysDone"].as_i64(), state["daysTotal"].as_i64()) {
        (Some(done), Some(total)) if total > 0 => format!(", {done} of {total} days"),
        _ => String::new(),
    };
    let error = state["lastError"]["message"].as_str().map(|message| format!(" ({message})")).unwrap_or_default();
    format!("{status}{days}{error}")
}

/// What the simulated world holds, as the demo's teams. A project that is not named here is left
/// to turn up as unattributed cost.
fn plan(world: &Value) -> Result<Vec<Team>> {
    let organizations = world["data"].as_array().context("the simulator lists no organizations")?;
    TEAMS.iter().map(|wanted| team(organizations, wanted)).collect()
}

fn team(organizations: &[Value], wanted: &Wanted) -> Result<Team> {
    let (id, name, projects) = wanted;
    let organization = organizations
        .iter()
        .find(|organization| organization["id"] == *id)
        .with_context(|| format!("the simulator has no organization {id}"))?;
    let key =
        organization["adminKeys"][0].as_str().with_context(|| format!("the simulator has no admin key for {id}"))?;
    let simulated = organization["projects"].as_array();
    let projects = projects.iter().map(|(name, environment)| {
        let project = simulated
            .into_iter()
            .flatten()
            .find(|project| project["name"] == *name)
            .with_context(|| format!("the simulator has no project {name}"))?;
        Ok(Project {
            name: (*name).to_owned(),
            environment: (*environment).to_owned(),
            openai_id: project["id"].as_str().context("a project without an id")?.to_owned(),
        })
    });
    Ok(Team { name: (*name).to_owned(), key: key.to_owned(), projects: projects.collect::<Result<_>>()? })
}

/// The demo's person, signed in.
pub(crate) struct Session {
    client: Client,
    sign_in: SignIn,
}

impl Session {
    /// Signs in, registering the account first if there is none.
    ///
    /// # Errors
    /// When the service refuses, or does not answer.
    pub(crate) fn open(service: &str, sign_in: &SignIn) -> Result<Self> {
        let mut session = Self { client: Client::new(service), sign_in: sign_in.clone() };
        if session.login()? {
            return Ok(session);
        }
        let answer = session.client.send(
            "POST",
            "/api/auth/register",
            Some(&json!({
                "email": sign_in.email,
                "password": sign_in.password,
                "name": PERSON,
                "organizationName": ORGANIZATION,
                "locale": "ko",
            })),
        )?;
        if answer.status == 409 {
            bail!(
                "this database has an account {} with another password than `.finops/demo.json` \
                 says: use `--no-demo`, another DATABASE_URL, or correct that file",
                sign_in.email
            );
        }
        let body = answer.success("registering the demo's account")?;
        session.accept(&body)?;
        Ok(session)
    }

    fn accept(&mut self, body: &Value) -> Result<()> {
        let token = body["accessToken"].as_str().context("a sign-in without an access token")?;
        self.client.authorize(token);
        Ok(())
    }

    /// `false` when there is no such account (or another password).
    fn login(&mut self) -> Result<bool> {
        let body = json!({ "email": self.sign_in.email, "password": self.sign_in.password });
        let answer = self.client.send("POST", "/api/auth/login", Some(&body))?;
        if answer.status == 401 {
            return Ok(false);
        }
        let body = answer.success("signing in to the demo")?;
        self.accept(&body)?;
        Ok(true)
    }

    /// A request, signing in again when the access token has run out meanwhile.
    fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let answer = self.client.send(method, path, body)?;
        if answer.status == 401 && self.login()? {
            return self.client.send(method, path, body);
        }
        Ok(answer)
    }

    /// What there is at a path.
    ///
    /// # Errors
    /// When the service refuses, or does not answer.
    pub(crate) fn get(&mut self, path: &str) -> Result<Value> {
        self.send("GET", path, None)?.success(path)
    }

    /// A change.
    ///
    /// # Errors
    /// When the service refuses, or does not answer.
    pub(crate) fn put(&mut self, method: &str, path: &str, body: &Value) -> Result<Value> {
        self.send(method, path, Some(body))?.success(path)
    }

    /// Makes something.
    ///
    /// # Errors
    /// When the service refuses, or does not answer.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.put("POST", path, body)
    }

    /// Brings a file in.
    ///
    /// # Errors
    /// When the service refuses, or does not answer.
    pub(crate) fn upload(&self, path: &str, kind: &str, text: &str) -> Result<Value> {
        self.client.upload(path, kind, text)?.success(path)
    }

    /// The item of a list whose `field` is `value`.
    fn find(&mut self, list: &str, field: &str, value: &str) -> Result<Option<Value>> {
        let page = self.get(list)?;
        let items = page["data"].as_array().cloned().unwrap_or_default();
        Ok(items.into_iter().find(|item| item[field] == value))
    }

    /// Makes a team unless it is there; answers its id.
    ///
    /// # Errors
    /// When the service refuses, or does not answer.
    pub(crate) fn team(&mut self, name: &str) -> Result<String> {
        let team = match self.find("/api/teams?limit=200", "name", name)? {
            Some(team) => team,
            None => self.put("POST", "/api/teams", &json!({ "name": name }))?,
        };
        Ok(team["id"].as_str().context("a team without an id")?.to_owned())
    }

    /// Gives a team its admin key unless it has one.
    ///
    /// # Errors
    /// When the service refuses, or does not answer.
    pub(crate) fn admin_key(&mut self, team: &str, key: &str) -> Result<()> {
        let path = format!("/api/teams/{team}/admin-keys");
        let page = self.get(&path)?;
        let keys = page["data"].as_array().cloned().unwrap_or_default();
        if keys.iter().any(|key| key["isActive"] == json!(true)) {
            return Ok(());
        }
        let body = json!({ "provider": "openai", "key": key });
        let answer = self.send("POST", &path, Some(&body))?;
        if answer.status == 409 && answer.code().contains("admin_key") {
            return Ok(());
        }
        answer.success("registering the demo's admin key").map(drop)
    }

    /// Makes the channels that alerts go to, unless they are there; a Slack channel that leads elsewhere is led here again.
    fn channels(&mut self, sign_in: &SignIn, simulator: &Address) -> Result<()> {
        let list = "/api/channels?limit=200";
        match self.find(list, "name", SLACK)? {
            None => {
                let body = json!({ "type": "slack", "name": SLACK, "locale": "ko", "url": simulator.slack });
                self.post("/api/channels", &body)?;
            }
            Some(channel) => {
                let is_here = channel["masked"].as_str().is_some_and(|masked| masked.starts_with(&simulator.base));
                if !is_here && let Some(id) = channel["id"].as_str() {
                    let path = format!("/api/channels/{id}");
                    self.put("PATCH", &path, &json!({ "url": simulator.slack }))?;
                }
            }
        }
        if self.find(list, "name", MAIL)?.is_none() {
            let body = json!({ "type": "email", "name": MAIL, "locale": "ko", "addresses": [sign_in.email] });
            self.post("/api/channels", &body)?;
        }
        Ok(())
    }

    /// Sets budgets, unless they are there: of the organization, of a team, of a project.
    fn budgets(&mut self) -> Result<()> {
        let organization = json!({ "type": "organization" });
        let team = json!({ "type": "team", "id": self.team(TEAMS[0].1)? });
        let project = json!({ "type": "project", "id": self.id_of("/api/projects?limit=200", "essay-grader")? });
        let wanted = [
            ("AI 전체 예산", organization, "60000", "monthly"),
            ("학습AI팀 예산", team, "25000", "monthly"),
            ("essay-grader 주간 예산", project, "1500", "weekly"),
        ];
        for (name, scope, amount, period) in wanted {
            if self.find("/api/budgets?limit=200", "name", name)?.is_none() {
                let alerts = [50, 75, 90, 100].map(|percent| json!({ "threshold": percent, "type": "both" }));
                let body =
                    json!({ "name": name, "scope": scope, "amount": amount, "period": period, "alerts": alerts });
                self.post("/api/budgets", &body)?;
            }
        }
        Ok(())
    }

    /// Tells what came of some projects' calls on each of the last two weeks' days; what was told before counts once.
    fn outcomes(&mut self) -> Result<()> {
        let summary = self.get("/api/costs/summary")?;
        let trend = summary["trend"].as_array().context("a trend")?;
        let days: Vec<&str> = trend.iter().rev().take(14).filter_map(|point| point["day"].as_str()).collect();
        for (project, successes, failures) in OUTCOMES {
            let id = self.id_of("/api/projects?limit=200", project)?;
            let told = days.iter().flat_map(|day| {
                [("success", successes), ("failure", failures)].map(|(outcome, count)| {
                    json!({ "id": format!("demo-{day}-{project}-{outcome}"), "outcome": outcome, "count": count,
                        "occurredAt": format!("{day}T12:00:00Z") })
                })
            });
            let told: Vec<Value> = told.collect();
            self.post(&format!("/api/projects/{id}/outcomes"), &json!({ "outcomes": told }))?;
        }
        Ok(())
    }

    /// The id of the item of a list that has a name.
    fn id_of(&mut self, list: &str, name: &str) -> Result<String> {
        let item = self.find(list, "name", name)?.with_context(|| format!("there is no {name}"))?;
        Ok(item["id"].as_str().context("an item without an id")?.to_owned())
    }

    /// Makes a project with its Project ID unless it is there.
    ///
    /// # Errors
    /// When the service refuses, or does not answer.
    pub(crate) fn project(&mut self, team: &str, wanted: &Project) -> Result<()> {
        let list = format!("/api/projects?limit=200&teamId={team}");
        let project = match self.find(&list, "name", &wanted.name)? {
            Some(project) => project,
            None => self.put(
                "POST",
                "/api/projects",
                &json!({
                    "teamId": team,
                    "name": wanted.name,
                    "environment": wanted.environment,
                }),
            )?,
        };
        if project["openaiProjectId"] == json!(wanted.openai_id) {
            return Ok(());
        }
        let id = project["id"].as_str().context("a project without an id")?;
        self.put(
            "PUT",
            &format!("/api/projects/{id}/openai-project-id"),
            &json!({ "openaiProjectId": wanted.openai_id }),
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teams_take_their_key_and_ids_from_the_simulated_world() {
        let organizations = [json!({
            "id": "org-a",
            "adminKeys": ["sk-admin-1"],
            "projects": [{ "id": "proj_b", "name": "other" }, { "id": "proj_a", "name": "chat" }],
        })];
        let expected = Team {
            name: "마케팅팀".into(),
            key: "sk-admin-1".into(),
            projects: vec![Project { name: "chat".into(), environment: "ci".into(), openai_id: "proj_a".into() }],
        };
        let wanted: Wanted = ("org-a", "마케팅팀", &[("chat", "ci")]);
        assert_eq!(team(&organizations, &wanted).unwrap(), expected);
        let missing: Wanted = ("org-a", "마케팅팀", &[("gone", "ci")]);
        let error = team(&organizations, &missing).unwrap_err().to_string();
        assert_eq!(error, "the simulator has no project gone");
    }

    #[test]
    fn the_demo_is_three_teams_and_eight_projects() {
        assert_eq!(TEAMS.len(), 3);
        assert_eq!(TEAMS.iter().map(|(_, _, projects)| projects.len()).sum::<usize>(), 8);
    }

    #[test]
    fn progress_reads_well() {
        let state = json!({ "status": "running", "daysDone": 45, "daysTotal": 180 });
        assert_eq!(describe(&state), "running, 45 of 180 days");
        let state = json!({ "status": "never_run", "daysTotal": 0, "daysDone": 0 });
        assert_eq!(describe(&state), "never run");
    }
}
