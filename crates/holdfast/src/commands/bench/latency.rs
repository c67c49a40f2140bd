//! `bench latency`: orders come at a steady rate whether the service keeps up or not (an open loop).

use std::time::{Duration, Instant};

use holdfast_domain::Quantity;
use serde_json::json;

use super::client::{self, Script};
use super::http::load;
use super::service::{OrderRequest, Service};
use super::{Found, Tally, rate, tell_the_same, with};
use crate::cli::{BenchLatencyArgs, CommonArgs};
use crate::exit::Failure;

/// How long the service is saturated to find half of what it can do.
const SATURATE: Duration = Duration::from_secs(3);

/// Runs the bench.
pub(super) fn run(common: &CommonArgs, args: &BenchLatencyArgs) -> Result<Found, Failure> {
    let stock = Quantity::new(Quantity::MAX).expect("the largest quantity");
    let service = Service::start(common, &args.service, args.products, stock)?;
    let request = OrderRequest::new(service.products.clone());
    let mut before = Tally::default();
    let per_second = match args.rate {
        Some(rate) => f64::from(rate),
        None => {
            before = load(&[service.address], &request, args.connections, SATURATE)?;
            rate(before.decided(), SATURATE) / 2.0
        }
    };
    let pause = Duration::from_secs_f64(f64::from(args.connections) / per_second.max(1.0));
    let started = Instant::now();
    let until = started.checked_add(Duration::from_secs(args.seconds)).unwrap_or(started);
    let scripts = (0..args.connections).map(|number| {
        let offset = pause.mul_f64(f64::from(number) / f64::from(args.connections));
        let due = started.checked_add(offset).unwrap_or(started);
        let request = OrderRequest::new(service.products.clone());
        client::boxed(Steadily { request, due, pause, until })
    });
    let mut tally = client::drive(&[service.address], scripts.collect())?;
    let took = started.elapsed();
    let proved = service.finish()?;
    let reached = rate(tally.decided(), took);
    let is_right = proved.is_clean && proved.oversold == 0 && tell_the_same(&[&before, &tally], proved.reserved);
    let shown = with(
        tally.shown(reached, proved.oversold),
        json!({
            "asked_per_s": per_second.round(),
            "connections": args.connections,
            "products": args.products,
            "verified": is_right,
        }),
    );
    Ok(Found { shown, is_right })
}

/// One order every `pause`, until it is time.
struct Steadily {
    request: OrderRequest,
    due: Instant,
    pause: Duration,
    until: Instant,
}

impl Script for Steadily {
    fn next(&mut self, request: &mut Vec<u8>) -> Option<Instant> {
        let due = self.due;
        self.due = due.checked_add(self.pause)?;
        self.request.write(request);
        (due < self.until).then_some(due)
    }

    fn heard(&mut self, status: u16, _body: &[u8], tally: &mut Tally) {
        tally.answered(status);
    }
}
