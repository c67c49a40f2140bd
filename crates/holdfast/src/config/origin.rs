//! Where the value of a setting comes from.

use std::fmt;
use std::path::PathBuf;

use super::value::Value;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The page of defaults.
    Default,
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Environment(String),
    /// A file that a variable of the environment names.
    SecretFile(String, PathBuf),
    /// A flag of the command line.
    CommandLine(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::SecretFile(name, path) => write!(f, "environment {name}, file {}", path.display()),
            Self::CommandLine(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A setting, where its value comes from, and the value.
pub(super) type Given = (&'static str, Origin, Value);
