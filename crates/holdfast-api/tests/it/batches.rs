//! Many orders in one request.

use std::time::{Duration, Instant};

use holdfast_api::ApiSettings;
use holdfast_application::queue::QueueLimits;
use serde_json::{Value, json};

use crate::house::{Heard, House, LAMP, NOBODYS, item, order, order_id};

const PATH: &str = "/api/inventory/reservations/batch";

fn statuses(heard: &Heard) -> Vec<u64> {
    let results = heard.body["results"].as_array().expect("results");
    results.iter().map(|result| result["status"].as_u64().expect("a status")).collect()
}

#[test]
fn every_order_is_judged_by_itself() {
    let house = House::furnished();
    let bad = json!({"orderId": "1042", "lines": [], "color": "red"});
    let orders = json!([
        order(1, &[(LAMP, 8)]),
        order(2, &[(LAMP, 3)]),
        bad,
        7,
        order(4, &[(NOBODYS, 1)]),
        order(1, &[(LAMP, 8)])
    ]);
    let heard = house.post(PATH, &json!({"orders": orders}));
    assert_eq!((heard.status, statuses(&heard)), (207, vec![201, 409, 400, 400, 404, 200]));
    let results = &heard.body["results"];
    assert_eq!(results[0]["body"]["orderId"], json!(order_id(1)));
    assert_eq!(
        (&results[1]["body"]["code"], &results[1]["body"]["lines"][0]["available"]),
        (&json!("insufficient_stock"), &json!(2))
    );
    assert_eq!(results[2]["body"]["errors"].as_array().map(Vec::len), Some(3));
    for at in [1, 2, 3, 4] {
        assert_eq!(results[at]["body"]["requestId"].as_str(), heard.header("x-request-id"));
    }
    assert_eq!(house.levels(LAMP), (2, 8));
}

#[test]
fn a_batch_keeps_one_answer_per_order() {
    let house = House::furnished();
    let send = |body: &Value| house.post_with(PATH, &[("idempotency-key", "b")], body);
    let body = json!({"orders": [order(1, &[(LAMP, 8)]), order(2, &[(LAMP, 3)]), {}]});
    let first = send(&body);
    assert_eq!((statuses(&first), first.header("idempotent-replayed")), (vec![201, 409, 400], None));
    house.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 5}));
    let again = send(&body);
    assert_eq!((statuses(&again), again.header("idempotent-replayed")), (vec![201, 409, 400], Some("true")));
    assert_eq!(again.body["results"][0]["body"]["outcome"], json!("replayed"));
    let other = send(&json!({"orders": [order(3, &[(LAMP, 1)]), order(4, &[(LAMP, 1)])]}));
    assert_eq!(other.no(), (422, "idempotency_key_reused"));
    assert_eq!(house.levels(LAMP), (7, 8));
}

#[test]
fn a_batch_under_a_key_of_another_request_reserves_nothing() {
    let house = House::furnished();
    let key = [("idempotency-key", "b")];
    house.post_with(PATH, &key, &json!({"orders": [{}, order(1, &[(LAMP, 1)])]}));
    let other = json!({"orders": [{}, order(2, &[(LAMP, 1)]), order(3, &[(LAMP, 1)])]});
    assert_eq!(house.post_with(PATH, &key, &other).no(), (422, "idempotency_key_reused"));
    assert_eq!(house.levels(LAMP), (9, 1));
}

#[test]
fn a_line_that_is_mended_is_filled_in_and_the_others_hear_their_answers() {
    let house = House::furnished();
    let send = |orders: Value| house.post_with(PATH, &[("idempotency-key", "b")], &json!({"orders": orders}));
    let (one, two) = (order(1, &[(LAMP, 1)]), order(2, &[(LAMP, 2)]));
    assert_eq!(statuses(&send(json!([{}, two]))), [400, 201]);
    let mended = send(json!([one, two]));
    assert_eq!(statuses(&mended), [201, 201]);
    assert_eq!(
        (&mended.body["results"][0]["body"]["outcome"], mended.header("idempotent-replayed")),
        (&json!("applied"), None)
    );
    assert_eq!(mended.body["results"][1]["body"]["outcome"], json!("replayed"));
    let again = send(json!([one, two]));
    assert_eq!((statuses(&again), again.header("idempotent-replayed")), (vec![201, 201], Some("true")));
    let another = send(json!([two, order(3, &[(LAMP, 3)])]));
    assert_eq!(another.no(), (422, "idempotency_key_reused"), "it was known by its second order");
    let longer = send(json!([order(4, &[(LAMP, 4)]), two, order(3, &[(LAMP, 3)])]));
    assert_eq!(statuses(&longer), [422, 201, 201]);
    assert_eq!(longer.body["results"][0]["body"]["code"], json!("idempotency_key_reused"));
    assert_eq!(house.levels(LAMP), (4, 6));
}

#[test]
fn a_key_is_the_batchs_though_its_first_order_kept_nothing() {
    let house = House::furnished();
    let stock = format!("/api/inventory/product/{LAMP}/add-stock");
    for (key, orders) in [("b", json!([{"x": 1}, order(1, &[(LAMP, 1)])])), ("c", json!([{"x": 1}]))] {
        let key = [("idempotency-key", key)];
        assert_eq!(house.post_with(PATH, &key, &json!({"orders": orders})).status, 207);
        let other = house.post_with(&stock, &key, &json!({"quantity": 1}));
        assert_eq!(other.no(), (422, "idempotency_key_reused"));
        let other = house.post_with("/api/inventory/reservations", &key, &order(1, &[(LAMP, 1)]));
        assert_eq!(other.no(), (422, "idempotency_key_reused"));
    }
    let key = [("idempotency-key", "d")];
    assert_eq!(house.post_with(&stock, &key, &json!({"quantity": 1})).status, 200);
    let other = house.post_with(PATH, &key, &json!({"orders": [{}, order(2, &[(LAMP, 1)])]}));
    assert_eq!(other.no(), (422, "idempotency_key_reused"));
    assert_eq!(house.levels(LAMP), (10, 1));
}

#[test]
fn a_batch_may_be_larger_than_the_queue() {
    let limits = QueueLimits { commands_max: 8, ..QueueLimits::default() };
    let house = House::with(ApiSettings::default(), limits, true);
    assert_eq!(house.post("/api/inventory", &item(LAMP, "LAMP", 1_000)).status, 201);
    let orders: Vec<Value> = (0..200).map(|number| order(number, &[(LAMP, 1)])).collect();
    let body = json!({"orders": orders});
    for (key, status) in [("b", 201), ("b", 201), ("c", 200)] {
        assert_eq!(statuses(&house.post_with(PATH, &[("idempotency-key", key)], &body)), [status; 200]);
    }
    assert_eq!(statuses(&house.post(PATH, &body)), [200; 200]);
    let confirm = |number: u32| json!({"type": "PaymentCompleted", "orderId": order_id(number)});
    let events = Value::Array((0..200).map(confirm).collect());
    for outcome in ["applied", "replayed"] {
        let heard = house.post("/api/inventory/events", &events);
        let results = heard.body["results"].as_array().expect("results");
        let told = |result: &Value| result["outcome"] == outcome;
        assert_eq!((results.len(), results.iter().all(told)), (200, true), "{heard:?}");
    }
    assert_eq!(house.levels(LAMP), (800, 0));
}

#[test]
fn all_orders_of_a_batch_have_one_deadline() {
    let settings = ApiSettings { answer_max: Duration::from_millis(100), ..ApiSettings::default() };
    let house = House::with(settings, QueueLimits::default(), false);
    let orders: Vec<Value> = (0..100).map(|number| order(number, &[(LAMP, 1)])).collect();
    let body = json!({"orders": orders});
    let asked = Instant::now();
    assert_eq!(statuses(&house.post(PATH, &body)), [503; 100]);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    let keyed = house.post_with(PATH, &[("idempotency-key", "b")], &body);
    assert_eq!(keyed.no(), (503, "outcome_unknown"), "whose the key is is not known");
}

#[test]
fn a_batch_has_one_to_a_thousand_orders() {
    let house = House::furnished();
    let many = vec![json!({}); 1_001];
    for bad in
        [json!({"orders": []}), json!({"orders": many}), json!({"orders": {}}), json!({}), json!({"orders": null})]
    {
        assert_eq!(house.post(PATH, &bad).pointers(), ["/orders"]);
    }
    assert_eq!(house.post(PATH, &json!({"orders": [{}], "x": 1})).no(), (400, "unknown_field"));
    let thousand: Vec<Value> = (0..1_000).map(|number| order(number, &[(LAMP, 1)])).collect();
    let heard = house.post(PATH, &json!({"orders": thousand}));
    let accepted = statuses(&heard).iter().filter(|status| **status == 201).count();
    assert_eq!((accepted, house.levels(LAMP)), (10, (0, 10)));
}
