//! What is quoted is what an attempt would get: orders whose time is over stand in nobody's way.

use serde_json::{Value, json};

use crate::house::{CHAIR, House, LAMP, order, order_id};

/// A second longer than orders are held: each batch is decided a little later than the clock says.
const HALF_AN_HOUR: u64 = 30 * 60 + 1;

#[test]
fn a_check_counts_on_due_orders_and_shows_the_levels_as_they_are() {
    let house = House::furnished();
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 8), (CHAIR, 1)]));
    let check = |quantity: u64| {
        let answer = house.get(&format!("/api/inventory/product/{LAMP}/check?quantity={quantity}")).body;
        (answer["canFulfill"].clone(), answer["quantityAvailable"].clone(), answer["quantityReserved"].clone())
    };
    assert_eq!(check(3), (json!(false), json!(2), json!(8)), "it is held");
    house.wait(HALF_AN_HOUR);
    assert_eq!(check(10), (json!(true), json!(2), json!(8)), "its time is over");
    assert_eq!(check(11), (json!(false), json!(2), json!(8)));
    let own = house.get(&format!("/api/inventory/product/{LAMP}/check?quantity=11&excludeOrderId={}", order_id(1)));
    assert_eq!(own.body["canFulfill"], false, "no unit counts twice");
    assert_eq!(house.post("/api/inventory/reservations", &order(2, &[(LAMP, 10)])).status, 201);
}

#[test]
fn availability_counts_on_due_orders_where_a_line_would_be_short() {
    let house = House::furnished();
    house.post("/api/inventory/locations", &json!({"id": "east", "name": "East", "priority": 5}));
    let transfer = json!({"quantity": 4, "fromLocationId": "main", "toLocationId": "east"});
    house.post(&format!("/api/inventory/product/{LAMP}/transfer"), &transfer);
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 9)]));
    house.wait(HALF_AN_HOUR);
    let ask = |lines: Value| {
        let answer = house.post("/api/inventory/availability", &json!({"lines": lines})).body;
        let lines = answer["lines"].as_array().expect("lines").clone();
        let line = |line: &Value| (line["available"].as_u64(), line["shortBy"].as_u64());
        (answer["canFulfill"] == true, lines.iter().map(line).collect::<Vec<_>>())
    };
    let lamps =
        |quantity: u64, location: Option<&str>| json!([{"sku": "LAMP", "quantity": quantity, "locationId": location}]);
    assert_eq!(ask(lamps(1, None)), (true, vec![(Some(1), Some(0))]), "one is there without anybody's end");
    assert_eq!(ask(lamps(2, None)), (true, vec![(Some(10), Some(0))]));
    assert_eq!(ask(lamps(11, None)), (false, vec![(Some(10), Some(1))]));
    assert_eq!(ask(lamps(4, Some("east"))), (true, vec![(Some(4), Some(0))]));
    assert_eq!(ask(lamps(5, Some("east"))), (false, vec![(Some(4), Some(1))]), "only what lies there");
    let refused = house.post("/api/inventory/reservations", &order(2, &[(LAMP, 11)]));
    let line = &refused.body["lines"][0];
    assert_eq!((line["available"].as_u64(), line["shortBy"].as_u64()), (Some(10), Some(1)), "as it was quoted");
}

#[test]
fn what_is_served_at_one_place_once_a_due_order_ends_may_need_another_one_to_end_elsewhere() {
    let house = House::furnished();
    house.post("/api/inventory/locations", &json!({"id": "east", "name": "East", "priority": 5}));
    let transfer = json!({"quantity": 4, "fromLocationId": "main", "toLocationId": "east"});
    house.post(&format!("/api/inventory/product/{LAMP}/transfer"), &transfer);
    let line =
        |quantity: u64, place: Option<&str>| json!({"productId": LAMP, "quantity": quantity, "locationId": place});
    for (number, held) in [(1, line(2, Some("main"))), (2, line(3, Some("east")))] {
        let order = json!({"orderId": order_id(number), "lines": [held]});
        assert_eq!(house.post("/api/inventory/reservations", &order).status, 201);
    }
    house.wait(HALF_AN_HOUR);
    let lines = json!([line(6, Some("main")), line(4, None)]);
    let quote = house.post("/api/inventory/availability", &json!({"lines": lines})).body;
    assert_eq!(quote["canFulfill"], true, "{quote}");
    let held = house.post("/api/inventory/reservations", &json!({"orderId": order_id(3), "lines": lines}));
    assert_eq!((held.status, house.levels(LAMP)), (201, (0, 10)), "{}", held.body);
}

#[test]
fn availability_and_a_refusal_tell_the_same_of_every_line() {
    let house = House::furnished();
    house.post("/api/inventory/locations", &json!({"id": "east", "name": "East", "priority": 5}));
    let transfer = json!({"quantity": 4, "fromLocationId": "main", "toLocationId": "east"});
    house.post(&format!("/api/inventory/product/{LAMP}/transfer"), &transfer);
    let line =
        |quantity: u64, place: Option<&str>| json!({"productId": LAMP, "quantity": quantity, "locationId": place});
    for lines in [
        vec![line(7, Some("main")), line(10, None)],
        vec![line(7, Some("main")), line(11, None)],
        vec![line(6, Some("main")), line(5, None)],
        vec![line(7, Some("main")), line(4, Some("east")), line(7, None)],
        vec![line(5, None), line(6, Some("main")), line(5, Some("east"))],
    ] {
        let quote = house.post("/api/inventory/availability", &json!({"lines": lines})).body;
        let refused = house.post("/api/inventory/reservations", &json!({"orderId": order_id(1), "lines": lines}));
        assert_eq!((refused.status, &quote["canFulfill"]), (409, &json!(false)), "{lines:?}");
        let told = |line: &Value| (line["requested"].clone(), line["available"].clone(), line["shortBy"].clone());
        let short: Vec<_> =
            quote["lines"].as_array().expect("lines").iter().filter(|l| l["canFulfill"] == false).collect();
        let mut quoted: Vec<_> = short.into_iter().map(told).collect();
        let mut listed: Vec<_> = refused.body["lines"].as_array().expect("lines").iter().map(told).collect();
        quoted.sort_by_key(|(asked, ..)| asked.as_u64());
        listed.sort_by_key(|(asked, ..)| asked.as_u64());
        assert_eq!(quoted, listed, "{lines:?}");
    }
}
