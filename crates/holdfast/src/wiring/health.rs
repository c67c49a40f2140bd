//! How the service is: looked at once a second, so that whoever asks hears at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use holdfast_api::{Component, HealthProbe, HealthState};
use holdfast_application::bounded_wait::hear_within;
use holdfast_application::expiry::SweepPace;
use holdfast_application::lane::LaneStatus;
use holdfast_application::queries::StockQueries;
use holdfast_application::{Class, Clock, Command, CommandQueue, Submission};
use holdfast_domain::{Actor, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;

/// How often the service is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A batch that takes longer means that nothing can be written (PROTOCOL, section 4.1).
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// A store that was last read longer ago cannot be read.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// An order that is held so much longer than the sweep needs is overdue.
const OVERDUE_AFTER: Duration = Duration::from_secs(10);

/// What is known about the parts of the service.
pub(crate) struct Health {
    queue: CommandQueue,
    queries: Arc<dyn StockQueries>,
    clock: Arc<dyn Clock>,
    lane: Arc<LaneStatus>,
    pace: SweepPace,
    /// Whether the service is shutting down.
    pub(super) leaving: AtomicBool,
    /// Whether the sweep's thread still runs.
    pub(super) sweep_runs: Arc<AtomicBool>,
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
    pub(super) fn new(
        queue: CommandQueue,
        queries: Arc<dyn StockQueries>,
        clock: Arc<dyn Clock>,
        lane: Arc<LaneStatus>,
        pace: SweepPace,
    ) -> Self {
        Self {
            queue,
            queries,
            clock,
            lane,
            pace,
            leaving: AtomicBool::new(false),
            sweep_runs: Arc::new(AtomicBool::new(true)),
            seen: Mutex::new(Seen { read_at: Instant::now(), read_fault: None, overdue: false }),
        }
    }

    /// Looks again and again, until the service leaves.
    pub(super) fn watch(&self, metrics: &PrometheusHandle) {
        while !self.leaving.load(Ordering::Relaxed) {
            self.look();
            metrics.run_upkeep();
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn look(&self) {
        metrics::gauge!("holdfast_queue_depth").set(crate::numbers::float(crate::numbers::count(self.queue.depth())));
        let late = self.pace.grace.saturating_add(self.pace.interval).saturating_add(OVERDUE_AFTER);
        let read = self.queries.ping().and_then(|()| self.queries.due_orders(self.clock.now().before(late), 1));
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            match read {
                Ok(due) => (seen.read_at, seen.read_fault, seen.overdue) = (Instant::now(), None, !due.is_empty()),
                Err(error) => seen.read_fault = Some(error.to_string()),
            }
        }
        if self.lane.cannot_write() {
            self.try_to_write();
        }
    }

    /// A write that changes nothing tells whether writing is possible again, also when nobody else asks any more.
    fn try_to_write(&self) {
        let submission = Submission {
            command: Command::ForgetAnswers { before: Timestamp::EPOCH, most: 1 },
            actor: Actor::new("health").expect("a plain word is an actor"),
            key: None,
            decided_at: None,
        };
        if let Ok(ticket) = self.queue.submit(submission, Class::Maintenance, None) {
            // What it hears stands in the lane's status; a lane that hangs must not keep the watch from looking on.
            let _ = hear_within(ticket, STUCK_AFTER);
        }
    }

    fn store(&self) -> Component {
        let (unread_for, fault) = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            (seen.read_at.elapsed(), seen.read_fault.clone())
        };
        let busy = self.lane.busy_for().filter(|busy| *busy > STUCK_AFTER);
        let (state, detail) = if self.lane.has_ended() {
            (HealthState::Unhealthy, Some("the writer has stopped".to_owned()))
        } else if fault.is_some() || unread_for > READ_WITHIN {
            (HealthState::Unhealthy, Some(fault.unwrap_or_else(|| "reads hang".to_owned())))
        } else if self.lane.cannot_write() {
            (HealthState::Degraded, Some("writes fail; reads go on".to_owned()))
        } else if let Some(busy) = busy {
            (HealthState::Degraded, Some(format!("a transaction has taken {} s so far", busy.as_secs())))
        } else {
            (HealthState::Healthy, None)
        };
        Component { name: "store", state, detail }
    }

    fn waiting(&self) -> Component {
        let (state, detail) = if self.queue.is_full() {
            (HealthState::Degraded, Some("the queue is full".to_owned()))
        } else {
            (HealthState::Healthy, None)
        };
        Component { name: "queue", state, detail }
    }

    fn expiry(&self) -> Component {
        let overdue = self.seen.lock().unwrap_or_else(PoisonError::into_inner).overdue;
        let (state, detail) = if !self.sweep_runs.load(Ordering::Relaxed) {
            (HealthState::Degraded, Some("the sweep has stopped".to_owned()))
        } else if overdue {
            (HealthState::Degraded, Some("orders are held longer than they should be".to_owned()))
        } else {
            (HealthState::Healthy, None)
        };
        Component { name: "expiry", state, detail }
    }
}

impl HealthProbe for Health {
    fn components(&self) -> Vec<Component> {
        let absent = |name| Component { name, state: HealthState::Healthy, detail: Some("not configured".to_owned()) };
        vec![self.store(), self.waiting(), self.expiry(), absent("lock"), absent("kafka")]
    }

    fn why_not_ready(&self) -> Option<String> {
        if self.leaving.load(Ordering::Relaxed) {
            return Some("the service is shutting down".to_owned());
        }
        if self.lane.has_ended() {
            return Some("the writer has stopped".to_owned());
        }
        if self.lane.cannot_write() {
            return Some("the last batch could not be written".to_owned());
        }
        let stuck = self.lane.busy_for().filter(|busy| *busy > STUCK_AFTER)?;
        Some(format!("a transaction has taken {} s so far", stuck.as_secs()))
    }
}
