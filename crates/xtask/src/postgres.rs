//! A private PostgreSQL cluster made from the binaries on this machine: found, created, started
//! on a free loopback port, and stopped again.

mod account;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use self::account::{Account, can_write, give, lend, unprivileged};
use crate::pg_binaries::{Binaries, find};
use crate::services::{self, capture};
use crate::{paths, toolchain};

/// The role that owns the databases. Not a superuser, so row-level security holds for it.
const ROLE: &str = "finops";
/// The cluster's superuser: only this module uses it.
const SUPERUSER: &str = "postgres";

/// What PostgreSQL is given in production, as docker-compose.yml has it and the README asks for: buffers that hold the
/// pages in use, and room between checkpoints, because after each of them every page is written to the log once in full.
const ROOM: &str = "-c shared_buffers=1GB -c max_wal_size=4GB -c checkpoint_timeout=15min";

/// Where a cluster is kept and how it is run.
pub(crate) struct Spec {
    /// The directory for the cluster and what is remembered about it.
    pub(crate) home: PathBuf,
    /// Made anew at each start, and removed at the end.
    pub(crate) throw_away: bool,
    /// Whether commits reach the disk. Tests do without.
    pub(crate) flush: bool,
    /// Whether it has the room that the README asks for in production: [`ROOM`]. A developer's has PostgreSQL's defaults.
    pub(crate) room: bool,
    /// Most connections at once.
    pub(crate) connections: u16,
}

/// What is remembered between runs, in `<home>/cluster.json`, readable by its owner alone.
#[derive(Serialize, Deserialize)]
struct Memory {
    data: PathBuf,
    port: u16,
    password: String,
}

/// A running cluster; dropping it stops the server.
pub(crate) struct Cluster {
    binaries: Binaries,
    account: Option<Account>,
    memory: Memory,
    log: PathBuf,
    throw_away: bool,
}

impl Cluster {
    /// Starts the cluster, creating it first if needed. The caller holds a lock that keeps a
    /// second run of the same checkout away.
    ///
    /// # Errors
    /// When PostgreSQL is missing and cannot be installed, or the server does not start.
    pub(crate) fn start(spec: &Spec) -> Result<Self> {
        let account = unprivileged()?;
        let file = spec.home.join("cluster.json");
        paths::private_dir(&spec.home, account.is_some())?;
        let known: Option<Memory> = paths::read_json(&file);
        let major = known.as_ref().and_then(|known| cluster_major(&known.data));
        let mut found = find();
        if found.is_empty() {
            toolchain::install_debian(&["postgresql"]).context(NO_POSTGRES)?;
            found = find();
        }
        let binaries = newest(found, major)?;
        let memory = match known.filter(|known| known.data.parent().is_some_and(Path::exists)) {
            Some(known) => known,
            None => {
                let data = data_directory(&spec.home, account)?;
                if spec.throw_away {
                    remove(&data)?
                } else {
                    set_aside(&data)?
                }
                Memory { data, port: free_port()?, password: paths::hex(&paths::random::<24>()?) }
            }
        };
        let log = memory.data.with_file_name("postgres.log");
        let mut cluster = Self { binaries, account, memory, log, throw_away: spec.throw_away };
        cluster.check_owner()?;
        if spec.throw_away {
            cluster.stop();
            cluster.remove_data()?;
        }
        if !cluster.memory.data.join("PG_VERSION").exists() {
            cluster.create()?;
        }
        paths::write_json(&file, &cluster.memory)?;
        if !cluster.is_up() {
            cluster.launch(spec, &file)?;
        }
        cluster.ensure_role()?;
        Ok(cluster)
    }

    /// One line for a person.
    pub(crate) fn describe(&self) -> String {
        format!(
            "PostgreSQL {} on 127.0.0.1:{}, data in {}",
            self.binaries.version,
            self.memory.port,
            self.memory.data.display()
        )
    }

    /// The connection string of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        self.url_at(database, self.memory.port)
    }

    /// Where it listens on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.memory.port
    }

    /// The connection string of one of its databases by way of another port of this machine.
    pub(crate) fn url_at(&self, database: &str, port: u16) -> String {
        format!("postgres://{ROLE}:{}@127.0.0.1:{port}/{database}", self.memory.password)
    }

    /// Stops the server, kindly or by killing it, and starts it again where it was. Returns once it is ready.
    ///
    /// # Errors
    /// When it does not stop or start, or a stop is asked for.
    pub(crate) fn again(&mut self, spec: &Spec, kill: bool) -> Result<()> {
        let server = self.process().and_then(Pid::from_raw).context("PostgreSQL has ended")?;
        let sent = if kill { Signal::KILL } else { Signal::INT };
        kill_process(server, sent).context("PostgreSQL cannot be told to stop")?;
        let ended = Instant::now();
        // Its children may hold the port for a moment longer.
        while self.process().is_some() || TcpListener::bind(("127.0.0.1", self.memory.port)).is_err() {
            anyhow::ensure!(ended.elapsed() < Duration::from_secs(60), "PostgreSQL does not stop");
            services::pause(Duration::from_millis(10))?;
        }
        self.launch(spec, &spec.home.join("cluster.json"))
    }

    /// Creates a database owned by the role unless it exists.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) fn ensure_database(&self, name: &str) -> Result<()> {
        let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
        if self.query(SUPERUSER, "postgres", &exists)?.trim().is_empty() {
            self.query(
                SUPERUSER,
                "postgres",
                &format!("CREATE DATABASE \"{name}\" OWNER {ROLE} ENCODING 'UTF8' TEMPLATE template0"),
            )?;
        }
        Ok(())
    }

    /// Runs psql commands in order in one session of the superuser's, whom row-level security does not concern; answers
    /// what they printed.
    ///
    /// # Errors
    /// The first one that fails, with the server's words; or a stop.
    pub(crate) fn session(&self, database: &str, commands: &[&str]) -> Result<String> {
        let mut psql = self.psql(SUPERUSER, database);
        for command in commands {
            psql.args(["--command", command]);
        }
        services::capture_long(&mut psql)
    }

    /// A client program of the superuser's, such as `pgbench`, on a database.
    pub(crate) fn client(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.binaries.dir.join(program));
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.memory.port.to_string())
            .env("PGUSER", SUPERUSER)
            .env("PGPASSWORD", &self.memory.password)
            .env("PGDATABASE", database);
        command
    }

    /// Runs SQL files in order, each in its own transaction, as the owner of `database`.
    ///
    /// # Errors
    /// The first file that fails, with the server's words.
    pub(crate) fn apply(&self, database: &str, files: &[PathBuf]) -> Result<()> {
        for file in files {
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let mut psql = self.psql(ROLE, database);
            // sqlx runs a file outside a transaction when its first line says so.
            if !text.starts_with("-- no-transaction") {
                psql.arg("--single-transaction");
            }
            capture(psql.arg("--file").arg(file)).with_context(|| format!("{} does not apply", file.display()))?;
        }
        Ok(())
    }

    /// # Errors
    /// When the server has gone, with the tail of its log.
    pub(crate) fn check(&self) -> Result<()> {
        if self.process().is_none() {
            bail!("PostgreSQL has ended; the end of {}:\n{}", self.log.display(), paths::tail(&self.log, 20));
        }
        Ok(())
    }

    /// The server's process. Its command line names the data directory, which tells it from a
    /// process that was given its id later, and from one that is dead but not yet reaped.
    fn process(&self) -> Option<i32> {
        let text = fs::read_to_string(self.memory.data.join("postmaster.pid")).ok()?;
        let pid = text.lines().next()?.trim().parse().ok()?;
        let data = self.memory.data.to_string_lossy();
        services::is_running(pid, &data).then_some(pid)
    }

    fn psql(&self, user: &str, database: &str) -> Command {
        let mut psql = Command::new(self.binaries.dir.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"])
            .args(["--set", "ON_ERROR_STOP=1", "--host", "127.0.0.1"])
            .args(["--port", &self.memory.port.to_string()])
            .args(["--username", user, "--dbname", database])
            .env("PGPASSWORD", &self.memory.password)
            .env("PGOPTIONS", "--client-min-messages=warning");
        psql
    }

    fn query(&self, user: &str, database: &str, sql: &str) -> Result<String> {
        capture(self.psql(user, database).args(["--command", sql]))
    }

    /// A command of the server's, as the account that owns the cluster.
    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.dir.join(name));
        command.current_dir("/").env("LC_ALL", "C");
        lend(&mut command, self.account);
        command
    }

    fn check_owner(&self) -> Result<()> {
        let Ok(found) = fs::metadata(&self.memory.data) else {
            return Ok(());
        };
        let expected = self.account.map_or_else(|| rustix::process::geteuid().as_raw(), |account| account.uid);
        if found.uid() != expected {
            bail!(
                "the PostgreSQL cluster in {data} belongs to account {owner}, and would now run as \
                 account {expected}: run this as you did before, or delete {data} to start anew",
                data = self.memory.data.display(),
                owner = found.uid(),
            );
        }
        Ok(())
    }

    /// `initdb` into a directory beside, then a rename: a half-made cluster is never mistaken for
    /// a whole one.
    fn create(&self) -> Result<()> {
        let fresh = self.memory.data.with_extension("new");
        let secret = self.memory.data.with_extension("pw");
        remove(&fresh)?;
        let _ = fs::remove_file(&secret);
        let made = (|| {
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&secret)?;
            file.write_all(self.memory.password.as_bytes())?;
            give(&secret, self.account)
        })();
        made.with_context(|| format!("cannot write {}", secret.display()))?;
        let mut initdb = self.tool("initdb");
        initdb
            .args(["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"])
            .args(["--username", SUPERUSER])
            .arg("--pwfile")
            .arg(&secret)
            .arg("--pgdata")
            .arg(&fresh);
        if self.throw_away {
            initdb.arg("--no-sync");
        }
        // macOS before 14 has no C.UTF-8; every system has C.
        let result = capture(&mut initdb).or_else(|error| {
            if !format!("{error:#}").contains("locale") {
                return Err(error);
            }
            remove(&fresh)?;
            capture(initdb.arg("--locale=C"))
        });
        let _ = fs::remove_file(&secret);
        result.context("cannot create a PostgreSQL cluster")?;
        fs::rename(&fresh, &self.memory.data).with_context(|| format!("cannot create {}", self.memory.data.display()))
    }

    fn is_up(&self) -> bool {
        self.check().is_ok() && self.query(SUPERUSER, "postgres", "SELECT 1").is_ok()
    }

    /// Starts the server; another port is taken when the remembered one is in use.
    fn launch(&mut self, spec: &Spec, file: &Path) -> Result<()> {
        self.forget_stale_pid()?;
        let mut tries = 0;
        loop {
            if TcpListener::bind(("127.0.0.1", self.memory.port)).is_err() {
                self.memory.port = free_port()?;
                paths::write_json(file, &self.memory)?;
            }
            let flush = if spec.flush { "on" } else { "off" };
            let settings = format!(
                "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
                 -c max_connections={} -c fsync={flush} -c synchronous_commit={flush} \
                 -c full_page_writes={flush} -c log_line_prefix='%m [%p] ' {}",
                self.memory.port,
                spec.connections,
                if spec.room { ROOM } else { "" }
            );
            let _ = fs::remove_file(&self.log);
            let mut start = self.tool("pg_ctl");
            start
                .args(["start", "--wait", "--silent", "--timeout=120"])
                .arg("--pgdata")
                .arg(&self.memory.data)
                .arg("--log")
                .arg(&self.log)
                .args(["--options", &settings]);
            let Err(error) = services::output(&mut start).and_then(|output| {
                anyhow::ensure!(output.status.success(), "pg_ctl: {}", output.status);
                Ok(())
            }) else {
                return Ok(());
            };
            tries += 1;
            let log = paths::tail(&self.log, 20);
            // The port went to someone else meanwhile, or the processes of a server that was killed
            // are about to notice.
            let passing = ["Address already in use", "is still in use"];
            if tries < 10 && passing.iter().any(|words| log.contains(words)) {
                services::pause(Duration::from_millis(300))?;
                continue;
            }
            return Err(error.context(format!("PostgreSQL does not start:\n{log}")));
        }
    }

    /// After a crash and a restart of the machine, the remembered process id may belong to
    /// something else, and the server would refuse to start.
    fn forget_stale_pid(&self) -> Result<()> {
        let file = self.memory.data.join("postmaster.pid");
        if let Some(pid) = self.process() {
            bail!(
                "a PostgreSQL server (process {pid}) uses {} but does not answer; stop it first",
                self.memory.data.display()
            );
        }
        if file.exists() {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        Ok(())
    }

    fn ensure_role(&self) -> Result<()> {
        let sql = format!("SELECT 1 FROM pg_roles WHERE rolname = '{ROLE}'");
        if self.query(SUPERUSER, "postgres", &sql)?.trim().is_empty() {
            let password = &self.memory.password;
            self.query(
                SUPERUSER,
                "postgres",
                &format!(
                    "CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE NOSUPERUSER NOBYPASSRLS \
                     PASSWORD '{password}'"
                ),
            )?;
            if self.binaries.version.major >= 16 {
                // Before 16 this is what CREATEROLE means; since then it has to be said.
                self.query(
                    SUPERUSER,
                    "postgres",
                    &format!("ALTER ROLE {ROLE} SET createrole_self_grant = 'set, inherit'"),
                )?;
            }
        }
        Ok(())
    }

    /// Stops the server if it runs; `true` when it is down afterwards.
    fn stop(&self) -> bool {
        if self.check().is_err() {
            return true;
        }
        let mode = if self.throw_away || services::stops() > 1 { "immediate" } else { "fast" };
        let mut stop = self.tool("pg_ctl");
        stop.args(["stop", "--silent", "--wait", "--timeout=30", "--mode", mode])
            .arg("--pgdata")
            .arg(&self.memory.data);
        services::output(&mut stop).is_ok_and(|output| output.status.success())
    }

    fn remove_data(&self) -> Result<()> {
        remove(&self.memory.data)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.stop() && self.throw_away {
            let _ = self.remove_data();
        }
    }
}

const NO_POSTGRES: &str = "PostgreSQL 15 or newer was not found on this machine. Either install it \
     (Debian/Ubuntu: `sudo apt-get install postgresql`; macOS: `brew install postgresql@17`), or \
     set DATABASE_URL to a database you already have.";

fn newest(mut found: Vec<Binaries>, major: Option<u32>) -> Result<Binaries> {
    found.retain(|found| major.is_none_or(|major| found.version.major == major));
    found.sort_by_key(|found| found.version);
    match (found.pop(), major) {
        (Some(found), _) => Ok(found),
        (None, Some(major)) => bail!(
            "the cluster of this checkout was made by PostgreSQL {major}, which is not on this \
             machine any more: install it again, or delete `.finops/postgres` to start anew"
        ),
        (None, None) => bail!(NO_POSTGRES),
    }
}

/// The major version a cluster was made by.
fn cluster_major(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// A loopback port that nothing listens on now.
///
/// # Errors
/// When there is none.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no loopback port is free")?;
    Ok(listener.local_addr()?.port())
}

/// Where the cluster goes: below `home`; or, when the lent account cannot reach that (a checkout
/// under `/root`, say), below `/var/lib/finops`, in a directory named after the checkout's path.
fn data_directory(home: &Path, account: Option<Account>) -> Result<PathBuf> {
    let inside = home.join("cluster");
    let outside = Path::new("/var/lib/finops").join(paths::fingerprint(home.as_os_str().as_encoded_bytes()));
    let choices = match account {
        None => vec![inside],
        Some(_) => vec![inside, outside],
    };
    for dir in &choices {
        let ready = fs::create_dir_all(dir).and_then(|()| give(dir, account));
        if ready.is_ok() && can_write(dir, account) {
            return Ok(dir.join("data"));
        }
        let _ = fs::remove_dir(dir);
    }
    bail!("no place for PostgreSQL's data: tried {choices:?}")
}

/// A cluster whose password is forgotten (`.finops` was deleted) cannot be used; it is kept all
/// the same.
fn set_aside(data: &Path) -> Result<()> {
    if !data.exists() {
        return Ok(());
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let aside = data.with_extension(format!("before-{now}"));
    fs::rename(data, &aside).with_context(|| format!("cannot move {} aside", data.display()))?;
    crate::report::say(&format!("an older cluster was kept as {}", aside.display()));
    Ok(())
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", dir.display()))
        }
        _ => Ok(()),
    }
}
