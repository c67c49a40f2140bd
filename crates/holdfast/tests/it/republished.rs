//! Stock events sent again, out of the ledger.

use serde_json::{Value, json};

use crate::broker::{Broker, in_order, wait_until_told};
use crate::program::Program;
use crate::running::Service;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const CHAIR: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa7";

/// Three movements of a lamp, the last of which crosses a line, and one of a chair.
fn sell_lamps(service: &Service) {
    for (product, sku) in [(LAMP, "LAMP"), (CHAIR, "CHAIR")] {
        let item = json!({"productId": product, "productName": sku, "sku": sku, "initialQuantity": 20});
        assert_eq!(service.post("/api/inventory", &item).0, 201);
    }
    let order = json!({"orderId": LAMP, "lines": [{"sku": "LAMP", "quantity": 2}]});
    assert_eq!(service.post("/api/inventory/reservations", &order).0, 201);
    let path = format!("/api/inventory/product/{LAMP}/remove-stock");
    assert_eq!(service.post(&path, &json!({"quantity": 9})).0, 200);
}

fn places(lines: &[Value]) -> Vec<(&str, u64, u64)> {
    let number = |line: &Value, name: &str| line["data"][name].as_u64().expect("a number");
    lines
        .iter()
        .map(|line| (line["data"]["sku"].as_str().expect("a sku"), number(line, "sequence"), number(line, "part")))
        .collect()
}

#[test]
fn a_dry_run_prints_the_events_of_a_range_beside_a_running_service() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    sell_lamps(&service);
    let all = program.done(&["republish", "--from", "2020-01-01T00:00:00Z", "--dry-run"]).json_lines();
    let expected = [("LAMP", 1, 0), ("CHAIR", 1, 0), ("LAMP", 2, 0), ("LAMP", 3, 0), ("LAMP", 3, 1)];
    assert_eq!(places(&all), expected);
    assert_eq!(all[4]["type"], "com.holdfast.stock.low.v1");
    let of_lamp = ["republish", "--product", LAMP, "--from", "2", "--to", "2", "--dry-run"];
    assert_eq!(program.done(&of_lamp).json_lines(), [all[2].clone()], "one product, by its sequences");
    let since = all[2]["time"].as_str().expect("a time");
    let later = program.done(&["republish", "--from", since, "--dry-run"]).json_lines();
    assert_eq!(later, all[2..], "from that time on");
    let before =
        program.done(&["republish", "--from", "2020-01-01T00:00:00Z", "--to", since, "--dry-run"]).json_lines();
    assert_eq!(before, all[..2], "before that time");
    service.stop();
}

#[test]
fn what_cannot_be_sent_again_is_told() {
    let program = Program::new();
    program.done(&["migrate"]);
    let exit = |arguments: &[&str]| program.run(&[&["republish"], arguments].concat()).exit;
    assert_eq!(exit(&["--from", "1", "--dry-run"]), Some(2), "sequences of which product?");
    assert_eq!(exit(&["--from", "yesterday", "--dry-run"]), Some(2));
    assert_eq!(exit(&["--from", "2020-01-01T00:00:00Z"]), Some(2), "nobody to send to");
    assert_eq!(exit(&["--from", "1", "--product", LAMP, "--dry-run"]), Some(5), "no such product");
    assert_eq!(exit(&["--from", "2020-01-01T00:00:00Z", "--dry-run"]), Some(0), "nothing has happened");
}

#[test]
fn what_was_published_is_published_again() {
    let Some(broker) = Broker::find() else { return };
    let program = Program::new();
    let flags = broker.flags("group");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let service = Service::start(&program, &flags);
    sell_lamps(&service);
    wait_until_told(&service);
    let first = broker.stock_events();
    assert_eq!(first.len(), 5);
    let again = [&["republish", "--from", "2020-01-01T00:00:00Z"], &flags[..]].concat();
    let said = program.done(&again).json();
    assert_eq!((&said["movements"], &said["events"]), (&json!(4), &json!(5)));
    let all = broker.stock_events();
    assert_eq!(all.len(), 10);
    assert_eq!(in_order(&all, "sequence").len(), 5, "who drops repeats hears nothing new");
    for event in &first {
        let copies = all.iter().filter(|copy| copy.key == event.key && copy.value == event.value);
        let copies: Vec<_> = copies.filter(|copy| copy.headers == event.headers).collect();
        assert_eq!(copies.len(), 2, "headers and value are the same: {}", event.value);
    }
    service.stop();
}
