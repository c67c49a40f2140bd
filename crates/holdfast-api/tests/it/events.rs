//! Upstream events over HTTP.

use std::time::{Duration, Instant};

use holdfast_api::ApiSettings;
use holdfast_application::queue::QueueLimits;
use http::Method;
use serde_json::{Value, json};

use crate::house::{Heard, House, LAMP, NOBODYS, order, order_id};

const PATH: &str = "/api/inventory/events";

fn created(number: u32, quantity: u64) -> Value {
    json!({"type": "OrderCreated", "eventId": format!("e-{number}"), "orderId": order_id(number), "userId": "u",
           "items": [{"productId": LAMP, "quantity": quantity}], "createdAt": "2026-11-22T10:00:00Z"})
}

fn about(kind: &str, number: u32) -> Value {
    json!({"type": kind, "orderId": order_id(number), "reason": "because"})
}

fn outcomes(heard: &Heard) -> Vec<String> {
    assert_eq!(heard.status, 200, "{heard:?}");
    let results = heard.body["results"].as_array().expect("results");
    let word = |result: &Value, name: &str| result[name].as_str().map(str::to_owned);
    results
        .iter()
        .map(|result| {
            [word(result, "outcome"), word(result, "code")].into_iter().flatten().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn words(outcomes: &[&str]) -> Vec<String> {
    outcomes.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn an_event_says_what_became_of_it() {
    let house = House::furnished();
    let heard = house.post(PATH, &created(1, 4));
    let expected = json!({"results": [
        {"eventId": "e-1", "type": "OrderCreated", "orderId": order_id(1), "outcome": "applied", "code": null},
    ]});
    assert_eq!(heard.body, expected);
    assert_eq!(outcomes(&house.post(PATH, &created(1, 4))), ["replayed"]);
    assert_eq!(outcomes(&house.post(PATH, &about("PaymentCompletedEvent", 1))), ["applied"]);
    assert_eq!(house.levels(LAMP), (6, 0));
    assert_eq!(outcomes(&house.post(PATH, &about("OrderCancelled", 1))), ["refused order_state_conflict"]);
}

#[test]
fn an_array_is_judged_one_by_one_and_in_order() {
    let house = House::furnished();
    let heard = house.post(
        PATH,
        &json!([
            created(1, 4),
            about("PaymentFailed", 1),
            about("PaymentFailed", 1),
            created(2, 11),
            about("OrderCancelled", 3),
            created(3, 1),
            about("PaymentCompleted", 4),
            created(4, 1),
            about("OrderShipped", 5),
            7,
            about("OrderCancelled", 2),
        ]),
    );
    let expected = [
        "applied",
        "applied",
        "replayed",
        "refused insufficient_stock",
        "applied",
        "refused order_already_closed",
        "waiting",
        "applied",
        "rejected validation_failed",
        "rejected validation_failed",
        "ignored",
    ];
    assert_eq!(outcomes(&heard), expected);
    assert_eq!(heard.body["results"][8]["type"], json!("OrderShipped"));
    assert_eq!(
        heard.body["results"][9],
        json!({"eventId": null, "type": null, "orderId": null, "outcome": "rejected", "code": "validation_failed"})
    );
    assert_eq!(house.levels(LAMP), (9, 0), "the waiting payment confirmed its order");
}

#[test]
fn a_line_whose_product_is_named_wrongly_is_rejected_whatever_else_it_names() {
    let house = House::furnished();
    for (names, outcome) in [
        (json!({"productId": 5, "sku": "LAMP"}), "rejected"),
        (json!({"productId": LAMP, "sku": 5}), "rejected"),
        (json!({"productId": {}, "sku": "LAMP"}), "rejected"),
        (json!({"productId": null, "sku": "LAMP"}), "applied"),
    ] {
        let mut event = created(1, 1);
        event["items"][0] = names;
        event["items"][0]["quantity"] = json!(1);
        let heard = outcomes(&house.post(PATH, &event));
        assert!(heard[0].starts_with(outcome), "{event}: {heard:?}");
    }
    assert_eq!(house.levels(LAMP), (9, 1));
}

#[test]
fn a_cloud_event_is_decided_once_by_source_and_id() {
    let house = House::furnished();
    let event = |id: &str, quantity: u64| {
        json!({"specversion": "1.0", "type": "com.example.OrderCreated.v1", "source": "/orders", "id": id,
               "data": {"OrderId": order_id(1), "Items": [{"Sku": "LAMP", "Quantity": quantity}]}})
    };
    let kind = [("content-type", "application/cloudevents+json")];
    let send = |body: &Value| house.request(Method::POST, PATH, &kind, body.to_string());
    assert_eq!(outcomes(&send(&event("1", 4))), ["applied"]);
    assert_eq!(outcomes(&send(&event("1", 4))), ["replayed"]);
    let other = send(&event("1", 5));
    assert_eq!(outcomes(&other), ["rejected idempotency_key_reused"]);
    assert_eq!(other.header("idempotent-replayed"), None, "this one never came before");
    assert_eq!(outcomes(&send(&event("2", 4))), ["replayed"], "another event about the same order and lines");
    let headers = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-type", "PaymentFailed"),
        ("ce-source", "/pay"),
        ("ce-id", "9"),
    ];
    let binary = house.request(Method::POST, PATH, &headers, json!({"orderId": order_id(1)}).to_string());
    assert_eq!((outcomes(&binary), &binary.body["results"][0]["eventId"]), (vec!["applied".to_owned()], &json!("9")));
    assert_eq!(house.levels(LAMP), (10, 0));
}

#[test]
fn the_data_of_a_cloud_event_may_be_bytes() {
    let house = House::furnished();
    let event = |id: &str, members: Value| {
        let mut event = json!({"specversion": "1.0", "type": "OrderCancelled", "source": "/orders", "id": id});
        event.as_object_mut().expect("an object").extend(members.as_object().cloned().expect("an object"));
        event
    };
    // {"orderId":"0195a000-0000-7000-8000-000000000001"}
    let data = "eyJvcmRlcklkIjoiMDE5NWEwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIn0=";
    let heard = house.post(
        PATH,
        &json!([
            event("1", json!({"data_base64": data})),
            event("2", json!({"data_base64": data, "data": {"orderId": order_id(1)}})),
            event("3", json!({"data_base64": "bm8ganNvbg=="})),
            event("4", json!({"data_base64": "no base64"})),
        ]),
    );
    let expected = ["applied", "rejected validation_failed", "rejected malformed_json", "rejected validation_failed"];
    assert_eq!(outcomes(&heard), expected);
    assert_eq!(heard.body["results"][0]["orderId"], json!(order_id(1)));
}

#[test]
fn the_same_event_again_only_ever_hears_its_first_answer() {
    let house = House::furnished();
    let cloud = |id: &str, number: u32, quantity: u64| {
        json!({"specversion": "1.0", "type": "OrderCreated", "source": "/orders", "id": id,
               "data": {"orderId": order_id(number), "items": [{"productId": LAMP, "quantity": quantity}]}})
    };
    let bodies = [
        json!([created(1, 4), created(2, 11), about("PaymentCompleted", 9)]),
        json!([cloud("1", 3, 4), cloud("2", 4, 11), about("OrderCancelled", 8)]),
        json!([created(5, 1), cloud("3", 6, 12), about("OrderCancelled", 7)]),
    ];
    let keys = [None, None, Some(("idempotency-key", "k"))];
    let firsts: Vec<Heard> =
        bodies.iter().zip(keys).map(|(body, key)| house.post_with(PATH, key.as_slice(), body)).collect();
    house.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 50}));
    let levels = house.levels(LAMP);
    for ((body, key), first) in bodies.iter().zip(keys).zip(&firsts) {
        assert_eq!(first.header("idempotent-replayed"), None);
        for key in [key, Some(("idempotency-key", "another")), None] {
            if key == Some(("idempotency-key", "another")) && body != &bodies[0] {
                continue; // it is the first body's by now
            }
            let again = house.post_with(PATH, key.as_slice(), body);
            assert_eq!(again.header("idempotent-replayed"), Some("true"), "{again:?}");
            assert_eq!(outcomes(&again)[1], "refused insufficient_stock");
            let mut expected = first.body.clone();
            expected["results"][0]["outcome"] = json!("replayed");
            expected["results"][2]["outcome"] = json!("replayed");
            assert_eq!(again.body, expected);
        }
    }
    assert_eq!(house.levels(LAMP), levels);
    let mixed = house.post(PATH, &json!([created(1, 4), created(10, 1)]));
    assert_eq!((outcomes(&mixed), mixed.header("idempotent-replayed")), (words(&["replayed", "applied"]), None));
}

#[test]
fn a_key_of_another_request_of_events_stops_all_of_them() {
    let house = House::furnished();
    let key = [("idempotency-key", "k")];
    let body = json!([created(1, 4), created(2, 11)]);
    assert_eq!(outcomes(&house.post_with(PATH, &key, &body)), ["applied", "refused insufficient_stock"]);
    let cloud = json!({"specversion": "1.0", "type": "OrderCreated", "source": "/orders", "id": "1",
                       "data": {"orderId": order_id(3), "items": [{"productId": LAMP, "quantity": 1}]}});
    for other in [
        json!([created(3, 1)]),
        json!([created(1, 4)]),
        json!([created(1, 4), created(2, 11), created(3, 1)]),
        json!([created(2, 11), created(1, 4)]),
        json!([cloud]),
        cloud,
        created(3, 1),
        json!([{"type": "OrderShipped"}]),
    ] {
        let heard = house.post_with(PATH, &key, &other);
        assert_eq!((heard.no(), &heard.body["outcome"]), ((422, "idempotency_key_reused"), &json!("not_applied")));
    }
    assert_eq!(house.levels(LAMP), (6, 4));
    let elsewhere = house.post_with("/api/inventory/reservations", &key, &order(3, &[(LAMP, 1)]));
    assert_eq!(elsewhere.no(), (422, "idempotency_key_reused"));
    assert_eq!(outcomes(&house.post_with(PATH, &key, &body)), ["replayed", "refused insufficient_stock"]);
}

#[test]
fn all_events_of_a_request_have_one_deadline() {
    let settings = ApiSettings { answer_max: Duration::from_millis(100), ..ApiSettings::default() };
    let house = House::with(settings, QueueLimits::default(), false);
    let events: Vec<Value> = (0..100).map(|number| created(number, 1)).collect();
    for key in [None, Some(("idempotency-key", "k"))] {
        let asked = Instant::now();
        assert_eq!(house.post_with(PATH, key.as_slice(), &json!(events)).no(), (503, "outcome_unknown"));
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
}

#[test]
fn what_is_no_event_at_all_is_a_problem() {
    let house = House::furnished();
    for bad in [json!([]), json!(1), json!("x"), json!(vec![created(1, 1); 1_001])] {
        assert_eq!(house.post(PATH, &bad).no(), (400, "validation_failed"));
    }
    let unknown =
        json!({"type": "OrderCreated", "orderId": order_id(1), "items": [{"productId": NOBODYS, "quantity": 1}]});
    assert_eq!(outcomes(&house.post(PATH, &unknown)), ["refused product_not_found"]);
}
