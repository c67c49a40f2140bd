//! The Holdfast inventory service and its command line.
//!
//! Reading order: [`cli`] (what can be asked), [`config`] (the settings), [`wiring`] (how the parts become a service),
//! [`commands`] (one file per command), [`output`], [`exit`] and [`interrupt`] (how a command answers and ends).

mod bounded_line;
mod cli;
mod commands;
mod config;
mod csv_table;
mod duration_text;
mod exit;
mod interrupt;
mod metric_list;
mod nearest;
mod numbers;
mod output;
mod percent;
mod progress;
mod random;
mod remote;
mod telemetry;
mod wiring;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let line = cli::CommandLine::parse();
    match commands::run(line) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !failure.message.is_empty() {
                // Nobody is left to tell when standard error is gone too.
                let _ = writeln!(std::io::stderr(), "holdfast: {failure}");
            }
            failure.exit.into()
        }
    }
}
