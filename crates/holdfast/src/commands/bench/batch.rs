//! `bench batch`: many orders a request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_domain::{ProductId, Quantity};
use serde_json::json;

use super::client::{self, Script};
use super::service::Service;
use super::{Found, Tally, rate, tell_the_same, with};
use crate::cli::{BenchBatchArgs, CommonArgs};
use crate::exit::Failure;
use crate::numbers::{count, seconds};
use crate::random::Random;

/// Runs the bench.
pub(super) fn run(common: &CommonArgs, args: &BenchBatchArgs) -> Result<Found, Failure> {
    let stock = Quantity::new(Quantity::MAX).expect("the largest quantity");
    let service = Service::start(common, &args.service, args.products, stock)?;
    let started = Instant::now();
    let until = started.checked_add(Duration::from_secs(args.seconds)).unwrap_or(started);
    let scripts = (0..args.connections).map(|_| {
        let (products, random) = (service.products.clone(), Random::new());
        client::boxed(Batches { products, random, orders: args.orders, until })
    });
    let mut tally = client::drive(&[service.address], scripts.collect())?;
    let took = started.elapsed();
    let proved = service.finish()?;
    let is_right = proved.is_clean && proved.oversold == 0 && tell_the_same(&[&tally], proved.reserved);
    let per_second = rate(tally.decided(), took);
    let shown = with(
        tally.shown(per_second, proved.oversold),
        json!({
            "orders_per_request": args.orders,
            "connections": args.connections,
            "products": args.products,
            "verified": is_right,
            "seconds": seconds(took),
        }),
    );
    Ok(Found { shown, is_right })
}

/// Batches one after the other, until it is time.
struct Batches {
    products: Arc<[ProductId]>,
    random: Random,
    orders: u32,
    until: Instant,
}

impl Script for Batches {
    fn next(&mut self, request: &mut Vec<u8>) -> Option<Instant> {
        let mut body = String::from(r#"{"orders":["#);
        for number in 0..self.orders {
            if number > 0 {
                body.push(',');
            }
            let order = self.random.order();
            let product = self.random.pick(&self.products).copied()?;
            body.push_str(r#"{"orderId":""#);
            body.push_str(&order.to_string());
            body.push_str(r#"","lines":[{"productId":""#);
            body.push_str(&product.to_string());
            body.push_str(r#"","quantity":1}]}"#);
        }
        body.push_str("]}");
        *request = client::post("/api/inventory/reservations/batch", &body);
        let now = Instant::now();
        (now < self.until).then_some(now)
    }

    fn heard(&mut self, status: u16, body: &[u8], tally: &mut Tally) {
        if status != 207 {
            tally.errors = tally.errors.saturating_add(u64::from(self.orders));
            return;
        }
        let orders = u64::from(self.orders);
        let accepted = occurrences(body, br#"{"status":201,"#).saturating_add(occurrences(body, br#"{"status":200,"#));
        let refused = occurrences(body, br#"{"status":409,"#);
        tally.accepted = tally.accepted.saturating_add(accepted);
        tally.refused = tally.refused.saturating_add(refused);
        tally.errors = tally.errors.saturating_add(orders.saturating_sub(accepted.saturating_add(refused)));
    }
}

fn occurrences(body: &[u8], piece: &[u8]) -> u64 {
    count(body.windows(piece.len()).filter(|window| *window == piece).count())
}
