//! The loop: take what waits, commit it, answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_domain::OrderId;

use crate::admission::{Admission, Admitted};
use crate::answer::{Fault, Reply};
use crate::batch::BatchLimits;
use crate::command::Submission;
use crate::committer::commit_batch;
use crate::policy::Policy;
use crate::ports::{Collision, CommitError, Store, StoreError};
use crate::queue::{QueueLine, Waiting};
use crate::ticket::{Heard, Wakes};

mod measuring;
mod pause;
mod status;

use pause::pause_after;
pub use status::LaneStatus;

/// How often a batch that meets another writer is tried before it is halved: one bad neighbour cannot starve the others.
const TRIES_MAX: u32 = 2;
/// How often a command that meets another writer is tried by itself.
const TRIES_ALONE_MAX: u32 = 8;
/// How long a lane waits before it asks again what became of a commit.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How long a lane waits for the first command before it looks after its store.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long a lane waits before it asks again for locks that another holds: a fraction of a transaction, so that a lock is not
/// idle for long, and some round trips, so that asking is no load.
const HELD_BACK_PAUSE: Duration = Duration::from_millis(1);

/// Why a lane stopped.
#[derive(Debug)]
pub enum LaneEnd {
    /// The queue was closed and is empty.
    Drained,
    /// A commit's outcome is not known, so what the store holds is not known: the process must end and start anew.
    Unknown(String),
}

/// A thread with a store: the only place where stock changes. A store that several can write to at a time may have several.
pub struct Lane {
    store: Box<dyn Store>,
    line: QueueLine,
    policy: Policy,
    limits: BatchLimits,
    /// Whose turn it is, where replicas share a lock.
    admission: Option<Admission>,
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
        Self { store, line, policy, limits, admission: None, status: Arc::new(LaneStatus::default()) }
    }

    /// The same lane, which asks whose turn it is before it touches its store.
    #[must_use]
    pub fn admitted_by(mut self, admission: Admission) -> Self {
        self.admission = Some(admission);
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
            if let Err(fault) = self.store.rest() {
                tracing::warn!(error = %chain(&fault), "housekeeping of the store failed");
            }
        };
        self.status.set_ended();
        end
    }

    /// Drops what nobody waits for any more and carries out the rest.
    fn work_off(&mut self, batch: Vec<Waiting>) -> Option<LaneEnd> {
        let mut wakes = Wakes::default();
        let batch = self.admit(batch, &mut wakes);
        let orders: Vec<OrderId> = if self.line.has_neighbours() {
            batch.iter().filter_map(|command| command.submission.command.order()).collect()
        } else {
            Vec::new()
        };
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

    /// Those commands of the batch whose turn it is; the others wait for the next batch, unless their time is over.
    fn admit(&mut self, batch: Vec<Waiting>, wakes: &mut Wakes) -> Vec<Waiting> {
        let Some(admission) = &mut self.admission else { return batch };
        let Admitted { admitted, held_back } = admission.admit(batch);
        if held_back.is_empty() {
            return admitted;
        }
        let (mut put_back, mut left) = (Vec::with_capacity(held_back.len()), Vec::new());
        for command in held_back {
            let waited = command.since.elapsed();
            let reason = if command.promise.is_abandoned() {
                "abandoned"
            } else if waited > self.line.wait_max() {
                "lock"
            } else {
                put_back.push(command);
                continue;
            };
            metrics::counter!("holdfast_commands_dropped_total", "reason" => reason).increment(1);
            left.extend(command.submission.command.order());
            command.promise.keep(Err(Fault::LockTimeout(waited)), wakes);
        }
        if let Err(turned_away) = self.line.put_back(put_back) {
            left.extend(turned_away.iter().filter_map(|command| command.submission.command.order()));
            answer_all(turned_away, &Err(Fault::ShuttingDown), wakes);
        }
        self.line.leave(left);
        if admitted.is_empty() {
            std::thread::sleep(HELD_BACK_PAUSE);
        }
        admitted
    }

    /// Those commands of the batch whose callers still wait, and not too long. After an `unknown` commit nobody is told that
    /// nothing was done.
    fn still_wanted(&self, batch: Vec<Waiting>, unknown: Option<&str>, wakes: &mut Wakes) -> Vec<Waiting> {
        let wait_max = self.line.wait_max();
        let mut kept = Vec::with_capacity(batch.len());
        for command in batch {
            let waited = command.since.elapsed();
            if command.promise.is_abandoned() {
                metrics::counter!("holdfast_commands_dropped_total", "reason" => "abandoned").increment(1);
            } else if waited > wait_max {
                metrics::counter!("holdfast_commands_dropped_total", "reason" => "deadline").increment(1);
                let fault = unknown.map_or(Fault::TooLate(waited), |words| Fault::OutcomeUnknown(words.to_owned()));
                command.promise.keep(Err(fault), wakes);
            } else {
                kept.push(command);
            }
        }
        kept
    }

    fn carry_out(&mut self, mut batch: Vec<Waiting>, wakes: &mut Wakes) -> Option<LaneEnd> {
        let mut tries = 0_u32;
        // Why the outcome of an earlier try is not known.
        let mut unknown: Option<String> = None;
        let fault = loop {
            batch = self.still_wanted(batch, unknown.as_deref(), wakes);
            if batch.is_empty() {
                return None;
            }
            tries = tries.saturating_add(1);
            let started = Instant::now();
            match self.attempt(&batch) {
                Ok(replies) => {
                    self.status.set_committed();
                    measuring::committed(&batch, &replies, started);
                    for (command, reply) in batch.into_iter().zip(replies) {
                        command.promise.keep(Ok(reply), wakes);
                    }
                    return None;
                }
                Err(CommitError::NotApplied(StoreError::Contention(collision, source)))
                    if tries < if batch.len() > 1 { TRIES_MAX } else { TRIES_ALONE_MAX } =>
                {
                    tried_again(collision);
                    tracing::debug!(error = %source, tries, "the batch met another writer; trying again");
                    if let Some(admission) = &mut self.admission {
                        admission.met_another_writer(&batch);
                    }
                    std::thread::sleep(pause_after(tries));
                }
                Err(CommitError::Unknown(source)) if self.store.outlives_unknown() => {
                    let words = chain(&*source);
                    tracing::warn!(error = %words, batch.commands = batch.len(), "the outcome of a commit is not known");
                    metrics::counter!("holdfast_store_retries_total", "reason" => "unknown").increment(1);
                    batch = ask_again(batch, &words, wakes);
                    unknown = Some(words);
                    std::thread::sleep(ASKED_AGAIN_AFTER);
                }
                Err(CommitError::NotApplied(StoreError::Unavailable(_) | StoreError::Contention(..)))
                    if unknown.is_some() =>
                {
                    std::thread::sleep(ASKED_AGAIN_AFTER);
                }
                Err(fault) => break fault,
            }
        };
        if let Some(words) = unknown {
            tracing::error!(error = %chain(&fault), batch.commands = batch.len(), "a batch failed after an unknown commit");
            answer_all(batch, &Err(Fault::OutcomeUnknown(words)), wakes);
            return None;
        }
        match fault {
            CommitError::Unknown(source) => {
                let words = chain(&*source);
                tracing::error!(error = %words, batch.commands = batch.len(), "the outcome of a commit is not known");
                answer_all(batch, &Err(Fault::OutcomeUnknown(words.clone())), wakes);
                Some(LaneEnd::Unknown(words))
            }
            CommitError::NotApplied(StoreError::Unavailable(source)) => {
                let words = chain(&*source);
                tracing::error!(error = %words, batch.commands = batch.len(), "the store cannot write");
                self.status.set_cannot_write();
                answer_all(batch, &Err(Fault::StoreUnavailable(words)), wakes);
                None
            }
            CommitError::NotApplied(fault @ (StoreError::Contention(..) | StoreError::Broken(_))) => {
                self.isolate(batch, &fault, wakes)
            }
        }
    }

    /// Tries the halves of a batch that cannot be committed as a whole, and gives up a command that fails by itself.
    fn isolate(&mut self, mut batch: Vec<Waiting>, fault: &StoreError, wakes: &mut Wakes) -> Option<LaneEnd> {
        let words = chain(fault);
        if batch.len() > 1 {
            if let StoreError::Contention(collision, _) = fault {
                tried_again(*collision);
                tracing::warn!(error = %words, batch.commands = batch.len(), "a batch meets other writers; halving it");
            } else {
                tracing::error!(error = %words, batch.commands = batch.len(), "a batch failed; halving it");
            }
            let rest = batch.split_off(batch.len().div_ceil(2));
            let Some(end) = self.carry_out(batch, wakes) else { return self.carry_out(rest, wakes) };
            answer_all(rest, &Err(Fault::ShuttingDown), wakes);
            return Some(end);
        }
        tracing::error!(error = %words, "a command failed");
        let heard = if matches!(fault, StoreError::Contention(..)) {
            Fault::StoreUnavailable(words)
        } else {
            // Until a commit succeeds again; the health watch tries one.
            self.status.set_cannot_write();
            Fault::Failed(words)
        };
        answer_all(batch, &Err(heard), wakes);
        None
    }

    /// Commits the batch once; a panic counts as a broken batch, and its transaction is undone.
    fn attempt(&mut self, batch: &[Waiting]) -> Result<Vec<Reply>, CommitError> {
        let submissions: Vec<&Submission> = batch.iter().map(|command| &command.submission).collect();
        let (store, policy) = (&mut *self.store, &self.policy);
        catch_unwind(AssertUnwindSafe(|| commit_batch(store, &submissions, policy))).unwrap_or_else(|panic| {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            let words = words.unwrap_or_else(|| "a panic without words".to_owned());
            Err(CommitError::NotApplied(StoreError::Broken(words.into())))
        })
    }
}

/// Counts a transaction that is tried again, as a whole or in halves.
fn tried_again(collision: Collision) {
    metrics::counter!("holdfast_store_retries_total", "reason" => collision.as_str()).increment(1);
}

/// Those who can be asked again after a commit whose outcome is not known: the same command under the same key waits for the
/// first try, should it still be under way, and hears what became of it (PROTOCOL, section 3.5). The others are told.
fn ask_again(batch: Vec<Waiting>, words: &str, wakes: &mut Wakes) -> Vec<Waiting> {
    let (keyed, others) = batch.into_iter().partition(|command| command.submission.key.is_some());
    answer_all(others, &Err(Fault::OutcomeUnknown(words.to_owned())), wakes);
    keyed
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

/// Decides commands one after the other on a store of one's own: for imports, replays and tests, without queue and
/// threads.
///
/// # Errors
///
/// As [`commit_batch`].
pub fn decide_at_once(
    store: &mut dyn Store,
    submissions: &[Submission],
    policy: &Policy,
) -> Result<Vec<Reply>, CommitError> {
    let batch: Vec<&Submission> = submissions.iter().collect();
    commit_batch(store, &batch, policy)
}
