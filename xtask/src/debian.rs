//! What stories need and Debian has.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Result, bail};

use crate::shell::{program, run};

/// A package, and how one sees that it is there.
pub(crate) struct Package {
    name: &'static str,
    is_there: fn() -> bool,
}

/// Moves the wall clock under a running service.
pub(crate) const CLOCK: Package = Package { name: "faketime", is_there: has_faketime };
/// Lets the disk under a running service fail.
pub(crate) const DISK: Package = Package { name: "strace", is_there: has_strace };
/// A database. The package has the program alone: it starts nothing, and brings no service that would.
pub(crate) static DATABASE: Package = Package { name: "mariadb-server-core", is_there: has_mariadb };
/// Reads settings for the script that sets a database up, and belongs to the packages of its clients.
pub(crate) static SETTINGS: Package =
    Package { name: "mariadb-client-core", is_there: || is_on_path("my_print_defaults") };
/// Redis. The package of its tools has the whole program, and brings no service that would start it.
pub(crate) static LOCK: Package = Package { name: "redis-tools", is_there: has_redis };
/// Redis as the package has it: called `redis-server`, it is the server.
pub(crate) const REDIS: &str = "/usr/bin/redis-check-rdb";
/// Makes several databases one cluster.
pub(crate) const CLUSTER: Package = Package { name: "galera-4", is_there: has_galera };
/// Copies the state of one node of a cluster to another.
pub(crate) const COPIES: Package = Package { name: "rsync", is_there: || is_on_path("rsync") };
/// Tells the scripts that copy who listens at a port.
pub(crate) const LISTENERS: Package = Package { name: "lsof", is_there: || is_on_path("lsof") };

/// Runs the broker.
pub(crate) const JAVA: Package = Package { name: "default-jre-headless", is_there: || is_on_path("java") };
/// Brings the broker.
pub(crate) const MAVEN: Package = Package { name: "maven", is_there: || is_on_path("mvn") };
/// An independent client of the broker.
pub(crate) const KCAT: Package = Package { name: "kcat", is_there: || is_on_path("kcat") };

/// Installs a package that is missing where that is allowed, and says whether it is there. Elsewhere the stories say
/// that they are left out; in CI they must not be.
pub(crate) fn install(package: &Package) -> Result<bool> {
    let Package { name, is_there } = package;
    if is_there() {
        return Ok(true);
    }
    let install = || apt_get(&["install", "--quiet", "--yes", "--no-install-recommends", name]);
    let update = || apt_get(&["update", "--quiet"]);
    let Err(error) = install().or_else(|_| update().and_then(|()| install())) else { return Ok(true) };
    do_without(&format!("{name} cannot be installed ({error}); on Debian, as root: apt-get install {name}"))
}

/// Unpacks a package into a new folder without installing it, which would start its server; says whether it is there.
pub(crate) fn unpack(name: &str, folder: &Path) -> Result<bool> {
    let fetch = || run(program("apt-get", &["download", "--quiet", name]).current_dir(folder).stdout(Stdio::null()));
    let update = || apt_get(&["update", "--quiet"]);
    fs::create_dir_all(folder)?;
    if let Err(error) = fetch().or_else(|_| update().and_then(|()| fetch())) {
        return do_without(&format!("{name} cannot be fetched ({error})"));
    }
    for file in fs::read_dir(folder)? {
        let file = file?.path();
        if file.extension().is_some_and(|kind| kind == "deb") {
            run(program("dpkg-deb", &["--extract"]).arg(&file).arg(folder))?;
        }
    }
    Ok(true)
}

/// What cannot be had is said; in CI it must be had.
fn do_without(words: &str) -> Result<bool> {
    if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
        bail!("{words}");
    }
    eprintln!("{words}");
    Ok(false)
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    run(program("apt-get", arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
}

/// Where Debian puts the library.
fn has_faketime() -> bool {
    let places = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    places.map(|place| place.path().join("faketime/libfaketime.so.1")).any(|library| library.exists())
}

fn has_strace() -> bool {
    Path::new("/usr/bin/strace").exists()
}

fn has_mariadb() -> bool {
    Path::new("/usr/sbin/mariadbd").exists()
}

fn has_galera() -> bool {
    Path::new("/usr/lib/galera/libgalera_smm.so").exists()
}

fn has_redis() -> bool {
    Path::new(REDIS).exists()
}

fn is_on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).exists()))
}
