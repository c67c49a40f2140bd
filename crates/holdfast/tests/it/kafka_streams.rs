//! Whole streams of real orders over Kafka lead to the books of their oracles.

use std::path::Path;

use serde_json::Value;

use crate::broker::{Broker, wait_until_taken};
use crate::kafka::{as_record, count, order_events_of, shuffled, start, unlimited_of};
use crate::program::{Program, argument};
use crate::running::Service;
use crate::shared_database::SharedDatabase;
use crate::test_data::{Books, fast_program, kept, large, unpacked};

const YEAR: &str = "online_retail";

#[test]
fn three_days_of_orders_and_of_stock_over_http_lead_to_the_expected_books() {
    in_their_order(&kept("online_retail_small"), &Program::new());
}

#[test]
fn the_orders_of_northwind_lead_to_the_expected_books() {
    in_their_order(&kept("northwind"), &Program::new());
}

#[test]
fn the_orders_of_dataco_lead_to_the_expected_books() {
    in_their_order(&kept("dataco_sample"), &Program::new());
}

#[test]
fn a_year_of_orders_from_three_partitions_leads_to_the_expected_books() {
    let (Some(folder), Some(program)) = (large(YEAR), fast_program(YEAR)) else { return };
    from_three_partitions(&folder, program, 1);
}

#[test]
#[ignore = "takes minutes: cargo xtask slow"]
fn a_year_of_orders_that_two_services_share_leads_to_the_expected_books() {
    let (Some(folder), Some(program)) = (large(YEAR), fast_program(YEAR)) else { return };
    if SharedDatabase::is_there() {
        from_three_partitions(&folder, program.on(SharedDatabase::migrated()), 2);
    }
}

#[test]
#[ignore = "takes minutes: cargo xtask slow"]
fn a_year_of_orders_and_of_stock_over_http_leads_to_the_expected_books() {
    let (Some(folder), Some(program)) = (large(YEAR), fast_program(YEAR)) else { return };
    in_their_order(&folder, &program);
}

/// There is enough of everything, so that orders may overtake each other; each order keeps its own order.
fn from_three_partitions(folder: &Path, program: Program, services: usize) {
    let Some(broker) = Broker::find() else { return };
    let (program, events) = (unlimited_of(program, folder), order_events_of(folder));
    broker.write(&shuffled(&events));
    let services: Vec<_> = (0..services).map(|_| start(&program, &broker, "a")).collect();
    wait_until_taken(&services.iter().collect::<Vec<_>>(), count(&events));
    for service in services {
        assert_eq!(service.stop(), Some(0));
    }
    must_be(&Books::expected(folder, "unlimited"), &program);
}

/// Stock moves over HTTP once all orders before it are decided, and orders come over one partition.
fn in_their_order(folder: &Path, program: &Program) {
    let Some(broker) = Broker::find() else { return };
    program.done(&["import", argument(&folder.join("products.csv"))]);
    let service = start(program, &broker, "a");
    let (mut orders, mut stock, mut written) = (Vec::new(), String::new(), 0);
    for line in unpacked(&folder.join("events.jsonl.gz")).lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        match as_record(&event) {
            Some((_, record)) => {
                move_stock(program, &service, &std::mem::take(&mut stock));
                // One key, so one partition.
                orders.push(("all".to_owned(), record));
            }
            None => {
                written += write_orders(&broker, &std::mem::take(&mut orders));
                wait_until_taken(&[&service], written);
                stock.push_str(line);
                stock.push('\n');
            }
        }
    }
    move_stock(program, &service, &stock);
    written += write_orders(&broker, &orders);
    wait_until_taken(&[&service], written);
    assert_eq!(service.stop(), Some(0));
    must_be(&Books::expected(folder, "full"), program);
}

fn write_orders(broker: &Broker, orders: &[(String, String)]) -> u64 {
    if !orders.is_empty() {
        broker.write(orders);
    }
    count(orders)
}

/// Stock events of a file, over the road that the service has for them.
fn move_stock(program: &Program, service: &Service, events: &str) {
    if events.is_empty() {
        return;
    }
    let file = program.file("stock.jsonl", events);
    program.done(&["replay", argument(&file), "--server", service.url()]);
}

fn must_be(expected: &Books, program: &Program) {
    let found = Books::of(program);
    for (product, levels) in &expected.levels {
        assert_eq!(found.levels.get(product), Some(levels), "{product}");
    }
    assert!(found == *expected, "the orders differ");
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}
