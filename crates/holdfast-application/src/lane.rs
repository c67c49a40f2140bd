//! The loop: take what waits, commit it, answer.

use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::OrderId;

use crate::admission::{Admission, Admitted};
use crate::answer::Fault;
use crate::batch::BatchLimits;
use crate::commit_bell::CommitBell;
use crate::policy::Policy;
use crate::ports::{CommitError, Store};
use crate::queue::{QueueLine, Waiting};
use crate::ticket::{Heard, Wakes};

mod at_once;
mod carrying_out;
mod dropped;
mod leaving_alone;
mod measuring;
mod part;
mod pause;
mod status;

pub use at_once::decide_at_once;
pub use dropped::Dropped;
pub use status::LaneStatus;

use leaving_alone::LeftAlone;

/// How long a lane waits for the first command before it looks after its store.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long a lane waits before it asks again for locks that another holds: a fraction of a transaction, so that a lock
/// is not idle for long, and some round trips, so that asking is no load.
const HELD_BACK_PAUSE: Duration = Duration::from_millis(1);

/// Why a lane stopped.
#[derive(Debug)]
pub enum LaneEnd {
    /// The queue was closed and is empty.
    Drained,
    /// A commit's outcome is not known, so what the store holds is not known: the process must end and start anew.
    Unknown(String),
}

/// A thread with a store: the only place where stock changes. A store that several can write to at a time may have
/// several.
pub struct Lane {
    store: Box<dyn Store>,
    line: QueueLine,
    policy: Policy,
    limits: BatchLimits,
    /// Whose turn it is, where replicas share a lock.
    admission: Option<Admission>,
    /// What it does not touch, where somebody watches for that.
    left_alone: Option<LeftAlone>,
    /// Rung after each commit, where somebody waits for news.
    bell: Option<Arc<CommitBell>>,
    status: Arc<LaneStatus>,
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Lane {
    /// A lane that works off `line`.
    pub fn new(store: Box<dyn Store>, line: QueueLine, policy: Policy, limits: BatchLimits) -> Self {
        let status = Arc::new(LaneStatus::default());
        Self { store, line, policy, limits, admission: None, left_alone: None, bell: None, status }
    }

    /// The same lane, which asks whose turn it is before it touches its store.
    #[must_use]
    pub fn admitted_by(mut self, admission: Admission) -> Self {
        self.admission = Some(admission);
        self
    }

    /// The same lane, which rings this bell after each commit.
    #[must_use]
    pub fn that_rings(mut self, bell: Arc<CommitBell>) -> Self {
        self.bell = Some(bell);
        self
    }

    /// What others may know about it.
    pub fn status(&self) -> Arc<LaneStatus> {
        self.status.clone()
    }

    /// Works until the queue is closed and empty, or a commit's outcome is not known.
    pub fn run(mut self) -> LaneEnd {
        let end = loop {
            // Callers that are about to come get the processor first: fuller batches, and no wait when there are none.
            std::thread::yield_now();
            let Some(batch) = self.line.next_batch(&self.limits, PATIENCE) else { break LaneEnd::Drained };
            if !batch.is_empty() {
                self.status.set_working(true);
                let end = self.work_off(batch);
                self.status.set_working(false);
                if let Some(end) = end {
                    break end;
                }
            }
            match self.store.rest() {
                Ok(()) => {}
                Err(CommitError::NotApplied(fault)) => {
                    tracing::warn!(error = %chain(&fault), "housekeeping of the store failed");
                }
                Err(CommitError::Unknown(source)) => break LaneEnd::Unknown(chain(&*source)),
            }
        };
        self.status.set_ended();
        end
    }

    /// Drops what nobody waits for any more and carries out the rest.
    fn work_off(&mut self, batch: Vec<Waiting>) -> Option<LaneEnd> {
        let mut wakes = Wakes::default();
        let batch = self.admit(batch, &mut wakes);
        let orders: Vec<Option<OrderId>> = if self.line.has_neighbours() {
            batch.iter().map(|command| command.submission.command.order()).collect()
        } else {
            Vec::new()
        };
        let batch = self.leave_frozen_alone(batch, &mut wakes);
        let end = self.carry_out(batch, &mut wakes);
        if !orders.is_empty() {
            self.line.leave(orders);
        }
        wakes.wake();
        if let Some(admission) = &mut self.admission {
            admission.finish();
        }
        end
    }

    /// Those commands of the batch whose turn it is; the others wait aside, unless their time is over.
    fn admit(&mut self, batch: Vec<Waiting>, wakes: &mut Wakes) -> Vec<Waiting> {
        let Some(admission) = &mut self.admission else { return batch };
        let Admitted { admitted, held_back } = admission.admit(batch, &self.limits);
        if held_back.is_empty() {
            return admitted;
        }
        let (mut aside, mut left) = (Vec::with_capacity(held_back.len()), Vec::new());
        for command in held_back {
            let waited = command.since.elapsed();
            let reason = if command.promise.is_abandoned() {
                Dropped::Abandoned
            } else if waited > self.line.wait_max() {
                Dropped::Lock
            } else {
                aside.push(command);
                continue;
            };
            reason.count();
            left.push(command.submission.command.order());
            command.promise.keep(Err(Fault::LockTimeout(waited)), wakes);
        }
        if let Err(turned_away) = self.line.set_aside(aside) {
            left.extend(turned_away.iter().map(|command| command.submission.command.order()));
            answer_all(turned_away, &Err(Fault::ShuttingDown), wakes);
        }
        self.line.leave(left);
        if admitted.is_empty() {
            std::thread::sleep(HELD_BACK_PAUSE);
        }
        admitted
    }
}

fn answer_all(batch: Vec<Waiting>, heard: &Heard, wakes: &mut Wakes) {
    for command in batch {
        command.promise.keep(heard.clone(), wakes);
    }
}

/// An error with its sources, for people.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    words
}
