//! How the service is: looked at once a second, so that whoever asks hears at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use holdfast_api::{Component, HealthProbe, HealthState, Identity};
use holdfast_application::bounded_wait::hear_within;
use holdfast_application::consumer::ConsumerStatus;
use holdfast_application::expiry::{SweepPace, SweepStatus};
use holdfast_application::frozen::FrozenProducts;
use holdfast_application::lane::LaneStatus;
use holdfast_application::ports::LockState;
use holdfast_application::queries::StockQueries;
use holdfast_application::ticket::Ticket;
use holdfast_application::{Class, Clock, CommandQueue, Submission};
use holdfast_infrastructure::kafka::KafkaStatus;
use metrics_exporter_prometheus::PrometheusHandle;

use super::letters::LetterWatch;
use super::lock::SharedLock;
use super::outbox::OutboxWatch;

/// How often the service is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A batch that takes longer means that nothing can be written (PROTOCOL, section 4.1).
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// A store that was last read longer ago cannot be read.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// An order that is held so much longer than the sweep needs is overdue.
const OVERDUE_AFTER: Duration = Duration::from_secs(10);

/// The parts of the service that are looked at.
pub(super) struct Watched {
    /// What the service is called among others.
    pub(super) replica: String,
    /// What kind of store it has.
    pub(super) database: &'static str,
    /// The version of the store's schema.
    pub(super) schema: i64,
    /// Where commands wait.
    pub(super) queue: CommandQueue,
    /// Reads of the store.
    pub(super) queries: Arc<dyn StockQueries>,
    /// What time it is.
    pub(super) clock: Arc<dyn Clock>,
    /// The lanes.
    pub(super) lanes: Vec<Arc<LaneStatus>>,
    /// The sweep.
    pub(super) sweep: Arc<SweepStatus>,
    /// How the sweep goes about it.
    pub(super) pace: SweepPace,
    /// The lock by which replicas take turns, if there is one.
    pub(super) lock: Option<SharedLock>,
    /// The brokers, if there are some, and who takes events from them.
    pub(super) kafka: Option<(Arc<KafkaStatus>, Arc<ConsumerStatus>)>,
    /// Products that are left alone.
    pub(super) frozen: FrozenProducts,
    /// The outbox and its relays.
    pub(super) outbox: OutboxWatch,
    /// The dead letters.
    pub(super) letters: LetterWatch,
}

/// What is known about the parts of the service.
pub(crate) struct Health {
    of: Watched,
    /// Whether the service is shutting down.
    pub(super) leaving: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    read_at: Instant,
    read_fault: Option<String>,
    overdue: bool,
}

impl Health {
    /// Nothing seen yet, and nothing wrong.
    pub(super) fn of(of: Watched) -> Self {
        let seen = Seen { read_at: Instant::now(), read_fault: None, overdue: false };
        Self { of, leaving: AtomicBool::new(false), seen: Mutex::new(seen) }
    }

    /// Looks again and again, until the service leaves.
    pub(super) fn watch(&self, metrics: &PrometheusHandle) {
        while !self.is_leaving() {
            self.look();
            metrics.run_upkeep();
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn look(&self) {
        metrics::gauge!("holdfast_queue_depth")
            .set(crate::numbers::float(crate::numbers::count(self.of.queue.depth())));
        let late = self.of.pace.grace.saturating_add(self.of.pace.interval).saturating_add(OVERDUE_AFTER);
        let read =
            self.of.queries.ping().and_then(|()| self.of.queries.due_orders(self.of.clock.now().before(late), 1));
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            match read {
                Ok(due) => (seen.read_at, seen.read_fault, seen.overdue) = (Instant::now(), None, !due.is_empty()),
                Err(error) => seen.read_fault = Some(error.to_string()),
            }
        }
        if let Err(error) = self.of.letters.look(&*self.of.queries) {
            tracing::debug!(%error, "dead letters cannot be counted");
        }
        if let Err(error) = self.of.outbox.look(&*self.of.queries, &self.of.queue, self.of.clock.now()) {
            tracing::debug!(%error, "how full the outbox is cannot be read");
        }
        if self.cannot_write() || self.stuck_for().is_some() {
            self.try_to_write();
        }
    }

    /// Whether the service is shutting down.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    /// Whether the store could not be read, or not be written to, when that was last tried.
    pub(super) fn store_is_away(&self) -> bool {
        self.cannot_write() || self.seen.lock().unwrap_or_else(PoisonError::into_inner).read_fault.is_some()
    }

    fn has_ended(&self) -> bool {
        self.of.lanes.iter().any(|lane| lane.has_ended())
    }

    fn cannot_write(&self) -> bool {
        self.of.lanes.iter().any(|lane| lane.cannot_write())
    }

    /// How long the batch of a lane has taken, where that is too long.
    fn stuck_for(&self) -> Option<Duration> {
        self.of.lanes.iter().filter_map(|lane| lane.busy_for()).max().filter(|busy| *busy > STUCK_AFTER)
    }

    /// Whether the other lanes go on while one is stuck: it waits for a row, not for the store.
    fn others_go_on(&self) -> bool {
        self.of.lanes.iter().filter_map(|lane| lane.committed_ago()).any(|ago| ago <= STUCK_AFTER)
    }

    /// A write that changes nothing tells whether writing is possible again, also when nobody else asks any more. Each
    /// lane that has nothing to do makes one.
    fn try_to_write(&self) {
        let idle = self.of.lanes.iter().enumerate().filter(|(_, lane)| lane.busy_for().is_none());
        let tickets: Vec<Ticket> = idle
            .filter_map(|(lane, _)| self.of.queue.submit_to(lane, Submission::of_nothing(), Class::Maintenance).ok())
            .collect();
        let asked = Instant::now();
        for ticket in tickets {
            // What it hears stands in the lane's status; a lane that hangs must not keep the watch from looking on.
            let _ = hear_within(ticket, STUCK_AFTER.saturating_sub(asked.elapsed()));
        }
    }

    fn store(&self) -> Component {
        let (unread_for, fault) = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            (seen.read_at.elapsed(), seen.read_fault.clone())
        };
        let (state, detail) = if self.has_ended() {
            (HealthState::Unhealthy, Some("the writer has stopped".to_owned()))
        } else if fault.is_some() || unread_for > READ_WITHIN {
            (HealthState::Unhealthy, Some(fault.unwrap_or_else(|| "reads hang".to_owned())))
        } else if self.cannot_write() {
            (HealthState::Degraded, Some("writes fail; reads go on".to_owned()))
        } else if let Some(busy) = self.stuck_for() {
            (HealthState::Degraded, Some(format!("a transaction has taken {} s so far", busy.as_secs())))
        } else if self.of.frozen.count() > 0 {
            let products = self.of.frozen.count();
            let words = format!("{products} products are frozen: their ledger is older than what was published");
            (HealthState::Degraded, Some(words))
        } else {
            (HealthState::Healthy, None)
        };
        Component { name: "store", state, detail }
    }

    fn lock(&self) -> Component {
        let Some(lock) = &self.of.lock else { return absent("lock") };
        let (state, detail) = match lock.state() {
            LockState::Answers => (HealthState::Healthy, None),
            LockState::GoneWithout => {
                (HealthState::Degraded, Some("it does not answer; row locks alone keep order".to_owned()))
            }
        };
        Component { name: "lock", state, detail }
    }

    fn kafka(&self) -> Component {
        let Some((kafka, consumer)) = &self.of.kafka else { return absent("kafka") };
        let (state, detail) = if !consumer.runs() {
            (HealthState::Degraded, Some("the consumer has stopped: events wait".to_owned()))
        } else if kafka.answers() {
            (HealthState::Healthy, None)
        } else {
            (HealthState::Degraded, Some("no broker answers; requests go on, events wait".to_owned()))
        };
        Component { name: "kafka", state, detail }
    }

    fn waiting(&self) -> Component {
        let (state, detail) = if self.of.queue.is_full() {
            (HealthState::Degraded, Some("the queue is full".to_owned()))
        } else {
            (HealthState::Healthy, None)
        };
        Component { name: "queue", state, detail }
    }

    fn expiry(&self) -> Component {
        let overdue = self.seen.lock().unwrap_or_else(PoisonError::into_inner).overdue;
        let (state, detail) = if !self.of.sweep.runs() {
            (HealthState::Degraded, Some("the sweep has stopped".to_owned()))
        } else if overdue {
            (HealthState::Degraded, Some("orders are held longer than they should be".to_owned()))
        } else {
            (HealthState::Healthy, None)
        };
        Component { name: "expiry", state, detail }
    }
}

/// A part that no setting names.
fn absent(name: &'static str) -> Component {
    Component { name, state: HealthState::Healthy, detail: Some("not configured".to_owned()) }
}

impl HealthProbe for Health {
    fn identity(&self) -> Identity {
        let role = if self.of.sweep.is_on_duty() { "sweeper" } else { "standby" };
        let Watched { replica, database, schema, .. } = &self.of;
        Identity { replica: replica.clone(), role, database, schema: *schema }
    }

    fn components(&self) -> Vec<Component> {
        vec![self.store(), self.waiting(), self.expiry(), self.lock(), self.kafka(), self.of.outbox.component()]
    }

    fn why_not_ready(&self) -> Option<String> {
        if self.is_leaving() {
            return Some("the service is shutting down".to_owned());
        }
        if self.has_ended() {
            return Some("the writer has stopped".to_owned());
        }
        if self.cannot_write() {
            return Some("the last batch could not be written".to_owned());
        }
        if self.of.queue.takes_only_maintenance() {
            return Some("the outbox is full; writes are refused until some events were told".to_owned());
        }
        let stuck = self.stuck_for().filter(|_| !self.others_go_on())?;
        Some(format!("a transaction has taken {} s so far", stuck.as_secs()))
    }
}
