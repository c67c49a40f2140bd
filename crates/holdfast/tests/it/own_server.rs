//! A database server of one story's own, which may be killed, paused and set as no shared one may.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable as _;
use mysql::{Conn, Opts};
use tempfile::TempDir;

use crate::folders::copy_folder;
use crate::shared_database::SharedDatabase;
use crate::signals::signal;

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// A MariaDB on a free port, with a folder that goes away with it.
pub(crate) struct OwnServer {
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
    process: Child,
}

impl OwnServer {
    /// A server with these settings beside the usual ones, such as `--max-connections=5`.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut install = Command::new("mariadb-install-db");
        install.args(usual(&folder)).args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        // Its own: a database that starts empties its folder for temporary files, whoever else uses it.
        install.env("TMPDIR", folder.path());
        let installed = install.stdin(Stdio::null()).output().expect("mariadb-install-db runs");
        assert!(installed.status.success(), "{installed:?}");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let process = spawn(&folder, port, &settings);
        Self { folder, port, settings, process }
    }

    /// Where others reach it.
    pub(crate) const fn address(&self) -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), self.port)
    }

    /// A session that may do everything.
    pub(crate) fn session(&self) -> Conn {
        Conn::new(Opts::from_url(&format!("mysql://root@{}", self.address())).expect("an address")).expect("it answers")
    }

    /// Does something as one who may do everything.
    pub(crate) fn tell(&self, sql: &str) {
        self.session().query_drop(sql).expect("the server does it");
    }

    /// What it says to a question with one number as its answer.
    pub(crate) fn ask(&self, sql: &str) -> i64 {
        self.session().query_first(sql).expect("the server answers").expect("a row")
    }

    /// A database with the present schema, and a user who may only what a service must, which `via` leads to.
    pub(crate) fn database(&self, via: SocketAddr) -> SharedDatabase {
        self.tell("CREATE USER IF NOT EXISTS holdfast@'%' IDENTIFIED BY 'grain-of-salt'");
        self.tell("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX ON *.* TO holdfast@'%'");
        SharedDatabase::migrated_at(&format!("mysql://holdfast:grain-of-salt@{via}"))
    }

    /// Ends it in the middle of whatever it does, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it is killed");
        self.process.wait().expect("it ends");
    }

    /// Starts it again with the data it has.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(&self.folder, self.port, &self.settings);
    }

    /// Keeps a copy of its data, which must not change meanwhile: it was killed.
    pub(crate) fn keep_copy(&self) {
        copy_folder(&self.folder.path().join("data"), &self.folder.path().join("copy"));
    }

    /// Puts the copy in place of its data, as it was killed.
    pub(crate) fn restore_copy(&self) {
        let (data, copy) = (self.folder.path().join("data"), self.folder.path().join("copy"));
        std::fs::remove_dir_all(&data).expect("removed");
        std::fs::rename(copy, data).expect("put there");
    }

    /// Stops it from running until it is told to go on.
    pub(crate) fn pause(&self) {
        signal(&self.process, "-STOP");
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        signal(&self.process, "-CONT");
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It is of no use to anybody else.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the installer and the server are told alike.
fn usual(folder: &TempDir) -> Vec<String> {
    let mut usual = vec!["--no-defaults".to_owned(), format!("--datadir={}", folder.path().join("data").display())];
    // It refuses to run as root unless it is told to.
    if std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        usual.push("--user=root".to_owned());
    }
    usual
}

fn spawn(folder: &TempDir, port: u16, settings: &[String]) -> Child {
    let mut server = Command::new("mariadbd");
    server.args(usual(folder)).args([
        "--socket=socket".to_owned(),
        format!("--tmpdir={}", folder.path().display()),
        format!("--log-error={}", folder.path().join("log").display()),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
    ]);
    let mut process = server.args(settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let process_of = process.as_mut().expect("mariadbd starts");
    let asked = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(asked.elapsed() < PATIENCE && process_of.try_wait().is_ok_and(|ended| ended.is_none()), "it starts");
        std::thread::sleep(Duration::from_millis(20));
    }
    process.expect("it was looked at")
}
