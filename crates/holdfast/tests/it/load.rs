//! Load for services that break off: clients who write under keys, remember every answer, and send again what was not
//! answered. In the end the ledger must hold exactly what they were told, no less and no more.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::program::Program;
use crate::running::Service;

const PRODUCTS: u64 = 8;
const CLIENTS: u64 = 6;
/// Enough for most orders, so that some are refused.
const STOCK: u64 = 2_000;
/// How many earlier requests a client sends again after a crash.
const SENT_AGAIN: u64 = 10;

/// Clients who write, and what they were told.
pub(crate) struct Load {
    clients: Vec<Writer>,
}

impl Load {
    /// Fills the store of `program` with some products. The seed is `HOLDFAST_SEED` or a fresh one; which one, it says.
    pub(crate) fn on(program: &Program) -> Self {
        let given = std::env::var("HOLDFAST_SEED").ok();
        let seed: u64 = given.map_or_else(|| RandomState::new().hash_one(0), |seed| seed.parse().expect("a number"));
        eprintln!("HOLDFAST_SEED={seed} asks for the same again");
        let service = Service::start(program, &[]);
        for number in 0..PRODUCTS {
            let item = json!({"productId": product(number), "productName": "Thing", "sku": format!("T-{number}"),
                "initialQuantity": STOCK});
            assert_eq!(service.post("/api/inventory", &item).0, 201);
        }
        assert_eq!(service.stop(), Some(0));
        Self { clients: (0..CLIENTS).map(|number| Writer::new(number, seed.wrapping_add(number))).collect() }
    }

    /// A number that looks random, from the load's seed.
    pub(crate) fn within(&mut self, least: u64, most: u64) -> u64 {
        self.clients[0].random.within(least, most)
    }

    /// Lets all clients write to the service at `url` until it does not answer any more, which `end_it` sees to. What was
    /// not answered before is sent first, and then some of what was.
    pub(crate) fn run(&mut self, url: &str, end_it: impl FnOnce()) {
        std::thread::scope(|scope| {
            for writer in &mut self.clients {
                scope.spawn(move || writer.write(&Client::of(url)));
            }
            end_it();
        });
    }

    /// After the last crash: asks again, and compares the books with what was told.
    pub(crate) fn must_be_kept_after_a_crash(mut self, program: &Program) {
        let service = Service::start_again(program, &[]);
        self.settle(&service);
        assert_eq!(service.stop(), Some(0));
        self.must_be_kept_by(program);
    }

    /// Sends again what was not answered, and everything that was: each answer must be the first one.
    pub(crate) fn settle(&mut self, service: &Service) {
        std::thread::scope(|scope| {
            for writer in &mut self.clients {
                let asking = service.client();
                scope.spawn(move || {
                    assert!(writer.send_what_is_open(&asking), "a service that nobody disturbs answers");
                    for at in 0..writer.told.len() {
                        assert!(writer.send_again(&asking, at), "a service that nobody disturbs answers");
                    }
                });
            }
        });
    }

    /// The ledger must hold exactly the movements that the clients were told of, and the proof of the books succeed.
    pub(crate) fn must_be_kept_by(&self, program: &Program) {
        let mut told = BTreeMap::new();
        for number in 0..PRODUCTS {
            let first = Moved { kind: "StockIn".to_owned(), quantity: STOCK, cause: "INITIAL".to_owned() };
            told.insert((product(number), 1), first);
        }
        let mut answers: HashMap<u16, usize> = HashMap::new();
        for (request, answer) in self.clients.iter().flat_map(|writer| &writer.told) {
            *answers.entry(answer.status).or_default() += 1;
            for (place, moved) in request.movements(answer) {
                let known = told.insert(place.clone(), moved.clone());
                assert!(known.is_none_or(|known| known == moved), "{place:?} was told twice, and differently");
            }
        }
        let mut kept = BTreeMap::new();
        for row in program.done(&["export", "movements", "--format", "jsonl"]).json_lines() {
            let place = (text(&row["product_id"]), row["sequence"].as_u64().expect("a number"));
            let cause = if row["reservation_id"].is_null() { &row["reference"] } else { &row["reservation_id"] };
            let quantity = row["quantity"].as_u64().expect("a number");
            let moved = Moved { kind: text(&row["type"]), quantity, cause: text(cause) };
            assert!(kept.insert(place, moved).is_none(), "{row} stands there twice");
        }
        for (place, moved) in &told {
            assert_eq!(kept.get(place), Some(moved), "{place:?} was acknowledged");
        }
        for (place, moved) in &kept {
            assert!(told.contains_key(place), "{moved:?} at {place:?}, and nobody was told");
        }
        let proof = program.done(&["verify"]).json();
        assert_eq!(proof["faults"], json!([]));
        eprintln!("answers by status {answers:?}; {} movements", kept.len());
        assert!(told.len() > usize::try_from(PRODUCTS).expect("a small number"), "somebody was told something");
    }
}

/// A client with a history.
struct Writer {
    number: u64,
    random: Random,
    asked: u64,
    /// Orders that this client may still end.
    held: Vec<String>,
    /// Sent, and not answered.
    open: Option<Request>,
    /// Every request that was answered, and how.
    told: Vec<(Request, Answer)>,
}

impl Writer {
    fn new(number: u64, seed: u64) -> Self {
        Self { number, random: Random(seed), asked: 0, held: Vec::new(), open: None, told: Vec::new() }
    }

    /// Writes until nobody answers.
    fn write(&mut self, client: &Client) {
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

    /// Sends what was not answered yet; says whether it was now.
    fn send_what_is_open(&mut self, client: &Client) -> bool {
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
    fn send_again(&self, client: &Client, at: usize) -> bool {
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
                let path = format!("/api/inventory/product/{}/add-stock", product(self.random.within(0, PRODUCTS - 1)));
                let body = json!({"quantity": self.random.within(1, 5), "reference": key});
                Request { key, path, body }
            }
        }
    }

    fn order(&mut self) -> Value {
        let first = self.random.within(0, PRODUCTS - 1);
        let lines: Vec<Value> = (0..self.random.within(1, 3))
            .map(|next| {
                let product = product((first + next) % PRODUCTS);
                json!({"productId": product, "quantity": self.random.within(1, 9)})
            })
            .collect();
        json!({"orderId": self.random.id(), "lines": lines})
    }
}

const RESERVE: &str = "/api/inventory/reservations";

/// A write under a key.
#[derive(Clone, Debug)]
struct Request {
    key: String,
    path: String,
    body: Value,
}

/// What a movement says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moved {
    kind: String,
    quantity: u64,
    /// Its reservation, or its reference.
    cause: String,
}

impl Request {
    /// The answer; nothing when there was none, or only that there will be one later.
    fn send(&self, client: &Client) -> Option<Answer> {
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
    fn movements(&self, answer: &Answer) -> Vec<((String, u64), Moved)> {
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
fn lasting(answer: &Answer) -> Value {
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

fn product(number: u64) -> String {
    format!("3fa85f64-5717-4562-b3fc-{number:012x}")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a small number")
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn within(&mut self, least: u64, most: u64) -> u64 {
        least + self.number() % (most - least + 1)
    }

    /// A random UUID.
    fn id(&mut self) -> String {
        let (high, low) = (self.number(), self.number());
        let (first, second, third) = (high >> 32, (high >> 16) & 0xffff, high & 0x0fff);
        format!("{first:08x}-{second:04x}-4{third:03x}-8{:03x}-{:012x}", low >> 52, low & 0xffff_ffff_ffff)
    }
}
