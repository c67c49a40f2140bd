//! A running service: started, asked, told to leave, killed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;
use crate::program::Program;
use crate::signals::signal;

/// How long a service may take to see how it is: a silent broker shows once an event has waited for half a minute.
const NOTICED_WITHIN: Duration = Duration::from_mins(1);

/// A process that serves; it ends with this value.
pub(crate) struct Service {
    child: Child,
    /// What it said when it was ready.
    pub(crate) ready: Value,
    /// How long that took, of one that started again.
    pub(crate) ready_after: Duration,
    log_file: PathBuf,
}

impl Service {
    /// Starts a service and waits until it is ready.
    pub(crate) fn start(program: &Program, more: &[&str]) -> Self {
        Self::start_with(program, &[&serve(more)[..], more].concat())
    }

    /// Starts a command that runs a service.
    pub(crate) fn start_with(program: &Program, arguments: &[&str]) -> Self {
        Self::spawn(program, program.command(arguments))
    }

    /// Starts a service with variables in its environment.
    pub(crate) fn start_under(program: &Program, variables: &[(&str, &OsStr)], more: &[&str]) -> Self {
        let mut command = program.command(&[&serve(more)[..], more].concat());
        command.envs(variables.iter().copied());
        Self::spawn(program, command)
    }

    /// Starts a service after a crash, and notes how soon it is ready.
    pub(crate) fn start_again(program: &Program, more: &[&str]) -> Self {
        let started = Instant::now();
        let mut service = Self::start(program, more);
        let (status, _) = service.get("/health/ready");
        service.ready_after = started.elapsed();
        assert_eq!(status, 200, "a service that says it is ready takes writes");
        service
    }

    fn spawn(program: &Program, command: Command) -> Self {
        Self::try_to_spawn(program, command).unwrap_or_else(|(ended, log)| panic!("not ready but {ended}: {log}"))
    }

    /// Starts what `command` says and waits until it is ready, or has ended: then how, and what it logged.
    pub(crate) fn try_to_spawn(program: &Program, mut command: Command) -> Result<Self, (ExitStatus, String)> {
        // A file, for a pipe that nobody reads would stop a service that has much to say.
        static LOGS: AtomicU32 = AtomicU32::new(0);
        let log_file = program.folder().join(format!("log-{}.txt", LOGS.fetch_add(1, Ordering::Relaxed)));
        let log = File::create(&log_file).expect("a file for its log");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("text");
        let mut service = Self { child, ready: Value::Null, ready_after: Duration::ZERO, log_file };
        if line.is_empty() {
            return Err((service.ended(), service.log()));
        }
        service.ready = serde_json::from_str(&line).expect("a line of JSON");
        assert_eq!(service.ready["ready"], true);
        Ok(service)
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &str {
        self.ready["url"].as_str().expect("a URL")
    }

    /// Somebody who asks it.
    pub(crate) fn client(&self) -> Client {
        Client::of(self.url())
    }

    /// Asks once.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.client().get(path).expect("an answer");
        (answer.status, answer.json())
    }

    /// Writes once.
    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.client().post(path, None, body).expect("an answer");
        (answer.status, answer.json())
    }

    /// Asks for a text.
    pub(crate) fn text(&self, path: &str) -> String {
        self.client().get(path).expect("an answer").body
    }

    /// Waits until it says of itself that it is well, or is not, and takes requests. For a moment it may take none: a
    /// disk that others keep busy holds up a commit.
    pub(crate) fn must_say(&self, status: &str) {
        let asked = Instant::now();
        loop {
            let (_, health) = self.get("/health");
            if health["status"] == status && self.get("/health/ready").0 == 200 {
                return;
            }
            assert!(asked.elapsed() < NOTICED_WITHIN, "not {status}, or not ready: {health} {}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Asks it to leave.
    pub(crate) fn terminate(&self) {
        signal(&self.child, "-TERM");
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        signal(&self.child, "-INT");
    }

    /// Stops it where it is.
    pub(crate) fn pause(&self) {
        signal(&self.child, "-STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        signal(&self.child, "-CONT");
    }

    /// Lets its files grow up to `bytes`, or without a limit, from now on.
    pub(crate) fn limit_files(&self, bytes: Option<u32>) {
        let limit = file_limit(bytes);
        let limited = Command::new("prlimit").args(["--pid", &self.child.id().to_string(), &limit]).status();
        assert!(limited.expect("prlimit runs").success());
    }

    /// Starts a service whose files grow up to `bytes`.
    pub(crate) fn start_limited(program: &Program, bytes: u32, more: &[&str]) -> Self {
        let served = program.command(&[&serve(more)[..], more].concat());
        let mut command = program.other(Path::new("prlimit"));
        command.arg(file_limit(Some(bytes))).arg(served.get_program()).args(served.get_args());
        Self::spawn(program, command)
    }

    /// Asks it to leave and says how it ended.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.terminate();
        self.ended().code()
    }

    /// Ends it in the middle of whatever it does, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.ended();
    }

    /// How it ended, when it has by then.
    pub(crate) fn ended_within(&mut self, most: Duration) -> Option<ExitStatus> {
        let asked = Instant::now();
        loop {
            let ended = self.child.try_wait().expect("it can be asked");
            if ended.is_some() || asked.elapsed() > most {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log_file).expect("its log")
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

/// What the samples of a metric say together whose names and labels begin so.
pub(crate) fn counted(metrics: &str, sample: &str) -> f64 {
    let said = metrics.lines().filter(|line| line.starts_with(sample));
    said.map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()).expect("a number")).sum()
}

/// The limit as `prlimit` reads it: the one that holds, not the one up to which it can be raised.
fn file_limit(bytes: Option<u32>) -> String {
    let bytes = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
    format!("--fsize={bytes}:")
}

/// The command that serves, at a free port unless `more` names another address.
fn serve(more: &[&str]) -> Vec<&'static str> {
    if more.contains(&"--listen") { vec!["serve"] } else { vec!["serve", "--listen", "127.0.0.1:0"] }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already, unless a story broke off.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
