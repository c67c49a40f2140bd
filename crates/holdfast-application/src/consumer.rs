//! Upstream events from a broker: each record a command through the one queue, its place in the topic moved on only after the
//! commit (PROTOCOL, section 3.11).
//!
//! A record that can never be applied is put away, and the partition moves on. A store that does not answer is no reason for
//! that: the records wait, and the group is told that this member still lives.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_domain::Actor;

use crate::answer::Fault;
use crate::command::{Command, Submission};
use crate::intake::{self, EventNames, ReadEvent};
use crate::order_event::EventOutcome;
use crate::ports::{DeadLetter, EventSource, Record};
use crate::queue::{Class, CommandQueue};
use crate::ticket::Ticket;

/// The most records that are decided together.
const RECORDS_MAX: usize = 4_096;
/// How long the first record is waited for.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long after a failure the same is tried again, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How often a command that fails for a fault of ours is tried.
const FAILURES_MAX: u32 = 3;
/// The code of a record that fails for a fault of ours.
const INTERNAL: &str = "internal";

/// What others may know about the consumer.
#[derive(Debug)]
pub struct ConsumerStatus {
    runs: AtomicBool,
}

impl ConsumerStatus {
    /// Whether it has not stopped.
    pub fn runs(&self) -> bool {
        self.runs.load(Ordering::Relaxed)
    }
}

/// The consumer's thread ends, in whichever way.
struct Ended(Arc<ConsumerStatus>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.runs.store(false, Ordering::Relaxed);
    }
}

/// Takes events from a source until it is told to stop.
pub struct Consumer {
    source: Box<dyn EventSource>,
    queue: CommandQueue,
    actor: Actor,
    stop: Arc<AtomicBool>,
    status: Arc<ConsumerStatus>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// A record that was told to stop before it was decided: it comes again.
struct Stopped;

/// A record on its way.
struct Underway<'a> {
    record: &'a Record,
    names: EventNames,
    read: ReadEvent,
    failures: u32,
}

/// Records that are still to be decided, in their order, and whether some of them were tried in vain.
struct Left<'a> {
    events: Vec<Underway<'a>>,
    failed: bool,
}

impl Consumer {
    /// A consumer that runs until `stop` is set; `actor` is whose movements its events make.
    pub fn new(source: Box<dyn EventSource>, queue: CommandQueue, actor: Actor, stop: Arc<AtomicBool>) -> Self {
        let status = Arc::new(ConsumerStatus { runs: AtomicBool::new(true) });
        Self { source, queue, actor, stop, status }
    }

    /// What others may know about it.
    pub fn status(&self) -> Arc<ConsumerStatus> {
        self.status.clone()
    }

    /// Takes events again and again.
    pub fn run(mut self) {
        let _ended = Ended(self.status.clone());
        let mut pause = Pause::default();
        while !self.is_stopped() {
            let records = match self.source.poll(RECORDS_MAX, PATIENCE) {
                Ok(records) => records,
                Err(error) => {
                    tracing::warn!(error = %error_words(&error), "no events can be taken at present");
                    self.source.stay(pause.next());
                    continue;
                }
            };
            pause = Pause::default();
            if !records.is_empty() && self.take(&records).is_err() {
                return;
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Decides records, puts away those that can never be applied, and moves on.
    fn take(&mut self, records: &[Record]) -> Result<(), Stopped> {
        let letters = self.decide(records)?;
        let mut pause = Pause::default();
        while let Err(error) = self.source.put_away(&letters) {
            tracing::warn!(error = %error_words(&error), letters = letters.len(), "dead letters cannot be put away at present");
            self.wait(&mut pause)?;
        }
        for letter in &letters {
            metrics::counter!("holdfast_dead_letters_total", "code" => letter.code.clone()).increment(1);
        }
        self.source.settle(records);
        Ok(())
    }

    /// Decides all records, however long the store is away, and says which can never be applied.
    fn decide<'a>(&mut self, records: &'a [Record]) -> Result<Vec<DeadLetter<'a>>, Stopped> {
        let mut letters = Vec::new();
        let mut open = Vec::with_capacity(records.len());
        for record in records {
            let (names, read) = intake::read_record(record);
            match read {
                Ok(read) => open.push(Underway { record, names, read, failures: 0 }),
                Err(unreadable) => {
                    intake::count(&names, EventOutcome::Rejected);
                    let (code, cause) = (unreadable.code().to_owned(), unreadable.to_string());
                    letters.push(DeadLetter { record, code, cause });
                }
            }
        }
        let mut pause = Pause::default();
        loop {
            let left = self.attempt(open, &mut letters)?;
            if left.events.is_empty() {
                return Ok(letters);
            }
            if left.failed {
                self.wait(&mut pause)?;
            }
            open = left.events;
        }
    }

    /// Decides events in their order, at most one of each order, and returns those that are still to be decided: a later one
    /// of an order never overtakes one that must be tried again.
    fn attempt<'a>(&self, events: Vec<Underway<'a>>, letters: &mut Vec<DeadLetter<'a>>) -> Result<Left<'a>, Stopped> {
        let mut again = Vec::new();
        let mut waiting: Vec<(Underway<'a>, Ticket)> = Vec::with_capacity(events.len());
        let mut behind = Vec::new();
        let mut orders = HashSet::with_capacity(events.len());
        let mut is_full = false;
        for event in events {
            if is_full || !orders.insert(event.read.event.order) {
                behind.push(event);
                continue;
            }
            match self.queue.submit(self.submission(&event), Class::Events, None) {
                Ok(ticket) => waiting.push((event, ticket)),
                Err(Fault::ShuttingDown) => return Err(Stopped),
                // Those behind it wait too: events are decided in their order.
                Err(_full) => {
                    is_full = true;
                    behind.push(event);
                }
            }
        }
        for (mut event, ticket) in waiting {
            match ticket.wait() {
                Ok(reply) => {
                    let (outcome, code) = intake::heard(&reply);
                    intake::count(&event.names, outcome);
                    if outcome == EventOutcome::Rejected {
                        let code = code.unwrap_or_else(|| INTERNAL.to_owned());
                        let cause = format!("the event can never be applied: {code}");
                        letters.push(DeadLetter { record: event.record, code, cause });
                    }
                }
                Err(Fault::ShuttingDown) => return Err(Stopped),
                Err(Fault::Failed(cause)) => {
                    event.failures = event.failures.saturating_add(1);
                    if event.failures < FAILURES_MAX {
                        again.push(event);
                    } else {
                        intake::count(&event.names, EventOutcome::Rejected);
                        letters.push(DeadLetter { record: event.record, code: INTERNAL.to_owned(), cause });
                    }
                }
                Err(
                    Fault::Overloaded
                    | Fault::TooLate(_)
                    | Fault::LockTimeout(_)
                    | Fault::StoreUnavailable(_)
                    | Fault::OutcomeUnknown(_),
                ) => again.push(event),
            }
        }
        let failed = !again.is_empty() || is_full;
        again.extend(behind);
        Ok(Left { events: again, failed })
    }

    /// Every event is decided under its own name, however often it comes.
    fn submission(&self, event: &Underway<'_>) -> Submission {
        Submission {
            command: Command::OrderEvent(event.read.event.clone()),
            actor: self.actor.clone(),
            key: Some(event.read.identity.command_key()),
            decided_at: None,
        }
    }

    /// Waits before the next try, as a member of the group.
    fn wait(&mut self, pause: &mut Pause) -> Result<(), Stopped> {
        self.source.stay(pause.next());
        if self.is_stopped() { Err(Stopped) } else { Ok(()) }
    }
}

/// How long is waited before the next try: twice as long each time.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(PAUSES.0)
    }
}

impl Pause {
    fn next(&mut self) -> Duration {
        let next = self.0;
        self.0 = next.saturating_mul(2).min(PAUSES.1);
        next
    }
}

/// An error with its cause.
fn error_words(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
