//! `completions`: what a shell needs to complete commands and flags.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::CommandLine;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// Prints the completions for `shell`.
pub(super) fn run(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "holdfast", &mut script);
    Output::new(true).text(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Done)
}
