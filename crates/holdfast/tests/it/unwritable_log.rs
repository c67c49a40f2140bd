//! A log that cannot be written: its disk is full, or its reader has gone. The service works on.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::client::Client;
use crate::program::Program;
use crate::signals::signal;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const ORDER: &str = "95570777-a170-5cd6-98a5-117f65ca1582";

#[test]
fn a_service_whose_log_is_on_a_full_disk_works_on() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        eprintln!("LEFT OUT: the story of the log on a full disk (there is no /dev/full)");
        return;
    };
    let program = Program::new();
    let mut command = serve(&program);
    command.stderr(full);
    works_on(&program, command.spawn().expect("the program starts"));
}

#[test]
fn a_service_whose_log_nobody_reads_any_more_works_on() {
    let program = Program::new();
    let mut command = serve(&program);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    drop(child.stderr.take());
    works_on(&program, child);
}

/// A service that logs every request, and on the lane.
fn serve(program: &Program) -> Command {
    let mut command = program.command(&["serve", "--listen", "127.0.0.1:0", "--set", "log.level=debug"]);
    command.stdout(Stdio::piped());
    command
}

/// A service that does not outlive its story.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended where the story has gone well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn works_on(program: &Program, child: Child) {
    let mut served = Served(child);
    let child = &mut served.0;
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("text");
    let ready: Value = serde_json::from_str(&line).expect("it says that it is ready");
    let client = Client::of(ready["url"].as_str().expect("a URL"));
    let post = |path: &str, body: &Value| client.post(path, None, body).expect("an answer").status;
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 5});
    assert_eq!(post("/api/inventory", &item), 201);
    let order = json!({"orderId": ORDER, "lines": [{"sku": "L", "quantity": 1}]});
    assert_eq!(post("/api/inventory/reservations", &order), 201);
    assert_eq!(post(&format!("/api/inventory/orders/{ORDER}/confirm"), &json!({})), 200);
    // The lane itself warns of this one.
    let cancelled = json!([{"type": "OrderCancelled", "orderId": ORDER}]);
    assert_eq!(post("/api/inventory/events", &cancelled), 200);
    assert_eq!(post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 1})), 200);
    signal(child, "-TERM");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}
