//! Events of an order come in the wrong order, or too late (PROTOCOL, section 3.11): over Kafka as over every road.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::broker::{Broker, wait_until_taken, wait_until_told};
use crate::program::{Program, argument};
use crate::published::published_is_what_the_books_say;
use crate::running::Service;
use crate::test_data::Books;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const CANCELLED_FIRST: &str = "55555555-0000-4000-8000-000000000001";
const PAID_FIRST: &str = "55555555-0000-4000-8000-000000000002";
const CANCELLED_LAST: &str = "55555555-0000-4000-8000-000000000003";
const PAID_LATE: &str = "55555555-0000-4000-8000-000000000004";

#[test]
fn events_in_the_wrong_order_end_as_the_table_says_with_either_setting_for_late_payments() {
    for (late_payment, paid_late) in [("refuse", "Expired"), ("reacquire", "Confirmed")] {
        let Some(broker) = Broker::find() else { return };
        let program = Program::new();
        let catalogue = format!("product_id,sku,name,initial_quantity\n{LAMP},L,Lamp,10\n");
        program.done(&["import", argument(&program.file("catalogue.csv", catalogue))]);
        let late = format!("reservation.late_payment={late_payment}");
        let flags = broker.flags("a");
        let rules = ["--set", "reservation.ttl_default=5s", "--set", &late];
        let flags: Vec<&str> = flags.iter().map(String::as_str).chain(rules).collect();
        let service = Service::start(&program, &flags);
        let record = |kind: &str, order: &str| {
            let value = json!({"type": kind, "orderId": order, "items": [{"sku": "L", "quantity": 1}]});
            (order.to_owned(), value.to_string())
        };
        broker.write(&[
            record("OrderCancelled", CANCELLED_FIRST),
            record("OrderCreated", CANCELLED_FIRST),
            record("PaymentCompleted", PAID_FIRST),
            record("OrderCreated", PAID_FIRST),
            record("OrderCreated", CANCELLED_LAST),
            record("PaymentCompleted", CANCELLED_LAST),
            record("OrderCancelled", CANCELLED_LAST),
            record("OrderCreated", PAID_LATE),
        ]);
        wait_until_taken(&[&service], 8);
        must_become(&program, PAID_LATE, "Expired");
        broker.write(&[record("PaymentCompleted", PAID_LATE)]);
        wait_until_taken(&[&service], 9);
        must_become(&program, PAID_LATE, paid_late);
        wait_until_told(&service);
        assert_eq!(service.stop(), Some(0));
        let books = Books::of(&program);
        let ends = [CANCELLED_FIRST, PAID_FIRST, CANCELLED_LAST].map(|order| books.orders[order].as_str());
        assert_eq!(ends, ["Closed", "Confirmed", "Confirmed"], "{late_payment}");
        let sold = if paid_late == "Confirmed" { 3 } else { 2 };
        assert_eq!(books.levels[LAMP], (10 - sold, 0), "{late_payment}");
        let told = broker.order_events();
        let refused = |order: &str| told.iter().any(|event| event.key == order && event.value["paid"] == true);
        assert_eq!(refused(PAID_LATE), paid_late == "Expired", "money for nothing is told: {told:?}");
        published_is_what_the_books_say(&program, &broker);
        assert_eq!(program.done(&["verify"]).json()["ok"], true);
    }
}

fn must_become(program: &Program, order: &str, state: &str) {
    let asked = Instant::now();
    while Books::of(program).orders.get(order).map(String::as_str) != Some(state) {
        assert!(asked.elapsed() < Duration::from_mins(1), "{order} is not {state}: {:?}", Books::of(program));
        std::thread::sleep(Duration::from_millis(100));
    }
}
