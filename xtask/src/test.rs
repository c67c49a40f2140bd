//! Everything that must hold before a change is done.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;

use crate::services::Services;
use crate::shell::{self, cargo, target};
use crate::{arrows, debian, galera, links, schemathesis, tidy};

pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    step("arrows between crates and links in documents");
    arrows::check()?;
    links::check()?;
    step("format, lints, documentation");
    tidy::lint()?;
    let binary = release()?;
    step("the program with failpoints, for the crashes");
    shell::run(&mut cargo(&["build", "--quiet", "--package", "holdfast", "--features", "failpoints"]))?;
    step("what the stories about clocks, disks, shared stores and locks need");
    debian::install(&debian::CLOCK)?;
    debian::install(&debian::DISK)?;
    let services = Services::start()?;
    let scripts = galera::scripts()?;
    step("tests");
    let mut tests = cargo(&["test", "--workspace", "--features", "holdfast/failpoints", "--no-fail-fast"]);
    tests.env("HOLDFAST_BIN", &binary).envs(services.variables.iter().map(|(variable, url)| (variable, url)));
    tests.env(galera::VARIABLE, &scripts);
    shell::run(&mut tests)?;
    drop(services);
    step("attacks by the OpenAPI document");
    schemathesis::run_against(&binary)?;
    eprintln!("\nall checks passed in {} s", started.elapsed().as_secs());
    Ok(())
}

/// The stories that take minutes each, which not every change needs.
pub(crate) fn run_slow() -> Result<()> {
    let binary = release()?;
    let services = Services::start()?;
    step("the stories that take minutes");
    let mut tests = cargo(&["test", "--package", "holdfast", "--test", "it", "--no-fail-fast", "--", "--ignored"]);
    tests.env("HOLDFAST_BIN", &binary).envs(services.variables.iter().map(|(variable, url)| (variable, url)));
    shell::run(&mut tests)
}

fn release() -> Result<PathBuf> {
    step("the program as it is released: the large replays and the attacks use it");
    shell::run(&mut cargo(&["build", "--release", "--quiet", "--package", "holdfast"]))?;
    Ok(target().join("release/holdfast"))
}

fn step(what: &str) {
    eprintln!("\n== {what}");
}
