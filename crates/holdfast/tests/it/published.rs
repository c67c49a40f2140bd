//! What happens is published: each change once and in order of its product, each outcome in order of its order, and
//! what is published is what the books say.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::broker::{Broker, Published, in_order, wait_until_taken, wait_until_told};
use crate::kafka::{count, order_events, shuffled, start_with, stock, unlimited};
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

/// The group gives a member that died up after so long.
const SOON_MISSED: [&str; 2] = ["--set", "kafka.properties=session.timeout.ms=6000"];
const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

#[test]
fn what_orders_lead_to_is_published_in_order() {
    let Some(broker) = Broker::find() else { return };
    let (program, events) = (unlimited(Program::new()), order_events());
    broker.write(&shuffled(&events));
    let service = start_with(&program, &broker, &[]);
    wait_until_taken(&[&service], count(&events));
    wait_until_told(&service);
    assert_eq!(service.stop(), Some(0));
    published_is_what_the_books_say(&program, &broker);
    let (stock, orders) = (broker.stock_events(), broker.order_events());
    assert_eq!(in_order(&stock, "sequence").len(), stock.len(), "nobody died, so nothing is told twice");
    assert_eq!(in_order(&orders, "orderSequence").len(), orders.len());
}

#[test]
fn two_services_publish_what_both_did() {
    let Some(broker) = Broker::find() else { return };
    if !SharedDatabase::is_there() {
        return;
    }
    let (program, events) = (unlimited(Program::new().on(SharedDatabase::migrated())), order_events());
    let services = [start_with(&program, &broker, &[]), start_with(&program, &broker, &[])];
    broker.write(&shuffled(&events));
    wait_until_taken(&[&services[0], &services[1]], count(&events));
    wait_until_told(&services[0]);
    for service in services {
        assert_eq!(service.stop(), Some(0));
    }
    published_is_what_the_books_say(&program, &broker);
}

#[test]
fn a_service_that_is_killed_while_it_publishes_leaves_nothing_out() {
    let Some(broker) = Broker::find() else { return };
    let (program, events) = (unlimited(Program::new()), order_events());
    broker.write(&shuffled(&events));
    let mut service = start_with(&program, &broker, &SOON_MISSED);
    for quarter in 1..4 {
        let so_far = crate::broker::taken(&service, None);
        wait_until_taken(&[&service], so_far.max(count(&events) / 8));
        service.kill();
        eprintln!("killed {quarter} times");
        service = start_with(&program, &broker, &SOON_MISSED);
    }
    let known = |service: &Service| {
        let lag = service.text("/metrics");
        lag.lines().any(|line| line.starts_with("holdfast_consumer_lag") && line.ends_with(" 0"))
    };
    let asked = std::time::Instant::now();
    while !known(&service) {
        assert!(asked.elapsed().as_secs() < 60, "{}", service.log());
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    wait_until_told(&service);
    assert_eq!(service.stop(), Some(0));
    published_is_what_the_books_say(&program, &broker);
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn an_event_is_a_cloud_event_in_either_mode_or_plain() {
    for (flag, topic) in
        [("kafka.mode=binary", ""), ("kafka.mode=structured", ""), ("kafka.compatibility=plain", "Low")]
    {
        let Some(broker) = Broker::find() else { return };
        let program = Program::new();
        // Plain events go to topics that all stories share, so this one tells its own by its product.
        let lamp = format!("3fa85f64-5717-4562-b3fc-{:012x}", u64::from(std::process::id()));
        let service = start_with(&program, &broker, &["--set", flag]);
        let item = json!({"productId": lamp, "productName": "Lamp", "sku": "L", "initialQuantity": 12});
        assert_eq!(service.post("/api/inventory", &item).0, 201);
        let taken = service.post(&format!("/api/inventory/product/{lamp}/remove-stock"), &json!({"quantity": 12})).1;
        wait_until_told(&service);
        assert_eq!(service.stop(), Some(0));
        if topic == "Low" {
            let told = |topic: &str| -> Vec<Published> {
                broker.published(topic).into_iter().filter(|event| event.key == lamp).collect()
            };
            let (adjusted, low, out) = (told("StockAdjusted"), told("LowStock"), told("OutOfStock"));
            assert_eq!((adjusted.len(), low.len(), out.len()), (2, 1, 1));
            assert!(low[0].headers.is_empty(), "{:?}", low[0].headers);
            assert_eq!(low[0].value["quantityAvailable"], 0);
            continue;
        }
        let events = broker.stock_events();
        assert_eq!(events.len(), 4, "two changes, low and out of stock");
        let ids: Vec<String> =
            [(1, 0), (2, 0), (2, 1), (2, 2)].map(|(seq, part)| format!("stock:{lamp}:{seq}:{part}")).into();
        for (event, id) in events.iter().zip(&ids) {
            let attribute = |name: &str| -> Value {
                if flag.ends_with("binary") {
                    json!(event.headers[&format!("ce_{name}")])
                } else {
                    event.value[name].clone()
                }
            };
            let content_type =
                if flag.ends_with("binary") { "application/json" } else { "application/cloudevents+json" };
            assert_eq!(event.headers["content-type"], content_type);
            assert_eq!((attribute("id"), attribute("specversion")), (json!(id), json!("1.0")));
            assert_eq!((attribute("source"), attribute("subject")), (json!("/holdfast/inventory"), json!(lamp)));
            let data = if flag.ends_with("binary") { &event.value } else { &event.value["data"] };
            assert_eq!((&data["productId"], &data["sku"]), (&json!(lamp), &json!("L")));
        }
        let second = &events[1];
        let data = if flag.ends_with("binary") { &second.value } else { &second.value["data"] };
        assert_eq!((&data["movementId"], &data["quantityAvailable"]), (&taken["movementId"], &json!(0)));
    }
}

#[test]
fn without_a_broker_nothing_is_written_down_and_with_one_that_is_away_everything_is() {
    let program = Program::new();
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 12});
    let pending = |service: &Service| {
        std::thread::sleep(std::time::Duration::from_millis(1_200));
        let metrics = service.text("/metrics");
        metrics.lines().find_map(|line| line.strip_prefix("holdfast_outbox_pending ").map(str::to_owned))
    };
    let service = Service::start(&program, &[]);
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    assert_eq!(pending(&service).as_deref(), Some("0"));
    assert_eq!(service.stop(), Some(0));
    let few = ["--kafka-brokers", "127.0.0.1:9", "--set", "outbox.events_max=3"];
    let service = Service::start(&program, &few);
    let remove =
        |units: u32| service.post(&format!("/api/inventory/product/{LAMP}/remove-stock"), &json!({"quantity": units}));
    assert_eq!(remove(1).0, 200, "requests go on");
    assert_eq!(pending(&service).as_deref(), Some("1"));
    assert_eq!((remove(1).0, remove(1).0), (200, 200), "low stock is told too");
    assert_eq!(pending(&service).as_deref(), Some("3"), "it counts no further than it must");
    let (status, problem) = remove(1);
    assert_eq!((status, &problem["code"]), (503, &json!("overloaded")), "{problem}");
    let (_, health) = service.get("/health");
    let outbox = health["components"].as_array().and_then(|all| all.iter().find(|part| part["name"] == "outbox"));
    assert_eq!(outbox.map(|part| part["status"].clone()), Some(json!("Degraded")), "{health}");
    let (status, ready) = service.get("/health/ready");
    assert_eq!((status, &ready["status"]), (503, &json!("Unhealthy")), "no write can commit: {ready}");
    assert_eq!(service.get(&format!("/api/inventory/product/{LAMP}")).0, 200, "reads go on");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_service_beside_this_one_that_does_not_publish_is_noticed() {
    let Some(broker) = Broker::find() else { return };
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new().on(SharedDatabase::migrated());
    let (publishes, silent) = (start_with(&program, &broker, &[]), Service::start(&program, &[]));
    let add = |service: &Service| {
        assert_eq!(service.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 1})).0, 200);
        wait_until_told(&publishes);
    };
    stock(&publishes, 12);
    wait_until_told(&publishes);
    for service in [&silent, &publishes, &publishes, &silent, &silent, &publishes] {
        add(service);
    }
    let told: Vec<u64> = broker.stock_events().iter().map(|event| event.place("sequence").0).collect();
    assert_eq!(told, [1, 3, 4, 7], "what one writes is told, and the rest is missing");
    let metrics = publishes.text("/metrics");
    assert!(metrics.lines().any(|line| line == "holdfast_outbox_holes_total 2"), "{metrics}");
    let log = publishes.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("is missing in the outbox")).collect();
    assert!(matches!(lines.as_slice(), [line] if line.contains(LAMP)), "people are told once: {lines:?}");
    assert_eq!(silent.stop(), Some(0));
    assert_eq!(publishes.stop(), Some(0));
}

/// Every movement since the import was published with its levels, and of every order what became of it last.
pub(crate) fn published_is_what_the_books_say(program: &Program, broker: &Broker) {
    let stock = broker.stock_events();
    let told: HashMap<(String, u64), &Value> = in_order(&stock, "sequence")
        .into_iter()
        .filter(|event| event.place("sequence").1 == 0)
        .map(|event| ((event.key.clone(), event.place("sequence").0), &event.value))
        .collect();
    let movements = csv(&program.done(&["export", "movements"]).stdout);
    // The import was not published.
    let since: Vec<_> = movements.iter().filter(|movement| movement["sequence"] != "1").collect();
    assert_eq!(told.len(), since.len(), "one event for each movement");
    for movement in since {
        let key = (movement["product_id"].clone(), movement["sequence"].parse().expect("a number"));
        let event = told.get(&key).unwrap_or_else(|| panic!("{key:?} is not told"));
        for (field, column) in [
            ("quantity", "quantity"),
            ("quantityAvailable", "quantity_after"),
            ("quantityReserved", "reserved_after"),
            ("locationId", "location_id"),
        ] {
            assert_eq!(event[field].to_string().trim_matches('"'), movement[column], "{field} of {key:?}");
        }
        assert_eq!(event["reservationId"].as_str().unwrap_or_default(), movement["reservation_id"]);
    }
    let events = broker.order_events();
    let last: HashMap<&str, &Published> =
        in_order(&events, "orderSequence").into_iter().map(|event| (event.key.as_str(), event)).collect();
    let orders = csv(&program.done(&["export", "orders"]).stdout);
    for order in orders.iter().filter(|order| order["status"] != "Closed") {
        let event = last.get(order["order_id"].as_str()).unwrap_or_else(|| panic!("{order:?} is not told"));
        let told = match order["status"].as_str() {
            "Refused" => "stock.reservation-failed".to_owned(),
            status => format!("order.{}", status.to_lowercase()),
        };
        // Money for an order that is no longer held is told after what became of the order.
        assert!(event.kind() == told || event.value["paid"] == true, "{order:?}: {event:?}");
    }
}

/// The rows of an export by column.
fn csv(text: &str) -> Vec<HashMap<String, String>> {
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let names: Vec<String> = lines.next().expect("a head").collect();
    lines.map(|fields| names.iter().cloned().zip(fields).collect()).collect()
}
