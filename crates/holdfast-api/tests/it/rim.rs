//! What surrounds the routes: unknown ones, request ids, foreign origins, health, faults of the house.

use std::time::Duration;

use holdfast_api::code::ProblemCode;
use holdfast_api::{ApiSettings, HealthState};
use holdfast_application::queue::QueueLimits;
use http::Method;
use serde_json::json;

use crate::house::{House, LAMP, Mood, order};

#[test]
fn what_is_no_route_is_told_so() {
    let house = House::new();
    for path in ["/api/inventory/nonsense", "/api", "/nonsense", "/api/inventory/", "/api/inventory/product/", "/%FF"] {
        assert_eq!(house.get(path).no(), (404, "route_not_found"), "{path}");
    }
    for (method, path) in [
        (Method::DELETE, format!("/api/inventory/product/{LAMP}")),
        (Method::GET, "/api/inventory/availability".to_owned()),
        (Method::PUT, "/api/inventory".to_owned()),
        (Method::TRACE, "/health".to_owned()),
    ] {
        let heard = house.request(method.clone(), &path, &[], "");
        assert_eq!(heard.no(), (405, "method_not_allowed"), "{method} {path}");
        assert!(heard.header("allow").is_some_and(|methods| !methods.is_empty()), "{heard:?}");
    }
}

#[test]
fn a_request_keeps_its_id() {
    let house = House::new();
    let heard = house.request(Method::GET, "/api/inventory/nonsense", &[("x-request-id", "my-\"id\"")], "");
    assert_eq!((heard.header("x-request-id"), &heard.body["requestId"]), (Some("my-\"id\""), &json!("my-\"id\"")));
    let long = "x".repeat(129);
    let heard = house.request(Method::GET, "/health/live", &[("x-request-id", &long)], "");
    assert_ne!(heard.header("x-request-id"), Some(&*long));
}

#[test]
fn every_code_has_its_page() {
    let house = House::new();
    for code in ProblemCode::ALL {
        let page = house.get(&format!("/problems/{}", code.as_str()));
        assert!(page.status == 200 && page.body.as_str().is_some_and(|text| text.contains(code.as_str())), "{code:?}");
    }
    assert_eq!(house.get("/problems/nonsense").no(), (404, "not_found"));
}

#[test]
fn the_house_says_how_it_is() {
    let in_mood = |state: HealthState, why_not_ready: Option<&'static str>| {
        House::in_mood(ApiSettings::default(), QueueLimits::default(), false, Mood { state, why_not_ready })
    };
    let statuses = |house: &House| ["/health", "/health/ready", "/health/live"].map(|path| house.get(path).status);
    assert_eq!(statuses(&in_mood(HealthState::Healthy, None)), [200, 200, 200]);
    let leaving = in_mood(HealthState::Healthy, Some("the service is shutting down"));
    assert_eq!(statuses(&leaving), [200, 503, 200]);
    let expected = json!({"status": "Unhealthy", "components": [
        {"name": "writes", "status": "Unhealthy", "detail": "the service is shutting down"},
        {"name": "store", "status": "Healthy", "detail": null},
    ]});
    assert_eq!(leaving.get("/health/ready").body, expected);
    let ill = in_mood(HealthState::Unhealthy, Some("the writer has stopped"));
    assert_eq!(statuses(&ill), [503, 503, 200]);
    let expected = json!({"status": "Unhealthy", "replica": "house", "role": "sweeper", "database": "sqlite", "schema": 1,
        "components": [{"name": "store", "status": "Unhealthy", "detail": null}]});
    assert_eq!(ill.get("/health").body, expected);
}

#[test]
fn the_document_and_its_page_are_there() {
    let house = House::new();
    let document = house.get("/openapi.json");
    assert_eq!((document.status, &document.body["openapi"]), (200, &json!("3.1.0")));
    assert_eq!(house.get("/swagger/").status, 200);
    assert_eq!(house.get("/").header("location"), Some("/swagger/"));
    let page = house.request(Method::GET, "/swagger/swagger-initializer.js", &[], "");
    let page = page.body.as_str().expect("a script").replace(' ', "");
    assert!(page.contains(r#""validatorUrl":"none""#), "the page asks nobody else: {page}");
    let nothing = house.get("/swagger/nope");
    assert_eq!(
        (nothing.no(), nothing.header("content-type")),
        ((404, "route_not_found"), Some("application/problem+json"))
    );
    let bare = House::with(ApiSettings { swagger: false, ..ApiSettings::default() }, QueueLimits::default(), false);
    assert_eq!(bare.get("/swagger/").no(), (404, "route_not_found"));
}

#[test]
fn foreign_origins_are_a_setting() {
    let origin = [("origin", "https://shop.example")];
    let preflight = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];
    let closed = House::new();
    assert_eq!(closed.request(Method::GET, "/health/live", &origin, "").header("access-control-allow-origin"), None);
    assert_eq!(closed.request(Method::OPTIONS, "/api/inventory", &preflight, "").status, 405);
    let settings = ApiSettings { cors_origins: vec!["https://shop.example".to_owned()], ..ApiSettings::default() };
    let open = House::with(settings, QueueLimits::default(), false);
    let heard = open.request(Method::OPTIONS, "/api/inventory", &preflight, "");
    assert_eq!((heard.status, heard.header("access-control-allow-origin")), (200, Some("https://shop.example")));
    let other = open.request(Method::GET, "/health/live", &[("origin", "https://other.example")], "");
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[test]
fn a_full_house_turns_away_at_once() {
    let limits = QueueLimits { commands_max: 0, ..QueueLimits::default() };
    let house = House::with(ApiSettings::default(), limits, false);
    let heard = house.post("/api/inventory/reservations", &order(1, &[(LAMP, 1)]));
    assert_eq!((heard.no(), &heard.body["outcome"]), ((503, "overloaded"), &json!("not_applied")));
    assert_eq!((heard.header("retry-after"), &heard.body["retryable"]), (Some("1"), &json!(true)));
    let event = json!({"type": "OrderCancelled", "orderId": LAMP});
    assert_eq!(house.post("/api/inventory/events", &event).no(), (503, "overloaded"));
}

#[test]
fn an_answer_that_does_not_come_is_called_unknown() {
    let settings = ApiSettings { answer_max: Duration::from_millis(10), ..ApiSettings::default() };
    let house = House::with(settings, QueueLimits::default(), false);
    let heard = house.post("/api/inventory/reservations", &order(1, &[(LAMP, 1)]));
    assert_eq!((heard.no(), &heard.body["outcome"]), ((503, "outcome_unknown"), &json!("unknown")));
}

#[test]
fn a_head_is_answered_like_a_get_without_a_body() {
    let house = House::furnished();
    let path = format!("/api/inventory/product/{LAMP}");
    let heard = house.request(Method::HEAD, &path, &[], "");
    assert_eq!((heard.status, heard.header("etag")), (200, house.get(&path).header("etag")));
    assert_eq!(heard.body, json!(""));
}
