//! What can never be applied waits for people: it is seen over HTTP, keeps nobody up where it cannot be told, and is
//! tried again or discarded.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::broker::{Broker, taken, wait_until_taken, wait_until_told};
use crate::kafka::{start_with, stock};
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

const LETTERS: &str = "/api/inventory/dead-letters";

fn order(number: u32) -> String {
    format!("33333333-0000-4000-8000-{number:012}")
}

fn created(number: u32) -> String {
    json!({"type": "OrderCreated", "orderId": order(number), "items": [{"sku": "L", "quantity": 1}]}).to_string()
}

fn open(service: &Service) -> Vec<Value> {
    let (status, letters) = service.get(&format!("{LETTERS}?status=open"));
    assert_eq!(status, 200, "{letters}");
    letters.as_array().cloned().expect("a list")
}

/// Waits until a line of the metrics is there.
fn wait_for_metric(service: &Service, line: &str) {
    let asked = Instant::now();
    while !service.text("/metrics").lines().any(|known| known == line) {
        assert!(asked.elapsed() < Duration::from_secs(30), "{line}: {}", service.text("/metrics"));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_topic_that_takes_no_dead_letters_keeps_nobody_up() {
    let Some(broker) = Broker::find() else { return };
    let program = Program::new();
    // No topic may have such a name.
    let refused = ["--set", "kafka.topic_dead_letter=no topic/<topic>?"];
    let service = start_with(&program, &broker, &refused);
    stock(&service, 100);
    for number in 0..10 {
        broker.write_raw("good", created(number).as_bytes(), &[]);
        broker.write_raw("bad", b"{", &[]);
    }
    wait_until_taken(&[&service], 20);
    assert_eq!((taken(&service, Some("applied")), taken(&service, Some("rejected"))), (10, 10));
    wait_until_told(&service);
    assert_eq!(broker.stock_events().len(), 11, "what happens is told all the same");
    assert_eq!(open(&service).len(), 10);
    wait_for_metric(&service, "holdfast_dead_letters_open 10");
    // People hear why they are not told.
    let asked = Instant::now();
    loop {
        let (status, health) = service.get("/health");
        let outbox =
            health["components"].as_array().and_then(|all| all.iter().find(|part| part["name"] == "outbox").cloned());
        if status == 200 && outbox.as_ref().is_some_and(|outbox| outbox["status"] == "Degraded") {
            break;
        }
        assert!(asked.elapsed() < Duration::from_secs(30), "{health}");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(service.stop(), Some(0));

    // Told the right name, it tells them; and the places in the topic had moved on.
    let service = start_with(&program, &broker, &[]);
    let letters = broker.read_until(&format!("{}.dlq", broker.topic()), "%o %k %s\n", 10);
    let expected: Vec<String> = (0..10).map(|at| format!("{at} bad {{")).collect();
    assert_eq!(letters, expected);
    broker.write_raw("good", created(10).as_bytes(), &[]);
    wait_until_taken(&[&service], 1);
    assert_eq!(taken(&service, None), 1);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn a_flood_of_dead_letters_is_kept_in_short_and_told_as_it_came() {
    let Some(broker) = Broker::find() else { return };
    let program = Program::new();
    let service = start_with(&program, &broker, &[]);
    let flood: Vec<(String, String)> = (0..10_000).map(|at| (format!("k{at}"), "{".to_owned())).collect();
    broker.write(&flood);
    wait_until_taken(&[&service], 10_000);
    wait_for_metric(&service, "holdfast_dead_letters_open 10000");
    let long = format!("{{{}", "x".repeat(400));
    let newest = || service.get(&format!("{LETTERS}?limit=1")).1[0]["id"].as_str().expect("an id").to_owned();
    let (asked, mut taken) = (Instant::now(), 10_000);
    let letter = loop {
        broker.write_raw("long", long.as_bytes(), &["trace=7"]);
        taken += 1;
        wait_until_taken(&[&service], taken);
        let letter = service.get(&format!("{LETTERS}/{}", newest())).1;
        if letter["cut"] == json!(["value"]) {
            break letter;
        }
        assert!(asked.elapsed() < Duration::from_secs(30), "{letter}");
    };
    assert_eq!(
        (&letter["key"], &letter["value"], &letter["valueBytes"], &letter["code"]),
        (&json!("long"), &json!(null), &json!(401), &json!("malformed_json"))
    );
    let records = usize::try_from(taken).expect("a small number");
    let told = broker.read_until(&format!("{}.dlq", broker.topic()), "%k %s\n", records);
    assert!(told.contains(&format!("long {long}")), "the topic gets it as it came");
    let (_, retried) = service.post(&format!("{LETTERS}/{}/retry", letter["id"].as_str().expect("an id")), &json!({}));
    assert_eq!((&retried["outcome"], &retried["status"]), (&json!("rejected"), &json!("open")));
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn dead_letters_are_seen_where_nothing_is_published() {
    let Some(broker) = Broker::find() else { return };
    let program = Program::new();
    let service = start_with(&program, &broker, &["--set", "kafka.publish=false"]);
    stock(&service, 100);
    broker.write_raw("bad", b"{", &["trace=7"]);
    wait_until_taken(&[&service], 1);
    // It is counted before it is put away.
    wait_for_metric(&service, "holdfast_dead_letters_open 1");
    let letters = open(&service);
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(
        (&letter["code"], &letter["topic"], &letter["offset"]),
        (&json!("malformed_json"), &json!(broker.topic()), &json!(0))
    );
    let id = letter["id"].as_str().expect("an id");
    let (_, whole) = service.get(&format!("{LETTERS}/{id}"));
    assert_eq!((&whole["value"], &whole["headers"][0]["value"]), (&json!("{"), &json!("7")));
    let (status, discarded) = service.post(&format!("{LETTERS}/{id}/discard"), &json!({"note": "a test"}));
    assert_eq!((status, &discarded["status"]), (200, &json!("discarded")));
    assert!(open(&service).is_empty());
    assert_eq!(service.stop(), Some(0));
    assert!(broker.read(&format!("{}.dlq", broker.topic()), "%o\n").is_empty());
}

/// A payment whose order never came is a dead letter; once the order is there it is tried again.
fn a_payment_finds_its_order(program: &Program, broker: &Broker) {
    let topic = format!("{}.dead", broker.topic());
    let dead = format!("kafka.topic_dead_letter={topic}");
    let soon = ["--set", "reservation.payment_wait=1s", "--set", &dead];
    let service = start_with(program, broker, &soon);
    stock(&service, 100);
    broker.write_raw("pay", json!({"type": "PaymentCompleted", "orderId": order(1)}).to_string().as_bytes(), &[]);
    wait_until_taken(&[&service], 1);
    assert_eq!(taken(&service, Some("waiting")), 1);
    wait_for_metric(&service, "holdfast_dead_letters_total{code=\"order_not_found\"} 1");
    let letters = open(&service);
    let [letter] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(
        (&letter["type"], &letter["orderId"], &letter["topic"]),
        (&json!("PaymentCompleted"), &json!(order(1)), &json!(null))
    );
    let told = broker.read_until(&topic, "%k|%h|%s\n", 1);
    let expected = format!("{}|holdfast-code=order_not_found,", order(1));
    assert!(told.len() == 1 && told[0].starts_with(&expected) && told[0].contains(&order(1)), "{told:?}");
    let asked = json!({"orderId": order(1), "lines": [{"sku": "L", "quantity": 2}]});
    assert_eq!(service.post("/api/inventory/reservations", &asked).0, 201);
    let retry = format!("{LETTERS}/{}/retry", letter["id"].as_str().expect("an id"));
    let (status, retried) = service.post(&retry, &json!({}));
    assert_eq!(
        (status, &retried["outcome"], &retried["status"]),
        (200, &json!("applied"), &json!("retried")),
        "{retried}"
    );
    assert_eq!(service.get(&format!("/api/inventory/orders/{}", order(1))).1["status"], "Confirmed");
    assert_eq!(service.post(&retry, &json!({})).1["outcome"], "replayed");
    wait_for_metric(&service, "holdfast_dead_letters_open 0");
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn a_payment_that_waited_in_vain_is_tried_again_once_its_order_is_there() {
    let Some(broker) = Broker::find() else { return };
    a_payment_finds_its_order(&Program::new(), &broker);
}

#[test]
fn a_payment_that_waited_in_vain_on_a_shared_database_is_tried_again() {
    let Some(broker) = Broker::find() else { return };
    if SharedDatabase::is_there() {
        a_payment_finds_its_order(&Program::new().on(SharedDatabase::migrated()), &broker);
    }
}

#[test]
fn two_services_that_read_the_same_records_put_each_away_once() {
    let Some(broker) = Broker::find() else { return };
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new().on(SharedDatabase::migrated());
    for _ in 0..30 {
        broker.write_raw("bad", b"{", &[]);
    }
    // Two groups: each reads everything.
    let services = ["x", "y"].map(|group| crate::kafka::start(&program, &broker, group));
    for service in &services {
        wait_until_taken(&[service], 30);
    }
    assert_eq!(open(&services[0]).len(), 30);
    let letters = broker.read_until(&format!("{}.dlq", broker.topic()), "%h\n", 30);
    let mut ids: Vec<&str> = letters.iter().filter_map(|headers| headers.rsplit("holdfast-id=").next()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 30, "each is told, and is itself");
    for service in services {
        assert_eq!(service.stop(), Some(0));
    }
}
