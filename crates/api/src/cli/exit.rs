//! How a command ends that did not do what it was told to: its exit code, and the problem that machines read.
//!
//! | code | means |
//! |---|---|
//! | 0 | all is well |
//! | 1 | it ran, and not all is well: what it printed says what |
//! | 2 | the arguments or the settings are not valid |
//! | 3 | what was named does not exist |
//! | 4 | what was given was refused |
//! | 5 | the database, the key service or the provider did not answer: try again |
//! | 70 | something else went wrong |

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::ExitCode;

use finops_contract::accounts::Locale;
use finops_contract::{ErrorCode, Problem};

use super::output::Output;
use crate::platform::config::ConfigError;
use crate::platform::crypto::SecretError;
use crate::platform::http::{ApiError, is_busy};

const UNWELL: u8 = 1;
const USAGE: u8 = 2;
const NOT_FOUND: u8 = 3;
const REFUSED: u8 = 4;
const UNREACHABLE: u8 = 5;
const BROKEN: u8 = 70;

/// The command ran and printed its report, which says what is not well.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unwell(pub(super) &'static str);

/// An argument that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) &'static str);

/// Ends a command whose arguments cannot be read, or that was asked for its help.
pub(super) fn unread(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A closed pipe has read as much as it wanted.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if wants_json(std::env::args_os()) {
        let detail = error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        say(&problem(ErrorCode::BadRequest, detail));
    } else {
        let _ = error.print();
    }
    ExitCode::from(USAGE)
}

/// Whether the answer was to be JSON, although not all arguments could be read.
fn wants_json(arguments: impl Iterator<Item = impl AsRef<OsStr>>) -> bool {
    let arguments: Vec<String> = arguments.map(|argument| argument.as_ref().to_string_lossy().into_owned()).collect();
    let apart = arguments.windows(2).any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1] == "json");
    apart || arguments.iter().any(|argument| matches!(argument.as_str(), "-ojson" | "-o=json" | "--output=json"))
}

/// Ends a command that failed: for people a line on standard error, for machines a problem on standard output; or, when its
/// report is there already, as the last line on standard error.
pub(super) fn failed(output: Output, error: &anyhow::Error) -> ExitCode {
    let (code, problem) = judge(error);
    match output {
        Output::Text => {
            let api = error.chain().any(|cause| cause.is::<ApiError>());
            let text = if api { format!("{} ({})", problem.detail, problem.code) } else { format!("{error:#}") };
            let _ = writeln!(std::io::stderr(), "finops: {text}");
        }
        Output::Json if code == UNWELL => {
            let _ = writeln!(std::io::stderr(), "{}", serde_json::to_string(&problem).unwrap_or_default());
        }
        Output::Json => say(&problem),
    }
    ExitCode::from(code)
}

fn say(problem: &Problem) {
    let _ = writeln!(std::io::stdout(), "{}", serde_json::to_string(problem).unwrap_or_default());
}

fn problem(code: ErrorCode, detail: String) -> Problem {
    ApiError::new(code).with_detail(detail).problem(Locale::En, String::new())
}

/// What a failure comes to. The first cause that is known decides.
fn judge(error: &anyhow::Error) -> (u8, Problem) {
    let detail = || format!("{error:#}");
    for cause in error.chain() {
        if cause.is::<Usage>() || cause.is::<ConfigError>() {
            return (USAGE, problem(ErrorCode::BadRequest, detail()));
        }
        if cause.is::<Unwell>() {
            return (UNWELL, problem(ErrorCode::CheckFailed, detail()));
        }
        if let Some(error) = cause.downcast_ref::<ApiError>() {
            return (of_code(error.code), error.problem(Locale::En, String::new()));
        }
        if let Some(error) = cause.downcast_ref::<SecretError>() {
            let code = match error.code() {
                "encryption_unavailable" => ErrorCode::EncryptionUnavailable,
                "unavailable" => ErrorCode::Unavailable,
                _ => ErrorCode::Internal,
            };
            return (of_code(code), problem(code, detail()));
        }
        if cause.downcast_ref::<sqlx::Error>().is_some_and(is_busy) {
            return (UNREACHABLE, problem(ErrorCode::Unavailable, detail()));
        }
    }
    (BROKEN, problem(ErrorCode::Internal, detail()))
}

fn of_code(code: ErrorCode) -> u8 {
    match code.status() {
        404 => NOT_FOUND,
        408 | 429 | 503 => UNREACHABLE,
        500.. => BROKEN,
        _ => REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_code() {
        let api = |code| anyhow::Error::from(ApiError::new(code));
        let database: Result<(), _> = Err(sqlx::Error::PoolTimedOut);
        for (error, exit, code) in [
            (Usage("no such day").into(), USAGE, "bad_request"),
            (ConfigError(vec!["PORT must be a port".into()]).into(), USAGE, "bad_request"),
            (Unwell("not all").into(), UNWELL, "check_failed"),
            (api(ErrorCode::NotFound), NOT_FOUND, "not_found"),
            (api(ErrorCode::AdminKeyRejected), REFUSED, "admin_key_rejected"),
            (api(ErrorCode::AdminKeyActiveExists), REFUSED, "admin_key_active_exists"),
            (api(ErrorCode::ProviderUnavailable), UNREACHABLE, "provider_unavailable"),
            (api(ErrorCode::Internal), BROKEN, "internal"),
            (database.context("stopped").unwrap_err(), UNREACHABLE, "unavailable"),
            (anyhow::anyhow!("out of luck"), BROKEN, "internal"),
        ] {
            let (found, problem) = judge(&error);
            assert_eq!((found, problem.code.as_str()), (exit, code), "{error:#}");
        }
    }

    #[test]
    fn json_is_recognized_in_arguments_that_cannot_be_read() {
        for arguments in [&["finops", "no", "-o", "json"][..], &["-ojson"], &["--output=json", "x"]] {
            assert!(wants_json(arguments.iter()), "{arguments:?}");
        }
        for arguments in [&["finops", "json"][..], &["-o", "text"], &["-o"]] {
            assert!(!wants_json(arguments.iter()), "{arguments:?}");
        }
    }
}
