//! `bench commit --database-url …`: callers who each wait for an answer before they ask again, before the queue and the
//! lanes of this process on a shared database of the bench's own; with `--naive` in turns with a transaction for each
//! order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_application::queue::Class;
use holdfast_application::ticket::Landing;
use holdfast_application::{Command, CommandQueue, Reply, Submission};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::{Actor, Quantity};
use serde_json::json;
use tokio::task::JoinSet;

use super::answered::Answered;
use super::naive::Naive;
use super::orders::{Lines, Orders};
use super::{Found, median, rate, rounded, setting_up, shown_count, with};
use crate::cli::{BenchCommitArgs, CommonArgs};
use crate::config::Settings;
use crate::exit::Failure;
use crate::progress::Progress;
use crate::random::Random;
use crate::wiring::{self, OwnDatabase, Running};

/// How long both run before anything counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// Runs the bench, and leaves the database as empty as it was, unless it shall be kept.
pub(super) fn run(common: &CommonArgs, args: &BenchCommitArgs) -> Result<Found, Failure> {
    let flags = [("server.listen", "bench", "127.0.0.1:0".to_owned())];
    let settings = super::super::own_settings(common, flags.into_iter())?;
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
    let orders = match &args.callers.orders_from {
        Some(path) => Orders::real(path)?,
        None => Orders::at_random(args.products, args.lines),
    };
    let stock = Quantity::new(Quantity::MAX).expect("the largest quantity");
    let callers = usize::try_from(args.callers.callers).unwrap_or(usize::MAX);
    let mut books = wiring::open_books(settings)?;
    setting_up::stock_up(&mut books, orders.products(), stock)?;
    let mut naive =
        if args.callers.naive { Some(Naive::prepare(database, orders.anew(), stock, callers)?) } else { None };
    let running = Running::start(settings, books)?;
    let crowd = Crowd { queue: running.queue.clone(), orders: orders.clone(), callers };

    let (mut all, _) = crowd.load(WARM_UP)?;
    all.tally = super::Tally::default();
    if let Some(naive) = &mut naive {
        naive.load(WARM_UP)?;
    }
    let mut progress = Progress::new(common, "bench", "rounds", Some(u64::from(args.callers.rounds)));
    let time = Duration::from_secs(args.callers.seconds);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..args.callers.rounds {
        let (answered, took) = crowd.load(time)?;
        ours.push(rate(answered.tally.decided(), took));
        all.join(answered);
        if let Some(naive) = &mut naive {
            theirs.push(naive.load(time)?);
        }
        progress.advance(1);
    }
    progress.finish();
    let queries = running.queries.clone();
    running.stop()?;

    let proved = setting_up::prove(&*queries, orders.products(), stock)?;
    let naive_is_right = naive.as_mut().map_or(Ok(true), Naive::is_right)?;
    let told = proved.is_clean && proved.oversold == 0 && all.agrees_with(proved.reserved);
    let is_right = told && naive_is_right;
    let mut shown = with(
        all.tally.shown(median(ours.clone()), proved.oversold),
        json!({
            "callers": args.callers.callers,
            "products": shown_count(orders.products().len()),
            "lines": rounded(orders.lines()),
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

/// Callers before the queue.
struct Crowd {
    queue: CommandQueue,
    orders: Orders,
    callers: usize,
}

impl Crowd {
    /// Loads the lanes for a while: all callers live on this thread, as those of the service do on its threads.
    fn load(&self, time: Duration) -> Result<(Answered, Duration), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| Failure::failed("the callers cannot be started", &error))?;
        let started = Instant::now();
        let until = started.checked_add(time).unwrap_or(started);
        let answered = runtime.block_on(async {
            let landing = Arc::new(Landing::default());
            tokio::spawn(landing.clone().serve());
            let mut callers: JoinSet<Answered> =
                (0..self.callers).map(|_| self.caller(until, landing.clone())).collect();
            let mut all = Answered::default();
            while let Some(one) = callers.join_next().await {
                all.join(one.map_err(|error| Failure::failed("a caller has died", &error))?);
            }
            Ok(all)
        })?;
        Ok((answered, started.elapsed()))
    }

    fn caller(&self, until: Instant, landing: Arc<Landing>) -> impl Future<Output = Answered> + Send + 'static {
        let (queue, orders) = (self.queue.clone(), self.orders.clone());
        let actor = Actor::new("bench").expect("a plain word is an actor");
        async move {
            let (mut random, mut all) = (Random::new(), Answered::default());
            loop {
                let asked = Instant::now();
                if asked >= until {
                    return all;
                }
                let lines = orders.draw(&mut random);
                let command = order(&mut random, &lines);
                let submission = Submission { command, actor: actor.clone(), key: None, decided_at: None };
                let heard = match queue.submit(submission, Class::Interactive, Some(landing.clone())) {
                    Ok(ticket) => ticket.await,
                    Err(fault) => Err(fault),
                };
                let status = match heard {
                    Ok(Reply::Decided(Ok(_))) => 201,
                    Ok(_) => 409,
                    Err(_) => {
                        // Whoever is turned away at once lets the others go on.
                        tokio::task::yield_now().await;
                        503
                    }
                };
                all.note(status, &lines);
                all.tally.took(asked.elapsed());
            }
        }
    }
}

fn order(random: &mut Random, lines: &Lines) -> Command {
    let line =
        |(product, quantity): &_| OrderLine { product: ProductRef::Id(*product), quantity: *quantity, location: None };
    Command::ReserveOrder { order: random.order(), lines: lines.iter().map(line).collect(), ttl: None, strategy: None }
}
