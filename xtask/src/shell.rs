//! Running other programs, and saying so.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// The folder of the workspace: cargo says where it runs this, whatever folder it was built in.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Where builds go.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program to run in the workspace.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(root());
    command
}

/// This cargo.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    program(&cargo, arguments)
}

/// Runs it, shows what it says, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let words = words_of(command);
    eprintln!("$ {words}");
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("{words} cannot be started"))?;
    if !status.success() {
        bail!("{words}: {status}");
    }
    Ok(())
}

/// Runs it and takes what it says.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let words = words_of(command);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{words} cannot be started"))?;
    if !output.status.success() {
        bail!("{words}: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{words} does not print text"))
}

fn words_of(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut words = program.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    for argument in command.get_args() {
        words.push(' ');
        words.push_str(&argument.to_string_lossy());
    }
    words
}
