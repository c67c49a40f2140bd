//! Checks and chores of the project: `cargo xtask help` lists them.

mod arrows;
mod debian;
mod galera;
mod links;
mod openapi;
mod schemathesis;
mod services;
mod shell;
mod test;
mod tidy;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test       everything that must hold before a change is done; installs what it needs
cargo xtask slow       the stories that take minutes: a year of orders on the shared store and over Kafka
cargo xtask tidy       the quick part: format, lints, docs, arrows between crates, links
cargo xtask openapi    writes openapi.json, docs/asyncapi.json and docs/events anew
cargo xtask schemathesis   attacks a running service by its own OpenAPI document
cargo xtask services up    starts MariaDB, Redis and Kafka for tests beside all else on this machine; `down` ends them
";

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let done = match wanted.as_str() {
        "test" => test::run(),
        "slow" => test::run_slow(),
        "tidy" => tidy::run(),
        "openapi" => openapi::write(),
        "schemathesis" => schemathesis::run(),
        "services" => services::command(&std::env::args().nth(2).unwrap_or_default()),
        _ => {
            eprint!("{HELP}");
            return if wanted == "help" { ExitCode::SUCCESS } else { ExitCode::from(2) };
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
