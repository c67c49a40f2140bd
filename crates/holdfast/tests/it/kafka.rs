//! Orders come over Kafka: the books are the same as if every event had come once and in order.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::broker::{Broker, taken, wait_until_taken};
use crate::program::{Program, argument};
use crate::running::Service;
use crate::shared_database::SharedDatabase;
use crate::test_data::{Books, kept, unpacked};

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

/// As the oracles expect it: orders are held for good, and a payment that comes too late has no effect.
const AS_EXPECTED: [&str; 4] = ["--set", "reservation.ttl_default=never", "--set", "reservation.late_payment=refuse"];

#[test]
fn three_days_of_orders_from_three_partitions_lead_to_the_expected_books() {
    let Some(broker) = Broker::find() else { return };
    let (program, events) = (unlimited(Program::new()), order_events());
    // Each order keeps its order, and orders are shuffled among each other.
    broker.write(&shuffled(&events));
    let service = start(&program, &broker, "a");
    wait_until_taken(&[&service], count(&events));
    assert_eq!(service.stop(), Some(0));
    assert!(Books::of(&program) == Books::expected(&kept("online_retail_small"), "unlimited"), "the books differ");
    let movements = program.done(&["export", "movements"]).stdout;

    // The whole topic twice more, and all of it once more from the beginning as another group: nothing moves.
    for _ in 0..2 {
        broker.write(&shuffled(&events));
    }
    for group in ["a", "b"] {
        let service = start(&program, &broker, group);
        wait_until_taken(&[&service], if group == "a" { 2 } else { 3 } * count(&events));
        assert_eq!(taken(&service, Some("applied")), 0);
        assert_eq!(service.stop(), Some(0));
        assert_eq!(program.done(&["export", "movements"]).stdout, movements);
    }
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn two_services_of_one_group_share_the_orders() {
    let Some(broker) = Broker::find() else { return };
    if !SharedDatabase::is_there() {
        return;
    }
    let (program, events) = (unlimited(Program::new().on(SharedDatabase::migrated())), order_events());
    let services = [start(&program, &broker, "a"), start(&program, &broker, "a")];
    broker.write(&shuffled(&events));
    wait_until_taken(&[&services[0], &services[1]], count(&events));
    for service in services {
        assert_eq!(service.stop(), Some(0));
    }
    assert!(Books::of(&program) == Books::expected(&kept("online_retail_small"), "unlimited"), "the books differ");
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn what_can_never_be_applied_is_put_away_once_and_the_others_go_on() {
    let Some(broker) = Broker::find() else { return };
    let program = Program::new();
    let service = start(&program, &broker, "a");
    stock(&service, 100);
    let good = |number: u32| {
        json!({"type": "OrderCreated", "orderId": format!("11111111-0000-4000-8000-{number:012}"),
            "items": [{"sku": "L", "quantity": 1}]})
        .to_string()
    };
    let many: Vec<Value> = (0..1_000_000).map(|_| json!(1)).collect();
    let poison: [(Option<Vec<u8>>, &str); 9] = [
        (Some(b"{".to_vec()), "malformed_json"),
        (None, "validation_failed"),
        (Some(br#"{"type":"OrderCreated","orderId":5,"items":[]}"#.to_vec()), "validation_failed"),
        (
            Some(br#"{"type":"OrderShipped","orderId":"11111111-0000-4000-8000-000000000001"}"#.to_vec()),
            "validation_failed",
        ),
        (Some(vec![0xff, 0xfe, 0x00]), "malformed_json"),
        (Some("[".repeat(100_000).into_bytes()), "malformed_json"),
        (Some(serde_json::to_vec(&many).expect("JSON")), "body_too_large"),
        (Some(vec![b' '; 5 << 20]), "body_too_large"),
        (
            Some(br#"{"specversion":"0.3","type":"OrderCancelled","source":"s","id":"1","data":{}}"#.to_vec()),
            "validation_failed",
        ),
    ];
    for (number, (value, _)) in (0_u32..).zip(&poison) {
        broker.write_raw("good", good(number).as_bytes(), &[]);
        match value {
            Some(value) => broker.write_raw("key", value, &["trace=7"]),
            None => broker.write_nothing("key", &["trace=7"]),
        }
    }
    wait_until_taken(&[&service], 18);
    assert_eq!((taken(&service, Some("applied")), taken(&service, Some("rejected"))), (9, 9));
    let metrics = service.text("/metrics");
    assert!(metrics.contains("holdfast_dead_letters_total{code=\"malformed_json\"} 3"), "{metrics}");
    assert_eq!(service.stop(), Some(0));

    // Started again it takes nothing twice, and read from the beginning as another group nothing is put away twice.
    let service = start(&program, &broker, "a");
    broker.write_raw("good", good(99).as_bytes(), &[]);
    wait_until_taken(&[&service], 1);
    assert_eq!(taken(&service, None), 1);
    assert_eq!(service.stop(), Some(0));
    let service = start(&program, &broker, "b");
    wait_until_taken(&[&service], 19);
    assert_eq!((taken(&service, Some("applied")), taken(&service, Some("rejected"))), (0, 9));
    assert!(!service.text("/metrics").contains("holdfast_dead_letters_total"), "none is new");
    let letters = broker.read_until(&format!("{}.dlq", broker.topic()), "%k|%h\n", poison.len());
    assert_eq!(service.get("/api/inventory/dead-letters?status=open").1.as_array().map(Vec::len), Some(poison.len()));
    assert_eq!(service.stop(), Some(0));

    assert_eq!(letters.len(), poison.len(), "{letters:?}");
    for (number, (_, code)) in (0_usize..).zip(&poison) {
        let origin =
            format!("holdfast-topic={},holdfast-partition=0,holdfast-offset={}", broker.topic(), 2 * number + 1);
        let letter = letters.iter().find(|letter| letter.contains(&format!("{origin},")) || letter.ends_with(&origin));
        let letter = letter.unwrap_or_else(|| panic!("{origin}: {letters:?}"));
        assert!(letter.starts_with("key|trace=7,") && letter.contains(&format!("holdfast-code={code},")), "{letter}");
    }
}

#[test]
fn an_event_and_a_request_for_one_order_meet() {
    let Some(broker) = Broker::find() else { return };
    let program = Program::new();
    let service = start(&program, &broker, "a");
    stock(&service, 10);
    let orders: Vec<String> = (0..5).map(|number| format!("22222222-0000-4000-8000-{number:012}")).collect();
    for order in &orders {
        let created = json!({"orderId": order, "items": [{"sku": "L", "quantity": 1}]});
        let headers =
            ["ce_specversion=1.0", "ce_type=com.shop.OrderCreated.v1", "ce_source=shop", &format!("ce_id={order}")];
        broker.write_raw(order, created.to_string().as_bytes(), &headers);
        let asked = json!({"orderId": order, "lines": [{"sku": "L", "quantity": 1}]});
        let (status, answer) = service.post("/api/inventory/reservations", &asked);
        assert!([200, 201].contains(&status), "{answer}");
    }
    wait_until_taken(&[&service], 5);
    let (_, read) = service.get(&format!("/api/inventory/product/{LAMP}"));
    assert_eq!((&read["quantityAvailable"], &read["quantityReserved"]), (&json!(5), &json!(5)));
    service.must_say("Healthy");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_header_whose_name_is_no_text_is_left_out_with_a_warning() {
    let Some(broker) = Broker::find() else { return };
    let program = Program::new();
    let service = start(&program, &broker, "a");
    stock(&service, 10);
    let strange = OsStr::from_bytes(b"\xff\xfe=1");
    // Only the headers behind say what it is.
    let told = ["ce_specversion=1.0", "ce_type=com.shop.OrderCreated.v1", "ce_source=shop", "ce_id=1"].map(OsStr::new);
    let order = "22222222-0000-4000-8000-000000000001";
    let created = json!({"orderId": order, "items": [{"sku": "L", "quantity": 1}]});
    broker.write_strange(order, created.to_string().as_bytes(), &[&[strange, strange][..], &told].concat());
    wait_until_taken(&[&service], 1);
    let (_, read) = service.get(&format!("/api/inventory/product/{LAMP}"));
    assert_eq!(read["quantityReserved"], 1);
    let log = service.log();
    let warnings: Vec<&str> = log.lines().filter(|line| line.contains("whose names are no text")).collect();
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.contains("WARN") && warning.contains(broker.topic()), "{warning}");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_broker_that_is_not_there_holds_nothing_up() {
    let program = Program::new();
    let service = Service::start(&program, &["--kafka-brokers", "127.0.0.1:9"]);
    stock(&service, 10);
    let (_, health) = service.get("/health");
    assert_eq!(health["status"], "Degraded", "{health}");
    assert_eq!(service.get("/health/ready").0, 200);
    assert_eq!(service.stop(), Some(0));
}

/// Makes a lamp, of which there are so many.
pub(crate) fn stock(service: &Service, units: u32) {
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": units});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
}

pub(crate) fn start(program: &Program, broker: &Broker, group: &str) -> Service {
    start_in(program, broker, group, &[])
}

/// A member of the group `a` with these flags too.
pub(crate) fn start_with(program: &Program, broker: &Broker, more: &[&str]) -> Service {
    start_in(program, broker, "a", more)
}

fn start_in(program: &Program, broker: &Broker, group: &str, more: &[&str]) -> Service {
    let flags = broker.flags(group);
    let flags = AS_EXPECTED.into_iter().chain(flags.iter().map(String::as_str)).chain(more.iter().copied());
    Service::start(program, &flags.collect::<Vec<_>>())
}

pub(crate) fn unlimited(program: Program) -> Program {
    unlimited_of(program, &kept("online_retail_small"))
}

/// The products of a folder, with more of each than is ever asked for.
pub(crate) fn unlimited_of(program: Program, folder: &Path) -> Program {
    program.done(&["import", argument(&folder.join("products.csv")), "--quantity", "10000000"]);
    program
}

pub(crate) fn count(records: &[(String, String)]) -> u64 {
    u64::try_from(records.len()).expect("a small number")
}

/// The orders of three days and what became of them, as records: the key is the order.
pub(crate) fn order_events() -> Vec<(String, String)> {
    order_events_of(&kept("online_retail_small"))
}

/// The same of a folder.
pub(crate) fn order_events_of(folder: &Path) -> Vec<(String, String)> {
    let events = unpacked(&folder.join("events.jsonl.gz"));
    events.lines().filter_map(|line| as_record(&serde_json::from_str(line).expect("JSON"))).collect()
}

/// An event about an order, in the words of the platform's other services.
pub(crate) fn as_record(event: &Value) -> Option<(String, String)> {
    let kind = match event["kind"].as_str()? {
        "order_created" => "OrderCreated",
        "payment_completed" => "PaymentCompletedEvent",
        "payment_failed" => "PaymentFailed",
        "order_cancelled" => "OrderCancelledEvent",
        _ => return None,
    };
    let order = event["orderId"].as_str().expect("an order");
    let record = json!({"Type": kind, "OrderId": order, "Items": event["items"], "Reason": event["reason"],
        "CreatedAt": event["ts"], "UserId": event["customer"]});
    Some((order.to_owned(), record.to_string()))
}

/// Orders in another order, the events of each in theirs.
pub(crate) fn shuffled(events: &[(String, String)]) -> Vec<(String, String)> {
    let mut shuffled = events.to_vec();
    // By the digits of the order's id, which are random; a stable sort keeps the events of one order in theirs.
    shuffled.sort_by_key(|(order, _)| order.chars().rev().collect::<String>());
    shuffled
}
