//! A broker of one story's own, which may be killed and paused as no shared one may.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::broker::Broker;
use crate::free_port::free_port;
use crate::signals::signal;

/// The settings of the broker that all stories share.
const SETTINGS: &str = include_str!("../../../../xtask/src/services/kafka.properties");
/// A question that every broker answers: which versions of requests it knows.
const GREETING: &[u8] = &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// Apache Kafka on a free port, with a folder that goes away with it.
pub(crate) struct OwnBroker {
    folder: TempDir,
    port: u16,
    process: Child,
}

impl OwnBroker {
    /// A broker, where there are its programs; where there are none, the story says that it is left out.
    pub(crate) fn start() -> Option<Self> {
        if programs().is_none() {
            eprintln!("left out: there is no broker of its own to show it on");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (port, controller) = (free_port(), free_port());
        let data = folder.path().join("data").display().to_string();
        let settings = SETTINGS.replace("{port}", &port.to_string()).replace("{controller}", &controller.to_string());
        fs::write(settings_in(folder.path()), settings.replace("{data}", &data)).expect("its settings");
        let cluster = java().args(["kafka.tools.StorageTool", "random-uuid"]).output().expect("java runs").stdout;
        let cluster = String::from_utf8(cluster).expect("a name");
        let mut format = java();
        format.args(["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster.trim(), "-c"]);
        let formatted = format.arg(settings_in(folder.path())).output().expect("java runs");
        assert!(formatted.status.success(), "{formatted:?}");
        let process = spawn(folder.path(), port);
        Some(Self { folder, port, process })
    }

    /// Topics on it for one story.
    pub(crate) fn broker(&self) -> Broker {
        Broker::at(format!("127.0.0.1:{}", self.port))
    }

    /// Ends it in the middle of whatever it does, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it is killed");
        self.process.wait().expect("it ends");
    }

    /// Starts it again with what it has.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(self.folder.path(), self.port);
    }

    /// Stops it from running, while its connections stay.
    pub(crate) fn pause(&self) {
        signal(&self.process, "-STOP");
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        signal(&self.process, "-CONT");
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        // It has ended already, where a story ended it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The folder of its programs, which `cargo xtask test` names.
fn programs() -> Option<PathBuf> {
    std::env::var_os("HOLDFAST_TEST_KAFKA_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

fn settings_in(folder: &Path) -> PathBuf {
    folder.join("server.properties")
}

fn java() -> Command {
    let mut java = Command::new("java");
    java.args(["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
    java.arg(programs().expect("its programs").join("*")).stdin(Stdio::null());
    java
}

fn spawn(folder: &Path, port: u16) -> Child {
    let log = folder.join("log");
    let mut server = java();
    server.arg(format!("-Dorg.slf4j.simpleLogger.logFile={}", log.display()));
    server.arg("kafka.Kafka").arg(settings_in(folder)).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = server.spawn().expect("java runs");
    let asked = Instant::now();
    while !answers(port) {
        let has_ended = process.try_wait().expect("it can be asked").is_some();
        let log = || fs::read_to_string(&log).unwrap_or_default();
        assert!(!has_ended && asked.elapsed() < PATIENCE, "the broker starts: {}", log());
        std::thread::sleep(Duration::from_millis(50));
    }
    process
}

/// Whether a broker says something there.
fn answers(port: u16) -> bool {
    let answer = TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(GREETING)?;
        stream.read(&mut [0])
    });
    answer.is_ok_and(|bytes| bytes > 0)
}
