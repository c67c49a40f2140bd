//! libfaketime moves the wall clock under a running service; the stories about that need it.

use std::process::Stdio;

use anyhow::{Result, bail};

use crate::shell::{program, run};

/// Installs it where it is missing and that is allowed; elsewhere the stories say that they are left out.
pub(crate) fn install() -> Result<()> {
    if is_there() {
        return Ok(());
    }
    let package = || apt_get(&["install", "--quiet", "--yes", "faketime"]);
    let update = || apt_get(&["update", "--quiet"]);
    if let Err(error) = package().or_else(|_| update().and_then(|()| package())) {
        let words = format!("libfaketime cannot be installed ({error}); on Debian, as root: apt-get install faketime");
        if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
            bail!(words);
        }
        eprintln!("{words}");
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    run(program("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
}

/// Where Debian puts it.
fn is_there() -> bool {
    let places = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    places.map(|place| place.path().join("faketime/libfaketime.so.1")).any(|library| library.exists())
}
