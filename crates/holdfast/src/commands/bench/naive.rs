//! The other side of `--naive`: clients with a connection each, who write a transaction for each order.

use std::thread;
use std::time::{Duration, Instant};

use holdfast_domain::Quantity;
use holdfast_infrastructure::mysql::{NaiveClient, NaiveOrders};

use super::answered::Answered;
use super::orders::Orders;
use super::rate;
use crate::exit::Failure;
use crate::random::Random;
use crate::wiring::OwnDatabase;

/// The clients, and what they were told so far.
pub(super) struct Naive {
    clients: NaiveOrders,
    orders: Orders,
    answered: Answered,
}

impl Naive {
    /// Makes their tables with the same products and stock, and connects as many clients as there are callers and the
    /// database takes.
    pub(super) fn prepare(
        database: &mut OwnDatabase,
        orders: Orders,
        stock: Quantity,
        callers: usize,
    ) -> Result<Self, Failure> {
        let ids: Vec<[u8; 16]> = orders.products().iter().map(|product| product.to_bytes()).collect();
        let clients = database.naive(&ids, stock.get(), callers);
        let clients = clients.map_err(|error| Failure::failed("the naive clients cannot be connected", &error))?;
        Ok(Self { clients, orders, answered: Answered::default() })
    }

    /// Lets them order for a while; orders a second.
    pub(super) fn load(&mut self, time: Duration) -> Result<f64, Failure> {
        let started = Instant::now();
        let until = started.checked_add(time).unwrap_or(started);
        let orders = &self.orders;
        let mut round = Answered::default();
        thread::scope(|scope| {
            let clients = self.clients.clients.iter_mut();
            let clients: Vec<_> =
                clients.map(|client| scope.spawn(move || order_until(client, orders, until))).collect();
            clients.into_iter().all(|client| client.join().map(|one| round.join(one)).is_ok())
        })
        .then_some(())
        .ok_or_else(|| Failure::new(crate::exit::Exit::Failed, "a naive client has died"))?;
        let per_second = rate(round.tally.decided(), started.elapsed());
        self.answered.join(round);
        Ok(per_second)
    }

    /// How many there are.
    pub(super) const fn connections(&self) -> usize {
        self.clients.clients.len()
    }

    /// Orders that failed.
    pub(super) const fn errors(&self) -> u64 {
        self.answered.tally.errors
    }

    /// Whether their tables tell what they were told.
    pub(super) fn is_right(&mut self) -> Result<bool, Failure> {
        let told = self.clients.reserved();
        let told = told.map_err(|error| Failure::failed("the naive tables cannot be read", &error))?;
        let [levels, reservations, movements] = told;
        Ok(levels == reservations && levels == movements && self.answered.agrees_with(levels))
    }
}

fn order_until(client: &mut NaiveClient, orders: &Orders, until: Instant) -> Answered {
    let (mut random, mut answered) = (Random::new(), Answered::default());
    while Instant::now() < until {
        let lines = orders.draw(&mut random);
        let wanted: Vec<([u8; 16], u32)> =
            lines.iter().map(|(product, quantity)| (product.to_bytes(), quantity.get())).collect();
        let status = match client.order(random.order().to_bytes(), &wanted) {
            Ok(true) => 201,
            Ok(false) => 409,
            Err(_) => 503,
        };
        answered.note(status, &lines);
    }
    answered
}
