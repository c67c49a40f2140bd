//! Stories of lines.

use super::*;

#[test]
fn an_order_is_read_with_its_time_and_its_lines() {
    let event = decode(
        r#"{"seq":2,"eventId":"e-1","ts":"2010-12-01T08:28:00Z","kind":"order_created",
            "orderId":"AF6076c7-a13e-56c9-a3f9-4946d7ee31ca","customer":"17850","items":[{"sku":"2\u00362","quantity":6}]}"#,
    )
    .expect("an event");
    assert_eq!(event.order.map(|order| order.to_string()).as_deref(), Some("af6076c7-a13e-56c9-a3f9-4946d7ee31ca"));
    assert_eq!(event.submission.decided_at, Timestamp::parse("2010-12-01T08:28:00Z"));
    let Command::OrderEvent(order) = event.submission.command else { panic!("an order's event") };
    assert_eq!(order.lines.len(), 1);
    assert_eq!(order.lines[0].product, ProductRef::Sku(Sku::new("262").expect("a sku")));
    assert!(!order.is_bare);
}

#[test]
fn stock_moves_as_its_movement_type_says() {
    for (kind, movement, verb) in [
        ("stock_added", "StockIn", StockVerb::Add),
        ("stock_added", "Adjustment", StockVerb::AdjustUp),
        ("stock_removed", "Adjustment", StockVerb::AdjustDown),
        ("stock_removed", "Damaged", StockVerb::Damage),
        ("stock_returned", "Returned", StockVerb::Return),
    ] {
        let event = decode(&stock_line(kind, movement)).expect("an event");
        let Command::ChangeStock(change) = event.submission.command else { panic!("a change of stock") };
        assert_eq!((change.verb, change.quantity.get()), (verb, 5));
        assert_eq!(change.remarks.notes.map(|notes| notes.to_string()).as_deref(), Some("found"));
    }
    assert!(decode(&stock_line("stock_removed", "StockIn")).is_err());
}

#[test]
fn a_line_without_a_time_is_read_where_nobody_needs_to_know_it() {
    let line = r#"{"eventId":"e-1","kind":"order_cancelled","orderId":"af6076c7-a13e-56c9-a3f9-4946d7ee31ca"}"#;
    for (clock, is_paced, is_read) in
        [(ReplayClock::Wall, false, true), (ReplayClock::Wall, true, false), (ReplayClock::Events, false, false)]
    {
        let reading = Reading { kinds: Vec::new(), clock, is_paced, latest: Timestamp::MAX };
        assert_eq!(reading.decode(1, line.as_bytes()).is_ok(), is_read, "{clock:?}, {is_paced}");
    }
}

#[test]
fn a_line_that_says_something_else_has_another_fingerprint() {
    let print = |line: &str| decode(line).expect("an event").submission.key.expect("a name").fingerprint;
    let one = stock_line("stock_added", "StockIn");
    assert_eq!(print(&one), print(&one.replace(",\"quantity\"", " , \"quantity\"")));
    assert_ne!(print(&one), print(&one.replace(":5", ":6")));
}

#[test]
fn what_is_no_event_is_told() {
    for line in [
        "",
        "{",
        "[]",
        r#"{"kind":"order_shipped"}"#,
        r#"{"kind":"payment_completed","eventId":"e","ts":"yesterday","orderId":"af6076c7-a13e-56c9-a3f9-4946d7ee31ca"}"#,
        r#"{"kind":"payment_completed","eventId":"e","ts":"2010-12-01T08:28:00Z","orderId":"1"}"#,
        r#"{"kind":"payment_completed","ts":"2010-12-01T08:28:00Z","orderId":"af6076c7-a13e-56c9-a3f9-4946d7ee31ca"}"#,
        r#"{"kind":"order_created","eventId":"e","ts":"2010-12-01T08:28:00Z","orderId":"af6076c7-a13e-56c9-a3f9-4946d7ee31ca"}"#,
        r#"{"kind":"stock_added","eventId":"e","ts":"2010-12-01T08:28:00Z","sku":"A","quantity":0,"movementType":"StockIn"}"#,
        r#"{"kind":"stock_added","eventId":"e","ts":"2010-12-01T08:28:00Z","sku":"A","quantity":-1,"movementType":"StockIn"}"#,
    ] {
        assert!(decode(line).is_err(), "{line}");
    }
}

#[test]
fn an_event_of_the_far_future_is_a_slip_of_the_pen() {
    let latest = Timestamp::parse("2011-01-01T00:00:00Z").expect("a time");
    let reading = Reading { kinds: Vec::new(), clock: ReplayClock::Events, is_paced: false, latest };
    let line = stock_line("stock_added", "StockIn");
    assert!(reading.decode(1, line.as_bytes()).is_ok());
    let told = reading.decode(1, line.replace("2010", "9999").as_bytes()).expect_err("not yet");
    assert!(told.contains("lies in the future"), "{told}");
}

#[test]
fn what_is_null_is_left_out_as_it_is_over_http() {
    let line = stock_line("stock_added", "StockIn").replace("\"sku\"", "\"productId\":null,\"sku\"");
    assert!(decode(&line).is_ok());
    let items = r#"{"eventId":"e","ts":"2010-12-01T08:28:00Z","kind":"order_created","orderId":"af6076c7-a13e-56c9-a3f9-4946d7ee31ca",
        "items":[{"productId":null,"sku":"A","quantity":2},{"productId":"af6076c7-a13e-56c9-a3f9-4946d7ee31ca","sku":null,"quantity":2}]}"#;
    assert!(decode(items).is_ok());
}

fn decode(line: &str) -> Result<Event, String> {
    let reading = Reading { kinds: Vec::new(), clock: ReplayClock::Events, is_paced: false, latest: Timestamp::MAX };
    reading.decode(1, line.as_bytes()).map(|event| event.expect("every kind counts"))
}

fn stock_line(kind: &str, movement: &str) -> String {
    format!(
        r#"{{"eventId":"e-2","ts":"2010-12-01T08:28:00Z","kind":"{kind}","sku":"A","quantity":5,"movementType":"{movement}","reason":"found","ref":"R-1"}}"#
    )
}
