//! The other side of `--naive`: clients with a connection each, who write a transaction for each order.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use holdfast_domain::{ProductId, Quantity};
use holdfast_infrastructure::mysql::{NaiveClient, NaiveOrders};

use super::callers::different;
use super::{Tally, rate};
use crate::exit::Failure;
use crate::numbers::count;
use crate::random::Random;
use crate::wiring::OwnDatabase;

/// The clients, and what they were told so far.
pub(super) struct Naive {
    orders: NaiveOrders,
    products: Arc<[ProductId]>,
    lines: usize,
    tally: Tally,
}

impl Naive {
    /// Makes their tables with the same products and stock, and connects as many clients as there are callers and the database takes.
    pub(super) fn prepare(
        database: &mut OwnDatabase,
        products: Arc<[ProductId]>,
        stock: Quantity,
        callers: usize,
        lines: usize,
    ) -> Result<Self, Failure> {
        let ids: Vec<[u8; 16]> = products.iter().map(|product| product.to_bytes()).collect();
        let orders = database.naive(&ids, stock.get(), callers);
        let orders = orders.map_err(|error| Failure::failed("the naive clients cannot be connected", &error))?;
        Ok(Self { orders, products, lines, tally: Tally::default() })
    }

    /// Lets them order for a while; orders a second.
    pub(super) fn load(&mut self, time: Duration) -> Result<f64, Failure> {
        let started = Instant::now();
        let until = started.checked_add(time).unwrap_or(started);
        let (products, lines) = (&*self.products, self.lines);
        let mut round = Tally::default();
        thread::scope(|scope| {
            let clients = self.orders.clients.iter_mut();
            let clients: Vec<_> =
                clients.map(|client| scope.spawn(move || order_until(client, products, lines, until))).collect();
            clients.into_iter().all(|client| client.join().map(|tally| round.join(tally)).is_ok())
        })
        .then_some(())
        .ok_or_else(|| Failure::new(crate::exit::Exit::Failed, "a naive client has died"))?;
        let per_second = rate(round.decided(), started.elapsed());
        self.tally.join(round);
        Ok(per_second)
    }

    /// How many there are.
    pub(super) const fn connections(&self) -> usize {
        self.orders.clients.len()
    }

    /// Orders that failed.
    pub(super) const fn errors(&self) -> u64 {
        self.tally.errors
    }

    /// Whether their tables tell what they were told.
    pub(super) fn is_right(&mut self) -> Result<bool, Failure> {
        let told = self.orders.reserved();
        let told = told.map_err(|error| Failure::failed("the naive tables cannot be read", &error))?;
        let units = |orders: u64| orders.saturating_mul(count(self.lines));
        let accepted = units(self.tally.accepted);
        let possible = accepted..=accepted.saturating_add(units(self.tally.errors));
        let [levels, reservations, movements] = told;
        Ok(levels == reservations && levels == movements && possible.contains(&levels))
    }
}

fn order_until(client: &mut NaiveClient, products: &[ProductId], lines: usize, until: Instant) -> Tally {
    let (mut random, mut tally) = (Random::new(), Tally::default());
    while Instant::now() < until {
        let wanted = different(&mut random, products, lines);
        let wanted: Vec<[u8; 16]> = wanted.into_iter().map(ProductId::to_bytes).collect();
        tally.answered(match client.order(random.order().to_bytes(), &wanted) {
            Ok(true) => 201,
            Ok(false) => 409,
            Err(_) => 503,
        });
    }
    tally
}
