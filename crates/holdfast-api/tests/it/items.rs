//! Items: made, read, asked about, renamed.

use http::Method;
use serde_json::{Value, json};

use crate::house::{CHAIR, House, LAMP, NOBODYS, item, order, order_id};

#[test]
fn a_new_item_tells_everything_about_itself() {
    let house = House::new();
    let made = house.post("/api/inventory", &item(LAMP, "LAMP", 10));
    assert_eq!(made.status, 201);
    assert_eq!(made.header("location"), Some(&*format!("/api/inventory/product/{LAMP}")));
    let mut body = made.body.clone();
    let changing = body.as_object_mut().expect("an item");
    assert!(changing.remove("id").is_some_and(|id| id.as_str().is_some_and(|id| id.as_bytes()[14] == b'7')));
    assert!(changing.remove("movementId").is_some_and(|id| id.is_string()));
    let version = changing.remove("version").and_then(|version| version.as_u64()).expect("a version");
    assert_eq!(made.header("etag"), Some(&*format!("\"v{version}\"")));
    let now = "2026-11-22T10:00:00.000000Z";
    let expected = json!({
        "productId": LAMP, "productName": "A LAMP", "sku": "LAMP", "quantityAvailable": 10, "quantityReserved": 0,
        "totalQuantity": 10, "reorderLevel": 10, "maxStockLevel": 1000, "isLowStock": true, "lastRestocked": now,
        "createdAt": now, "updatedAt": now, "sequence": 1,
        "locations": [{"locationId": "main", "quantityAvailable": 10, "quantityReserved": 0, "totalQuantity": 10}],
        "outcome": "applied", "warnings": [],
    });
    assert_eq!(body, expected);
    let movements = house.get(&format!("/api/inventory/product/{LAMP}/movements"));
    assert_eq!((&movements.body[0]["type"], &movements.body[0]["reference"]), (&json!("StockIn"), &json!("INITIAL")));
}

#[test]
fn an_item_is_read_by_product_and_by_sku() {
    let house = House::furnished();
    let by_id = house.get(&format!("/api/inventory/product/{}", LAMP.to_uppercase()));
    let by_sku = house.get("/api/inventory/sku/LAMP");
    assert_eq!((by_id.status, &by_id.body), (200, &by_sku.body));
    assert_eq!(by_id.body["outcome"], Value::Null, "a read has no outcome");
    assert_eq!(house.get("/api/inventory/sku/lamp").no(), (404, "product_not_found"));
    assert_eq!(house.get(&format!("/api/inventory/product/{NOBODYS}")).no(), (404, "product_not_found"));
    let bad = house.get("/api/inventory/product/1042");
    assert_eq!((bad.no(), bad.pointers()), ((400, "validation_failed"), vec!["/path/productId"]));
}

#[test]
fn a_sku_with_odd_letters_is_found_by_its_encoded_path() {
    let house = House::new();
    house.post("/api/inventory", &item(LAMP, "a/b ß%?", 0));
    let found = house.get("/api/inventory/sku/a%2Fb%20%C3%9F%25%3F");
    assert_eq!((found.status, &found.body["sku"]), (200, &json!("a/b ß%?")));
    assert_eq!(house.get("/api/inventory/sku/%FF").no(), (400, "validation_failed"));
}

#[test]
fn a_product_and_a_sku_exist_once() {
    let house = House::furnished();
    assert_eq!(house.post("/api/inventory", &item(LAMP, "OTHER", 1)).no(), (409, "product_exists"));
    assert_eq!(house.post("/api/inventory", &item(NOBODYS, "LAMP", 1)).no(), (409, "sku_taken"));
    assert_eq!(house.levels(LAMP), (10, 0));
}

#[test]
fn who_has_the_present_copy_is_told_so() {
    let house = House::furnished();
    let path = format!("/api/inventory/product/{LAMP}");
    let tag = house.get(&path).header("etag").expect("a tag").to_owned();
    for known in [tag.clone(), format!("W/{tag}"), "*".to_owned(), format!("\"x\", {tag}")] {
        let heard = house.request(Method::GET, &path, &[("if-none-match", &known)], "");
        assert_eq!((heard.status, heard.header("etag")), (304, Some(&*tag)), "{known}");
        assert_eq!(heard.body, json!(""));
    }
    house.post(&format!("{path}/add-stock"), &json!({"quantity": 1}));
    assert_eq!(house.request(Method::GET, &path, &[("if-none-match", &tag)], "").status, 200);
}

#[test]
fn a_check_is_answered_with_yes_or_no() {
    let house = House::furnished();
    let path = format!("/api/inventory/product/{LAMP}/check");
    let expected = json!({
        "productId": LAMP, "quantityAvailable": 10, "quantityReserved": 0, "canFulfill": true, "requestedQuantity": 1,
    });
    assert_eq!(house.get(&path).body, expected);
    assert_eq!(house.get(&format!("{path}?quantity=11")).body["canFulfill"], json!(false));
    for bad in
        ["quantity=0", "quantity=-1", "quantity=1.0", "quantity=", "quantity=1000000001", "quantity=1&quantity=2"]
    {
        assert_eq!(house.get(&format!("{path}?{bad}")).pointers(), ["/query/quantity"], "{bad}");
    }
    assert_eq!(house.get(&format!("/api/inventory/product/{NOBODYS}/check")).no(), (404, "product_not_found"));
}

#[test]
fn a_check_can_leave_an_order_s_own_hold_out() {
    let house = House::furnished();
    assert_eq!(house.post("/api/inventory/reservations", &order(1, &[(LAMP, 8)])).status, 201);
    let path = format!("/api/inventory/product/{LAMP}/check?quantity=10");
    assert_eq!(house.get(&path).body["canFulfill"], json!(false));
    let own = house.get(&format!("{path}&excludeOrderId={}", order_id(1))).body;
    assert_eq!((&own["canFulfill"], &own["quantityAvailable"]), (&json!(true), &json!(2)), "levels as they are");
    let unknown = house.get(&format!("{path}&excludeOrderId={}", order_id(9))).body;
    assert_eq!(unknown["canFulfill"], json!(false));
}

#[test]
fn availability_answers_many_lines_at_once() {
    let house = House::furnished();
    let answer = house.post(
        "/api/inventory/availability",
        &json!({"lines": [
            {"productId": LAMP, "quantity": 6}, {"sku": "CHAIR", "quantity": 5},
            {"sku": "LAMP", "quantity": 5}, {"productId": NOBODYS, "quantity": 1}, {"sku": "NONE", "quantity": 2},
        ]}),
    );
    let expected = json!({"canFulfill": false, "lines": [
        {"productId": LAMP, "sku": "LAMP", "requested": 11, "available": 10, "shortBy": 1, "canFulfill": false},
        {"productId": CHAIR, "sku": "CHAIR", "requested": 5, "available": 5, "shortBy": 0, "canFulfill": true},
        {"productId": NOBODYS, "sku": null, "requested": 1, "available": 0, "shortBy": 1, "canFulfill": false},
        {"productId": null, "sku": "NONE", "requested": 2, "available": 0, "shortBy": 2, "canFulfill": false},
    ]});
    assert_eq!((answer.status, answer.body), (200, expected));
}

#[test]
fn availability_counts_named_places_first_and_the_own_order() {
    let house = House::furnished();
    house.post("/api/inventory/locations", &json!({"id": "east", "name": "East", "priority": 5}));
    let transfer = json!({"quantity": 4, "fromLocationId": "main", "toLocationId": "east"});
    house.post(&format!("/api/inventory/product/{LAMP}/transfer"), &transfer);
    let ask = |lines: Value, exclude: Option<String>| {
        let answer = house.post("/api/inventory/availability", &json!({"lines": lines, "excludeOrderId": exclude}));
        let lines = answer.body["lines"].as_array().expect("lines").clone();
        lines.iter().map(|line| line["available"].as_u64().expect("a count")).collect::<Vec<_>>()
    };
    let both = json!([{"sku": "LAMP", "quantity": 9}, {"sku": "LAMP", "quantity": 3, "locationId": "east"}]);
    assert_eq!(ask(both, None), [7, 4]);
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 10)]));
    let all = json!([{"sku": "LAMP", "quantity": 10}]);
    assert_eq!((ask(all.clone(), None), ask(all, Some(order_id(1)))), (vec![0], vec![10]));
    let nowhere = json!([{"sku": "LAMP", "quantity": 1, "locationId": "moon"}]);
    assert_eq!(ask(nowhere, None), [0]);
}

#[test]
fn an_item_is_renamed_with_a_copy_that_is_not_stale() {
    let house = House::furnished();
    let path = format!("/api/inventory/product/{LAMP}");
    let before = house.get(&path);
    let tag = before.header("etag").expect("a tag").to_owned();
    let change = |tag: &str, body: Value| house.json(Method::PATCH, &path, &[("if-match", tag)], &body);
    let renamed = change(&tag, json!({"productName": "Desk lamp", "reorderLevel": 0}));
    assert_eq!(
        (renamed.status, &renamed.body["productName"], &renamed.body["isLowStock"]),
        (200, &json!("Desk lamp"), &json!(false))
    );
    assert_eq!((&renamed.body["outcome"], &renamed.body["movementId"]), (&json!("applied"), &Value::Null));
    assert_eq!(renamed.body["sequence"], before.body["sequence"], "a rename is no movement");
    let stale = change(&tag, json!({"productName": "Floor lamp"}));
    assert_eq!(stale.no(), (412, "version_mismatch"));
    assert_eq!(
        (stale.header("etag"), &stale.body["currentVersion"]),
        (renamed.header("etag"), &renamed.body["version"])
    );
    let present = renamed.header("etag").expect("a tag").to_owned();
    assert_eq!(change(&format!("W/{present}"), json!({})).no(), (412, "version_mismatch"), "a weak tag never matches");
    assert_eq!(change("\"abc\"", json!({})).no(), (412, "version_mismatch"));
    assert_eq!(change(&format!("{tag}, {present}"), json!({"sku": "DESK"})).status, 200, "one of several");
    assert_eq!(change("*", json!({"sku": "CHAIR"})).no(), (409, "sku_taken"));
    assert_eq!(change("v1", json!({})).pointers(), ["/header/If-Match"]);
    assert_eq!(house.request(Method::PATCH, &path, &[], "").body["outcome"], json!("replayed"), "nothing to change");
    assert_eq!(house.get("/api/inventory/sku/LAMP").status, 404);
}
