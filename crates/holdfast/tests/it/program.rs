//! The program, run as people and scripts run it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::shared_database::SharedDatabase;

/// The program with a store of its own.
pub(crate) struct Program {
    binary: PathBuf,
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    /// The database it uses instead of the folder; it goes away with the program.
    database: Option<SharedDatabase>,
}

/// What a run of the program said.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit code.
    pub(crate) exit: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Program {
    /// The program that was built with these tests, with an empty store.
    pub(crate) fn new() -> Self {
        Self::from_binary(Path::new(env!("CARGO_BIN_EXE_holdfast")))
    }

    /// Another build of the program, with an empty store.
    pub(crate) fn from_binary(binary: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { binary: binary.to_owned(), folder, environment: Vec::new(), database: None }
    }

    /// The same with a variable in its environment.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same on a shared database.
    pub(crate) fn on(self, database: SharedDatabase) -> Self {
        let url = database.url();
        Self { database: Some(database), ..self }.with_variable("HOLDFAST_STORE__DATABASE_URL", &url)
    }

    /// The shared database it uses.
    pub(crate) fn database(&self) -> &SharedDatabase {
        self.database.as_ref().expect("a program on a shared database")
    }

    /// The folder it works in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into that folder.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// The program with its environment and arguments, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.other(&self.binary);
        command.args(arguments);
        command
    }

    /// Another program with the same environment and folder.
    pub(crate) fn other(&self, binary: &Path) -> Command {
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars() {
            if name.starts_with("HOLDFAST_") || name.starts_with("ConnectionStrings__") {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder());
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.run_with_input(arguments, b"")
    }

    /// Runs the program with something on its standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Said {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        // A program that does not read its input closes it.
        let _ = child.stdin.take().expect("its input").write_all(input);
        let output = child.wait_with_output().expect("the program ends");
        Said {
            exit: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// Runs the program, which must succeed.
    pub(crate) fn done(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.exit, Some(0), "{arguments:?}: {said:?}");
        said
    }
}

impl Said {
    /// The one line of JSON it said.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The lines of JSON it said.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }
}

/// A path as an argument.
pub(crate) fn argument(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}
