//! The verbs of stock and the locations.

use serde_json::{Value, json};

use crate::house::{House, LAMP, NOBODYS, order};

#[test]
fn units_come_and_go_and_leave_a_trace() {
    let house = House::furnished();
    let verb = |verb: &str, body: Value| house.post(&format!("/api/inventory/product/{LAMP}/{verb}"), &body);
    let remarks = json!({"quantity": 5, "notes": "Weekly restock", "reference": "PO-1", "reasonCode": "restock"});
    let added = verb("add-stock", remarks);
    assert_eq!((added.status, &added.body["quantityAvailable"], &added.body["sequence"]), (200, &json!(15), &json!(2)));
    assert!(added.body["movementId"].is_string() && added.header("etag").is_some());
    assert_eq!(verb("remove-stock", json!({"quantity": 3})).body["quantityAvailable"], json!(12));
    assert_eq!(verb("damage", json!({"quantity": 2})).body["quantityAvailable"], json!(10));
    assert_eq!(verb("return", json!({"quantity": 1, "locationId": "main"})).body["quantityAvailable"], json!(11));
    let over = verb("add-stock", json!({"quantity": 1_000}));
    assert_eq!((over.status, &over.body["warnings"]), (200, &json!(["above_max_stock_level"])));
    let trail = house.get(&format!("/api/inventory/product/{LAMP}/movements?sort=asc"));
    let kinds: Vec<&Value> = trail.body.as_array().expect("movements").iter().map(|line| &line["type"]).collect();
    assert_eq!(json!(kinds), json!(["StockIn", "StockIn", "StockOut", "Damaged", "Returned", "StockIn"]));
    let line = &trail.body[1];
    for (name, value) in [
        ("quantity", json!(5)),
        ("quantityBefore", json!(10)),
        ("quantityAfter", json!(15)),
        ("reservedBefore", json!(0)),
        ("reservedAfter", json!(0)),
        ("reservationId", Value::Null),
        ("reference", json!("PO-1")),
        ("reasonCode", json!("restock")),
        ("notes", json!("Weekly restock")),
        ("actor", json!("http")),
        ("locationId", json!("main")),
        ("sequence", json!(2)),
        ("id", added.body["movementId"].clone()),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
}

#[test]
fn every_verb_heeds_the_version_it_is_given() {
    let house = House::furnished();
    house.post("/api/inventory/locations", &json!({"id": "east", "name": "East", "priority": 5}));
    let path = |verb: &str| format!("/api/inventory/product/{LAMP}/{verb}");
    let item = house.get(&format!("/api/inventory/product/{LAMP}"));
    let stale = item.header("etag").expect("a tag").to_owned();
    house.post(&path("add-stock"), &json!({"quantity": 1}));
    let transfer = json!({"quantity": 1, "fromLocationId": "main", "toLocationId": "east"});
    let one = json!({"quantity": 1});
    let count = json!({"newQuantity": 9});
    for (verb, body) in [
        ("add-stock", &one),
        ("remove-stock", &one),
        ("damage", &one),
        ("return", &one),
        ("transfer", &transfer),
        ("adjust-stock", &count),
    ] {
        let refused = house.post_with(&path(verb), &[("if-match", &stale)], body);
        assert_eq!(refused.no(), (412, "version_mismatch"), "{verb}");
        let present = refused.header("etag").expect("a tag").to_owned();
        assert_eq!(house.levels(LAMP), (11, 0), "{verb} moved nothing");
        let done = house.post_with(&path(verb), &[("if-match", &present)], body);
        assert_eq!((done.status, &done.body["outcome"]), (200, &json!("applied")), "{verb}: {done:?}");
        let whatever = house.post_with(&path("adjust-stock"), &[("if-match", "*")], &json!({"newQuantity": 11}));
        assert_eq!(whatever.status, 200, "any version will do: {whatever:?}");
        let elsewhere = json!({"newQuantity": 0, "locationId": "east"});
        house.post_with(&path("adjust-stock"), &[("if-match", "*")], &elsewhere);
    }
}

#[test]
fn what_comes_in_is_a_restock() {
    let house = House::furnished();
    let restocked = || house.get(&format!("/api/inventory/product/{LAMP}")).body["lastRestocked"].clone();
    let mut last = restocked();
    for (verb, is_restock) in [("add-stock", true), ("remove-stock", false), ("return", true), ("damage", false)] {
        house.wait(1);
        house.post(&format!("/api/inventory/product/{LAMP}/{verb}"), &json!({"quantity": 1}));
        let now = restocked();
        assert_eq!(now != last, is_restock, "{verb}");
        last = now;
    }
}

#[test]
fn what_is_not_there_cannot_go() {
    let house = House::furnished();
    let short = house.post(&format!("/api/inventory/product/{LAMP}/remove-stock"), &json!({"quantity": 11}));
    assert_eq!(short.no(), (409, "insufficient_stock"));
    let line =
        json!({"productId": LAMP, "sku": "LAMP", "locationId": "main", "requested": 11, "available": 10, "shortBy": 1});
    assert_eq!((&short.body["lines"], &short.body["outcome"]), (&json!([line]), &json!("refused")));
    let unknown = house.post(&format!("/api/inventory/product/{NOBODYS}/add-stock"), &json!({"quantity": 1}));
    assert_eq!(unknown.no(), (404, "product_not_found"));
    let nowhere =
        house.post(&format!("/api/inventory/product/{LAMP}/damage"), &json!({"quantity": 1, "locationId": "moon"}));
    assert_eq!(nowhere.no(), (404, "location_not_found"));
    assert_eq!(house.levels(LAMP), (10, 0));
}

#[test]
fn a_count_needs_to_know_what_it_overwrites() {
    let house = House::furnished();
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 4)]));
    let path = format!("/api/inventory/product/{LAMP}/adjust-stock");
    assert_eq!(house.post(&path, &json!({"newQuantity": 9})).no(), (428, "precondition_required"));
    let mismatch = house.post(&path, &json!({"newQuantity": 9, "expectedQuantity": 6}));
    assert_eq!(mismatch.no(), (409, "count_mismatch"));
    assert_eq!((&mismatch.body["totalQuantity"], &mismatch.body["expectedQuantity"]), (&json!(10), &json!(6)));
    let below = house.post(&path, &json!({"newQuantity": 3, "expectedQuantity": 10}));
    assert_eq!((below.no(), &below.body["quantityReserved"]), ((409, "below_reserved"), &json!(4)));
    let counted = house.post(&path, &json!({"newQuantity": 9, "expectedQuantity": 10}));
    assert_eq!((counted.status, house.levels(LAMP)), (200, (5, 4)));
    let tag = counted.header("etag").expect("a tag").to_owned();
    let again = house.post_with(&path, &[("if-match", &tag)], &json!({"newQuantity": 9}));
    assert_eq!((&again.body["outcome"], &again.body["movementId"]), (&json!("replayed"), &Value::Null));
    house.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 1}));
    assert_eq!(
        house.post_with(&path, &[("if-match", &tag)], &json!({"newQuantity": 9})).no(),
        (412, "version_mismatch")
    );
}

#[test]
fn a_count_that_no_item_holds_is_a_fault_of_its_field() {
    let house = House::furnished();
    house.post("/api/inventory/locations", &json!({"id": "east", "name": "East", "priority": 5}));
    let counted = json!({"newQuantity": 9_007_199_254_740_991_u64, "expectedQuantity": 0, "locationId": "east"});
    let heard = house.post(&format!("/api/inventory/product/{LAMP}/adjust-stock"), &counted);
    assert_eq!((heard.no(), heard.pointers()), ((400, "validation_failed"), vec!["/newQuantity"]));
}

#[test]
fn units_move_between_locations() {
    let house = House::furnished();
    let location = json!({"id": "east", "name": "East", "priority": 5});
    let made = house.post("/api/inventory/locations", &location);
    assert_eq!(
        (made.status, made.body),
        (201, json!({"id": "east", "name": "East", "priority": 5, "outcome": "applied"}))
    );
    assert_eq!(house.post("/api/inventory/locations", &location).no(), (409, "location_exists"));
    let path = format!("/api/inventory/product/{LAMP}/transfer");
    let remarks =
        json!({"quantity": 4, "fromLocationId": "main", "toLocationId": "east", "reference": "T-1", "notes": "moved"});
    let moved = house.post(&path, &remarks);
    assert_eq!((moved.status, &moved.body["totalQuantity"], &moved.body["sequence"]), (200, &json!(10), &json!(3)));
    assert_eq!(
        moved.body["locations"][1],
        json!({"locationId": "east", "quantityAvailable": 4, "quantityReserved": 0, "totalQuantity": 4})
    );
    let trail = house.get(&format!("/api/inventory/product/{LAMP}/movements?sort=asc")).body;
    let told = |at: usize| ["reference", "notes", "createdAt", "quantity"].map(|name| trail[at][name].clone());
    assert_eq!((&trail[1]["type"], &trail[2]["type"]), (&json!("TransferOut"), &json!("TransferIn")));
    assert_eq!((told(1), &told(1)[0]), (told(2), &json!("T-1")), "its two movements tell the same");
    let short = house.post(&path, &json!({"quantity": 7, "fromLocationId": "main", "toLocationId": "east"}));
    assert_eq!(short.no(), (409, "insufficient_stock"));
    let same = house.post(&path, &json!({"quantity": 1, "fromLocationId": "main", "toLocationId": "main"}));
    assert_eq!(same.pointers(), ["/toLocationId"]);
    let all = house.get("/api/inventory/locations");
    let codes: Vec<&Value> = all.body.as_array().expect("locations").iter().map(|location| &location["id"]).collect();
    assert_eq!(json!(codes), json!(["east", "main"]));
}
