//! The account that the server runs as.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::services::{self, capture};

/// The unprivileged account that root lends to the server, which refuses to run as root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) uid: u32,
    gid: u32,
}

/// Root lends the server an account: Debian's `postgres`, else `nobody`. Anyone else runs it as
/// themselves (`None`).
pub(super) fn unprivileged() -> Result<Option<Account>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        let id =
            |flag: &str| -> Option<u32> { capture(Command::new("id").args([flag, name])).ok()?.trim().parse().ok() };
        if let (Some(uid), Some(gid)) = (id("-u"), id("-g")) {
            return Ok(Some(Account { uid, gid }));
        }
    }
    bail!("PostgreSQL does not run as root, and there is no account `postgres` or `nobody` to run it as")
}

/// Has a command run as it.
pub(super) fn lend(command: &mut Command, account: Option<Account>) {
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
}

/// Makes it the owner.
pub(super) fn give(path: &Path, account: Option<Account>) -> std::io::Result<()> {
    account.map_or(Ok(()), |account| chown(path, Some(account.uid), Some(account.gid)))
}

/// Whether it can write into a directory, which depends on all those above as well.
pub(super) fn can_write(dir: &Path, account: Option<Account>) -> bool {
    let mut touch = Command::new("/bin/sh");
    touch.current_dir("/").args(["-c", ": > \"$0\" && rm \"$0\""]).arg(dir.join("probe"));
    lend(&mut touch, account);
    services::output(&mut touch).is_ok_and(|output| output.status.success())
}
