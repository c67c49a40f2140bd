//! `replay`: feeds a file of events through the same road as Kafka and HTTP, and says what became of them.

use std::collections::HashSet;
use std::io::Write;
use std::time::{Duration, Instant};

use holdfast_application::order_event::EventOutcome;
use holdfast_domain::{OrderId, OrderStatus, Timestamp};
use serde_json::{Map, Value, json};

use crate::cli::{CommonArgs, ReplayArgs, ReplayClock, Speed};
use crate::exit::{Exit, Failure, unless_unread};
use crate::interrupt::{Interrupt, Work};
use crate::numbers::{count, seconds};
use crate::progress::Progress;
use crate::remote::Remote;
use crate::wiring;

mod event;
mod file;
mod into_service;
mod into_store;
mod orders_created;

use event::Event;
use file::Chunk;
pub(super) use orders_created::orders_created;

/// How far clocks of those who write events may be ahead of this one.
const FUTURE_MAX: Duration = Duration::from_hours(24);
/// Events that are handed over together.
const BATCH: usize = 1_024;
/// Why an event that can be read is rejected.
const REJECTED: &str = "another event with this eventId was decided before, or a number is beyond a limit";
/// The most rejected lines that are listed; all are counted.
const LISTED_MAX: usize = 1_000;

/// Where events go.
trait Target {
    /// Hands events over, in order, and says what became of each.
    fn take(&mut self, events: Vec<Event>) -> Result<Vec<EventOutcome>, Failure>;
    /// How many of these orders are in which state.
    fn statuses(&mut self, orders: &HashSet<OrderId>) -> Result<Statuses, Failure>;
}

/// How many orders are in which state.
#[derive(Debug, Default, PartialEq, Eq)]
struct Statuses([u64; OrderStatus::ALL.len()]);

impl Statuses {
    fn add(&mut self, status: OrderStatus) {
        let place = OrderStatus::ALL.iter().position(|known| *known == status);
        if let Some(count) = place.and_then(|place| self.0.get_mut(place)) {
            *count = count.saturating_add(1);
        }
    }

    fn to_json(&self) -> Value {
        use OrderStatus::{Closed, Confirmed, Expired, Refused, Released, Reserved};
        let mut members = Map::new();
        for status in [Reserved, Confirmed, Released, Expired, Refused, Closed] {
            let place = OrderStatus::ALL.iter().position(|known| *known == status);
            let count = place.and_then(|place| self.0.get(place)).copied().unwrap_or(0);
            members.insert(status.as_str().to_owned(), count.into());
        }
        Value::Object(members)
    }
}

/// What a replay has done so far.
#[derive(Debug, Default)]
struct Tally {
    events: u64,
    listed: usize,
    outcomes: [u64; 6],
    orders: HashSet<OrderId>,
}

/// The outcomes in the order in which results show them.
const OUTCOMES: [EventOutcome; 6] = [
    EventOutcome::Applied,
    EventOutcome::Replayed,
    EventOutcome::Refused,
    EventOutcome::Ignored,
    EventOutcome::Waiting,
    EventOutcome::Rejected,
];

impl Tally {
    fn note(&mut self, outcome: EventOutcome) {
        self.events = self.events.saturating_add(1);
        let place = OUTCOMES.iter().position(|known| *known == outcome);
        if let Some(count) = place.and_then(|place| self.outcomes.get_mut(place)) {
            *count = count.saturating_add(1);
        }
    }

    /// Notes an event that was never taken, and says why.
    fn reject(&mut self, line: u64, why: &str) {
        self.note(EventOutcome::Rejected);
        if self.listed < LISTED_MAX {
            self.listed = self.listed.saturating_add(1);
            // The count tells it too; a closed standard error is no failure.
            let _ = writeln!(std::io::stderr(), "line {line}: {why}");
        }
    }

    /// Says that not all were listed.
    fn say_if_cut(&self) {
        if self.rejected() > count(self.listed) {
            let _ = writeln!(std::io::stderr(), "… {} rejected lines in all", self.rejected());
        }
    }

    fn rejected(&self) -> u64 {
        OUTCOMES.iter().zip(self.outcomes).find(|(of, _)| **of == EventOutcome::Rejected).map_or(0, |(_, count)| count)
    }

    fn to_json(&self, orders: &Statuses, took: Duration) -> Value {
        let mut members = Map::new();
        members.insert("events".to_owned(), self.events.into());
        for (outcome, count) in OUTCOMES.iter().zip(self.outcomes) {
            members.insert(outcome.as_str().to_owned(), count.into());
        }
        members.insert("orders".to_owned(), orders.to_json());
        members.insert("seconds".to_owned(), json!(seconds(took)));
        Value::Object(members)
    }
}

/// What an interrupted replay says.
const REPLAYING: Work = Work {
    counted: Some("events were decided"),
    go_on: "run the same command again: those are known by their eventId",
    looks: true,
};

/// Replays the file.
pub(super) fn run(common: &CommonArgs, args: &ReplayArgs) -> Result<Exit, Failure> {
    let settings = super::settings(common)?;
    let interrupt = Interrupt::hear(REPLAYING)?;
    let remote = Remote::named(common, &args.server)?;
    let usual = if remote.is_some() { ReplayClock::Wall } else { ReplayClock::Events };
    let clock = args.clock.unwrap_or(usual);
    let lines = file::open(&args.file)?;
    let mut target: Box<dyn Target> = match remote {
        Some(remote) => {
            refuse_what_a_service_decides(args)?;
            Box::new(into_service::IntoService::new(remote))
        }
        None => Box::new(into_store::IntoStore::open(&settings, args)?),
    };
    let mut progress = Progress::new(common, "replay", "events", None);
    let started = Instant::now();
    let mut work =
        Replay { target: &mut *target, pace: Pace::new(args.speed), tally: Tally::default(), interrupt: &interrupt };
    let reading = event::Reading {
        kinds: args.kinds.clone(),
        clock,
        is_paced: args.speed != Speed::Max,
        latest: wiring::wall_clock().after(FUTURE_MAX),
    };
    file::each_chunk(lines, reading, BATCH, &mut |chunk| work.off(chunk, &mut progress))?;
    let tally = work.tally;
    let took = started.elapsed();
    progress.finish();
    tally.say_if_cut();
    let statuses = target.statuses(&tally.orders)?;
    unless_unread(super::output(common).object(&tally.to_json(&statuses, took)))?;
    Ok(if tally.rejected() > 0 { Exit::Partly } else { Exit::Done })
}

/// On a running service its own clock and settings count.
fn refuse_what_a_service_decides(args: &ReplayArgs) -> Result<(), Failure> {
    let given = [
        ("--clock events", args.clock == Some(ReplayClock::Events)),
        ("--ttl", args.ttl.is_some()),
        ("--late-payment", args.late_payment.is_some()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(Failure::usage(format!("{flag} works on a store only; a service goes by its settings"))),
        None => Ok(()),
    }
}

/// A replay on its way.
struct Replay<'r> {
    target: &'r mut dyn Target,
    pace: Pace,
    tally: Tally,
    interrupt: &'r Interrupt,
}

impl Replay<'_> {
    /// Works off what was read ahead.
    fn off(&mut self, chunk: Chunk, progress: &mut Progress) -> Result<(), Failure> {
        let tally = &mut self.tally;
        for (line, detail) in &chunk.unreadable {
            tally.reject(*line, detail);
        }
        tally.orders.extend(chunk.events.iter().filter_map(|event| event.order));
        let mut left = chunk.events;
        while !left.is_empty() {
            let rest = left.split_off(self.pace.due(&left, self.interrupt));
            self.interrupt.look()?;
            let lines: Vec<u64> = left.iter().map(|event| event.line).collect();
            let outcomes = self.target.take(left)?;
            self.interrupt.note(count(outcomes.len()));
            for (outcome, line) in outcomes.into_iter().zip(lines) {
                match outcome {
                    EventOutcome::Rejected => tally.reject(line, REJECTED),
                    outcome => tally.note(outcome),
                }
                progress.advance(1);
            }
            left = rest;
        }
        Ok(())
    }
}

/// When events are due.
struct Pace {
    speed: Speed,
    first: Option<(Timestamp, Instant)>,
}

impl Pace {
    const fn new(speed: Speed) -> Self {
        Self { speed, first: None }
    }

    /// Waits until the first of `events` is due or somebody interrupts, and says how many are.
    fn due(&mut self, events: &[Event], interrupt: &Interrupt) -> usize {
        let Speed::Times(times) = self.speed else { return events.len() };
        let Some(next) = events.first() else { return 0 };
        let (first, started) = *self.first.get_or_insert((next.at, Instant::now()));
        let after = |event: &Event| event.at.since(first).as_secs_f64() / times;
        let wait = after(next) - started.elapsed().as_secs_f64();
        if wait > 0.0 {
            interrupt.pause(Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX));
        }
        let gone = started.elapsed().as_secs_f64();
        events.iter().take_while(|event| after(event) <= gone).count().max(1)
    }
}
