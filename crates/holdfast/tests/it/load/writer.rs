//! A client with a history: it writes, remembers every answer, and sends again what was not answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::random::Random;
use super::request::{RESERVE, Request, lasting, text};
use super::{count, product};
use crate::client::{Answer, Client};

/// How many earlier requests a client sends again after a crash.
const SENT_AGAIN: u64 = 10;

/// A client with a history.
pub(super) struct Writer {
    number: u64,
    /// How many products there are.
    products: u64,
    pub(super) random: Random,
    asked: u64,
    /// Orders that this client may still end.
    held: Vec<String>,
    /// Sent, and not answered.
    open: Option<Request>,
    /// Every request that was answered, and how.
    pub(super) told: Vec<(Request, Answer)>,
}

impl Writer {
    pub(super) fn new(number: u64, products: u64, seed: u64) -> Self {
        Self { number, products, random: Random(seed), asked: 0, held: Vec::new(), open: None, told: Vec::new() }
    }

    /// Writes until nobody answers.
    pub(super) fn write(&mut self, client: &Client) {
        if !self.send_what_is_open(client) {
            return;
        }
        for _ in 0..SENT_AGAIN.min(count(self.told.len())) {
            let at = self.random.within(0, count(self.told.len()) - 1);
            if !self.send_again(client, usize::try_from(at).expect("a small number")) {
                return;
            }
        }
        loop {
            self.open = Some(self.request());
            if !self.send_what_is_open(client) {
                return;
            }
        }
    }

    /// Writes until it is told to stop, each time to whomever `pick` names; who does not answer is left for somebody
    /// else.
    pub(super) fn write_to_any(&mut self, pick: impl Fn(&mut Random) -> Client, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let client = pick(&mut self.random);
            let is_answered = if self.open.is_none() && !self.told.is_empty() && self.random.within(1, 20) == 1 {
                let at = self.random.within(0, count(self.told.len()) - 1);
                self.send_again(&client, usize::try_from(at).expect("a small number"))
            } else {
                if self.open.is_none() {
                    self.open = Some(self.request());
                }
                self.send_what_is_open(&client)
            };
            if !is_answered {
                std::thread::sleep(Duration::from_millis(self.random.within(5, 50)));
            }
        }
    }

    /// Sends what was not answered yet; says whether it was now.
    pub(super) fn send_what_is_open(&mut self, client: &Client) -> bool {
        let Some(request) = self.open.take() else { return true };
        let Some(answer) = request.send(client) else {
            self.open = Some(request);
            return false;
        };
        if request.path == RESERVE && answer.status == 201 {
            self.held.push(text(&request.body["orderId"]));
        }
        self.told.push((request, answer));
        true
    }

    /// Sends an answered request again and hears the same; says whether there was an answer.
    pub(super) fn send_again(&self, client: &Client, at: usize) -> bool {
        let (request, first) = &self.told[at];
        let Some(again) = request.send(client) else { return false };
        assert!(again.is_replayed, "{request:?} was answered before: {again:?}");
        assert_eq!(again.status, first.status, "{request:?}: {first:?}, then {again:?}");
        assert_eq!(lasting(&again), lasting(first), "{request:?}");
        true
    }

    fn request(&mut self) -> Request {
        self.asked += 1;
        let key = format!("client {} request {}", self.number, self.asked);
        match self.random.within(1, 10) {
            1..=4 => Request { key, path: RESERVE.to_owned(), body: self.order() },
            5 => {
                let orders: Vec<Value> = (0..self.random.within(2, 5)).map(|_| self.order()).collect();
                Request { key, path: format!("{RESERVE}/batch"), body: json!({"orders": orders}) }
            }
            6..=7 if !self.held.is_empty() => {
                let at = self.random.within(0, count(self.held.len()) - 1);
                let order = self.held.swap_remove(usize::try_from(at).expect("a small number"));
                let verb = if self.random.within(1, 2) == 1 { "confirm" } else { "release" };
                Request { key, path: format!("/api/inventory/orders/{order}/{verb}"), body: json!({}) }
            }
            _ => {
                let path =
                    format!("/api/inventory/product/{}/add-stock", product(self.random.within(0, self.products - 1)));
                let body = json!({"quantity": self.random.within(1, 5), "reference": key});
                Request { key, path, body }
            }
        }
    }

    fn order(&mut self) -> Value {
        let first = self.random.within(0, self.products - 1);
        let lines: Vec<Value> = (0..self.random.within(1, 3))
            .map(|next| {
                let product = product((first + next) % self.products);
                json!({"productId": product, "quantity": self.random.within(1, 9)})
            })
            .collect();
        json!({"orderId": self.random.id(), "lines": lines})
    }
}
