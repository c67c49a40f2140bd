//! `bench commit --database-url …`: callers who each wait for an answer before they ask again, before the queue and the lanes of this
//! process on a shared database of the bench's own; with `--naive` in turns with a transaction for each order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_application::queue::Class;
use holdfast_application::ticket::Landing;
use holdfast_application::{Command, CommandQueue, Reply, Submission};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::{Actor, ProductId, Quantity};
use serde_json::json;
use tokio::task::JoinSet;

use super::naive::Naive;
use super::setting_up::{self, Proved};
use super::{Found, Tally, median, rate, rounded, shown_count, with};
use crate::cli::{BenchCommitArgs, CommonArgs};
use crate::config::Settings;
use crate::exit::Failure;
use crate::numbers::count;
use crate::progress::Progress;
use crate::random::Random;
use crate::wiring::{self, OwnDatabase, Running};

/// How long both run before anything counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// Runs the bench, and leaves the database as empty as it was, unless it shall be kept.
pub(super) fn run(common: &CommonArgs, args: &BenchCommitArgs) -> Result<Found, Failure> {
    let flags = [("server.listen", "bench", "127.0.0.1:0".to_owned())];
    let settings = super::super::configuration(common, flags.into_iter())?.typed()?;
    let mut database = wiring::own_database(&settings)?;
    let found = measure(common, args, &settings, &mut database);
    if !args.callers.keep {
        wiring::clear(database)?;
    }
    found
}

fn measure(
    common: &CommonArgs,
    args: &BenchCommitArgs,
    settings: &Settings,
    database: &mut OwnDatabase,
) -> Result<Found, Failure> {
    let products: Arc<[ProductId]> = setting_up::new_products(args.products).into();
    let stock = Quantity::new(Quantity::MAX).expect("the largest quantity");
    let callers = usize::try_from(args.callers.callers).unwrap_or(usize::MAX);
    let mut books = wiring::open_books(settings)?;
    setting_up::stock_up(&mut books, &products, stock)?;
    let mut naive = if args.callers.naive {
        Some(Naive::prepare(database, products.clone(), stock, callers, args.lines)?)
    } else {
        None
    };
    let running = Running::start(settings, books)?;
    let crowd = Crowd { queue: running.queue.clone(), products: products.clone(), callers, lines: args.lines };

    let (before, _) = crowd.load(WARM_UP)?;
    if let Some(naive) = &mut naive {
        naive.load(WARM_UP)?;
    }
    let mut progress = Progress::new(common, "bench", "rounds", Some(u64::from(args.callers.rounds)));
    let time = Duration::from_secs(args.callers.seconds);
    let (mut ours, mut theirs, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    for _ in 0..args.callers.rounds {
        let (answered, took) = crowd.load(time)?;
        ours.push(rate(answered.decided(), took));
        tally.join(answered);
        if let Some(naive) = &mut naive {
            theirs.push(naive.load(time)?);
        }
        progress.advance(1);
    }
    progress.finish();
    let queries = running.queries.clone();
    running.stop();

    let proved = setting_up::prove(&*queries, &products, stock)?;
    let naive_is_right = naive.as_mut().map_or(Ok(true), Naive::is_right)?;
    let is_right = tells(&proved, &tally, &before, args.lines) && naive_is_right;
    let mut shown = with(
        tally.shown(median(ours.clone()), proved.oversold),
        json!({
            "callers": args.callers.callers,
            "products": args.products,
            "lines": shown_count(args.lines),
            "lanes": shown_count(settings.store.lanes),
            "rounds": args.callers.rounds,
            "verified": is_right,
        }),
    );
    if let Some(naive) = naive {
        let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs.max(1.0)).collect();
        let compared = json!({
            "naive_per_s": median(theirs).round(),
            "naive_connections": shown_count(naive.connections()),
            "naive_errors": naive.errors(),
            "ratio": rounded(median(ratios.clone())),
            "ratios": ratios.into_iter().map(rounded).collect::<Vec<_>>(),
        });
        shown = with(shown, compared);
    }
    Ok(Found { shown, is_right })
}

/// Whether the books tell what the answers told. Of an order that failed nobody knows whether it is held.
fn tells(proved: &Proved, tally: &Tally, before: &Tally, lines: usize) -> bool {
    let units = |orders: u64| orders.saturating_mul(count(lines));
    let accepted = units(tally.accepted.saturating_add(before.accepted));
    let errors = units(tally.errors.saturating_add(before.errors));
    let told = proved.reserved >= accepted && proved.reserved <= accepted.saturating_add(errors);
    proved.is_clean && proved.oversold == 0 && told
}

/// Callers before the queue.
struct Crowd {
    queue: CommandQueue,
    products: Arc<[ProductId]>,
    callers: usize,
    lines: usize,
}

impl Crowd {
    /// Loads the lanes for a while: all callers live on this thread, as those of the service do on its threads.
    fn load(&self, time: Duration) -> Result<(Tally, Duration), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| Failure::failed("the callers cannot be started", &error))?;
        let started = Instant::now();
        let until = started.checked_add(time).unwrap_or(started);
        let tally = runtime.block_on(async {
            let landing = Arc::new(Landing::default());
            tokio::spawn(landing.clone().serve());
            let mut callers: JoinSet<Tally> = (0..self.callers).map(|_| self.caller(until, landing.clone())).collect();
            let mut all = Tally::default();
            while let Some(one) = callers.join_next().await {
                all.join(one.map_err(|error| Failure::failed("a caller has died", &error))?);
            }
            Ok(all)
        })?;
        Ok((tally, started.elapsed()))
    }

    fn caller(&self, until: Instant, landing: Arc<Landing>) -> impl Future<Output = Tally> + Send + 'static {
        let (queue, products, lines) = (self.queue.clone(), self.products.clone(), self.lines);
        let actor = Actor::new("bench").expect("a plain word is an actor");
        async move {
            let (mut random, mut tally) = (Random::new(), Tally::default());
            loop {
                let asked = Instant::now();
                if asked >= until {
                    return tally;
                }
                let command = order(&mut random, &products, lines);
                let submission = Submission { command, actor: actor.clone(), key: None, decided_at: None };
                let heard = match queue.submit(submission, Class::Interactive, Some(landing.clone())) {
                    Ok(ticket) => ticket.await,
                    Err(fault) => Err(fault),
                };
                tally.answered(match heard {
                    Ok(Reply::Decided(Ok(_))) => 201,
                    Ok(_) => 409,
                    Err(_) => {
                        // Whoever is turned away at once lets the others go on.
                        tokio::task::yield_now().await;
                        503
                    }
                });
                tally.took(asked.elapsed());
            }
        }
    }
}

fn order(random: &mut Random, products: &[ProductId], lines: usize) -> Command {
    let line = |product| OrderLine { product: ProductRef::Id(product), quantity: Quantity::ONE, location: None };
    let lines = different(random, products, lines).into_iter().map(line).collect();
    Command::ReserveOrder { order: random.order(), lines, ttl: None, strategy: None }
}

/// Products of one order, each once, in their order.
pub(super) fn different(random: &mut Random, products: &[ProductId], lines: usize) -> BTreeSet<ProductId> {
    let mut different = BTreeSet::new();
    while different.len() < lines.min(products.len()) {
        different.extend(random.pick(products));
    }
    different
}
