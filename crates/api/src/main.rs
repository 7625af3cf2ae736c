//! `finops`: the service and its command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    finops_api::cli::main()
}
