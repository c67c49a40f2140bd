//! Writes under keys, and the movements that their answers tell of.

use serde_json::Value;

use crate::client::{Answer, Client};

/// Where orders are reserved.
pub(super) const RESERVE: &str = "/api/inventory/reservations";

/// A write under a key.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) key: String,
    pub(super) path: String,
    pub(super) body: Value,
}

/// What a movement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) kind: String,
    pub(super) quantity: u64,
    /// Its reservation, or its reference.
    pub(super) cause: String,
}

impl Request {
    /// The answer; nothing when there was none, or only that there will be one later.
    pub(super) fn send(&self, client: &Client) -> Option<Answer> {
        let answer = client.post(&self.path, Some(&self.key), &self.body).ok()?;
        if answer.status == 503 {
            assert!(answer.retry_after.is_some(), "{answer:?}");
            return None;
        }
        assert!([200, 201, 207, 409].contains(&answer.status), "{self:?}: {answer:?}");
        if answer.status == 207 {
            // Each order of a batch is answered by itself: some may be, and the others not.
            let body = answer.json();
            let statuses = body["results"].as_array().expect("a list").iter().map(|result| &result["status"]);
            for status in statuses {
                assert!([201, 409, 503].map(Value::from).contains(status), "{self:?}: {answer:?}");
                if status == 503 {
                    return None;
                }
            }
        }
        Some(answer)
    }

    /// The movements that the answer to it tells of.
    pub(super) fn movements(&self, answer: &Answer) -> Vec<((String, u64), Moved)> {
        let body = answer.json();
        match answer.status {
            409 => Vec::new(),
            207 => {
                let results = body["results"].as_array().expect("a list").iter();
                let made = results.filter(|result| result["status"] == 201);
                made.flat_map(|result| movements_of_order(&result["body"])).collect()
            }
            _ if body["orderId"].is_string() => movements_of_order(&body),
            _ => {
                let place = (text(&body["productId"]), body["sequence"].as_u64().expect("a number"));
                let quantity = self.body["quantity"].as_u64().expect("a number");
                vec![(place, Moved { kind: "StockIn".to_owned(), quantity, cause: self.key.clone() })]
            }
        }
    }
}

fn movements_of_order(order: &Value) -> Vec<((String, u64), Moved)> {
    let held = order["reservations"].as_array().expect("a list").iter();
    held.map(|one| {
        let place = (text(&one["productId"]), one["sequence"].as_u64().expect("a number"));
        let quantity = one["quantity"].as_u64().expect("a number");
        (place, Moved { kind: text(&one["status"]), quantity, cause: text(&one["id"]) })
    })
    .collect()
}

/// What every repeat of an answer repeats.
pub(super) fn lasting(answer: &Answer) -> Value {
    let mut body = answer.json();
    let results = body["results"].as_array().map_or(0, Vec::len);
    for at in 0..results {
        forget_the_occasion(&mut body["results"][at]["body"]);
    }
    forget_the_occasion(&mut body);
    body
}

fn forget_the_occasion(body: &mut Value) {
    if let Some(members) = body.as_object_mut() {
        members.remove("requestId");
        members.remove("outcome");
    }
}

/// A member that is a text.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
