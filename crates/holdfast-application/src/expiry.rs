//! The sweep: ends orders whose time is over, lets payments and orders that missed each other meet, gives up on
//! payments without an order, forgets old answers and dead letters that were dealt with.
//!
//! Candidates are read outside any lock and go through the queue as ordinary commands, which look again. So any number
//! of sweeps is safe, and the queue's share for maintenance paces them. Of several services one sweeps; the others
//! stand by and look whether it still does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_domain::{Actor, OrderId};

use crate::answer::{Answer, Reply};
use crate::bounded_wait::hear_within;
use crate::command::{Command, Submission};
use crate::duties::{Duties, Duty};
use crate::queries::{ReadError, StockQueries, WaitingPayment};
use crate::queue::{Class, CommandQueue};

/// How the sweep goes about it.
#[derive(Clone, Copy, Debug)]
pub struct SweepPace {
    /// The time between two sweeps.
    pub interval: Duration,
    /// The most orders ended in one step.
    pub step_max: usize,
    /// How long after `expiresAt` an order is ended at the earliest.
    pub grace: Duration,
    /// How long answers are kept under their keys.
    pub answers_kept: Duration,
    /// How often answers are looked at that need not be kept any longer; not at the start, when others wait.
    pub answers_every: Duration,
}

/// The most reservations of the orders ended in one step, but for one order that has more: a transaction of so many
/// takes about as long as others may wait for it, a tenth of a second.
const STEP_RESERVATIONS_MAX: usize = 5_000;
/// How long dead letters are kept after somebody has dealt with them.
const LETTERS_KEPT: Duration = Duration::from_hours(30 * 24);
/// For how long the duty to sweep is taken at least: a holder that is gone is missed for so long.
const HOLD_MIN: Duration = Duration::from_secs(5);

impl SweepPace {
    /// For how long the duty to sweep is taken: a holder that is late once or twice keeps it.
    fn hold(&self) -> Duration {
        self.interval.saturating_mul(3).max(HOLD_MIN)
    }
}

/// What others may know about the sweep.
#[derive(Debug)]
pub struct SweepStatus {
    runs: AtomicBool,
    on_duty: AtomicBool,
}

impl SweepStatus {
    /// Whether it has not stopped.
    pub fn runs(&self) -> bool {
        self.runs.load(Ordering::Relaxed)
    }

    /// Whether it sweeps; else another service does.
    pub fn is_on_duty(&self) -> bool {
        self.on_duty.load(Ordering::Relaxed)
    }

    fn set_on_duty(&self, on_duty: bool) {
        if self.on_duty.swap(on_duty, Ordering::Relaxed) != on_duty {
            tracing::info!("{}", if on_duty { "this service sweeps from now on" } else { "another service sweeps" });
        }
    }
}

/// The sweep's thread ends, in whichever way.
struct Stopped(Arc<SweepStatus>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.runs.store(false, Ordering::Relaxed);
    }
}

/// The sweep.
pub struct Sweep {
    queue: CommandQueue,
    queries: Arc<dyn StockQueries>,
    duties: Arc<dyn Duties>,
    pace: SweepPace,
    stop: Arc<AtomicBool>,
    status: Arc<SweepStatus>,
    /// The payment that waits and was looked at last, until all were.
    looked_at: Option<WaitingPayment>,
}

impl std::fmt::Debug for Sweep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sweep").field("pace", &self.pace).finish_non_exhaustive()
    }
}

impl Sweep {
    /// A sweep that runs until `stop` is set.
    pub fn new(
        queue: CommandQueue,
        queries: Arc<dyn StockQueries>,
        duties: Arc<dyn Duties>,
        pace: SweepPace,
        stop: Arc<AtomicBool>,
    ) -> Self {
        let status = Arc::new(SweepStatus { runs: AtomicBool::new(true), on_duty: AtomicBool::new(false) });
        Self { queue, queries, duties, pace, stop, status, looked_at: None }
    }

    /// What others may know about it.
    pub fn status(&self) -> Arc<SweepStatus> {
        self.status.clone()
    }

    /// Sweeps again and again, as long as no other service does.
    pub fn run(mut self) {
        let _stopped = Stopped(self.status.clone());
        let mut forgot = Some(Instant::now());
        while !self.stop.load(Ordering::Relaxed) {
            let is_more_due = self.step().unwrap_or_else(|words| {
                tracing::warn!(error = %words, "the sweep could not read what is due");
                false
            });
            let mut is_more_old = false;
            if forgot.is_none_or(|forgot| forgot.elapsed() >= self.pace.answers_every) {
                is_more_old = self.forget_some();
                forgot = (!is_more_old).then(Instant::now);
            }
            self.sleep(if is_more_due || is_more_old { Duration::ZERO } else { self.pace.interval });
        }
        self.duties.leave();
    }

    /// Forgets some answers, and some dead letters that were dealt with, after they were kept for long enough, if that
    /// is for this service to do. Says whether there may be more: they wait for the next turn, so that nobody who is
    /// due waits for them.
    fn forget_some(&self) -> bool {
        match self.duties.take(Duty::Purge, self.pace.answers_every.saturating_mul(2).max(HOLD_MIN)) {
            Ok(Some(now)) => {
                let before = now.before(self.pace.answers_kept);
                let most = self.pace.step_max;
                let letters = Command::ForgetLetters { before: now.before(LETTERS_KEPT), most };
                ended(&self.submit_all([Command::ForgetAnswers { before, most }, letters])) > 0
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(error = %error, "nobody could tell who forgets old answers");
                false
            }
        }
    }

    /// One step. Says whether there may be more to do at once.
    fn step(&mut self) -> Result<bool, String> {
        let now = self.duties.take(Duty::Sweep, self.pace.hold()).map_err(|error| error.to_string())?;
        self.status.set_on_duty(now.is_some());
        let Some(now) = now else { return Ok(false) };
        let most = self.pace.step_max;
        self.match_payments().map_err(|error| error.to_string())?;
        let read = |orders: Result<Vec<OrderId>, ReadError>| orders.map_err(|e| e.to_string());
        let due = read(self.queries.due_step(now.before(self.pace.grace), most, STEP_RESERVATIONS_MAX))?;
        let ended = ended(&self.submit_all(due.into_iter().map(|order| Command::ExpireOrder { order })));
        if ended > 0 {
            metrics::counter!("holdfast_expired_orders_total").increment(ended);
            tracing::debug!(orders = ended, "orders expired");
        }
        let overdue = read(self.queries.overdue_payments(now, most))?;
        let dropped = self.submit_all(overdue.iter().map(|order| Command::DropPayment { order: *order }));
        // Only once it is so: a drop that failed is tried, and told, by the next step.
        for (order, _) in overdue.iter().zip(dropped).filter(|(_, dropped)| *dropped) {
            tracing::warn!(order.id = %order, "a payment waited for its order in vain: no reservation");
            metrics::counter!("holdfast_events_in_total", "type" => "PaymentCompleted", "outcome" => "rejected")
                .increment(1);
        }
        Ok(ended > 0)
    }

    /// Looks at the next payments that wait. One whose order is there missed it, because two services decided them at
    /// the same moment: a row that is not there yet cannot be locked.
    fn match_payments(&mut self) -> Result<(), ReadError> {
        let most = self.pace.step_max;
        let waiting = self.queries.waiting_payments(self.looked_at, most)?;
        self.looked_at = waiting.last().filter(|_| waiting.len() >= most).map(|(payment, _)| *payment);
        let missed = waiting.into_iter().filter(|(_, status)| status.is_some());
        let confirmed =
            ended(&self.submit_all(missed.map(|(payment, _)| Command::MatchPayment { order: payment.order })));
        if confirmed > 0 {
            tracing::info!(orders = confirmed, "orders are confirmed whose payments had missed them");
        }
        Ok(())
    }

    /// Puts commands in line and waits for them. Says of each, in order and up to the first that was turned away,
    /// whether it changed something.
    fn submit_all(&self, commands: impl IntoIterator<Item = Command>) -> Vec<bool> {
        let actor = Actor::new("sweep").expect("a plain word is an actor");
        let tickets: Vec<_> = commands
            .into_iter()
            .map_while(|command| {
                let submission = Submission { command, actor: actor.clone(), key: None, decided_at: None };
                self.queue.submit(submission, Class::Maintenance, None).ok()
            })
            .collect();
        // As long as commands may wait in line, and as long again to be decided.
        let most = self.queue.wait_max().saturating_mul(2);
        let since = Instant::now();
        let swept = |ticket| {
            let heard = hear_within(ticket, most.saturating_sub(since.elapsed()));
            matches!(heard, Some(Ok(Reply::Decided(Ok(Answer::Swept { ended: true })))))
        };
        tickets.into_iter().map(swept).collect()
    }

    fn sleep(&self, pause: Duration) {
        let until = Instant::now().checked_add(pause);
        while until.is_some_and(|until| Instant::now() < until) && !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(pause.min(Duration::from_millis(50)));
        }
    }
}

/// How many commands changed something.
fn ended(swept: &[bool]) -> u64 {
    u64::try_from(swept.iter().filter(|ended| **ended).count()).unwrap_or(u64::MAX)
}
