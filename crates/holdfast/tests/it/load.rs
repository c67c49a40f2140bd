//! Load for services that break off: clients who write under keys, remember every answer, and send again what was not
//! answered. In the end the ledger must hold exactly what they were told, no less and no more.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::client::Client;
use crate::program::Program;
use crate::running::Service;

pub(crate) mod random;
mod request;
mod writer;

use random::Random;
use request::{Moved, text};
use writer::Writer;

/// How many clients write about how many products.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) clients: u64,
    pub(crate) products: u64,
    /// Units of each product.
    pub(crate) stock: u64,
    /// The most requests that each client sends again in the end.
    pub(crate) sent_again_max: usize,
}

impl Default for Shape {
    /// Stock for most orders, so that some are refused.
    fn default() -> Self {
        Self { clients: 6, products: 8, stock: 2_000, sent_again_max: usize::MAX }
    }
}

/// Clients who write, and what they were told.
pub(crate) struct Load {
    shape: Shape,
    clients: Vec<Writer>,
}

impl Load {
    /// Some clients and products in the store of `program`.
    pub(crate) fn on(program: &Program) -> Self {
        Self::of(Shape::default(), program)
    }

    /// Fills the store of `program` with products. The seed is `HOLDFAST_SEED` or a fresh one; which one, it says.
    pub(crate) fn of(shape: Shape, program: &Program) -> Self {
        let given = std::env::var("HOLDFAST_SEED").ok();
        let seed: u64 = given.map_or_else(|| RandomState::new().hash_one(0), |seed| seed.parse().expect("a number"));
        eprintln!("HOLDFAST_SEED={seed} asks for the same again");
        let service = Service::start(program, &[]);
        for number in 0..shape.products {
            let item = json!({"productId": product(number), "productName": "Thing", "sku": format!("T-{number}"),
                "initialQuantity": shape.stock, "maxStockLevel": 1_000_000});
            assert_eq!(service.post("/api/inventory", &item).0, 201);
        }
        assert_eq!(service.stop(), Some(0));
        let writer = |number| Writer::new(number, shape.products, seed.wrapping_add(number));
        Self { shape, clients: (0..shape.clients).map(writer).collect() }
    }

    /// A number that looks random, from the load's seed.
    pub(crate) fn within(&mut self, least: u64, most: u64) -> u64 {
        self.clients[0].random.within(least, most)
    }

    /// Lets all clients write to the service at `url` until it does not answer any more, which `end_it` sees to. What
    /// was not answered before is sent first, and then some of what was.
    pub(crate) fn run(&mut self, url: &str, end_it: impl FnOnce()) {
        std::thread::scope(|scope| {
            for writer in &mut self.clients {
                scope.spawn(move || writer.write(&Client::of(url)));
            }
            end_it();
        });
    }

    /// Lets all clients write to the services that `pick` names, while `work` is done.
    pub(crate) fn run_on_any(&mut self, pick: impl Fn(&mut Random) -> Client + Sync, work: impl FnOnce()) {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for writer in &mut self.clients {
                scope.spawn(|| writer.write_to_any(&pick, &stop));
            }
            let done = catch_unwind(AssertUnwindSafe(work));
            stop.store(true, Ordering::Relaxed);
            done.unwrap_or_else(|panic| resume_unwind(panic));
        });
    }

    /// After the last crash: asks again, and compares the books with what was told.
    pub(crate) fn must_be_kept_after_a_crash(mut self, program: &Program) {
        let service = Service::start_again(program, &[]);
        self.settle(&service);
        assert_eq!(service.stop(), Some(0));
        self.must_be_kept_by(program);
    }

    /// Sends again what was not answered, and what was: each answer must be the first one.
    pub(crate) fn settle(&mut self, service: &Service) {
        let most = self.shape.sent_again_max;
        std::thread::scope(|scope| {
            for writer in &mut self.clients {
                let asking = service.client();
                scope.spawn(move || {
                    assert!(writer.send_what_is_open(&asking), "a service that nobody disturbs answers");
                    let every = (writer.told.len() / most).max(1);
                    for at in (0..writer.told.len()).step_by(every) {
                        assert!(writer.send_again(&asking, at), "a service that nobody disturbs answers");
                    }
                });
            }
        });
    }

    /// The ledger must hold exactly the movements that the clients were told of, and the proof of the books succeed.
    pub(crate) fn must_be_kept_by(&self, program: &Program) {
        let mut told = BTreeMap::new();
        for number in 0..self.shape.products {
            let first = Moved { kind: "StockIn".to_owned(), quantity: self.shape.stock, cause: "INITIAL".to_owned() };
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
        assert!(count(told.len()) > self.shape.products, "somebody was told something");
    }
}

fn product(number: u64) -> String {
    format!("3fa85f64-5717-4562-b3fc-{number:012x}")
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("a small number")
}
