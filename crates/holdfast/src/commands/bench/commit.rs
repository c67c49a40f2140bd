//! `bench commit`: the committer in this process, batch after batch, without queue and HTTP; on a shared database with
//! the queue.

use std::time::{Duration, Instant};

use holdfast_application::committer::commit_batch;
use holdfast_application::{Command, Policy, Reply, Submission};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::{Actor, ProductId, Quantity};
use serde_json::json;

use super::{Found, Tally, callers, rate, setting_up, shown_count, with};
use crate::cli::{BenchCommitArgs, CommonArgs};
use crate::exit::Failure;
use crate::numbers::{count, seconds};
use crate::progress::Progress;
use crate::random::Random;
use crate::wiring;

/// Runs the bench; on a database that was named with callers before the queue.
pub(super) fn run(common: &CommonArgs, args: &BenchCommitArgs) -> Result<Found, Failure> {
    let is_drawn = args.callers.orders_from.is_none();
    if is_drawn && u64::from(args.products) < count(args.lines) && common.database_url.is_some() {
        return Err(Failure::usage("--lines are of different products: there must be as many --products"));
    }
    if common.database_url.is_some() {
        return callers::run(common, args);
    }
    if args.callers.naive || args.callers.keep || !is_drawn {
        return Err(Failure::usage(
            "--naive, --keep and --orders-from are for a shared database: name an empty one with --database-url",
        ));
    }
    let folder = setting_up::folder(args.folder.as_deref())?;
    let settings = setting_up::settings(common, &folder)?;
    let mut books = wiring::open_books(&settings)?;
    let products = setting_up::new_products(args.products);
    let stock = Quantity::new(Quantity::MAX).expect("the largest quantity");
    setting_up::stock_up(&mut books, &products, stock)?;

    let mut progress = Progress::new(common, "bench", "orders", Some(args.orders));
    let (mut random, mut tally, mut left) = (Random::new(), Tally::default(), args.orders);
    let mut spent = Duration::ZERO;
    while left > 0 {
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(args.batch);
        let batch: Vec<Submission> = (0..size).map(|_| order(&mut random, &products, args.lines)).collect();
        let batch: Vec<&Submission> = batch.iter().collect();
        let started = Instant::now();
        let replies = commit_batch(&mut *books.store, &batch, &Policy::default())
            .map_err(|error| Failure::failed("a batch was not committed", &error))?;
        tally.took(started.elapsed());
        books.store.rest().map_err(|error| Failure::failed("housekeeping of the store failed", &error))?;
        spent = spent.saturating_add(started.elapsed());
        for reply in &replies {
            tally.answered(if matches!(reply, Reply::Decided(Ok(_))) { 201 } else { 409 });
        }
        left = left.saturating_sub(count(size));
        progress.advance(count(size));
    }
    progress.finish();

    let proved = setting_up::prove(&*books.queries, &products, stock)?;
    let lines = u64::try_from(args.lines).unwrap_or(u64::MAX);
    let promised = tally.accepted.saturating_mul(lines);
    let is_right = proved.is_clean && proved.reserved == promised && tally.decided() == args.orders;
    let per_second = rate(args.orders, spent);
    let shown = with(
        tally.shown(per_second, proved.oversold),
        json!({
            "lines_per_s": rate(args.orders.saturating_mul(lines), spent).round(),
            "products": args.products,
            "batch": shown_count(args.batch),
            "lines": shown_count(args.lines),
            "verified": is_right,
            "seconds": seconds(spent),
        }),
    );
    Ok(Found { shown, is_right })
}

fn order(random: &mut Random, products: &[ProductId], lines: usize) -> Submission {
    let line = |random: &mut Random| {
        let product = random.pick(products).copied().unwrap_or_else(|| random.product());
        OrderLine { product: ProductRef::Id(product), quantity: Quantity::ONE, location: None }
    };
    let lines = (0..lines).map(|_| line(random)).collect();
    Submission {
        command: Command::ReserveOrder { order: random.order(), lines, ttl: None, strategy: None },
        actor: Actor::new("bench").expect("a plain word is an actor"),
        key: None,
        decided_at: None,
    }
}
