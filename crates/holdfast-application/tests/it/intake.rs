//! Upstream events as they come: what is read, what is not, and what is known again.

use holdfast_application::intake::{ReadEvent, heard_again, kept_event, outcome_of, read_event};
use holdfast_application::order_event::{EventAnswer, EventOutcome};
use holdfast_application::{Answer, Decision};
use holdfast_domain::order::OrderEventKind;
use serde_json::{Value, json};

const ORDER: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

#[test]
fn a_bare_event_is_read_in_any_capitals() {
    let (names, read) = read_event(&json!({
        "Type": "OrderCreatedEvent", "EventId": "e-1", "ORDERID": ORDER.to_uppercase(), "userId": null, "extra": {},
        "Items": [{"ProductId": ORDER, "Quantity": 2, "price": 1.5}, {"sku": "LAMP", "quantity": 1}],
    }));
    let read = read.expect("an event");
    assert_eq!(read.event.kind, OrderEventKind::OrderCreated);
    assert_eq!((read.event.lines.len(), read.event.is_bare), (2, true));
    assert_eq!(names.event_id.as_deref(), Some("e-1"));
    assert_eq!((names.kind.as_deref(), names.order.as_deref()), (Some("OrderCreated"), Some(ORDER)));
}

#[test]
fn of_a_cloud_event_the_last_part_of_its_type_counts() {
    for kind in ["PaymentFailed", "com.example.PaymentFailed", "com.example.PaymentFailedEvent.v1"] {
        let mut event = failed("/pay", "7");
        event["type"] = kind.into();
        let (names, read) = read_event(&event);
        let read = read.expect(kind);
        assert_eq!((names.event_id.as_deref(), names.kind.as_deref()), (Some("7"), Some("PaymentFailed")));
        assert_eq!(read.event.reason.map(|reason| reason.to_string()).as_deref(), Some("card declined"));
    }
}

#[test]
fn what_nobody_reads_may_stand_there_twice_and_a_product_counts_before_its_sku() {
    let event = json!({
        "type": "OrderCreated", "OrderId": ORDER, "orderId": null, "note": 1, "Note": 2,
        "items": [{"productId": ORDER, "sku": "LAMP", "quantity": 1}],
    });
    let read = read_event(&event).1.expect("an event");
    assert!(matches!(read.event.lines[0].product, holdfast_domain::book::ProductRef::Id(_)));
}

/// The code of why an event can never be applied.
fn fault(event: &Value) -> Result<ReadEvent, &'static str> {
    read_event(event).1.map_err(|unreadable| unreadable.code())
}

#[test]
fn whoever_looks_at_an_event_that_cannot_be_applied_is_told_what_is_wrong_with_it() {
    let created = |items: Value| json!({"type": "OrderCreated", "orderId": ORDER, "items": items});
    let line = json!({"sku": "LAMP", "quantity": 1});
    for (event, words) in [
        (json!([]), "it is no JSON object"),
        (json!({"orderId": ORDER}), "its type is not known"),
        (json!({"type": "OrderCancelled", "orderId": "1042"}), "orderId must be a UUID"),
        (created(json!([])), "items must be 1 to 5000 lines"),
        (created(json!([line, {"quantity": 1}])), "items[1] must name its product: productId, a UUID, or sku"),
        (
            created(json!([{"sku": "LAMP", "quantity": "1"}])),
            "items[0].quantity must be a whole number from 1 to 1000000000",
        ),
        (
            json!({"specversion": "1.0", "type": "OrderCancelled", "source": "s"}),
            "its data is no JSON object, given once",
        ),
    ] {
        let told = read_event(&event).1.expect_err("it cannot be applied").to_string();
        assert_eq!(told, format!("the event has a fault: {words}"), "{event}");
    }
}

#[test]
fn data_may_come_as_base64_of_json() {
    let mut event = failed("/pay", "7");
    let plain = read_event(&event);
    assert!(plain.1.is_ok());
    event["data_base64"] = base64(event["data"].to_string().as_bytes()).into();
    assert_eq!(fault(&event), Err("validation_failed"), "both are one too many");
    event.as_object_mut().expect("an object").remove("data");
    assert_eq!(read_event(&event), plain);
    event["data_base64"] = base64(b"{\"orderId\":").into();
    assert_eq!(fault(&event), Err("malformed_json"));
    event["data_base64"] = base64(format!("{{\"orderId\":\"{ORDER}\",\"orderId\":\"{ORDER}\"}}").as_bytes()).into();
    assert_eq!(fault(&event), Err("malformed_json"), "a member named twice");
    event["data_base64"] = base64(&[0xFF, 0xFE, 0x00]).into();
    assert_eq!(fault(&event), Err("malformed_json"));
    for bad in [json!("e30"), json!("***"), json!(7), json!(base64(b"[]"))] {
        event["data_base64"] = bad;
        assert_eq!(fault(&event), Err("validation_failed"));
    }
}

#[test]
fn what_cannot_be_read_is_told_by_code_and_names() {
    let items = json!([{"sku": "LAMP", "quantity": 1}]);
    for bad in [
        json!(1),
        json!([]),
        json!({}),
        json!({"type": "OrderShipped", "orderId": ORDER}),
        json!({"type": "OrderCreated", "orderId": ORDER}),
        json!({"type": "OrderCreated", "orderId": ORDER, "items": []}),
        json!({"type": "OrderCreated", "orderId": "1042", "items": items}),
        json!({"type": "OrderCreated", "orderId": ORDER, "items": [{"sku": "LAMP", "quantity": 1.0}]}),
        json!({"type": "OrderCreated", "orderId": ORDER, "items": [{"sku": "LAMP", "quantity": "1"}]}),
        json!({"type": "PaymentFailed", "orderId": ORDER, "OrderId": "95570777-a170-5cd6-98a5-117f65ca1582"}),
        json!({"type": "PaymentFailed", "Type": "OrderCancelled", "orderId": ORDER}),
        json!({"type": "OrderCreated", "orderId": ORDER, "items": [{"sku": "LAMP", "quantity": 1, "Quantity": 2}]}),
        json!({"specversion": "1.0", "type": "PaymentFailed", "source": "s", "id": "1", "data": {"orderId": ORDER, "ORDERID": ORDER}}),
        json!({"specversion": "0.3", "type": "PaymentFailed", "source": "s", "id": "1", "data": {"orderId": ORDER}}),
        json!({"specversion": "1.0", "type": "PaymentFailed", "source": "", "id": "1", "data": {"orderId": ORDER}}),
        json!({"specversion": "1.0", "type": "PaymentFailed.v2", "source": "s", "id": "1", "data": {"orderId": ORDER}}),
        json!({"specversion": "1.0", "type": "PaymentFailed", "source": "s", "id": "1"}),
    ] {
        assert_eq!(fault(&bad), Err("validation_failed"), "{bad}");
    }
    let (names, _) = read_event(&json!({"type": "OrderShipped", "id": "x", "orderId": "1042"}));
    assert_eq!(names.kind.as_deref(), Some("OrderShipped"));
    assert_eq!(names.order.as_deref(), Some("1042"));
    let (names, _) = read_event(&json!({"type": "OrderShipped", "orderId": ORDER.to_uppercase()}));
    assert_eq!(names.order.as_deref(), Some(ORDER), "an id is shown as it is always written");
}

#[test]
fn a_cloud_event_is_known_by_source_and_id_and_tells_another_content() {
    let key = |event: &Value| read_event(event).1.expect("an event").identity.command_key();
    let name = |event: &Value| (key(event).scope, key(event).key);
    assert_eq!(name(&failed("/pay", "7")), ("event".to_owned(), "4 /pay 7".to_owned()));
    assert_ne!(name(&failed("/pay", "7")), name(&failed("/pay", "8")));
    assert_ne!(name(&failed("/pay", "7")), name(&failed("/bank", "7")));
    for (one, another) in [(("a\nb", "c"), ("a", "b\nc")), (("a b", "c"), ("a", "b c")), (("1 a", "c"), ("1", "a c"))] {
        assert_ne!(name(&failed(one.0, one.1)), name(&failed(another.0, another.1)));
    }
    let mut other = failed("/pay", "7");
    other["data"]["reason"] = "fraud".into();
    assert_eq!(name(&other), name(&failed("/pay", "7")));
    assert_ne!(key(&other).fingerprint, key(&failed("/pay", "7")).fingerprint);
    assert_eq!(key(&failed(&"s".repeat(300), "7")).key.len(), 64, "a long name is kept as its hash");
}

#[test]
fn a_bare_event_is_known_by_type_and_order_whatever_else_it_says() {
    let key = |event: &Value| {
        let key = read_event(event).1.expect("an event").identity.command_key();
        (key.scope, key.key, key.fingerprint)
    };
    let failed = json!({"type": "PaymentFailed", "eventId": "1", "orderId": ORDER, "reason": "a"});
    let again = json!({"type": "PaymentFailedEvent", "eventId": "2", "orderId": ORDER.to_uppercase(), "reason": "b"});
    assert_eq!(key(&failed), key(&again));
    assert_ne!(key(&failed).1, key(&json!({"type": "OrderCancelled", "orderId": ORDER})).1);
    let posing = json!({"specversion": "1.0", "type": "PaymentFailed", "source": "PaymentFailed", "id": ORDER,
                        "data": {"orderId": ORDER}});
    assert_ne!((key(&failed).0, key(&failed).1), (key(&posing).0, key(&posing).1));
}

#[test]
fn a_repeat_hears_the_first_no_and_that_anything_else_is_known() {
    let decided = |outcome, code| -> Decision { Ok(Answer::Event(EventAnswer { outcome, code })) };
    for (outcome, code, again) in [
        (EventOutcome::Applied, None, EventOutcome::Replayed),
        (EventOutcome::Replayed, None, EventOutcome::Replayed),
        (EventOutcome::Ignored, None, EventOutcome::Replayed),
        (EventOutcome::Waiting, None, EventOutcome::Replayed),
        (EventOutcome::Refused, Some("insufficient_stock"), EventOutcome::Refused),
        (EventOutcome::Rejected, Some("order_already_reserved"), EventOutcome::Rejected),
    ] {
        let kept = kept_event(&decided(outcome, code));
        assert_eq!(outcome_of(&kept), (outcome, code.map(str::to_owned)));
        assert_eq!(heard_again(&kept), (again, code.map(str::to_owned)));
    }
}

fn failed(source: &str, id: &str) -> Value {
    json!({
        "specversion": "1.0", "type": "PaymentFailed", "source": source, "id": id,
        "data": {"orderId": ORDER, "reason": "card declined"},
    })
}

/// Bytes as base64 writes them, put together bit by bit.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |at| (byte >> at) & 1)).collect();
    let figure = |six: &[u8]| (0..6).fold(0, |sum, at| (sum << 1) | usize::from(six.get(at).copied().unwrap_or(0)));
    let mut text: String = bits.chunks(6).map(|six| char::from(ALPHABET[figure(six)])).collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}
