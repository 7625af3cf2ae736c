//! What a person sees: one line a step with the time since the start, and a table of what each
//! step took. Writes never fail the run: a closed pipe must not leave servers behind.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::services;

/// Prints a line to standard output, ignoring a closed pipe.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Prints a line to standard error, ignoring a closed pipe.
fn murmur(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The time since the run began, in front of every line.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    print: fn(&str),
}

impl Clock {
    /// A line with the elapsed time in front.
    pub(crate) fn line(self, text: &str) {
        (self.print)(&format!("[{:>7}] {text}", human(self.start.elapsed())));
    }
}

/// The steps of one run.
pub(crate) struct Report {
    clock: Clock,
    done: Vec<(String, Duration, bool)>,
}

impl Report {
    /// Starts the clock.
    pub(crate) fn new() -> Self {
        Self::printing(say)
    }

    /// The same on standard error, for a command whose standard output is its result.
    pub(crate) fn aside() -> Self {
        Self::printing(murmur)
    }

    fn printing(print: fn(&str)) -> Self {
        Self { clock: Clock { start: Instant::now(), print }, done: Vec::new() }
    }

    /// The run's clock, for lines from within a step.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// A line with the elapsed time in front.
    pub(crate) fn line(&self, text: &str) {
        self.clock.line(text);
    }

    /// Runs a step that may take a while: says that it starts, and how it ended.
    ///
    /// # Errors
    /// What the step answers.
    pub(crate) fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.line(&format!("{name} …"));
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        let word = match &result {
            Ok(_) => "done",
            Err(error) if services::is_stopped(error) => "stopped",
            Err(_) => "FAILED",
        };
        self.line(&format!("{name}: {word} in {}", human(took)));
        self.done.push((name.to_owned(), took, result.is_ok()));
        result
    }

    /// Like [`Report::step`], but a failure is printed and kept, so that the steps after it still
    /// run and one run shows everything that is wrong. Answers whether it succeeded.
    pub(crate) fn keep_going(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        match self.step(name, work) {
            Ok(()) => true,
            Err(error) => {
                (self.clock.print)(&format!("error: {error:#}"));
                false
            }
        }
    }

    fn failed(&self) -> Vec<&str> {
        self.done.iter().filter(|(_, _, ok)| !ok).map(|(name, _, _)| name.as_str()).collect()
    }

    /// Prints what each step took and fails if any failed.
    ///
    /// # Errors
    /// Naming the failed steps.
    pub(crate) fn finish(&self) -> Result<()> {
        let print = self.clock.print;
        print("");
        for (name, took, ok) in &self.done {
            let mark = if *ok { "ok  " } else { "FAIL" };
            print(&format!("{mark} {:>8}  {name}", human(*took)));
        }
        print(&format!("     {:>8}  in all", human(self.clock.start.elapsed())));
        let failed = self.failed();
        anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        Ok(())
    }
}

/// `1.2s`, `75s` as `1m15s`.
pub(crate) fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{:.1}s", time.as_secs_f64()) } else { format!("{}m{:02}s", seconds / 60, seconds % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(human(Duration::from_millis(1240)), "1.2s");
        assert_eq!(human(Duration::from_secs(75)), "1m15s");
    }

    #[test]
    fn failed_steps_are_remembered() {
        let mut report = Report::new();
        let done = |name: &str, ok| (name.to_owned(), Duration::ZERO, ok);
        report.done = vec![done("first", false), done("second", true)];
        assert_eq!(report.failed(), ["first"]);
    }
}
