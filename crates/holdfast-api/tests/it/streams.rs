//! What a stream of events is asked for, and what it begins with.

use axum::body::Body;
use http::Method;

use crate::house::{House, LAMP};

const STREAM: &str = "/api/inventory/events/stream";

#[test]
fn every_fault_of_a_question_is_told_at_once() {
    let house = House::furnished();
    let heard = house.get(&format!("{STREAM}?productId=lamp&types=StockReserved,OrderReserved&since=now"));
    assert_eq!(heard.no(), (400, "validation_failed"), "{heard:?}");
    assert_eq!(heard.pointers(), ["/query/productId", "/query/types", "/query/since"]);
    let heard = house.get(&format!("{STREAM}?since=now"));
    assert_eq!(heard.no(), (400, "unknown_field"));
}

#[test]
fn an_id_of_somebody_elses_is_refused() {
    let house = House::furnished();
    for id in ["7", LAMP, "00000000-0000-7001-8000-000000000000", "00000000-0000-7001-8000-000000000000.0.1"] {
        let heard = house.request(Method::GET, STREAM, &[("Last-Event-ID", id)], Body::empty());
        assert_eq!(heard.no(), (400, "validation_failed"), "{id}");
        assert_eq!(heard.pointers(), ["/header/Last-Event-ID"]);
    }
}

#[test]
fn a_stream_is_only_read() {
    let house = House::furnished();
    let heard = house.request(Method::POST, STREAM, &[], Body::empty());
    assert_eq!(heard.no(), (405, "method_not_allowed"));
}
