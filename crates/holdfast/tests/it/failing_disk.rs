//! A crash at each call that makes a commit durable, and a disk that fails there: nothing acknowledged is lost, and
//! what nobody knows is said to be unknown.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::load::Load;
use crate::program::{Program, argument};
use crate::running::Service;
use crate::test_data::checks_every_change;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

#[test]
fn a_crash_at_any_write_or_sync_of_a_commit_loses_and_doubles_nothing() {
    let program = Program::new();
    let Some(strace) = Strace::of(&program) else { return };
    let mut load = Load::on(&program);
    let writes = (1..=14).chain([50, 200, 400]).map(|turn| ("pwrite64", turn));
    for (call, turn) in writes.chain([1, 2, 3, 25].map(|turn| ("fsync,fdatasync", turn))) {
        let mut service = match strace.start(&program, call, &format!("signal=KILL:when={turn}")) {
            Ok(service) => service,
            // While it read again what the one before had not finished.
            Err((ended, _)) => {
                assert_eq!(ended.signal(), Some(9), "{call} {turn}");
                continue;
            }
        };
        let url = service.url().to_owned();
        load.run(&url, || {});
        assert_eq!(service.ended().signal(), Some(9), "{call} {turn}");
    }
    load.must_be_kept_after_a_crash(&program);
}

#[test]
fn a_disk_that_fails_in_a_commit_ends_the_service_for_nobody_knows_what_it_holds() {
    let program = Program::new();
    let Some(strace) = Strace::of(&program) else { return };
    let mut load = Load::on(&program);
    for (call, fault) in [
        ("fsync,fdatasync", "error=EIO:when=3"),
        ("fsync,fdatasync", "error=EIO:when=30+"),
        ("pwrite64", "error=EIO:when=7"),
        ("pwrite64", "error=EIO:when=300+"),
    ] {
        let started = strace.start(&program, call, fault);
        let mut service = started.unwrap_or_else(|(ended, log)| panic!("{call} {fault}: {ended}: {log}"));
        let url = service.url().to_owned();
        load.run(&url, || {});
        assert_eq!(service.ended().code(), Some(1), "{call} {fault}");
        let log = service.log();
        assert!(log.contains("what the store holds is not known: start again"), "{log}");
    }
    load.must_be_kept_after_a_crash(&program);
}

#[test]
fn whoever_waits_for_a_commit_that_fails_hears_that_nobody_knows_before_the_service_ends() {
    let program = Program::new();
    let Some(strace) = Strace::of(&program) else { return };
    let service = Service::start(&program, &[]);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 10});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    assert_eq!(service.stop(), Some(0));
    for _ in 0..3 {
        let started = strace.start(&program, "fsync,fdatasync", "error=EIO:when=5+");
        let mut service = started.unwrap_or_else(|(ended, log)| panic!("{ended}: {log}"));
        let (status, problem) = loop {
            let path = format!("/api/inventory/product/{LAMP}/add-stock");
            let heard = service.post(&path, &json!({"quantity": 1}));
            if heard.0 != 200 {
                break heard;
            }
        };
        assert_eq!((status, &problem["code"]), (503, &json!("outcome_unknown")), "{problem}");
        assert_eq!(service.ended().code(), Some(1));
    }
}

#[test]
fn a_disk_that_fails_while_the_log_is_carried_over_ends_the_service_too() {
    let program = Program::new();
    if Strace::of(&program).is_none() {
        return;
    }
    let strace = Strace::in_file(&program, "holdfast.db");
    let mut load = Load::on(&program);
    let started = strace.start(&program, "fsync,fdatasync", "error=EIO:when=2+");
    let mut service = started.unwrap_or_else(|(ended, log)| panic!("{ended}: {log}"));
    let url = service.url().to_owned();
    load.run(&url, || {});
    assert_eq!(service.ended().code(), Some(1), "{}", service.log());
    assert!(service.log().contains("what the store holds is not known: start again"), "{}", service.log());
    load.must_be_kept_after_a_crash(&program);
}

#[test]
fn a_disk_that_does_not_answer_keeps_nobody_waiting_for_ever() {
    let program = Program::new();
    let Some(strace) = Strace::of(&program) else { return };
    let service = Service::start(&program, &[]);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 10});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    assert_eq!(service.stop(), Some(0));

    let started = strace.start(&program, "fsync,fdatasync", "delay_enter=20000000:when=3+");
    let mut service = started.unwrap_or_else(|(ended, log)| panic!("{ended}: {log}"));
    let url = service.url().to_owned();
    let add = || {
        let url = url.clone();
        let path = format!("/api/inventory/product/{LAMP}/add-stock");
        std::thread::spawn(move || Client::of(&url).post(&path, None, &json!({"quantity": 1})))
    };
    let mut done = 0;
    let hangs = loop {
        let asked = add();
        // Longer than a disk that works takes, however busy it is.
        let since = Instant::now();
        while !asked.is_finished() && since.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(10));
        }
        if !asked.is_finished() {
            break asked;
        }
        assert_eq!(asked.join().expect("it is asked").expect("an answer").status, 200);
        done += 1;
    };
    let waits = add();
    std::thread::sleep(Duration::from_millis(700));
    service.terminate();
    let turned_away = waits.join().expect("it is asked").expect("an answer");
    assert_eq!((turned_away.status, &turned_away.json()["outcome"]), (503, &json!("not_applied")));
    assert!(hangs.join().expect("it is asked").is_err(), "nobody knows");
    assert_eq!(service.ended().code(), Some(1));
    assert!(service.log().contains("the store does not let a writer go"), "{}", service.log());

    let service = Service::start(&program, &[]);
    let (_, item) = service.get(&format!("/api/inventory/product/{LAMP}"));
    let added = item["quantityAvailable"].as_u64().map(|units| units - 10);
    assert!(added == Some(done) || added == Some(done + 1), "{done}: {item}");
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

/// Faults in the calls that concern a file of a store, injected by strace.
struct Strace {
    file: String,
}

impl Strace {
    /// Nothing, and a word on the screen, where strace cannot run; on a machine that checks every change that is a
    /// failure.
    fn of(program: &Program) -> Option<Self> {
        let runs = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
        if runs.is_ok_and(|said| said.status.success()) {
            return Some(Self::in_file(program, "holdfast.db-wal"));
        }
        assert!(!checks_every_change(), "strace cannot run");
        eprintln!("LEFT OUT: the stories of the failing disk (they need strace: apt-get install strace)");
        None
    }

    fn in_file(program: &Program, name: &str) -> Self {
        Self { file: argument(&program.folder().join("data").join(name)).to_owned() }
    }

    /// Starts a service; `call` fails as `fault` says.
    fn start(&self, program: &Program, call: &str, fault: &str) -> Result<Service, (ExitStatus, String)> {
        let served = program.command(&["serve", "--listen", "127.0.0.1:0"]);
        let mut command = program.other(Path::new("strace"));
        // The service is the child that is waited for, not strace.
        command.args(["-D", "-f", "-o", "/dev/null", "-P", &self.file, "-e", &format!("trace={call}")]);
        command.args(["-e", &format!("inject={call}:{fault}")]).arg(served.get_program()).args(served.get_args());
        Service::try_to_spawn(program, command)
    }
}
