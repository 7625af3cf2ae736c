//! `finops`: the service and its command line.

use std::process::ExitCode;

/// argon2 takes 19 MiB at a time. The C library keeps such blocks in every thread's arena once they were used: a hundred
/// sign-ins by strangers left 700 MiB behind. This one gives them back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    finops_api::cli::main()
}
