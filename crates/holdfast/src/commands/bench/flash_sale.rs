//! `bench flash-sale`: many clients fight for few units of one product; exactly as many win as there are units.

use std::time::Instant;

use holdfast_domain::Quantity;
use serde_json::json;

use super::client::{self, Script};
use super::service::{OrderRequest, Service};
use super::{Found, Tally, rate, with};
use crate::cli::{BenchSaleArgs, CommonArgs};
use crate::exit::Failure;
use crate::numbers::seconds;

/// So many answers one after the other that are none, and a client gives up: the service is not well.
const ERRORS_MAX: u32 = 100;

/// Runs the bench.
pub(super) fn run(common: &CommonArgs, args: &BenchSaleArgs) -> Result<Found, Failure> {
    let stock = Quantity::new(args.stock).ok_or_else(|| Failure::usage("a sale needs 1 to 1000000000 units"))?;
    let service = Service::start(common, &args.service, 1, stock)?;
    let scripts = (0..args.clients).map(|_| {
        let request = OrderRequest::new(service.products.clone());
        client::boxed(UntilRefused { request, refused: false, errors: 0 })
    });
    let started = Instant::now();
    let mut tally = client::drive(&[service.address], scripts.collect())?;
    let took = started.elapsed();
    let proved = service.finish()?;
    let sold_out = tally.accepted == u64::from(args.stock) && proved.reserved == tally.accepted;
    let is_right = proved.is_clean && proved.oversold == 0 && sold_out && tally.errors == 0;
    let per_second = rate(tally.decided(), took);
    let shown = with(
        tally.shown(per_second, proved.oversold),
        json!({"stock": args.stock, "clients": args.clients, "verified": is_right, "seconds": seconds(took)}),
    );
    Ok(Found { shown, is_right })
}

/// Orders one unit after the other, until there is none left.
struct UntilRefused {
    request: OrderRequest,
    refused: bool,
    /// Answers without an outcome since the last one that had one.
    errors: u32,
}

impl Script for UntilRefused {
    fn next(&mut self, request: &mut Vec<u8>) -> Option<Instant> {
        self.request.write(request);
        (!self.refused && self.errors < ERRORS_MAX).then(Instant::now)
    }

    fn heard(&mut self, status: u16, _body: &[u8], tally: &mut Tally) {
        tally.answered(status);
        self.refused = status == 409;
        self.errors = if matches!(status, 200 | 201 | 409) { 0 } else { self.errors.saturating_add(1) };
    }
}
