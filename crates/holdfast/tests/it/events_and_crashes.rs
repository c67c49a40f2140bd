//! Events that are delivered again after a crash change nothing twice.

use std::time::Duration;

use serde_json::{Value, json};

use crate::program::Program;
use crate::running::Service;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const EVENTS: &str = "/api/inventory/events";
const ROUNDS: u64 = 8;
const ORDERS_A_DELIVERY: u64 = 5;

#[test]
fn events_in_flight_at_a_crash_are_delivered_again_and_happen_once() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 1_000_000});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    assert_eq!(service.stop(), Some(0));

    let mut answered = 0;
    for round in 1..=ROUNDS {
        let mut service = Service::start_again(&program, &[]);
        let client = service.client();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // The delivery that was not answered comes first.
                while client.post(EVENTS, None, &delivery(answered)).is_ok_and(|answer| answer.status == 200) {
                    answered += 1;
                }
            });
            std::thread::sleep(Duration::from_millis(20 * round));
            service.kill();
        });
    }

    let service = Service::start_again(&program, &[]);
    for number in 0..=answered {
        let (status, heard) = service.post(EVENTS, &delivery(number));
        let results = heard["results"].as_array().expect("a list");
        assert_eq!((status, results.len()), (200, delivery(number).as_array().expect("a list").len()));
        for result in results {
            let outcome = &result["outcome"];
            assert!(outcome == "replayed" || (number == answered && outcome == "applied"), "{result}");
        }
    }
    assert_eq!(service.stop(), Some(0));

    let orders = (answered + 1) * ORDERS_A_DELIVERY;
    let movements = program.done(&["export", "movements", "--format", "jsonl"]).json_lines();
    for (kind, expected) in [("StockIn", 1), ("Reserved", orders), ("Confirmed", orders)] {
        let kept = movements.iter().filter(|row| row["type"] == kind).count();
        assert_eq!(u64::try_from(kept).expect("a number"), expected, "{kind} after {answered} deliveries");
    }
    assert_eq!(movements.len(), usize::try_from(2 * orders + 1).expect("a number"));
    program.done(&["verify"]);
}

/// Delivery `number`: some orders, and their payments.
fn delivery(number: u64) -> Value {
    let orders = (0..ORDERS_A_DELIVERY).map(|next| format!("95570777-a170-5cd6-98a5-{:012x}", number * 100 + next));
    let events = orders.flat_map(|order| {
        let items = json!([{"productId": LAMP, "quantity": 1}]);
        [
            json!({"type": "OrderCreated", "orderId": order, "items": items, "createdAt": "2026-11-22T10:00:00Z"}),
            json!({"type": "PaymentCompleted", "orderId": order}),
        ]
    });
    Value::Array(events.collect())
}
