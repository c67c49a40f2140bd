//! Servers for the stories about shared stores, locks and brokers: Debian's programs and Apache Kafka's, each on a free
//! port of this machine alone, with a folder of its own under the target folder. The machine's own servers, if it has
//! any, are not touched.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::debian::{self, Package};
use crate::shell::{program, read, target};

mod kafka;
mod mariadb;
mod redis;

/// How long one may take to start or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// A kind of server.
struct Kind {
    /// Its folder's name.
    name: &'static str,
    /// What it is to people.
    words: &'static str,
    /// The variable that tells the tests where it is.
    variable: &'static str,
    /// What it needs.
    packages: &'static [&'static Package],
    /// Starts one in an empty folder and returns its address.
    start: fn(&Path) -> Result<String>,
}

static KINDS: [&Kind; 3] = [&mariadb::KIND, &redis::KIND, &kafka::KIND];

/// Servers that end with this value, but for those that ran already.
pub(crate) struct Services {
    /// The variables that tell the tests where they are; empty where there is none.
    pub(crate) variables: Vec<(&'static str, String)>,
    started_here: Vec<&'static Kind>,
}

impl Services {
    /// Starts what is not running. Where one cannot be had, the stories about it are left out, but not in CI.
    pub(crate) fn start() -> Result<Self> {
        let mut services = Self { variables: Vec::new(), started_here: Vec::new() };
        for kind in KINDS {
            let url = if let Some(url) = kind.running()? {
                url
            } else if kind.is_installed()? {
                services.started_here.push(kind);
                kind.start_anew()?
            } else {
                eprintln!("the stories about {} are left out", kind.words);
                String::new()
            };
            services.variables.push((kind.variable, url));
        }
        let has_kafka = services.variables.iter().any(|(name, url)| *name == kafka::KIND.variable && !url.is_empty());
        let home = if has_kafka { kafka::programs()?.display().to_string() } else { String::new() };
        services.variables.push((kafka::HOME, home));
        Ok(services)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        for kind in &self.started_here {
            if let Err(error) = kind.down() {
                eprintln!("{error:#}");
            }
        }
    }
}

/// `up` or `down`.
pub(crate) fn command(wanted: &str) -> Result<()> {
    match wanted {
        "up" => {
            let mut services = Services::start()?;
            if services.variables.iter().any(|(_, url)| url.is_empty()) {
                bail!("not every server can be started");
            }
            services.started_here.clear();
            eprintln!("servers for tests are up:");
            for (variable, url) in &services.variables {
                eprintln!("export {variable}={url}");
            }
            Ok(())
        }
        "down" => KINDS.iter().try_for_each(|kind| kind.down()),
        _ => bail!("cargo xtask services up, or down"),
    }
}

impl Kind {
    /// Installs what is missing, and says whether all of it is there.
    fn is_installed(&self) -> Result<bool> {
        for package in self.packages {
            if !debian::install(package)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn folder(&self) -> PathBuf {
        target().join("services").join(self.name)
    }

    /// The address of the one that runs, if one does.
    fn running(&self) -> Result<Option<String>> {
        if self.process()?.is_none() {
            return Ok(None);
        }
        Ok(Some(fs::read_to_string(self.folder().join("url"))?))
    }

    /// Its process, if it is there: the number alone could be another's by now.
    fn process(&self) -> Result<Option<u32>> {
        let folder = self.folder();
        let Ok(number) = fs::read_to_string(folder.join("pid")) else { return Ok(None) };
        let number: u32 = number.trim().parse().context("the number of a server's process")?;
        let arguments = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
        let is_ours = String::from_utf8_lossy(&arguments).contains(&*folder.to_string_lossy());
        Ok(is_ours.then_some(number))
    }

    fn start_anew(&self) -> Result<String> {
        let folder = self.folder();
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let url = (self.start)(&folder)?;
        fs::write(folder.join("url"), &url)?;
        Ok(url)
    }

    fn down(&self) -> Result<()> {
        if let Some(number) = self.process()? {
            let _ = read(&mut program("kill", &["-TERM", &number.to_string()]))?;
            let asked = Instant::now();
            while self.process()?.is_some() {
                if asked.elapsed() > PATIENCE {
                    bail!("{} (process {number}) does not end", self.words);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let _ = fs::remove_dir_all(self.folder());
        Ok(())
    }
}

/// A port that nobody listens on.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Starts a server in a group of its own, so that Ctrl-C in a terminal does not end it, and waits until it answers at
/// `port` to `greeting`.
fn spawn(server: &mut Command, port: u16, greeting: &[u8], log: &Path) -> Result<Child> {
    server.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = server.spawn().with_context(|| format!("{server:?} cannot be started"))?;
    let started = Instant::now();
    while !answers(SocketAddr::from(([127, 0, 0, 1], port)), greeting) {
        if child.try_wait()?.is_some() || started.elapsed() > PATIENCE {
            bail!("a server does not start: {}", log.display());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(child)
}

/// Whether a server says something once it hears `greeting`.
fn answers(address: SocketAddr, greeting: &[u8]) -> bool {
    let answer = TcpStream::connect_timeout(&address, Duration::from_secs(1)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(greeting)?;
        stream.read(&mut [0])
    });
    answer.is_ok_and(|bytes| bytes > 0)
}
