//! Tells the world: takes events from the outbox to where they go, of each key in order, and removes them once they
//! were taken (PROTOCOL, section 3.10).
//!
//! Each destination has a relay of its own, so one that does not answer keeps no other waiting. Of several services one
//! relays; that two do is harmless: what is first heard of a key stays in order, and repeats can be told by their
//! place.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::commit_bell::CommitBell;
use crate::duties::{Duties, Duty};
use crate::events::{Destination, EventSet, OutgoingEvent, SentParcel, UnsentEvent};
use crate::ports::EventSink;
use crate::queries::{OutboxStep, ReadError, StockQueries};
use crate::queue::CommandQueue;

mod holes;
mod removals;

use holes::Holes;
use removals::Removals;

/// The most events that are on their way together, of each stream, and the most bytes of them.
const STEP: OutboxStep = OutboxStep { events_max: 4_096, bytes_max: 8 << 20 };
/// With so many events a time the relay is busy.
const BUSY: usize = 128;
/// From one sending to the next events gather for so long, and for so long while it is busy: each sending costs the
/// brokers, too.
const GATHER: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(40));
/// How long a relay waits for a commit before it looks by itself: other services write too.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the duty is this service's, and how often it takes it anew.
const DUTY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1));
/// How long after a failure the same is tried again, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long what waits is still told once the service is being stopped.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// What others may know about a relay.
#[derive(Debug, Default)]
pub struct RelayStatus {
    fault: Mutex<Option<String>>,
    has_ended: AtomicBool,
}

impl RelayStatus {
    /// Why nothing can be told at present.
    pub fn fault(&self) -> Option<String> {
        if self.has_ended.load(Ordering::Relaxed) {
            return Some("the relay has stopped".to_owned());
        }
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, fault: Option<String>) {
        let mut known = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some() != fault.is_some() {
            match &fault {
                Some(fault) => tracing::warn!(%fault, "events cannot be told at present; they wait in the outbox"),
                None => tracing::info!("events are told again"),
            }
        }
        *known = fault;
    }
}

/// The relay's thread ends, in whichever way.
struct Ended(Arc<RelayStatus>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.has_ended.store(true, Ordering::Relaxed);
    }
}

/// What a relay works with.
#[derive(Clone)]
pub struct RelayParts {
    /// Reads of the outbox.
    pub queries: Arc<dyn StockQueries>,
    /// Where what was told is removed.
    pub queue: CommandQueue,
    /// Who relays, of several services.
    pub duties: Arc<dyn Duties>,
    /// Rung after each commit.
    pub bell: Arc<CommitBell>,
    /// Set when the service is being stopped.
    pub stop: Arc<AtomicBool>,
}

impl std::fmt::Debug for RelayParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelayParts").finish_non_exhaustive()
    }
}

/// Takes events from the outbox to one destination.
pub struct Relay {
    destination: Arc<str>,
    wants: EventSet,
    sink: Box<dyn EventSink>,
    parts: RelayParts,
    status: Arc<RelayStatus>,
    removals: Removals,
    holes: Holes,
    duty_taken: Option<Instant>,
    stopped: Option<Instant>,
    /// Whether so much waits to be removed that nothing was told.
    is_full: bool,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("destination", &self.destination).finish_non_exhaustive()
    }
}

/// What became of a look into the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// There was nothing to tell, it is another's duty, or what was told must be removed first.
    Idle,
    /// So many events were told.
    Told(usize),
    /// Something was told, and the rest was left for the next time.
    Left,
    /// Something could not be told, but something else was.
    PartlyFailed,
    /// Nothing could be told of what there is, but of other keys it could.
    Refused,
    /// Nothing could be told.
    Failed,
}

impl Relay {
    /// A relay to `destination`.
    pub fn new(destination: &Destination, sink: Box<dyn EventSink>, parts: RelayParts) -> Self {
        let Destination { name, wants } = destination;
        let removals = Removals::of(name.clone(), parts.queue.clone());
        Self {
            destination: name.clone(),
            wants: *wants,
            sink,
            parts,
            status: Arc::default(),
            removals,
            holes: Holes::default(),
            duty_taken: None,
            stopped: None,
            is_full: false,
        }
    }

    /// What others may know about it.
    pub fn status(&self) -> Arc<RelayStatus> {
        self.status.clone()
    }

    /// Tells what there is to tell, until it is to stop and everything was told, or as much as can be in two seconds.
    pub fn run(mut self) {
        let _ended = Ended(self.status.clone());
        let mut pause = Backoff::between(PAUSES.0, PAUSES.1);
        loop {
            let (heard, started) = (self.parts.bell.rings(), Instant::now());
            let round = self.round();
            if self.parts.stop.load(Ordering::Relaxed) {
                let since = *self.stopped.get_or_insert_with(Instant::now);
                if !matches!(round, Round::Told(_) | Round::Left) || since.elapsed() >= FLUSH_MAX {
                    break;
                }
            }
            match round {
                Round::Idle => self.wait(heard),
                Round::Told(events) => {
                    pause.reset();
                    if events < STEP.events_max {
                        let gather = if events < BUSY { GATHER.0 } else { GATHER.1 };
                        std::thread::sleep(gather.saturating_sub(started.elapsed()));
                        self.wait(heard);
                    }
                }
                Round::Left => pause.reset(),
                Round::PartlyFailed => {
                    self.sleep(PAUSES.0);
                    pause.reset();
                }
                // The sink pauses by itself for what it is refused.
                Round::Refused => {
                    self.sleep(PAUSES.0);
                    pause.reset();
                    self.wait(heard);
                }
                Round::Failed => self.sleep(pause.next()),
            }
        }
        self.removals.finish(FLUSH_MAX);
        self.parts.duties.leave();
    }

    /// Waits until something was committed since the bell was heard so often, or something else is to be done.
    fn wait(&self, heard: u64) {
        let most = self.removals.due_in().map_or(LOOK_EVERY, |due| due.min(LOOK_EVERY));
        self.parts.bell.wait(heard, most);
    }

    fn sleep(&self, pause: Duration) {
        let since = Instant::now();
        while since.elapsed() < pause && !self.parts.stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20).min(pause));
        }
    }

    /// Looks into the outbox once.
    fn round(&mut self) -> Round {
        match self.is_on_duty() {
            Ok(true) => {}
            Ok(false) => {
                // What was told before the duty went to another is removed all the same, and nothing is due any more.
                self.removals.look();
                return Round::Idle;
            }
            Err(error) => {
                self.status.set(Some(error));
                return Round::Failed;
            }
        }
        // What is seen to be removed is so for whoever reads from now on.
        self.removals.look();
        let was_full = std::mem::replace(&mut self.is_full, self.removals.is_full());
        if self.is_full {
            self.status.set(Some("what was told cannot be removed".to_owned()));
            return Round::Idle;
        }
        if was_full {
            self.status.set(None);
        }
        let unsent = match self.unsent() {
            Ok(unsent) => unsent,
            Err(error) => {
                self.status.set(Some(error.to_string()));
                return Round::Failed;
            }
        };
        if unsent.is_empty() {
            return Round::Idle;
        }
        if self.wants == EventSet::ALL {
            self.holes.look(&unsent);
        }
        let events: Vec<&OutgoingEvent> = unsent.iter().map(|unsent| &unsent.event).collect();
        let (stop, stopped) = (&self.parts.stop, Cell::new(self.stopped));
        let give_up = || {
            let is_stopped = stop.load(Ordering::Relaxed);
            if is_stopped && stopped.get().is_none() {
                stopped.set(Some(Instant::now()));
            }
            stopped.get().is_some_and(|since| since.elapsed() >= FLUSH_MAX)
        };
        let taken = self.sink.send(&events, &give_up);
        self.stopped = stopped.get();
        let sent = SentParcel::of(unsent.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(unsent, _)| unsent));
        let told = taken.iter().filter(|taken| **taken).count();
        let fault = self.sink.fault();
        let left = unsent.len().saturating_sub(told);
        // Without a fault they were only left for the next time.
        let has_failed = left > 0 && (fault.is_some() || told == 0);
        let failed = if has_failed { u64::try_from(left).unwrap_or(u64::MAX) } else { 0 };
        let destination = self.destination.to_string();
        metrics::counter!("holdfast_relay_events_total", "destination" => destination.clone())
            .increment(u64::try_from(told).unwrap_or(u64::MAX));
        metrics::counter!("holdfast_relay_failures_total", "destination" => destination).increment(failed);
        self.removals.add(sent);
        if !has_failed {
            self.status.set(None);
            return if left == 0 { Round::Told(unsent.len()) } else { Round::Left };
        }
        self.status.set(Some(fault.unwrap_or_else(|| "events were not taken".to_owned())));
        match (told == 0, self.sink.takes_other_keys()) {
            (false, _) => Round::PartlyFailed,
            (true, true) => Round::Refused,
            (true, false) => Round::Failed,
        }
    }

    /// Whether telling is this service's duty. It is taken anew in time, so another finds it free only when this one is
    /// gone.
    fn is_on_duty(&mut self) -> Result<bool, String> {
        if self.duty_taken.is_some_and(|taken| taken.elapsed() < DUTY.1) {
            return Ok(true);
        }
        let asked = Instant::now();
        let taken = self.parts.duties.take(Duty::Relay, DUTY.0).map_err(|error| error.to_string())?;
        let was_ours = self.duty_taken.is_some_and(|taken| taken.elapsed() < DUTY.0);
        self.duty_taken = taken.map(|_| asked);
        if !was_ours {
            self.holes.forget();
        }
        Ok(taken.is_some())
    }

    /// What waits, of all its streams, but what was told already and is only not removed yet.
    fn unsent(&self) -> Result<Vec<UnsentEvent>, ReadError> {
        let step = OutboxStep { events_max: STEP.events_max.saturating_add(self.removals.parts()), ..STEP };
        let told = self.removals.parcels();
        let mut unsent = Vec::new();
        for stream in self.wants.streams() {
            unsent.extend(self.parts.queries.unsent(&self.destination, *stream, step, told)?);
        }
        // Each key's side by side, in their order.
        unsent.sort_unstable_by_key(|unsent| unsent.event.place);
        unsent.retain(|unsent| !self.removals.has_part(unsent));
        Ok(unsent)
    }
}
