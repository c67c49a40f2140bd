//! Schemathesis attacks a running service by its own OpenAPI document: no 5xx, no undocumented answer.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;

use crate::shell::{self, cargo, program, target};

const VERSION: &str = "4.32.5";

/// The service under attack; it ends with this value.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn run_against(binary: &Path) -> Result<()> {
    let tool = install()?;
    let folder = target().join("schemathesis-store");
    let _ = std::fs::remove_dir_all(&folder);
    let mut serve = program(&binary.to_string_lossy(), &["serve", "--listen", "127.0.0.1:0", "--data"]);
    let mut child = serve.arg(&folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let printed = child.stdout.take().context("the service prints nothing")?;
    let service = Service(child);
    let mut ready = String::new();
    BufReader::new(printed).read_line(&mut ready)?;
    let ready: Value = serde_json::from_str(&ready).context("the service did not say that it is ready")?;
    let url = ready.get("url").and_then(Value::as_str).ok_or_else(|| anyhow!("the service named no address"))?;
    let document = format!("{url}/openapi.json");
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let phases = "examples,coverage,fuzzing,stateful";
    let mut attack = program(
        &tool.to_string_lossy(),
        &["run", &document, "--checks", checks, "--max-examples", "25", "--seed", "2026", "--phases", phases],
    );
    // A stream does not end, so nobody could look at all of it.
    attack.args(["--exclude-path", "/api/inventory/events/stream"]);
    let attack = shell::run(attack.current_dir(target()));
    drop(service);
    attack
}

pub(crate) fn run() -> Result<()> {
    shell::run(&mut cargo(&["build", "--release", "--quiet", "--package", "holdfast"]))?;
    run_against(&target().join("release/holdfast"))
}

/// The tool, installed in a folder of the build's own.
fn install() -> Result<PathBuf> {
    let folder = target().join(format!("tools/schemathesis-{VERSION}"));
    let tool = folder.join("bin/schemathesis");
    if !tool.exists() {
        let place = folder.to_string_lossy().into_owned();
        if run_quiet("python3", &["-m", "venv", &place]).is_err() {
            bail!("schemathesis needs python3 with venv (Debian: apt-get install python3-venv)");
        }
        let pip = folder.join("bin/pip").to_string_lossy().into_owned();
        shell::run(&mut program(&pip, &["install", "--quiet", &format!("schemathesis=={VERSION}")]))?;
    }
    Ok(tool)
}

fn run_quiet(name: &str, arguments: &[&str]) -> Result<()> {
    shell::run(program(name, arguments).stdout(Stdio::null()))
}
