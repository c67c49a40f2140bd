//! How the program ends: exit codes, and the failures that lead to them.

use std::fmt;
use std::process::ExitCode;

/// The exit codes of CONTRACT, section 9, and that of an interruption (CONSOLE, section 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Failed, or `verify` found a fault.
    Failed,
    /// The command line or a setting is wrong.
    Usage,
    /// The answer is no.
    No,
    /// Not allowed.
    Forbidden,
    /// Not found.
    NotFound,
    /// In conflict with what is.
    Conflict,
    /// The input is invalid.
    Invalid,
    /// Busy or away: the same again later.
    Later,
    /// Some of it was done.
    Partly,
    /// Somebody pressed Ctrl-C: as shells say it, 128 and the number of the signal.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::No => 3,
            Self::Forbidden => 4,
            Self::NotFound => 5,
            Self::Conflict => 6,
            Self::Invalid => 7,
            Self::Later => 8,
            Self::Partly => 9,
            Self::Interrupted => 130,
        }
    }

    /// The exit code for an input file that cannot be read.
    pub(crate) fn of_input(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound,
            std::io::ErrorKind::PermissionDenied => Self::Forbidden,
            _ => Self::Invalid,
        }
    }

    /// The exit code that an HTTP status and problem code lead to (CONSOLE, section 15).
    pub(crate) fn of_problem(status: u16, code: &str) -> Self {
        match (status, code) {
            (_, "insufficient_stock" | "below_reserved") => Self::No,
            (400 | 405 | 413 | 415 | 428, _) => Self::Invalid,
            (401 | 403, _) => Self::Forbidden,
            (404, _) => Self::NotFound,
            (409 | 412 | 422, _) => Self::Conflict,
            (429 | 503, _) => Self::Later,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// Sentences for the person at the terminal; empty when there is nothing to say.
    pub(crate) message: String,
}

impl Failure {
    /// A failure that ends the program with `exit`.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// The command line or a setting is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Something failed that no exit code of its own describes: `doing` says what was tried.
    pub(crate) fn failed(doing: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        let words = with_sources(error);
        // An error may begin with what was tried.
        Self::new(Exit::Failed, if words.starts_with(doing) { words } else { format!("{doing}: {words}") })
    }

    /// Standard output could not be written. A reader that has read enough is no failure.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::failed("standard output cannot be written", error),
        }
    }
}

/// A result that was written: nobody reading it changes nothing about how the command ends.
pub(crate) fn unless_unread(written: Result<(), Failure>) -> Result<(), Failure> {
    written.or_else(|failure| if failure.exit == Exit::Done { Ok(()) } else { Err(failure) })
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An error with its sources, in one line. Sources that the error already repeats are left out.
pub(crate) fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_problem_of_a_service_has_its_exit_code() {
        for (status, code, exit) in [
            (409, "insufficient_stock", Exit::No),
            (409, "below_reserved", Exit::No),
            (400, "validation_failed", Exit::Invalid),
            (405, "method_not_allowed", Exit::Invalid),
            (413, "body_too_large", Exit::Invalid),
            (415, "unsupported_media_type", Exit::Invalid),
            (428, "precondition_required", Exit::Invalid),
            (401, "unauthenticated", Exit::Forbidden),
            (403, "forbidden", Exit::Forbidden),
            (404, "product_not_found", Exit::NotFound),
            (409, "sku_taken", Exit::Conflict),
            (412, "version_mismatch", Exit::Conflict),
            (422, "idempotency_key_reused", Exit::Conflict),
            (429, "rate_limited", Exit::Later),
            (503, "overloaded", Exit::Later),
            (500, "internal", Exit::Failed),
        ] {
            assert_eq!(Exit::of_problem(status, code), exit, "{status} {code}");
        }
    }

    #[test]
    fn an_input_that_is_not_there_is_not_found() {
        for (kind, exit) in [
            (io::ErrorKind::NotFound, Exit::NotFound),
            (io::ErrorKind::PermissionDenied, Exit::Forbidden),
            (io::ErrorKind::IsADirectory, Exit::Invalid),
            (io::ErrorKind::InvalidData, Exit::Invalid),
        ] {
            assert_eq!(Exit::of_input(&kind.into()), exit, "{kind}");
        }
    }
}
