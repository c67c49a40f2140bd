//! A service: how it starts, answers, stops, and starts again.

use serde_json::{Value, json};

use crate::program::Program;
use crate::running::Service;

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
    assert_eq!(names, ["store", "queue", "expiry", "lock", "kafka", "outbox"]);
    assert_eq!(
        (&health["role"], &health["database"], &health["schema"]),
        (&json!("sweeper"), &json!("sqlite"), &json!(4))
    );
    assert!(health["replica"].as_str().is_some_and(|name| name.starts_with("replica-")), "{health}");
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
    let metrics = service.text("/metrics");
    for name in [
        "holdfast_commands_total{command=\"create_item\",outcome=\"applied\"} 1",
        "holdfast_command_duration_seconds_bucket{command=\"create_item\",le=\"0.001\"}",
        // The sweep commits too.
        "holdfast_queue_depth ",
        "holdfast_batch_commands_bucket{le=\"1\"} ",
        "holdfast_commit_duration_seconds_count ",
        &format!("holdfast_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    service.stop();
}

#[test]
fn what_became_of_an_event_is_counted_and_the_end_of_a_confirmed_order_is_logged() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 5});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let other = "11111111-a170-5cd6-98a5-117f65ca1582";
    let events = json!([
        {"type": "OrderCreated", "orderId": ORDER, "items": [{"sku": "L", "quantity": 1}]},
        {"type": "OrderCreated", "orderId": other, "items": [{"sku": "L", "quantity": 6}]},
        {"type": "PaymentCompleted", "orderId": ORDER},
        {"type": "OrderCancelled", "orderId": ORDER},
        {"type": "OrderCancelled", "orderId": other},
    ]);
    let (status, told) = service.post("/api/inventory/events", &events);
    let results = told["results"].as_array().expect("a list");
    let outcomes: Vec<&Value> = results.iter().map(|result| &result["outcome"]).collect();
    assert_eq!(status, 200, "{told}");
    assert_eq!(outcomes, ["applied", "refused", "applied", "refused", "ignored"], "{told}");
    let metrics = service.text("/metrics");
    for (command, outcome) in [
        ("OrderCreated", "applied"),
        ("OrderCreated", "refused"),
        ("PaymentCompleted", "applied"),
        ("OrderCancelled", "refused"),
        ("OrderCancelled", "ignored"),
    ] {
        for name in [
            format!("holdfast_commands_total{{command=\"{command}\",outcome=\"{outcome}\"}} 1"),
            format!("holdfast_events_in_total{{type=\"{command}\",outcome=\"{outcome}\"}} 1"),
        ] {
            assert!(metrics.contains(&name), "{name} is not in\n{metrics}");
        }
    }
    let log = service.log();
    let line = log.lines().find(|line| line.contains("a confirmed order is not ended")).expect("a line");
    assert!(line.contains(ORDER) && line.contains("OrderCancelled"), "{line}");
    service.stop();
}

#[test]
fn every_metric_is_there_before_anything_has_happened() {
    let service = Service::start(&Program::new(), &[]);
    let metrics = service.text("/metrics");
    for name in [
        "holdfast_commands_total{command=\"reserve_order\",outcome=\"applied\"} 0",
        "holdfast_command_duration_seconds_count{command=\"reserve_order\"} 0",
        "holdfast_queue_depth 0",
        "holdfast_batch_commands_count ",
        "holdfast_commit_duration_seconds_count ",
        "holdfast_outbox_pending 0",
        "holdfast_outbox_oldest_age_seconds 0",
        "holdfast_events_in_total{type=\"OrderCreated\",outcome=\"applied\"} 0",
        "holdfast_lock_wait_seconds_count 0",
        "holdfast_lock_bypassed_total{reason=\"timed_out\"} 0",
        "holdfast_expired_orders_total 0",
        "holdfast_store_retries_total{reason=\"fence\"} 0",
        "holdfast_dead_letters_open 0",
        "holdfast_http_requests_total{status=\"5xx\"} 0",
        "# HELP holdfast_outbox_pending ",
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    service.stop();
}

#[test]
fn logs_are_json_when_piped_and_a_wide_open_port_is_warned_of() {
    let program = Program::new();
    let service = Service::start(&program, &["--listen", "0.0.0.0:0"]);
    let log = service.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let warned = |line: &Value| {
        line["level"] == "WARN" && line["message"].as_str().is_some_and(|words| words.contains("WITHOUT ACCESS KEYS"))
    };
    assert!(lines.iter().any(warned), "{log}");
    assert!(lines.iter().all(|line| line["message"].is_string()), "a line without a sentence in {log}");
}
