//! Tools that stories need and Debian has: they move the wall clock under a running service, and let its disk fail.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Result, bail};

use crate::shell::{program, run};

struct Package {
    name: &'static str,
    is_there: fn() -> bool,
}

const PACKAGES: [Package; 2] =
    [Package { name: "faketime", is_there: has_faketime }, Package { name: "strace", is_there: has_strace }];

/// Installs what is missing where that is allowed; elsewhere the stories say that they are left out.
pub(crate) fn install() -> Result<()> {
    for Package { name, is_there } in PACKAGES {
        if is_there() {
            continue;
        }
        let package = || apt_get(&["install", "--quiet", "--yes", name]);
        let update = || apt_get(&["update", "--quiet"]);
        if let Err(error) = package().or_else(|_| update().and_then(|()| package())) {
            let words = format!("{name} cannot be installed ({error}); on Debian, as root: apt-get install {name}");
            if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
                bail!(words);
            }
            eprintln!("{words}");
        }
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    run(program("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
}

/// Where Debian puts the library.
fn has_faketime() -> bool {
    let places = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    places.map(|place| place.path().join("faketime/libfaketime.so.1")).any(|library| library.exists())
}

fn has_strace() -> bool {
    Path::new("/usr/bin/strace").exists()
}
