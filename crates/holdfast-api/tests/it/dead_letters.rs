//! Dead letters over HTTP: listed, read, tried again, discarded.

use std::sync::Arc;

use holdfast_application::dead_letters::NewLetter;
use holdfast_application::intake::read_record;
use holdfast_application::ports::Record;
use holdfast_application::{Class, Command, Submission};
use holdfast_domain::Actor;
use http::Method;
use serde_json::{Value, json};

use crate::house::{House, LAMP, order, order_id};

const PATH: &str = "/api/inventory/dead-letters";

/// Puts a record away, as its consumer does.
fn put_away(house: &House, record: &Record, code: &str) {
    let letter = NewLetter::of_record(record, &read_record(record).0, code, "it cannot be applied");
    let key = Some(letter.command_key());
    let actor = Actor::new("kafka").expect("an actor");
    let command = Command::PutAway(Arc::new(letter));
    let ticket = house.queue().submit(Submission { command, actor, key, decided_at: None }, Class::Events, None);
    ticket.expect("a place").wait().expect("it is put away");
}

fn record(offset: i64, value: &[u8]) -> Record {
    let headers = vec![("trace".to_owned(), Some(b"7".to_vec())), ("raw".to_owned(), Some(vec![0xff]))];
    let key = Some(b"k".to_vec());
    Record { topic: "orders".to_owned(), partition: 2, offset, key, value: Some(value.to_vec()), headers }
}

fn created(number: u32, quantity: u64) -> Vec<u8> {
    let items = json!([{"productId": LAMP, "quantity": quantity}]);
    json!({"type": "OrderCreated", "eventId": "e-1", "orderId": order_id(number), "items": items})
        .to_string()
        .into_bytes()
}

fn event_of(number: u32) -> Value {
    serde_json::from_slice(&created(number, 1)).expect("JSON")
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

fn only_id(house: &House) -> String {
    ids(&house.get(&format!("{PATH}?status=open")).body).pop().expect("a letter")
}

#[test]
fn dead_letters_are_listed_newest_first_page_by_page() {
    let house = House::furnished();
    assert_eq!(house.get(PATH).body, json!([]));
    for offset in 0..5 {
        house.wait(1);
        put_away(&house, &record(offset, b"{"), if offset == 3 { "internal" } else { "malformed_json" });
    }
    let all = house.get(PATH).body;
    let offsets: Vec<&Value> = all.as_array().expect("a list").iter().map(|row| &row["offset"]).collect();
    assert_eq!(offsets, [4, 3, 2, 1, 0].map(Value::from).iter().collect::<Vec<_>>());
    let (mut pages, mut next) = (Vec::new(), Some(format!("{PATH}?limit=2&topic=orders")));
    while let Some(page) = next {
        let heard = house.get(&page);
        pages.extend(ids(&heard.body));
        next = heard.next();
    }
    assert_eq!(pages, ids(&all));
    assert_eq!(ids(&house.get(&format!("{PATH}?code=internal")).body).len(), 1);
    for nothing in ["topic=other", "status=discarded", "status=retried,discarded"] {
        assert_eq!(house.get(&format!("{PATH}?{nothing}")).body, json!([]), "{nothing}");
    }
    for (bad, code) in [
        ("status=Open", "validation_failed"),
        ("topic=", "validation_failed"),
        ("x=1", "unknown_field"),
        ("cursor=x", "invalid_cursor"),
    ] {
        assert_eq!(house.get(&format!("{PATH}?{bad}")).no(), (400, code), "{bad}");
    }
}

#[test]
fn a_dead_letter_shows_what_came() {
    let house = House::new();
    put_away(&house, &record(7, b"{"), "malformed_json");
    let id = only_id(&house);
    let heard = house.get(&format!("{PATH}/{id}"));
    let mut expected = json!({
        "id": id, "status": "open", "code": "malformed_json", "cause": "it cannot be applied", "type": null, "orderId": null,
        "topic": "orders", "partition": 2, "offset": 7, "settledAt": null, "actor": null, "note": null,
        "eventOutcome": null, "eventCode": null, "key": "k", "keyEncoding": "utf-8", "value": "{", "valueEncoding": "utf-8",
        "headers": [{"name": "trace", "value": "7", "encoding": "utf-8"}, {"name": "raw", "value": "/w==", "encoding": "base64"}],
        "valueBytes": null, "valueSha256": null, "cut": [],
    });
    expected["createdAt"] = heard.body["createdAt"].clone();
    assert_eq!((heard.status, &heard.body), (200, &expected));
    assert_eq!(house.get(&format!("{PATH}/{}", order_id(1))).no(), (404, "not_found"));
    assert_eq!(house.get(&format!("{PATH}/7")).no(), (400, "validation_failed"));
    put_away(&house, &record(8, &[0xff, 0xfe]), "malformed_json");
    let bytes = ids(&house.get(PATH).body).swap_remove(0);
    let heard = house.get(&format!("{PATH}/{bytes}"));
    assert_eq!((&heard.body["value"], &heard.body["valueEncoding"]), (&json!("//4="), &json!("base64")));
    let long = vec![b' '; 1 << 20];
    put_away(&house, &record(9, &long), "body_too_large");
    let heard = house.get(&format!("{PATH}/{}", ids(&house.get(PATH).body).swap_remove(0)));
    assert_eq!(
        (&heard.body["value"], &heard.body["valueBytes"], &heard.body["cut"]),
        (&json!(null), &json!(1 << 20), &json!(["value"]))
    );
    assert!(heard.body["valueSha256"].is_string(), "{heard:?}");
}

#[test]
fn a_dead_letter_that_can_be_applied_by_now_is_tried_again_once() {
    let house = House::furnished();
    put_away(&house, &record(7, &created(1, 4)), "internal");
    let id = only_id(&house);
    let retry = format!("{PATH}/{id}/retry");
    let first = house.post_empty(&retry);
    let expected = json!({"id": id, "status": "retried", "eventId": "e-1", "type": "OrderCreated", "orderId": order_id(1),
        "outcome": "applied", "code": null});
    assert_eq!((first.status, &first.body, first.header("idempotent-replayed")), (200, &expected, None));
    assert_eq!(house.levels(LAMP), (6, 4));
    let again = house.post_empty(&retry);
    assert_eq!((&again.body["outcome"], again.header("idempotent-replayed")), (&json!("replayed"), Some("true")));
    assert_eq!(house.levels(LAMP), (6, 4));
    let shown = house.get(&format!("{PATH}/{id}")).body;
    assert_eq!(
        (&shown["status"], &shown["eventOutcome"], &shown["actor"]),
        (&json!("retried"), &json!("applied"), &json!("http"))
    );
    let discarded = house.post(&format!("{PATH}/{id}/discard"), &json!({"note": "too late"}));
    assert_eq!((&discarded.body["status"], &discarded.body["outcome"]), (&json!("retried"), &json!("replayed")));
}

#[test]
fn a_no_of_the_rules_is_an_answer_and_stays_one() {
    let house = House::furnished();
    put_away(&house, &record(7, &created(1, 400)), "internal");
    let retry = format!("{PATH}/{}/retry", only_id(&house));
    for _ in 0..2 {
        let heard = house.post_with(&retry, &[("idempotency-key", "k-1")], &json!({}));
        assert_eq!((heard.status, &heard.body["status"]), (200, &json!("retried")));
        assert_eq!((&heard.body["outcome"], &heard.body["code"]), (&json!("refused"), &json!("insufficient_stock")));
    }
    let other = house.post_with(&format!("{PATH}/{}/retry", order_id(9)), &[("idempotency-key", "k-1")], &json!({}));
    assert_eq!(other.no(), (422, "idempotency_key_reused"));
    assert_eq!(house.post(&retry, &json!({"x": 1})).no(), (400, "unknown_field"));
    assert_eq!(house.post_empty(&format!("{PATH}/{}/retry", order_id(9))).no(), (404, "not_found"));
}

#[test]
fn what_still_cannot_be_read_stays_open() {
    let house = House::furnished();
    put_away(&house, &record(7, b"{"), "malformed_json");
    put_away(&house, &record(8, &vec![b' '; 1 << 20]), "body_too_large");
    for id in ids(&house.get(PATH).body) {
        let heard = house.post_empty(&format!("{PATH}/{id}/retry"));
        let shown = house.get(&format!("{PATH}/{id}")).body;
        assert_eq!(
            (heard.status, &heard.body["outcome"], &heard.body["status"]),
            (200, &json!("rejected"), &json!("open"))
        );
        assert_eq!((&heard.body["code"], &shown["status"]), (&shown["code"], &json!("open")));
    }
}

#[test]
fn an_event_that_was_decided_meanwhile_is_known() {
    let house = House::furnished();
    put_away(&house, &record(7, &created(1, 4)), "internal");
    assert_eq!(house.post("/api/inventory/reservations", &order(1, &[(LAMP, 4)])).status, 201);
    let heard = house.post_empty(&format!("{PATH}/{}/retry", only_id(&house)));
    assert_eq!((&heard.body["outcome"], &heard.body["status"]), (&json!("replayed"), &json!("retried")));
    assert_eq!(house.levels(LAMP), (6, 4), "it is held once");
}

#[test]
fn a_dead_letter_is_discarded_with_a_note_once() {
    let house = House::new();
    put_away(&house, &record(7, b"{"), "malformed_json");
    let id = only_id(&house);
    let discard = format!("{PATH}/{id}/discard");
    for (body, pointers) in
        [(json!({}), "/note"), (json!({"note": ""}), "/note"), (json!({"note": "x".repeat(501)}), "/note")]
    {
        let heard = house.post(&discard, &body);
        assert_eq!((heard.no(), heard.pointers()), ((400, "validation_failed"), vec![pointers]), "{body}");
    }
    let key = [("idempotency-key", "k-1")];
    let first = house.post_with(&discard, &key, &json!({"note": "a test"}));
    assert_eq!(
        (&first.body["status"], &first.body["outcome"], &first.body["note"]),
        (&json!("discarded"), &json!("applied"), &json!("a test"))
    );
    let again = house.post_with(&discard, &key, &json!({"note": "a test"}));
    assert_eq!((&again.body["outcome"], again.header("idempotent-replayed")), (&json!("replayed"), Some("true")));
    let other = house.post(&discard, &json!({"note": "another word"}));
    assert_eq!(
        (&other.body["outcome"], &other.body["note"]),
        (&json!("replayed"), &json!("a test")),
        "the first word stands"
    );
    let retried = house.post_empty(&format!("{PATH}/{id}/retry"));
    assert_eq!((&retried.body["outcome"], &retried.body["status"]), (&json!("replayed"), &json!("discarded")));
    assert_eq!(house.post(&format!("{PATH}/{}/discard", order_id(9)), &json!({"note": "x"})).no(), (404, "not_found"));
    assert_eq!(house.json(Method::PUT, &discard, &[], &json!({})).no(), (405, "method_not_allowed"));
}

#[test]
fn an_event_that_cannot_be_read_is_put_away_once_whoever_sent_it() {
    let house = House::furnished();
    let events =
        json!([{"type": "OrderShipped", "id": "e-7", "orderId": order_id(1)}, event_of(2), {"type": "OrderShipped"}]);
    for expected in [["rejected", "applied", "rejected"], ["rejected", "replayed", "rejected"]] {
        let heard = house.post("/api/inventory/events", &events);
        let outcomes =
            heard.body["results"].as_array().expect("results").iter().map(|result| result["outcome"].clone());
        assert_eq!((heard.status, outcomes.collect::<Vec<_>>()), (200, expected.map(Value::from).to_vec()));
    }
    let letters = house.get(PATH).body;
    assert_eq!(ids(&letters).len(), 2, "{letters}");
    let named = letters
        .as_array()
        .expect("a list")
        .iter()
        .find(|letter| letter["orderId"] == order_id(1))
        .expect("it is there");
    assert_eq!(
        (&named["code"], &named["cause"], &named["type"], &named["topic"], &named["offset"]),
        (
            &json!("validation_failed"),
            &json!("the event has a fault: its type is not known"),
            &json!("OrderShipped"),
            &json!(null),
            &json!(null)
        )
    );
    let whole = house.get(&format!("{PATH}/{}", named["id"].as_str().expect("an id"))).body;
    let said: Value = serde_json::from_str(whole["value"].as_str().expect("its words")).expect("JSON");
    assert_eq!(said, events[0]);
}
