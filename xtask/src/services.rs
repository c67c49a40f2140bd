//! A database for the stories about the shared store: Debian's MariaDB, on a free port of this machine alone, with a folder
//! of its own under the target folder. The machine's own database, if it has one, is not touched.

use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::debian;
use crate::shell::{program, read, run, target};

/// How long it may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database that ends with this value, unless it ran already.
pub(crate) struct Services {
    /// Where databases can be made, if anywhere.
    pub(crate) mysql_url: Option<String>,
    started_here: bool,
}

impl Services {
    /// Starts what is not running. Where it cannot be had, the stories about it are left out, but not in CI.
    pub(crate) fn start() -> Result<Self> {
        if let Some(url) = running()? {
            return Ok(Self { mysql_url: Some(url), started_here: false });
        }
        if !debian::install(&debian::DATABASE)? {
            eprintln!("the stories about a shared store are left out");
            return Ok(Self { mysql_url: None, started_here: false });
        }
        Ok(Self { mysql_url: Some(start_mariadb()?), started_here: true })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if self.started_here
            && let Err(error) = down()
        {
            eprintln!("{error:#}");
        }
    }
}

/// `up` or `down`.
pub(crate) fn command(wanted: &str) -> Result<()> {
    match wanted {
        "up" => {
            let mut services = Services::start()?;
            services.started_here = false;
            let url = services.mysql_url.take().context("no database can be started")?;
            eprintln!("a database for tests is up: export HOLDFAST_TEST_MYSQL={url}");
            Ok(())
        }
        "down" => down(),
        _ => bail!("cargo xtask services up, or down"),
    }
}

fn folder() -> PathBuf {
    target().join("services/mariadb")
}

/// The address of the database that runs, if one does.
fn running() -> Result<Option<String>> {
    if process()?.is_none() {
        return Ok(None);
    }
    Ok(Some(fs::read_to_string(folder().join("url"))?))
}

/// Its process, if it is there: the number alone could be another's by now.
fn process() -> Result<Option<u32>> {
    let Ok(number) = fs::read_to_string(folder().join("pid")) else { return Ok(None) };
    let number: u32 = number.trim().parse().context("the number of the database's process")?;
    let arguments = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
    let is_ours = String::from_utf8_lossy(&arguments).contains(&*folder().to_string_lossy());
    Ok(is_ours.then_some(number))
}

fn start_mariadb() -> Result<String> {
    let folder = folder();
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let data = folder.join("data");
    let of = |name: &str, path: &Path| format!("--{name}={}", path.display());
    // It refuses to run as root unless it is told to.
    let is_root = fs::metadata("/proc/self")?.uid() == 0;
    let mut shared = vec!["--no-defaults".to_owned(), of("datadir", &data)];
    shared.extend(is_root.then(|| "--user=root".to_owned()));
    let mut install = program("mariadb-install-db", &[]);
    install.args(&shared).args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    run(install.stdout(Stdio::null()))?;

    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut server = program("mariadbd", &[]);
    server.args(&shared).args([
        // Within the data folder: the path of a socket has at most some hundred bytes.
        "--socket=socket".to_owned(),
        of("pid-file", &folder.join("pid")),
        of("log-error", &folder.join("log")),
        // Its own too: a database that starts empties its folder for temporary files, whoever else uses it.
        of("tmpdir", &folder),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--max-connections=1000".to_owned(),
    ]);
    // In a group of its own, so that Ctrl-C in a terminal does not end it.
    server.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = server.spawn().context("mariadbd cannot be started")?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let started = Instant::now();
    while !greets(address) {
        if child.try_wait()?.is_some() || started.elapsed() > PATIENCE {
            bail!("the database does not start: {}", folder.join("log").display());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let url = format!("mysql://root@{address}");
    fs::write(folder.join("url"), &url)?;
    Ok(url)
}

/// Whether a server says something as soon as one is connected.
fn greets(address: SocketAddr) -> bool {
    let greeting = TcpStream::connect_timeout(&address, Duration::from_secs(1)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.read(&mut [0])
    });
    greeting.is_ok_and(|bytes| bytes > 0)
}

fn down() -> Result<()> {
    if let Some(number) = process()? {
        let _ = read(&mut program("kill", &["-TERM", &number.to_string()]))?;
        let asked = Instant::now();
        while process()?.is_some() {
            if asked.elapsed() > PATIENCE {
                bail!("the database (process {number}) does not end");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let _ = fs::remove_dir_all(folder());
    Ok(())
}
