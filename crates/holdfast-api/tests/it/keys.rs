//! Idempotency keys: the first answer stands.

use holdfast_api::ApiSettings;
use holdfast_application::queue::QueueLimits;
use serde_json::{Value, json};

use crate::house::{Heard, House, LAMP, NOBODYS, item, order, order_id};

/// The body but for what a repeat changes.
fn constant(heard: &Heard) -> Value {
    let mut body = heard.body.clone();
    for name in ["requestId", "outcome"] {
        body.as_object_mut().expect("an object").remove(name);
    }
    body
}

#[test]
fn a_repeat_hears_the_first_answer_and_changes_nothing() {
    let house = House::furnished();
    let path = format!("/api/inventory/product/{LAMP}/add-stock");
    let send = |key: &str| house.post_with(&path, &[("idempotency-key", key)], &json!({"quantity": 5}));
    let first = send("k-1");
    assert_eq!(
        (first.status, first.header("idempotent-replayed"), &first.body["outcome"]),
        (200, None, &json!("applied"))
    );
    house.post(&path, &json!({"quantity": 1}));
    for key in ["k-1", "\"k-1\""] {
        let again = send(key);
        assert_eq!(
            (again.status, again.header("idempotent-replayed"), &again.body["outcome"]),
            (200, Some("true"), &json!("replayed"))
        );
        assert_eq!((constant(&again), again.header("etag")), (constant(&first), first.header("etag")));
    }
    assert_eq!(house.levels(LAMP), (16, 0));
    assert_eq!(send("k-2").body["quantityAvailable"], json!(21), "another key, another change");
}

#[test]
fn a_repeat_of_what_was_made_keeps_its_address() {
    let house = House::furnished();
    let key = [("idempotency-key", "make")];
    for replayed in [None, Some("true")] {
        let made = house.post_with("/api/inventory", &key, &item(NOBODYS, "NEW", 1));
        assert_eq!((made.status, made.header("idempotent-replayed")), (201, replayed));
        assert!(made.header("location").is_some() && made.header("etag").is_some());
    }
    let key = [("idempotency-key", "order")];
    for replayed in [None, Some("true")] {
        let held = house.post_with("/api/inventory/reservations", &key, &order(1, &[(LAMP, 1)]));
        assert_eq!((held.status, held.header("idempotent-replayed")), (201, replayed));
        assert_eq!(held.header("location"), Some(&*format!("/api/inventory/orders/{}", order_id(1))));
    }
}

#[test]
fn a_refusal_stays_refused() {
    let house = House::furnished();
    let send = || house.post_with("/api/inventory/reservations", &[("idempotency-key", "k")], &order(1, &[(LAMP, 11)]));
    let first = send();
    assert_eq!((first.no(), first.header("idempotent-replayed")), ((409, "insufficient_stock"), None));
    house.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 5}));
    let again = send();
    assert_eq!((again.no(), &again.body["outcome"]), ((409, "insufficient_stock"), &json!("refused")));
    assert_eq!((constant(&again), again.header("idempotent-replayed")), (constant(&first), Some("true")));
    assert_ne!(again.body["requestId"], first.body["requestId"]);
    let unknown = |key: &str| {
        house.post_with(
            &format!("/api/inventory/orders/{}/confirm", order_id(9)),
            &[("idempotency-key", key)],
            &json!({}),
        )
    };
    assert_eq!(
        (unknown("c").no(), unknown("c").header("idempotent-replayed")),
        ((404, "order_not_found"), Some("true"))
    );
}

#[test]
fn a_key_belongs_to_one_request() {
    let house = House::furnished();
    let path = format!("/api/inventory/product/{LAMP}/add-stock");
    let key = [("idempotency-key", "k")];
    house.post_with(&path, &key, &json!({"quantity": 5, "notes": "a"}));
    assert_eq!(house.post_with(&path, &key, &json!({"notes": "a", "quantity": 5, "reference": null})).status, 200);
    for (path, body) in [
        (path.clone(), json!({"quantity": 6, "notes": "a"})),
        (format!("/api/inventory/product/{NOBODYS}/add-stock"), json!({"quantity": 5, "notes": "a"})),
        (format!("/api/inventory/product/{LAMP}/remove-stock"), json!({"quantity": 5, "notes": "a"})),
    ] {
        let heard = house.post_with(&path, &key, &body);
        assert_eq!((heard.no(), &heard.body["outcome"]), ((422, "idempotency_key_reused"), &json!("not_applied")));
    }
    assert_eq!(house.levels(LAMP), (15, 0));
}

#[test]
fn how_a_path_is_spelt_does_not_make_it_another_request() {
    let house = House::furnished();
    let key = [("idempotency-key", "k")];
    let shouted = LAMP.to_uppercase();
    let encoded = LAMP.replace("3fa85f64", "%33fa8%35f64");
    for (id, replayed) in [(LAMP, None), (&*shouted, Some("true")), (&*encoded, Some("true"))] {
        let path = format!("/api/inventory/product/{id}/add-stock");
        let heard = house.post_with(&path, &key, &json!({"quantity": 5}));
        assert_eq!((heard.status, heard.header("idempotent-replayed")), (200, replayed), "{id}");
    }
    assert_eq!(house.levels(LAMP), (15, 0));
    let key = [("idempotency-key", "order")];
    house.post("/api/inventory/reservations", &order(10, &[(LAMP, 1)]));
    for (id, replayed) in [(order_id(10), None), (order_id(10).to_uppercase(), Some("true"))] {
        let heard = house.post_with(&format!("/api/inventory/orders/{id}/confirm"), &key, &json!({}));
        assert_eq!((heard.status, heard.header("idempotent-replayed")), (200, replayed), "{id}");
    }
}

#[test]
fn what_was_turned_away_before_is_not_kept() {
    let house = House::furnished();
    let path = format!("/api/inventory/product/{LAMP}/adjust-stock");
    let key = ("idempotency-key", "k");
    assert_eq!(house.post_with(&path, &[key], &json!({"newQuantity": -1})).status, 400);
    assert_eq!(house.post_with(&path, &[key], &json!({"newQuantity": 9})).status, 428);
    assert_eq!(house.post_with(&path, &[key, ("if-match", "\"v999\"")], &json!({"newQuantity": 9})).status, 412);
    let counted = house.post_with(&path, &[key], &json!({"newQuantity": 9, "expectedQuantity": 10}));
    assert_eq!((counted.status, counted.header("idempotent-replayed")), (200, None));
}

#[test]
fn a_house_can_demand_keys_on_writes() {
    let settings = ApiSettings { idempotency_required: true, ..ApiSettings::default() };
    let house = House::with(settings, QueueLimits::default(), true);
    let missing = house.post("/api/inventory", &item(LAMP, "LAMP", 10));
    assert_eq!((missing.no(), &missing.body["outcome"]), ((400, "idempotency_key_required"), &json!("not_applied")));
    assert_eq!(house.post("/api/inventory/reservations", &order(1, &[(LAMP, 1)])).code(), "idempotency_key_required");
    assert_eq!(house.post_with("/api/inventory", &[("idempotency-key", "k")], &item(LAMP, "LAMP", 10)).status, 201);
    let question = json!({"lines": [{"sku": "LAMP", "quantity": 1}]});
    assert_eq!(house.post("/api/inventory/availability", &question).status, 200, "a question is no write");
}

#[test]
fn a_bad_key_is_refused() {
    let house = House::furnished();
    for bad in ["", "\"open", &"k".repeat(256)] {
        let heard =
            house.post_with("/api/inventory/reservations", &[("idempotency-key", bad)], &order(1, &[(LAMP, 1)]));
        assert_eq!(
            (heard.no(), heard.pointers()),
            ((400, "validation_failed"), vec!["/header/Idempotency-Key"]),
            "{bad}"
        );
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(house.post_with("/api/inventory/reservations", &twice, &order(1, &[(LAMP, 1)])).status, 400);
}
