//! What the stories about a Galera cluster need beside a database: they start its nodes themselves.

use std::fs;

use anyhow::Result;

use crate::debian;
use crate::shell::target;

/// The variable that tells the tests where the scripts are.
pub(crate) const VARIABLE: &str = "HOLDFAST_TEST_GALERA";

/// The folder with the scripts that copy a node's state, as text, where all is there; else nothing, and the stories are
/// left out. The scripts are in the package of the server itself, which is unpacked and not installed: nothing is
/// started.
pub(crate) fn scripts() -> Result<String> {
    for package in [&debian::DATABASE, &debian::SETTINGS, &debian::CLUSTER, &debian::COPIES, &debian::LISTENERS] {
        if !debian::install(package)? {
            return Ok(String::new());
        }
    }
    let folder = target().join("services/galera");
    let scripts = folder.join("usr/bin");
    if !scripts.join("wsrep_sst_rsync").exists() {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        if !debian::unpack("mariadb-server", &folder)? {
            return Ok(String::new());
        }
    }
    Ok(scripts.to_string_lossy().into_owned())
}
