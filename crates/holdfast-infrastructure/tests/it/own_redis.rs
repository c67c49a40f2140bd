//! A Redis of one story's own, which may be killed, paused and flushed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The program, as Debian's package of tools has it: called `redis-server`, it is the server.
const PROGRAM: &str = "/usr/bin/redis-check-rdb";
/// What whoever asks must know.
pub(crate) const PASSWORD: &str = "open-sesame";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that ends with this value.
pub(crate) struct OwnRedis {
    child: Child,
    folder: TempDir,
    /// Where it listens.
    pub(crate) port: u16,
    kind: Option<&'static str>,
}

impl OwnRedis {
    /// Whether there is the program; where there is none, the story says that it is left out.
    pub(crate) fn is_there() -> bool {
        let is_there = std::env::var("HOLDFAST_TEST_REDIS").is_ok_and(|url| !url.is_empty());
        if !is_there {
            eprintln!("left out: there is no Redis to show it on");
        }
        is_there
    }

    /// A server that keeps nothing on the disk, with more lines of settings.
    pub(crate) fn start(more: &str) -> Self {
        Self::start_at(free_port(), more, None)
    }

    /// A server at a port.
    pub(crate) fn start_at(port: u16, more: &str, kind: Option<&'static str>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().display();
        let own = format!("save \"\"\nappendonly no\nrequirepass {PASSWORD}\nmasterauth {PASSWORD}\n");
        let own = if kind.is_none() { own } else { String::new() };
        let settings = format!("bind 127.0.0.1\nport {port}\ndir {place}\nlogfile {place}/log\n{own}{more}\n");
        fs::write(folder.path().join("redis.conf"), settings).expect("its settings");
        let child = spawn(&folder, kind);
        let server = Self { child, folder, port, kind };
        server.must_answer();
        server
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// Tells it one command and hears the first words of its answer.
    pub(crate) fn tell(&self, command: &str) -> String {
        self.try_to_tell(command).expect("the server answers")
    }

    fn try_to_tell(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let login = if self.kind.is_none() { format!("AUTH {PASSWORD}\r\n") } else { String::new() };
        stream.write_all(format!("{login}{command}\r\n").as_bytes())?;
        let mut heard = Vec::new();
        let mut some = [0; 4_096];
        loop {
            let read = stream.read(&mut some)?;
            heard.extend_from_slice(&some[..read]);
            let text = String::from_utf8_lossy(&heard);
            let answer =
                if login.is_empty() { Some(&*text) } else { text.split_once("\r\n").map(|(_, answer)| answer) };
            if read == 0 || answer.is_some_and(|answer| answer.ends_with("\r\n")) {
                return Ok(answer.unwrap_or_default().to_owned());
            }
        }
    }

    /// Lets it do nothing, while its connections stay.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it ends");
    }

    /// Starts it again at the same place; what it knew is gone.
    pub(crate) fn start_again(&mut self) {
        self.child = spawn(&self.folder, self.kind);
        self.must_answer();
    }

    fn must_answer(&self) {
        eventually("a Redis answers", || self.try_to_tell("PING").is_ok_and(|answer| answer.starts_with("+PONG")));
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        // It has ended already, where a story ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &TempDir, kind: Option<&str>) -> Child {
    let mut server = Command::new(PROGRAM);
    server.arg0("redis-server").arg(folder.path().join("redis.conf")).args(kind);
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("Redis starts")
}

/// A port that nobody listens on, and that leaves room for a second one where a cluster needs it.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Waits for something that takes a while.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let asked = Instant::now();
    while !is_so() {
        assert!(asked.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
