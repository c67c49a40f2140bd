//! Bodies that mean harm, or nothing: a documented 4xx, nothing changed, no panic.

use http::Method;
use serde_json::{Value, json};

use crate::house::{House, LAMP, order, order_id};

/// Every route that takes a body, with a body that is right.
fn routes() -> Vec<(Method, String, Value)> {
    let product = |verb: &str| format!("/api/inventory/product/{LAMP}{verb}");
    let of_order = |verb: &str| format!("/api/inventory/orders/{}/{verb}", order_id(1));
    let lines = json!([{"productId": LAMP, "quantity": 1}]);
    let new = json!({"productId": order_id(7), "productName": "New", "sku": "NEW", "initialQuantity": 1, "reorderLevel": 1, "maxStockLevel": 1});
    let transfer = json!({"quantity": 1, "fromLocationId": "main", "toLocationId": "east"});
    vec![
        (Method::POST, "/api/inventory".to_owned(), new),
        (Method::PATCH, product(""), json!({"productName": "New", "reorderLevel": 1})),
        (Method::POST, product("/add-stock"), json!({"quantity": 1, "notes": "n"})),
        (Method::POST, product("/remove-stock"), json!({"quantity": 1})),
        (Method::POST, product("/damage"), json!({"quantity": 1})),
        (Method::POST, product("/return"), json!({"quantity": 1})),
        (Method::POST, product("/adjust-stock"), json!({"newQuantity": 1, "expectedQuantity": 10})),
        (Method::POST, product("/transfer"), transfer),
        (Method::POST, "/api/inventory/availability".to_owned(), json!({"lines": lines})),
        (
            Method::POST,
            "/api/inventory/reservations".to_owned(),
            json!({"orderId": order_id(7), "lines": lines, "ttlSeconds": 60}),
        ),
        (
            Method::POST,
            "/api/inventory/reservations/batch".to_owned(),
            json!({"orders": [{"orderId": order_id(7), "lines": lines}]}),
        ),
        (Method::PUT, of_order("lines"), json!({"lines": lines, "ttlSeconds": 60})),
        (Method::POST, of_order("confirm"), json!({"reacquire": true})),
        (Method::POST, of_order("release"), json!({"reason": "r"})),
        (Method::POST, of_order("extend"), json!({"ttlSeconds": 60})),
        (Method::POST, "/api/inventory/locations".to_owned(), json!({"id": "west", "name": "West", "priority": 1})),
        (Method::POST, "/api/inventory/events".to_owned(), json!({"type": "OrderCancelled", "orderId": order_id(1)})),
    ]
}

#[test]
fn what_is_no_json_is_refused_by_every_route() {
    let house = House::furnished();
    for (method, path, body) in routes() {
        let right = body.to_string();
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let bodies = [
            "{",
            "nul",
            "{}{}",
            "{\"a\":1,}",
            "{'a':1}",
            "\u{feff}{}",
            "[1e400]",
            "{\"a\":\"\\ud800\"}",
            &deep,
            "{\"quantity\":1,\"quantity\":2}",
            &format!("{right} x"),
            &right[..right.len() - 1],
            "NaN",
            "\0",
        ]
        .map(|text| text.as_bytes().to_vec());
        for bad in bodies.into_iter().chain([b"{\"a\":\"\xC3\x28\"}".to_vec(), vec![0xFF, 0xFE, b'{', 0]]) {
            let shown = String::from_utf8_lossy(&bad).chars().take(50).collect::<String>();
            let heard = house.request(method.clone(), &path, &[("content-type", "application/json")], bad);
            assert_eq!(heard.no(), (400, "malformed_json"), "{method} {path} {shown}");
            assert_eq!(heard.body["outcome"], json!("not_applied"));
        }
    }
    assert_eq!(house.levels(LAMP), (10, 0));
}

#[test]
fn what_is_no_object_is_refused_by_every_route() {
    let house = House::furnished();
    for (method, path, _) in routes() {
        for bad in ["null", "true", "1", "\"x\"", "[]", "[[]]"] {
            let heard = house.request(method.clone(), &path, &[("content-type", "application/json")], bad);
            let is_rejected_event = heard.body["results"][0]["outcome"] == "rejected";
            assert!(is_rejected_event || heard.no() == (400, "validation_failed"), "{method} {path} {bad}: {heard:?}");
        }
    }
}

#[test]
fn unknown_fields_are_named_by_every_route() {
    let house = House::furnished();
    for (method, path, mut body) in routes().into_iter().filter(|(_, path, _)| !path.ends_with("/events")) {
        body["colour"] = json!("red");
        body["a/b"] = json!(1);
        let heard = house.json(method.clone(), &path, &[], &body);
        assert_eq!(
            (heard.no(), heard.pointers()),
            ((400, "unknown_field"), vec!["/colour", "/a~1b"]),
            "{method} {path}"
        );
    }
    assert_eq!(house.levels(LAMP), (10, 0));
}

#[test]
fn every_number_has_its_limits_in_every_route() {
    let house = House::furnished();
    let texts =
        ["-1", "1.0", "1e3", "1.5", "9007199254740993", "18446744073709551616", "\"5\"", "true", "[1]", "{}", "-0"];
    for (method, path, body) in routes() {
        let Some(members) = body.as_object() else { continue };
        for (name, value) in members.iter().filter(|(_, value)| value.is_number()) {
            for bad in texts {
                let text = body.to_string().replace(&format!("\"{name}\":{value}"), &format!("\"{name}\":{bad}"));
                let heard = house.request(method.clone(), &path, &[("content-type", "application/json")], text);
                assert_eq!(
                    (heard.no(), heard.pointers()),
                    ((400, "validation_failed"), vec![&*format!("/{name}")]),
                    "{path} {name} {bad}"
                );
            }
        }
    }
    for bad in ["0", "-1", "1.0", "1000000001", "\"5\"", "null"] {
        let text = order(1, &[(LAMP, 77)]).to_string().replace("77", bad);
        let heard =
            house.request(Method::POST, "/api/inventory/reservations", &[("content-type", "application/json")], text);
        assert_eq!(heard.pointers(), ["/lines/0/quantity"], "{bad}");
    }
    for bad in [4, 1_209_601] {
        let mut body = order(1, &[(LAMP, 1)]);
        body["ttlSeconds"] = json!(bad);
        assert_eq!(house.post("/api/inventory/reservations", &body).pointers(), ["/ttlSeconds"]);
    }
    assert_eq!(house.levels(LAMP), (10, 0));
}

#[test]
fn every_text_has_its_limits() {
    let house = House::furnished();
    let path = format!("/api/inventory/product/{LAMP}/add-stock");
    let long = "x".repeat(501);
    let body = json!({"quantity": 1, "notes": long, "reference": "", "reasonCode": "a\nb", "locationId": "a b"});
    assert_eq!(house.post(&path, &body).pointers(), ["/locationId", "/notes", "/reference", "/reasonCode"]);
    for sku in ["", " A", "A ", "A\u{0}", &"s".repeat(65)] {
        let heard = house.post("/api/inventory", &json!({"productId": order_id(7), "productName": " ", "sku": sku}));
        assert_eq!(heard.pointers(), ["/productName", "/sku"], "{sku:?}");
    }
    for id in ["1042", "3fa85f6457174562b3fc2c963f66afa6", "{3fa85f64-5717-4562-b3fc-2c963f66afa6}", ""] {
        let heard = house
            .post("/api/inventory/reservations", &json!({"orderId": id, "lines": [{"productId": id, "quantity": 1}]}));
        assert_eq!(heard.pointers(), ["/orderId", "/lines/0/productId"], "{id}");
    }
}

#[test]
fn lines_are_counted_and_summed() {
    let house = House::furnished();
    let lines = |count: usize, quantity: u64| vec![json!({"productId": LAMP, "quantity": quantity}); count];
    for (path, id) in [("reservations", true), ("availability", false)] {
        let body = |lines: Vec<Value>| {
            if id { json!({"orderId": order_id(1), "lines": lines}) } else { json!({"lines": lines}) }
        };
        let path = format!("/api/inventory/{path}");
        for bad in [lines(0, 1), lines(5_001, 1), lines(2, 1_000_000_000)] {
            let heard = house.post(&path, &body(bad));
            assert_eq!((heard.no(), heard.pointers()), ((400, "validation_failed"), vec!["/lines"]), "{path}");
        }
        let heard = house.post(&path, &body(lines(5_000, 1)));
        assert_eq!(heard.status, if id { 409 } else { 200 });
    }
}

#[test]
fn only_json_is_taken() {
    let house = House::furnished();
    for (method, path, body) in routes() {
        for bad in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/xml",
            "application/vnd.api+json",
            "application/json; charset=utf-16",
            "",
        ] {
            let heard = house.request(method.clone(), &path, &[("content-type", bad)], body.to_string());
            assert_eq!(heard.no(), (415, "unsupported_media_type"), "{method} {path} {bad}");
        }
        assert_eq!(house.request(method.clone(), &path, &[], body.to_string()).status, 415);
    }
    let heard = house.request(
        Method::POST,
        "/api/inventory/reservations",
        &[("content-type", "application/json;charset=UTF-8")],
        order(1, &[(LAMP, 1)]).to_string(),
    );
    assert_eq!(heard.status, 201);
}

#[test]
fn a_compressed_body_is_told_so_and_not_taken_for_broken_json() {
    let house = House::furnished();
    for (method, path, body) in routes() {
        for bad in ["gzip", "br", "deflate", "identity, gzip", "GZIP", "zstd"] {
            let headers = [("content-type", "application/json"), ("content-encoding", bad)];
            for text in [body.to_string().into_bytes(), vec![0x1F, 0x8B, 8, 0]] {
                let heard = house.request(method.clone(), &path, &headers, text);
                assert_eq!(heard.no(), (415, "unsupported_media_type"), "{method} {path} {bad}");
                assert!(heard.body["detail"].as_str().is_some_and(|words| words.contains("Content-Encoding")));
            }
        }
    }
    assert_eq!(house.levels(LAMP), (10, 0));
    let plain =
        house.post_with("/api/inventory/reservations", &[("content-encoding", "Identity")], &order(1, &[(LAMP, 1)]));
    assert_eq!(plain.status, 201);
}

#[test]
fn a_body_has_a_limit() {
    let house = House::furnished();
    for (method, path, _) in routes() {
        let most = if path.ends_with("/batch") { 16 << 20 } else { 1 << 20 };
        let too_large = " ".repeat(most + 1);
        let heard = house.request(method.clone(), &path, &[("content-type", "application/json")], too_large);
        assert_eq!(heard.no(), (413, "body_too_large"), "{method} {path}");
        let full = format!("{}1", " ".repeat(most - 1));
        assert_eq!(house.request(method.clone(), &path, &[("content-type", "application/json")], full).status, 400);
    }
}

#[test]
fn a_body_that_must_be_there_must_be_there() {
    let house = House::furnished();
    house.post("/api/inventory/reservations", &order(1, &[(LAMP, 1)]));
    for (method, path, _) in routes() {
        let heard = house.request(method.clone(), &path, &[], "");
        let is_optional = path.ends_with("/confirm") || path.ends_with("/release") || method == Method::PATCH;
        let expected = if is_optional { heard.status < 410 } else { heard.no() == (400, "malformed_json") };
        assert!(expected, "{method} {path}: {heard:?}");
    }
}

#[test]
fn a_thousand_faults_are_listed_and_the_rest_counted() {
    let house = House::furnished();
    let members: Vec<String> = (0..5_000).map(|number| format!("\"f{number}\":1")).collect();
    let heard = house.request(
        Method::POST,
        "/api/inventory/reservations",
        &[("content-type", "application/json")],
        format!("{{{}}}", members.join(",")),
    );
    assert_eq!((heard.status, heard.pointers().len()), (400, 1_000));
    assert!(heard.body["detail"].as_str().is_some_and(|detail| detail.contains("5002")), "{}", heard.body["detail"]);
}
