//! The program itself, as a process.

use std::process::{Child, Command};

use super::app::MASTER_KEY;

/// `finops` with the settings of a small deployment on this database.
pub(crate) fn finops(database_url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_finops"));
    command
        .args(arguments)
        .env_clear()
        .env("RUST_LOG", "warn")
        .env("DATABASE_URL", database_url)
        .env("HOST", "127.0.0.1")
        .env("USAGE_POLL_INTERVAL", "0")
        .env("JWT_SECRET", "a secret of the tests, 32 bytes and more")
        .env("ENCRYPTION_KEY", MASTER_KEY);
    command
}

/// A process that is killed if the test ends before it.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Tells it to stop.
    pub(crate) fn terminate(&self) {
        let sent = Command::new("kill").arg(self.0.id().to_string()).status().expect("a signal");
        assert!(sent.success());
    }

    /// Ends it where it stands.
    pub(crate) fn kill(mut self) {
        self.0.kill().expect("a signal");
        self.0.wait().expect("an end");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
