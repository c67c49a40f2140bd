//! A year of real orders leads to exactly the expected books.

use std::path::Path;

use serde_json::json;

use crate::program::{Program, argument};
use crate::shared_database::SharedDatabase;
use crate::test_data::{Books, fast_program, kept, large, unpacked};

const ORDERS_ONLY: &str = "order_created";
const WITHOUT_STOCK: &str = "order_created,payment_completed,payment_failed,order_cancelled";

#[test]
fn a_line_without_an_end_is_one_bad_line() {
    let program = Program::new();
    program.done(&["migrate"]);
    let order = r#"{"seq":1,"ts":"2026-01-01T00:00:00Z","type":"order_created","orderId":"3fa85f64-5717-4562-b3fc-2c963f66afa6","items":[{"sku":"NONE","quantity":1}]}"#;
    let events = program.file("events.jsonl", format!("{}\n{order}\n", "x".repeat(20 << 20)));
    let said = program.run(&["replay", argument(&events)]);
    assert!(said.stderr.contains("longer than 16 MiB") || said.stdout.contains("longer than 16 MiB"), "{said:?}");
    assert_eq!((said.exit, &said.json()["events"]), (Some(9), &json!(2)), "the other line is read");
}

#[test]
fn three_days_of_the_gift_wholesaler_lead_to_the_expected_books() {
    replay_all_scenarios(&kept("online_retail_small"), Program::new);
}

#[test]
fn the_orders_of_northwind_lead_to_the_expected_books() {
    replay_all_scenarios(&kept("northwind"), Program::new);
}

#[test]
fn the_orders_of_dataco_lead_to_the_expected_books() {
    replay_all_scenarios(&kept("dataco_sample"), Program::new);
}

#[test]
fn three_days_of_the_gift_wholesaler_lead_to_the_expected_books_on_a_shared_store() {
    replay_all_scenarios_shared("online_retail_small");
}

#[test]
fn the_orders_of_northwind_lead_to_the_expected_books_on_a_shared_store() {
    replay_all_scenarios_shared("northwind");
}

#[test]
fn the_orders_of_dataco_lead_to_the_expected_books_on_a_shared_store() {
    replay_all_scenarios_shared("dataco_sample");
}

#[test]
fn a_year_of_the_gift_wholesaler_leads_to_the_expected_books() {
    replay_large("online_retail");
}

#[test]
#[ignore = "takes minutes: cargo xtask slow"]
fn a_year_of_the_gift_wholesaler_leads_to_the_expected_books_on_a_shared_store() {
    let folder = "online_retail";
    let Some(path) = large(folder) else { return };
    if SharedDatabase::is_there() && fast_program(folder).is_some() {
        let program = || fast_program(folder).expect("it was there just now").on(SharedDatabase::migrated());
        replay_all_scenarios(&path, program);
    }
}

#[test]
fn the_orders_of_adventureworks_lead_to_the_expected_books() {
    replay_large("adventureworks");
}

#[test]
fn every_event_delivered_twice_changes_nothing() {
    let (program, folder) = (Program::new(), kept("online_retail_small"));
    let events = unpacked(&folder.join("events.jsonl.gz"));
    let twice: String = events.lines().flat_map(|line| [line, "\n", line, "\n"]).collect();
    let file = program.file("twice.jsonl", twice);
    program.done(&["import", argument(&folder.join("products.csv"))]);
    let said = program.done(&["replay", argument(&file)]).json();
    assert_eq!((&said["events"], &said["replayed"]), (&json!(2 * 799), &json!(799)));
    assert!(Books::of(&program) == Books::expected(&folder, "full"), "the books differ");

    let again = program.done(&["replay", argument(&folder.join("events.jsonl.gz"))]).json();
    assert_eq!((&again["replayed"], &again["applied"]), (&json!(799), &json!(0)));
    assert!(Books::of(&program) == Books::expected(&folder, "full"), "the books differ");
    verify(&program);
}

#[test]
fn a_replay_tells_what_became_of_events_and_orders() {
    let (program, folder) = (Program::new(), kept("online_retail_small"));
    program.done(&["import", argument(&folder.join("products.csv"))]);
    let mut said = program.done(&["replay", argument(&folder.join("events.jsonl.gz"))]).json();
    assert!(said["seconds"].take().is_number());
    assert_eq!(
        said,
        json!({
            "events": 799, "applied": 541, "replayed": 0, "refused": 252, "ignored": 6, "waiting": 0, "rejected": 0,
            "orders": {"Reserved": 2, "Confirmed": 206, "Released": 13, "Expired": 0, "Refused": 115, "Closed": 0},
            "seconds": null,
        })
    );
}

#[test]
fn lines_that_are_no_events_are_told_and_the_others_count() {
    let program = Program::new();
    let file = program.file("events.jsonl", "{\n\n{\"kind\":\"order_shipped\"}\n");
    let said = program.run(&["replay", argument(&file)]);
    assert_eq!(said.exit, Some(9));
    assert_eq!((&said.json()["events"], &said.json()["rejected"]), (&json!(2), &json!(2)));
    assert!(said.stderr.contains("line 1: ") && said.stderr.contains("line 3: "), "{}", said.stderr);
    assert_eq!(program.run(&["replay", "nowhere.jsonl"]).exit, Some(5));
    assert_eq!(program.run(&["replay", argument(&file), "--ttl", "1s"]).exit, Some(2));
}

#[test]
fn an_event_id_that_stands_for_something_else_is_told_by_line() {
    let program = Program::new();
    let order = "95570777-a170-5cd6-98a5-117f65ca1582";
    let cancelled = |id: &str, reason: &str| json!({"eventId": id, "ts": "2020-01-01T00:00:00Z", "kind": "order_cancelled", "orderId": order, "reason": reason});
    let (first, other, last) = (cancelled("1", "late"), cancelled("1", "lost"), cancelled("2", "late"));
    let file = program.file("events.jsonl", format!("\u{feff}{first}\n{last}\n{other}\n"));
    let said = program.run(&["replay", argument(&file)]);
    assert_eq!(said.exit, Some(9), "{}", said.stderr);
    assert_eq!((&said.json()["events"], &said.json()["rejected"]), (&json!(3), &json!(1)), "the mark is no event");
    assert!(said.stderr.starts_with("line 3: another event with this eventId"), "{}", said.stderr);
}

#[test]
fn a_payment_may_bring_an_expired_order_back() {
    let program = Program::new();
    let product = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    let catalogue = format!("product_id,sku,name,initial_quantity\n{product},A,Lamp,5\n");
    let catalogue = program.file("catalogue.csv", catalogue);
    program.done(&["import", argument(&catalogue)]);
    let order = "95570777-a170-5cd6-98a5-117f65ca1582";
    let created = json!({"eventId": "1", "ts": "2020-01-01T00:00:00Z", "kind": "order_created", "orderId": order,
        "items": [{"productId": product, "quantity": 5}]});
    let paid = json!({"eventId": "2", "ts": "2020-01-03T00:00:00Z", "kind": "payment_completed", "orderId": order});
    let file = program.file("events.jsonl", format!("{created}\n{paid}\n"));
    let said = program.done(&["replay", argument(&file), "--ttl", "24h", "--late-payment", "reacquire"]).json();
    assert_eq!(said["orders"]["Confirmed"], 1, "{said}");
    let types: Vec<String> = program
        .done(&["export", "movements", "--format", "jsonl"])
        .json_lines()
        .iter()
        .map(|movement| movement["type"].as_str().expect("a word").to_owned())
        .collect();
    assert_eq!(types, ["StockIn", "Reserved", "Released", "Reserved", "Confirmed"]);
    verify(&program);
}

/// Imports and replays each scenario and compares with its oracle.
fn replay_all_scenarios(folder: &Path, program: impl Fn() -> Program) {
    let scenarios: [(&str, &[&str], &[&str]); 4] = [
        ("full", &[], &[]),
        ("ttl24h", &[], &["--ttl", "24h"]),
        ("orders_only", &["--quantity-column", "initial_quantity_orders_only"], &["--kinds", ORDERS_ONLY]),
        ("unlimited", &["--quantity", "10000000"], &["--kinds", WITHOUT_STOCK]),
    ];
    for (scenario, import, replay) in scenarios {
        let program = program();
        let (products, events) = (folder.join("products.csv"), folder.join("events.jsonl.gz"));
        program.done(&[&["import", argument(&products)], import].concat());
        program.done(&[&["replay", argument(&events)], replay].concat());
        let (found, expected) = (Books::of(&program), Books::expected(folder, scenario));
        for (product, levels) in &expected.levels {
            assert_eq!(found.levels.get(product), Some(levels), "{product} in {scenario}");
        }
        for (order, status) in &expected.orders {
            assert_eq!(found.orders.get(order), Some(status), "{order} in {scenario}");
        }
        assert_eq!((found.levels.len(), found.orders.len()), (expected.levels.len(), expected.orders.len()));
        verify(&program);
    }
}

fn replay_all_scenarios_shared(folder: &str) {
    if SharedDatabase::is_there() {
        replay_all_scenarios(&kept(folder), || Program::new().on(SharedDatabase::migrated()));
    }
}

fn replay_large(folder: &str) {
    let Some(path) = large(folder) else { return };
    if fast_program(folder).is_some() {
        replay_all_scenarios(&path, || fast_program(folder).expect("it was there just now"));
    }
}

fn verify(program: &Program) {
    let said = program.done(&["verify"]).json();
    assert_eq!((&said["ok"], &said["faults"]), (&json!(true), &json!([])));
}
