//! Debian's MariaDB: a database for the stories about a shared store.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::Result;

use super::{Kind, free_port, spawn};
use crate::debian;
use crate::shell::{program, run};

pub(super) static KIND: Kind = Kind {
    name: "mariadb",
    words: "a shared store",
    variable: "HOLDFAST_TEST_MYSQL",
    packages: &[&debian::DATABASE, &debian::SETTINGS],
    start,
};

fn start(folder: &Path) -> Result<String> {
    let data = folder.join("data");
    let of = |name: &str, path: &Path| format!("--{name}={}", path.display());
    // It refuses to run as root unless it is told to.
    let is_root = fs::metadata("/proc/self")?.uid() == 0;
    let mut shared = vec!["--no-defaults".to_owned(), of("datadir", &data)];
    shared.extend(is_root.then(|| "--user=root".to_owned()));
    let mut install = program("mariadb-install-db", &[]);
    install.args(&shared).args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    run(install.stdout(Stdio::null()))?;

    let port = free_port()?;
    let log = folder.join("log.err");
    let mut server = program("mariadbd", &[]);
    server.args(&shared).args([
        // Within the data folder: the path of a socket has at most some hundred bytes.
        "--socket=socket".to_owned(),
        of("pid-file", &folder.join("pid")),
        of("log-error", &log),
        // Its own too: a database that starts empties its folder for temporary files, whoever else uses it.
        of("tmpdir", folder),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--max-connections=1000".to_owned(),
    ]);
    // It greets by itself.
    spawn(&mut server, port, b"", &log)?;
    Ok(format!("mysql://root@127.0.0.1:{port}"))
}
