//! What is measured on: a simulated provider with a large bill, and services on fresh databases.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::demo::{Project, Session, SignIn};
use crate::http::Client;
use crate::postgres::{Cluster, free_port};
use crate::programs::{Address, Programs};
use crate::services::Service;
use crate::{paths, programs, services};

/// The size of the bill.
pub(super) const DAYS: usize = 180;
pub(super) const PROJECTS: usize = 50;
pub(super) const LINE_ITEMS: usize = 20;

/// How long a service may take to stop.
const GRACE: Duration = Duration::from_secs(3);
const ORGANIZATION: &str = "org-bench";
pub(super) const TEAM: &str = "Benchmark";
const ADMIN_KEY: &str = "sk-admin-bench-00000000000000000000000000000000";

/// The provider and the database server.
pub(super) struct Stage<'a> {
    programs: &'a Programs<'a>,
    /// PostgreSQL.
    pub(super) cluster: &'a Cluster,
    address: Address,
    _simulator: Service,
}

/// A service on a database of its own, with a signed-in person. Dropping it stops the service.
pub(super) struct Scene {
    pub(super) service: Service,
    /// Its base URL.
    pub(super) url: String,
    pub(super) session: Session,
    pub(super) cron_secret: String,
    /// Its environment.
    env: Vec<(String, OsString)>,
}

impl<'a> Stage<'a> {
    /// Starts the simulator and has it make up its bill, so that this is not measured with what reads it.
    pub(super) fn set(programs: &'a Programs<'a>, cluster: &'a Cluster) -> Result<Self> {
        let (simulator, address) = programs.simulator(0, "empty")?;
        let days = format!(
            "SELECT to_char((now() AT TIME ZONE 'UTC')::date - n, 'YYYY-MM-DD') FROM (VALUES ({DAYS}), (0)) v (n)"
        );
        let answer = cluster.session("postgres", &[&days])?;
        let (first_day, today) = answer.trim().split_once('\n').context("two days")?;
        let provider = Client::new(&address.base);
        provider
            .send("POST", "/_sim/organizations", Some(&bill(first_day)))?
            .success("the simulator's organization")?;
        let truth = format!("/_sim/organizations/{ORGANIZATION}/truth?from={first_day}&to={today}");
        provider.send("GET", &truth, None)?.success("the simulator's bill")?;
        Ok(Self { programs, cluster, address, _simulator: simulator })
    }

    /// Starts the service on a fresh database and sets it up as a person would: an account, a team with its admin key,
    /// and the projects with their Project IDs. Nothing is collected yet: the service runs no jobs.
    pub(super) fn open(&self, database: &str) -> Result<Scene> {
        let mut scene = self.serve(database, false)?;
        let team = scene.session.team(TEAM)?;
        scene.session.admin_key(&team, ADMIN_KEY)?;
        for number in 0..PROJECTS {
            let name = format!("project-{number:02}");
            scene.session.project(
                &team,
                &Project { name, environment: "production".to_owned(), openai_id: project_id(number) },
            )?;
        }
        Ok(scene)
    }

    /// Starts the service on a fresh database, with or without its background work, and makes an account.
    pub(super) fn serve(&self, database: &str, jobs: bool) -> Result<Scene> {
        self.cluster.ensure_database(database)?;
        let port = free_port()?;
        let cron_secret = paths::hex(&paths::random::<32>()?);
        let mut env = self.environment(database, port, &cron_secret)?;
        env.push(("JOBS_ENABLED".to_owned(), jobs.to_string().into()));
        self.programs.migrate(&env)?;
        // What it has under way when it is told to stop is worth nothing.
        let service = self.programs.serve(&env, port)?.grace(GRACE);
        let url = format!("http://127.0.0.1:{port}");
        let password = format!("bench-{}", paths::hex(&paths::random::<8>()?));
        let session = Session::open(&url, &SignIn { email: "bench@example.com".to_owned(), password })?;
        Ok(Scene { service, url, session, cron_secret, env })
    }

    /// Makes projects without Project IDs, and says what they are known by.
    pub(super) fn projects(scene: &mut Scene, count: usize) -> Result<Vec<String>> {
        let team = scene.session.team(TEAM)?;
        let project = |number| {
            let body = json!({"name": format!("project-{number}"), "teamId": team, "environment": "production"});
            let project = scene.session.put("POST", "/api/projects", &body)?;
            project["id"].as_str().map(str::to_owned).context("a project without an id")
        };
        (0..count).map(project).collect()
    }

    /// Has the sums of all events made that are in a scene's database, as an operator would.
    pub(super) fn make_sums(&self, scene: &Scene) -> Result<()> {
        services::run(self.programs.finops("verify-rollups", &scene.env).arg("--repair").stdout(Stdio::null()))
    }

    fn environment(&self, database: &str, port: u16, cron_secret: &str) -> Result<Vec<(String, OsString)>> {
        let mut variables = programs::quiet(self.cluster.url(database), port)?;
        variables.push(("OPENAI_BASE_URL".to_owned(), self.address.openai.clone().into()));
        variables.push(("CRON_SECRET".to_owned(), cron_secret.into()));
        Ok(variables)
    }

    /// A file of the checkout as psql wants it quoted.
    pub(super) fn quoted(&self, file: &str) -> Result<String> {
        let file = self.programs.root.join(file);
        let file = file.to_str().context("the checkout's path is not text")?;
        Ok(format!("'{}'", file.replace('\'', "''")))
    }
}

/// The provider's id of a project.
fn project_id(number: usize) -> String {
    format!("proj_bench_{number:02}")
}

/// The simulated organization: every project has every line item every day.
fn bill(first_day: &str) -> Value {
    let projects: Vec<Value> = (0..PROJECTS)
        .map(|number| {
            json!({
                "id": project_id(number),
                "name": format!("project-{number:02}"),
                "dailyUsd": (20 + number).to_string(),
                "lineItems": LINE_ITEMS,
                "apiKeys": 1,
            })
        })
        .collect();
    json!({
        "id": ORGANIZATION,
        "name": "Benchmark",
        "seed": 1,
        "adminKeys": [ADMIN_KEY],
        "firstDay": first_day,
        "projects": projects,
    })
}
