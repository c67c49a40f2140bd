//! Orders over Kafka and over HTTP at once, while something happens to brokers or services: no request fails, and in
//! the end the books hold what both led to.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::broker::{Broker, wait_until_told};
use crate::client::Client;
use crate::kafka::{order_events, shuffled};
use crate::program::Program;
use crate::running::Service;
use crate::test_data::{Books, kept, unpacked};

/// How long it may take until all is well again.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two orders over HTTP.
const PAUSE: Duration = Duration::from_millis(10);

/// What was asked for over HTTP, all of it granted.
#[derive(Debug, Default)]
pub(crate) struct OrderTraffic {
    /// Each order was held; those with an even number were then confirmed.
    orders: u32,
    /// The longest that one had to wait for its answer.
    slowest: Duration,
}

impl OrderTraffic {
    /// Writes the orders of three days to the broker within `lasting`, and asks the service for others over HTTP, while
    /// `work` is done. Every request is granted, whatever the broker does.
    pub(crate) fn run(&mut self, service: &Service, broker: &Broker, lasting: Duration, work: impl FnOnce()) {
        let events = shuffled(&order_events());
        self.run_beside(service, work, || broker.write_within(&events, lasting));
    }

    /// Asks over HTTP alone while `work` is done.
    pub(crate) fn run_http(&mut self, service: &Service, work: impl FnOnce()) {
        self.run_beside(service, work, || {});
    }

    fn run_beside(&mut self, service: &Service, work: impl FnOnce(), write: impl FnOnce() + Send) {
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            let writing = threads.spawn(write);
            let asking = threads.spawn(|| self.ask(&service.client(), &stop));
            let done = catch_unwind(AssertUnwindSafe(work));
            let written = writing.join();
            stop.store(true, Ordering::Relaxed);
            let asked = asking.join();
            for result in [done, written, asked] {
                result.unwrap_or_else(|panic| resume_unwind(panic));
            }
        });
    }

    fn ask(&mut self, client: &Client, stop: &AtomicBool) {
        let catalogue = unpacked(&kept("online_retail_small").join("products.csv"));
        let skus: Vec<&str> = catalogue.lines().skip(1).take(5).filter_map(|line| line.split(',').nth(1)).collect();
        let mut skus = skus.iter().cycle();
        while !stop.load(Ordering::Relaxed) {
            let order = order(self.orders);
            let wanted = json!({"orderId": order, "lines": [{"sku": skus.next(), "quantity": 1}]});
            let asked = Instant::now();
            let held = client.post("/api/inventory/reservations", None, &wanted).expect("an answer");
            self.slowest = self.slowest.max(asked.elapsed());
            assert_eq!(held.status, 201, "{}", held.body);
            if self.orders.is_multiple_of(2) {
                let confirm = format!("/api/inventory/orders/{order}/confirm");
                let confirmed = client.post(&confirm, None, &json!({})).expect("an answer");
                assert_eq!(confirmed.status, 200, "{}", confirmed.body);
            }
            self.orders += 1;
            std::thread::sleep(PAUSE);
        }
    }

    /// Waits until every order from the broker is in the books as expected; then every order over HTTP is as it was
    /// answered, there is no other, and what became of all is told.
    pub(crate) fn must_be_in_the_books(&self, program: &Program, service: &Service) {
        let expected = Books::expected(&kept("online_retail_small"), "unlimited").orders;
        let asked = Instant::now();
        loop {
            let found = Books::of(program).orders;
            if expected.iter().all(|(order, state)| found.get(order) == Some(state)) {
                for number in 0..self.orders {
                    let state = if number.is_multiple_of(2) { "Confirmed" } else { "Reserved" };
                    assert_eq!(found.get(&order(number)).map(String::as_str), Some(state), "order {number} over HTTP");
                }
                assert_eq!(found.len(), expected.len() + usize::try_from(self.orders).expect("a small number"));
                break;
            }
            let differs = || expected.iter().find(|(order, state)| found.get(*order) != Some(*state));
            let found = || differs().map(|(order, state)| (order, state, found.get(order)));
            assert!(asked.elapsed() < PATIENCE, "the books differ, as in {:?}: {}", found(), service.log());
            std::thread::sleep(Duration::from_millis(200));
        }
        let (orders, slowest) = (self.orders, self.slowest);
        eprintln!("{orders} orders over HTTP, the slowest took {slowest:?}; {} over Kafka", expected.len());
        wait_until_told(service);
    }
}

fn order(number: u32) -> String {
    format!("44444444-0000-4000-8000-{number:012}")
}
