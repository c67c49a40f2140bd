//! A service: how it starts, answers, stops, and starts again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::program::Program;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const ORDER: &str = "95570777-a170-5cd6-98a5-117f65ca1582";

#[test]
fn a_service_says_when_it_is_ready_and_keeps_what_it_acknowledged() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    assert_eq!(service.ready["store"], "sqlite");
    assert_eq!(service.ready["version"], env!("CARGO_PKG_VERSION"));
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 5});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let order = json!({"orderId": ORDER, "lines": [{"sku": "L", "quantity": 2}]});
    assert_eq!(service.post("/api/inventory/reservations", &order).0, 201);
    let (status, health) = service.get("/health");
    assert_eq!((status, &health["status"]), (200, &json!("Healthy")));
    let names: Vec<&Value> =
        health["components"].as_array().expect("a list").iter().map(|part| &part["name"]).collect();
    assert_eq!(names, ["store", "queue", "expiry", "lock", "kafka"]);
    assert_eq!(service.get("/health/ready").0, 200);
    assert_eq!(service.stop(), Some(0));

    let service = Service::start(&program, &[]);
    let (status, item) = service.get(&format!("/api/inventory/product/{LAMP}"));
    assert_eq!((status, &item["quantityAvailable"], &item["quantityReserved"]), (200, &json!(3), &json!(2)));
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["reservations"], 1);
}

#[test]
fn a_second_writer_is_turned_away_and_readers_are_welcome() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"]] {
        let said = program.run(arguments);
        assert_eq!(said.exit, Some(8), "{said:?}");
        assert!(said.stderr.contains("another process writes to"), "{said:?}");
    }
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_told() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let address = service.ready["url"].as_str().expect("a URL").trim_start_matches("http://").to_owned();
    let said = Program::new().run(&["serve", "--listen", &address]);
    assert_eq!(said.exit, Some(1));
    assert!(said.stderr.contains("cannot be listened on"), "{said:?}");
    service.stop();
}

#[test]
fn settings_reach_the_rules() {
    let program = Program::new().with_variable("HOLDFAST_IDEMPOTENCY__REQUIRED", "true");
    let service = Service::start(&program, &["--set", "reservation.ttl_default=5s"]);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 5});
    let (status, problem) = service.post("/api/inventory", &item);
    assert_eq!((status, &problem["code"]), (400, &json!("idempotency_key_required")));
    service.stop();
}

#[test]
fn the_metrics_have_the_names_that_dashboards_ask_for() {
    let service = Service::start(&Program::new(), &[]);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 5});
    service.post("/api/inventory", &item);
    let (_, metrics) = service.ask("GET", "/metrics", "");
    for name in [
        "holdfast_commands_total{command=\"create_item\",outcome=\"applied\"} 1",
        "holdfast_command_duration_seconds_bucket{command=\"create_item\",le=\"0.001\"}",
        "holdfast_queue_depth 0",
        "holdfast_batch_commands_bucket{le=\"1\"} 1",
        "holdfast_commit_duration_seconds_count 1",
        &format!("holdfast_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    service.stop();
}

#[test]
fn logs_are_json_when_piped_and_a_wide_open_port_is_warned_of() {
    let program = Program::new();
    let mut service = Service::start(&program, &["--listen", "0.0.0.0:0"]);
    service.terminate();
    let mut log = String::new();
    service.child.stderr.take().expect("its log").read_to_string(&mut log).expect("text");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let warned = |line: &Value| {
        line["level"] == "WARN" && line["message"].as_str().is_some_and(|words| words.contains("WITHOUT ACCESS KEYS"))
    };
    assert!(lines.iter().any(warned), "{log}");
}

/// A service with a store of its own.
pub(crate) struct Service {
    child: Child,
    /// What it said when it was ready.
    pub(crate) ready: Value,
}

impl Service {
    /// Starts a service and waits until it is ready.
    pub(crate) fn start(program: &Program, more: &[&str]) -> Self {
        let listen: &[&str] = if more.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        Self::start_with(program, &[&["serve"], listen, more].concat())
    }

    /// Starts a command that runs a service.
    pub(crate) fn start_with(program: &Program, arguments: &[&str]) -> Self {
        let mut command = program.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("a line of JSON");
        assert_eq!(ready["ready"], true);
        Self { child, ready }
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &str {
        self.ready["url"].as_str().expect("a URL")
    }

    fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.ask("GET", path, "");
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let (status, body) = self.ask("POST", path, &body.to_string());
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.url().trim_start_matches("http://")).expect("a connection");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: holdfast\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, body.to_owned())
    }

    fn terminate(&mut self) {
        let kill = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Asks it to leave and says how it ended.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.terminate();
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already, unless a story broke off.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
