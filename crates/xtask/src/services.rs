//! Child processes: run to their end or kept running, told apart from the terminal's Ctrl-C by a
//! process group of their own, so that this process decides who stops when.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::paths;

static STOPS: AtomicUsize = AtomicUsize::new(0);
static LISTENING: OnceLock<()> = OnceLock::new();

/// The error of work that was ended by Ctrl-C or SIGTERM.
#[derive(Debug)]
pub(crate) struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Stopped {}

/// Starts to count SIGINT, SIGTERM and SIGHUP instead of dying of them.
///
/// # Errors
/// When the handlers cannot be installed.
pub(crate) fn listen_for_stop() -> Result<()> {
    if LISTENING.set(()).is_err() {
        return Ok(());
    }
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals =
        signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            STOPS.fetch_add(1, Ordering::SeqCst);
        }
    });
    Ok(())
}

/// How many times a stop was asked for: a second time means "now".
pub(crate) fn stops() -> usize {
    STOPS.load(Ordering::SeqCst)
}

/// # Errors
/// [`Stopped`] once a stop was asked for.
pub(crate) fn check_stop() -> Result<()> {
    if stops() > 0 { Err(Stopped.into()) } else { Ok(()) }
}

/// Sleeps, waking early (with [`Stopped`]) when a stop is asked for.
///
/// # Errors
/// [`Stopped`].
pub(crate) fn pause(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        check_stop()?;
        std::thread::sleep(Duration::from_millis(25).min(end - Instant::now()));
    }
    check_stop()
}

/// Whether an error is (or wraps) [`Stopped`].
pub(crate) fn is_stopped(error: &anyhow::Error) -> bool {
    error.is::<Stopped>()
}

/// A command as a person would type it, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(name).chain(command.get_args()).map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Runs a command to its end with its output shown. A stop asked for meanwhile ends it too.
///
/// # Errors
/// When it cannot start, fails, or is stopped.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = wait(command.stdin(Stdio::null()))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

fn wait(command: &mut Command) -> Result<ExitStatus> {
    watch(&mut command.process_group(0).spawn().with_context(|| format!("cannot start `{}`", shown(command)))?)
}

/// Waits until a child ends, and ends it when a stop is asked for.
fn watch(child: &mut Child) -> Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            check_stop()?;
            return Ok(status);
        }
        if stops() > 0 {
            end(child, Duration::from_secs(10));
            return Err(Stopped.into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a short command and answers what it printed.
///
/// # Errors
/// When it cannot start or fails; the message carries what it wrote to standard error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    if !output.status.success() {
        bail!("`{}` failed ({}): {}", shown(command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Like [`capture`], for a command that takes its time. A stop asked for meanwhile ends it too.
///
/// # Errors
/// When it cannot start, fails, or is stopped; the message carries what it wrote to standard error.
pub(crate) fn capture_long(command: &mut Command) -> Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", shown(command)))?;
    let (out, errors) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let status = watch(&mut child)?;
    let (out, errors) = (out.join().unwrap_or_default(), errors.join().unwrap_or_default());
    if !status.success() {
        bail!("`{}` failed ({status}): {}", shown(command), errors.trim());
    }
    Ok(out)
}

/// Reads a pipe to its end on a thread of its own: a full pipe would hold the writer up.
fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Runs a short command quietly, whatever its exit code.
///
/// # Errors
/// When it cannot start.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).process_group(0).output().with_context(|| format!("cannot start `{}`", shown(command)))
}

/// Ends a process where it stands.
///
/// # Errors
/// When there is none.
pub(crate) fn signal_kill(process: u32) -> Result<()> {
    let process = Pid::from_raw(i32::try_from(process)?).context("no process")?;
    kill_process(process, Signal::KILL).context("the process cannot be killed")
}

/// Terminates a child's whole group, kindly first.
fn end(child: &mut Child, grace: Duration) {
    let Some(pid) = Pid::from_raw(i32::try_from(child.id()).unwrap_or(0)) else {
        return;
    };
    let _ = kill_process_group(pid, Signal::TERM);
    let start = Instant::now();
    while start.elapsed() < grace && stops() < 2 {
        if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
            // What it started and left behind goes with it.
            let _ = kill_process_group(pid, Signal::KILL);
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = kill_process_group(pid, Signal::KILL);
    let _ = child.wait();
}

/// Whether a process lives, and runs a program whose command line contains `needle`. The second
/// half guards against process ids that were given to something else.
pub(crate) fn is_running(pid: i32, needle: &str) -> bool {
    let Some(id) = Pid::from_raw(pid) else {
        return false;
    };
    if test_kill_process(id) == Err(rustix::io::Errno::SRCH) {
        return false;
    }
    let mut ps = Command::new("ps");
    ps.args(["-ww", "-o", "command=", "-p", &pid.to_string()]);
    match output(&mut ps) {
        Ok(found) => String::from_utf8_lossy(&found.stdout).contains(needle),
        // Without `ps` (a minimal container): Linux tells the same.
        Err(_) => fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(needle)),
    }
}

/// One process that is kept running.
#[derive(Serialize, Deserialize, Clone)]
struct Left {
    pid: i32,
    program: String,
}

/// Remembers in a file which processes run, so that the next run can end what a killed one left.
pub(crate) struct Ledger {
    path: PathBuf,
}

impl Ledger {
    /// The ledger kept at `path`.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    fn read(&self) -> Vec<Left> {
        paths::read_json(&self.path).unwrap_or_default()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Left>)) {
        let mut all = self.read();
        change(&mut all);
        let _ = paths::write_json(&self.path, &all);
    }

    /// Ends what an earlier run left behind; answers how many there were. Call it under the lock
    /// that keeps a second run away.
    pub(crate) fn sweep(&self) -> usize {
        let mut ended = 0;
        for left in self.read() {
            let alive = || is_running(left.pid, &left.program);
            let Some(pid) = Pid::from_raw(left.pid).filter(|_| alive()) else {
                continue;
            };
            ended += 1;
            let _ = kill_process(pid, Signal::TERM);
            let start = Instant::now();
            while alive() && start.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(50));
            }
            if alive() {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        self.change(Vec::clear);
        ended
    }
}

/// A server that runs until it is stopped or dropped.
pub(crate) struct Service {
    name: String,
    child: Child,
    log: PathBuf,
    ledger: Option<PathBuf>,
    grace: Duration,
    ended: bool,
}

impl Service {
    /// Starts `command` with standard output in `out` (or the log) and the rest in `log`.
    ///
    /// # Errors
    /// When it cannot start.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        log: &Path,
        out: Option<&Path>,
        ledger: Option<&Ledger>,
    ) -> Result<Self> {
        check_stop()?;
        let errors = paths::fresh_log(log)?;
        let stdout = match out {
            Some(path) => paths::fresh_log(path)?,
            None => errors.try_clone()?,
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}: `{}`", shown(command)))?;
        if let Some(ledger) = ledger {
            let pid = i32::try_from(child.id()).unwrap_or(0);
            let program = command.get_program().to_string_lossy().into_owned();
            ledger.change(|all| all.push(Left { pid, program }));
        }
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            ledger: ledger.map(|ledger| ledger.path.clone()),
            grace: Duration::from_secs(10),
            ended: false,
        })
    }

    /// Sets how long a stop may take before the process is killed (10 s unless told).
    pub(crate) fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// The process's id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the process where it stands.
    ///
    /// # Errors
    /// When it has ended by itself before.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.check()?;
        self.child.kill()?;
        self.child.wait()?;
        self.ended = true;
        Ok(())
    }

    /// # Errors
    /// When the process has ended: how, and the tail of its log.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            self.ended = true;
            bail!(
                "{} has ended ({status}); the end of {}:\n{}",
                self.name,
                self.log.display(),
                paths::tail(&self.log, 20)
            );
        }
        Ok(())
    }

    /// Waits until `ready` answers something.
    ///
    /// # Errors
    /// When the process ends, a stop is asked for, or `limit` passes.
    pub(crate) fn wait_for<T>(&mut self, limit: Duration, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
        let start = Instant::now();
        loop {
            self.check()?;
            if let Some(answer) = ready() {
                return Ok(answer);
            }
            if start.elapsed() > limit {
                bail!(
                    "{} was not ready within {} s; the end of {}:\n{}",
                    self.name,
                    limit.as_secs(),
                    self.log.display(),
                    paths::tail(&self.log, 20)
                );
            }
            pause(Duration::from_millis(100))?;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !self.ended {
            end(&mut self.child, self.grace);
        }
        if let Some(path) = self.ledger.take() {
            let pid = i32::try_from(self.child.id()).unwrap_or(0);
            Ledger::at(path).change(|all| all.retain(|left| left.pid != pid));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()))
    }

    #[test]
    fn a_service_that_dies_shows_its_log() {
        let log = temporary("dies.log");
        let mut sh = Command::new("sh");
        sh.args(["-c", "echo broken pipe dream; exit 3"]);
        let mut service = Service::start("the thing", &mut sh, &log, None, None).unwrap();
        let error = service.wait_for(Duration::from_secs(10), || None::<()>).unwrap_err().to_string();
        fs::remove_file(&log).unwrap();
        assert!(error.contains("the thing has ended"), "{error}");
        assert!(error.contains("broken pipe dream"), "{error}");
    }

    #[test]
    fn a_dropped_service_takes_its_children_with_it() {
        let log = temporary("tree.log");
        let mut sh = Command::new("sh");
        sh.args(["-c", "sleep 300 & echo $!; wait"]);
        let mut service = Service::start("a tree", &mut sh, &log, None, None).unwrap();
        let grandchild: i32 =
            service.wait_for(Duration::from_secs(10), || fs::read_to_string(&log).ok()?.trim().parse().ok()).unwrap();
        assert!(is_running(grandchild, "sleep 300"));
        drop(service);
        std::thread::sleep(Duration::from_millis(200));
        assert!(!is_running(grandchild, "sleep 300"));
        fs::remove_file(&log).unwrap();
    }

    #[test]
    fn the_sweep_ends_what_was_left_and_nothing_else() {
        let ledger = Ledger::at(temporary("ledger.json"));
        let mut left = Command::new("sleep").arg("300").spawn().unwrap();
        let mut other = Command::new("sleep").arg("301").spawn().unwrap();
        let id = |child: &Child| i32::try_from(child.id()).unwrap();
        ledger.change(|all| {
            all.push(Left { pid: id(&left), program: "sleep 300".into() });
            all.push(Left { pid: id(&other), program: "finops".into() });
        });
        let reaper = std::thread::spawn(move || left.wait());
        assert_eq!(ledger.sweep(), 1);
        reaper.join().unwrap().unwrap();
        assert!(is_running(id(&other), "sleep 301"));
        other.kill().unwrap();
        other.wait().unwrap();
        fs::remove_file(&ledger.path).unwrap();
    }
}
