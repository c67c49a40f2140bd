//! `bench http`: one order a request over many connections; with `--baseline` in turns with an empty handler.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use holdfast_domain::Quantity;
use serde_json::json;

use super::baseline::Baseline;
use super::client;
use super::service::{OrderRequest, Service, UntilTime, address_of};
use super::{Found, Tally, median, rate, rounded, tell_the_same, with};
use crate::cli::{BenchHttpArgs, CommonArgs};
use crate::exit::Failure;
use crate::progress::Progress;

/// How long connections run before anything counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// Runs the bench.
pub(super) fn run(common: &CommonArgs, args: &BenchHttpArgs) -> Result<Found, Failure> {
    let stock = Quantity::new(Quantity::MAX).expect("the largest quantity");
    let service = Service::start(common, &args.service, args.products, stock)?;
    let request = OrderRequest::new(service.products.clone());
    let mut addresses = vec![service.address];
    for replica in &args.replicas {
        addresses.push(address_of(replica)?);
    }
    let mut before = load(&addresses, &request, args.connections, WARM_UP)?;
    let baseline = if args.baseline { Some(start_baseline(service.address, &request, &mut before)?) } else { None };
    if let Some(baseline) = &baseline {
        load(&[baseline.address], &request, args.connections, WARM_UP)?;
    }

    let (mut ours, mut empty, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    let mut progress = Progress::new(common, "bench", "rounds", Some(args.rounds.into()));
    for _ in 0..args.rounds {
        if let Some(baseline) = &baseline {
            let (answered, took) = timed(&[baseline.address], &request, args)?;
            empty.push(rate(answered.accepted, took));
        }
        let (answered, took) = timed(&addresses, &request, args)?;
        ours.push(rate(answered.decided(), took));
        tally.join(answered);
        progress.advance(1);
    }
    progress.finish();
    if let Some(baseline) = baseline {
        baseline.stop();
    }
    let proved = service.finish()?;
    let is_right = proved.is_clean && proved.oversold == 0 && tell_the_same(&[&before, &tally], proved.reserved);
    let per_second = median(ours.clone());
    let mut shown = with(
        tally.shown(per_second, proved.oversold),
        json!({
            "connections": args.connections,
            "products": args.products,
            "rounds": args.rounds,
            "verified": is_right,
        }),
    );
    if !empty.is_empty() {
        let ratios: Vec<f64> = ours.iter().zip(&empty).map(|(ours, empty)| ours / empty.max(1.0)).collect();
        let compared = json!({"baseline_per_s": median(empty).round(), "ratio": rounded(median(ratios))});
        shown = with(shown, compared);
    }
    Ok(Found { shown, is_right })
}

/// Loads services for a while.
pub(super) fn load(
    addresses: &[SocketAddr],
    request: &OrderRequest,
    connections: u32,
    time: Duration,
) -> Result<Tally, Failure> {
    let now = Instant::now();
    let until = now.checked_add(time).unwrap_or(now);
    let scripts = (0..connections).map(|_| {
        let request = OrderRequest::new(request.products());
        client::boxed(UntilTime { request, until })
    });
    client::drive(addresses, scripts.collect())
}

fn timed(addresses: &[SocketAddr], request: &OrderRequest, args: &BenchHttpArgs) -> Result<(Tally, Duration), Failure> {
    let started = Instant::now();
    let tally = load(addresses, request, args.connections, Duration::from_secs(args.seconds))?;
    Ok((tally, started.elapsed()))
}

/// Starts an empty handler whose answers are as long as a real one.
fn start_baseline(address: SocketAddr, request: &OrderRequest, tally: &mut Tally) -> Result<Baseline, Failure> {
    let mut bytes = Vec::new();
    request.clone().write(&mut bytes);
    let mut answers = client::ask_once(address, &[bytes])?;
    let (status, answer) = answers.pop().unwrap_or_default();
    tally.answered(status);
    Baseline::start(answer)
}
