//! The life of an order over HTTP.

use http::Method;
use serde_json::{Value, json};

use crate::house::{CHAIR, House, LAMP, NOBODYS, order, order_id};

#[test]
fn an_order_is_reserved_and_tells_its_reservations() {
    let house = House::furnished();
    let heard = house.post("/api/inventory/reservations", &order(1, &[(LAMP, 2)]));
    assert_eq!(heard.status, 201);
    assert_eq!(heard.header("location"), Some(&*format!("/api/inventory/orders/{}", order_id(1))));
    let id = heard.body["reservations"][0]["id"].clone();
    let (now, end) = (heard.body["reservedAt"].clone(), heard.body["expiresAt"].clone());
    assert!(now.as_str().is_some_and(|now| now.starts_with("2026-11-22T10:00:00.")), "{now}");
    assert!(end.as_str().is_some_and(|end| end.starts_with("2026-11-22T10:30:00.")), "{end}");
    let expected = json!({
        "orderId": order_id(1), "status": "Reserved", "outcome": "applied", "reason": null, "reservedAt": now,
        "expiresAt": end, "endedAt": null,
        "reservations": [{
            "id": id, "orderId": order_id(1), "productId": LAMP, "sku": "LAMP", "locationId": "main", "quantity": 2,
            "status": "Reserved", "sequence": 2, "reservedAt": now, "expiresAt": end, "confirmedAt": null,
            "releasedAt": null, "reason": null,
        }],
    });
    assert_eq!(heard.body, expected);
    let again = house.post("/api/inventory/reservations", &order(1, &[(LAMP, 1), (LAMP, 1)]));
    assert_eq!((again.status, &again.body["outcome"]), (200, &json!("replayed")), "the same lines, summed");
    assert_eq!((again.header("idempotent-replayed"), again.header("location")), (None, None), "there was no key");
    let mut read = expected.clone();
    read.as_object_mut().expect("an order").remove("outcome");
    assert_eq!(house.get(&format!("/api/inventory/orders/{}", order_id(1))).body, read);
    let one = house.get(&format!("/api/inventory/reservations/{}", id.as_str().expect("an id")));
    assert_eq!((one.status, &one.body), (200, &expected["reservations"][0]));
    assert_eq!(house.levels(LAMP), (8, 2));
}

#[test]
fn one_short_line_refuses_the_whole_order() {
    let house = House::furnished();
    let short = house.post("/api/inventory/reservations", &order(1, &[(LAMP, 2), (CHAIR, 6)]));
    assert_eq!(short.no(), (409, "insufficient_stock"));
    let line =
        json!({"productId": CHAIR, "sku": "CHAIR", "locationId": null, "requested": 6, "available": 5, "shortBy": 1});
    assert_eq!((&short.body["lines"], &short.body["retryable"]), (&json!([line]), &json!(false)));
    assert_eq!((house.levels(LAMP), house.levels(CHAIR)), ((10, 0), (5, 0)));
    let status = house.get(&format!("/api/inventory/orders/{}", order_id(1)));
    assert_eq!((&status.body["status"], &status.body["reason"]), (&json!("Refused"), &json!("insufficient_stock")));
    let unknown = house.post("/api/inventory/reservations", &order(2, &[(NOBODYS, 2), (CHAIR, 6), (LAMP, 1)]));
    assert_eq!((unknown.no(), unknown.body["lines"].as_array().map(Vec::len)), ((404, "product_not_found"), Some(2)));
    let nowhere = json!({"orderId": order_id(3), "lines": [{"sku": "LAMP", "quantity": 1, "locationId": "moon"}]});
    assert_eq!(house.post("/api/inventory/reservations", &nowhere).no(), (404, "location_not_found"));
    assert_eq!(house.post("/api/inventory/reservations", &order(1, &[(LAMP, 2)])).status, 201, "a later attempt");
}

#[test]
fn a_confirmed_order_stays_confirmed() {
    let house = House::furnished();
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 3)]));
    let path = format!("/api/inventory/orders/{}", order_id(1));
    let confirmed = house.post_empty(&format!("{path}/confirm"));
    assert_eq!((confirmed.status, &confirmed.body["status"]), (200, &json!("Confirmed")));
    let reservation = &confirmed.body["reservations"][0];
    assert!(reservation["confirmedAt"].is_string() && reservation["releasedAt"].is_null());
    assert_eq!(house.levels(LAMP), (7, 0));
    let again = house.post(&format!("{path}/confirm"), &json!({"reacquire": false}));
    assert_eq!((again.status, &again.body["outcome"]), (200, &json!("replayed")));
    let conflict = house.post_empty(&format!("{path}/release"));
    assert_eq!((conflict.no(), &conflict.body["currentStatus"]), ((409, "order_state_conflict"), &json!("Confirmed")));
    let other = house.post("/api/inventory/reservations", &order(1, &[(LAMP, 1)]));
    assert_eq!((other.no(), &other.body["currentStatus"]), ((409, "order_already_reserved"), &json!("Confirmed")));
}

#[test]
fn a_released_order_gives_its_units_back_for_good() {
    let house = House::furnished();
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 3)]));
    let path = format!("/api/inventory/orders/{}", order_id(1));
    let released = house.post(&format!("{path}/release"), &json!({"reason": "changed my mind"}));
    assert_eq!((released.status, &released.body["reason"]), (200, &json!("changed my mind")));
    assert!(released.body["reservations"][0]["releasedAt"].is_string());
    assert_eq!(house.levels(LAMP), (10, 0));
    let closed = house.post("/api/inventory/reservations", &order(1, &[(LAMP, 3)]));
    assert_eq!((closed.no(), &closed.body["currentStatus"]), ((409, "order_already_closed"), &json!("Released")));
}

#[test]
fn lines_are_replaced_while_the_order_is_held() {
    let house = House::furnished();
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 8)]));
    let path = format!("/api/inventory/orders/{}/lines", order_id(1));
    let put = |lines: Value| house.json(Method::PUT, &path, &[], &json!({"lines": lines}));
    let changed = put(json!([{"sku": "LAMP", "quantity": 10}, {"sku": "CHAIR", "quantity": 1}]));
    assert_eq!((changed.status, house.levels(LAMP), house.levels(CHAIR)), (200, (0, 10), (4, 1)));
    let short = put(json!([{"sku": "LAMP", "quantity": 11}]));
    assert_eq!((short.no(), &short.body["lines"][0]["available"]), ((409, "insufficient_stock"), &json!(10)));
    assert_eq!(house.levels(LAMP), (0, 10), "refused, everything stays");
}

#[test]
fn an_order_is_held_longer_within_limits() {
    let house = House::furnished();
    let mut body = order(1, &[(LAMP, 1)]);
    body["ttlSeconds"] = json!(60);
    house.post("/api/inventory/reservations", &body);
    let path = format!("/api/inventory/orders/{}/extend", order_id(1));
    let extended = house.post(&path, &json!({"ttlSeconds": 239}));
    let end = extended.body["expiresAt"].as_str().expect("an end");
    assert!(extended.status == 200 && end.starts_with("2026-11-22T10:03:59."), "{extended:?}");
    let limit = house.post(&path, &json!({"ttlSeconds": 241}));
    assert_eq!(limit.no(), (409, "extension_limit"));
    let latest = limit.body["latestExpiresAt"].as_str().expect("a limit");
    assert!(latest.starts_with("2026-11-22T10:04:00."), "{latest}");
    let shorter = house.post(&path, &json!({"ttlSeconds": 5}));
    assert_eq!(
        (&shorter.body["outcome"], &shorter.body["expiresAt"]),
        (&json!("replayed"), &extended.body["expiresAt"])
    );
}

#[test]
fn a_dead_hold_gives_way_and_is_told_so() {
    let house = House::furnished();
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 10)]));
    house.wait(30 * 60 + 1);
    assert_eq!(house.post("/api/inventory/reservations", &order(2, &[(LAMP, 4)])).status, 201, "expired in between");
    let late = house.post_empty(&format!("/api/inventory/orders/{}/confirm", order_id(1)));
    assert_eq!((late.no(), &late.body["currentStatus"]), ((409, "reservation_expired"), &json!("Expired")));
    let reacquired = house.post(&format!("/api/inventory/orders/{}/confirm", order_id(1)), &json!({"reacquire": true}));
    assert_eq!(reacquired.no(), (409, "insufficient_stock"));
    house.post_empty(&format!("/api/inventory/orders/{}/release", order_id(2)));
    let reacquired = house.post(&format!("/api/inventory/orders/{}/confirm", order_id(1)), &json!({"reacquire": true}));
    assert_eq!((reacquired.status, house.levels(LAMP)), (200, (0, 0)));
    assert_eq!(reacquired.body["reservations"].as_array().map(Vec::len), Some(2), "the expired one is history");
}

#[test]
fn what_was_never_seen_is_not_found() {
    let house = House::furnished();
    let path = format!("/api/inventory/orders/{}", order_id(1));
    assert_eq!(house.get(&path).no(), (404, "order_not_found"));
    for (verb, body) in [("confirm", json!({})), ("release", json!({})), ("extend", json!({"ttlSeconds": 60}))] {
        let heard = house.post(&format!("{path}/{verb}"), &body);
        assert_eq!((heard.no(), &heard.body["outcome"]), ((404, "order_not_found"), &json!("refused")), "{verb}");
    }
    let lines = json!({"lines": [{"sku": "LAMP", "quantity": 1}]});
    assert_eq!(house.json(Method::PUT, &format!("{path}/lines"), &[], &lines).no(), (404, "order_not_found"));
    assert_eq!(house.get(&format!("/api/inventory/reservations/{NOBODYS}")).no(), (404, "reservation_not_found"));
}
