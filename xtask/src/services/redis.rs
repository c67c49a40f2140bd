//! Debian's Redis: a lock for the stories about replicas that take turns.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;

use anyhow::Result;

use super::{Kind, free_port, spawn};
use crate::debian;
use crate::shell::program;

pub(super) static KIND: Kind = Kind {
    name: "redis",
    words: "the distributed lock",
    variable: "HOLDFAST_TEST_REDIS",
    packages: &[&debian::LOCK],
    start,
};

/// No secret: it keeps those apart who ask for the machine's own Redis and meet this one.
const PASSWORD: &str = "holdfast-tests";

fn start(folder: &Path) -> Result<String> {
    let port = free_port()?;
    let settings = folder.join("redis.conf");
    let log = folder.join("log");
    // What a lock is kept in need not outlive anything, so nothing is written to the disk.
    fs::write(
        &settings,
        format!(
            "bind 127.0.0.1\nport {port}\nrequirepass {PASSWORD}\nsave \"\"\nappendonly no\ndir {}\nlogfile {}\n\
             set-proc-title no\n",
            folder.display(),
            log.display()
        ),
    )?;
    // The server and its tools are one program that looks at the name it was called by. The tools' package has it
    // without the service that the server's package would start.
    let mut server = program(debian::REDIS, &[]);
    server.arg0("redis-server").arg(&settings);
    let child = spawn(&mut server, port, b"PING\r\n", &log)?;
    fs::write(folder.join("pid"), child.id().to_string())?;
    Ok(format!("redis://:{PASSWORD}@127.0.0.1:{port}"))
}
