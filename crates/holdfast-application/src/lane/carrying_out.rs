//! Carrying out a batch: as a whole if it can be, else in parts, and asked again where nobody knows.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::part::Part;
use super::pause::pause_after;
use super::{Dropped, Lane, LaneEnd, answer_all, chain, measuring};
use crate::answer::{Fault, Reply};
use crate::command::Submission;
use crate::committer::commit_batch;
use crate::policy::Policy;
use crate::ports::{Collision, CommitError, Store, StoreError};
use crate::queue::Waiting;
use crate::ticket::Wakes;

/// How long a lane waits before it asks again what became of a commit.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(50);

impl Lane {
    /// Those commands of the batch whose callers still wait, and not too long, and whose turn it is. After an `unknown`
    /// commit nobody is told that nothing was done.
    fn still_wanted(&self, batch: Vec<Waiting>, unknown: Option<&str>, wakes: &mut Wakes) -> Vec<Waiting> {
        let wait_max = self.line.wait_max();
        let mut kept = Vec::with_capacity(batch.len());
        for command in batch {
            let waited = command.since.elapsed();
            if command.promise.is_abandoned() {
                Dropped::Abandoned.count();
            } else if waited > wait_max || command.promise.is_out_of_turn() {
                let (reason, fault) = if command.promise.is_out_of_turn() {
                    (Dropped::OutOfTurn, Fault::StoreUnavailable("what came before it was not decided".to_owned()))
                } else {
                    (Dropped::Deadline, Fault::TooLate(waited))
                };
                reason.count();
                let fault = unknown.map_or(fault, |words| Fault::OutcomeUnknown(words.to_owned()));
                command.promise.keep(Err(fault), wakes);
            } else {
                kept.push(command);
            }
        }
        kept
    }

    /// Carries out a batch, in parts where it cannot be committed as a whole. The parts take turns, so those who can be
    /// decided do not wait for those who cannot.
    pub(super) fn carry_out(&mut self, batch: Vec<Waiting>, wakes: &mut Wakes) -> Option<LaneEnd> {
        let mut parts = VecDeque::from([Part::whole(batch)]);
        while let Some(part) = parts.pop_front() {
            match self.carry_out_part(part, wakes) {
                Tried::Done => {}
                Tried::Again(part) => line_up(&mut parts, part),
                Tried::Halved([first, rest]) if first.goes_first => {
                    parts.push_front(rest);
                    parts.push_front(first);
                }
                Tried::Halved(halves) => parts.extend(halves),
                Tried::Ended(end) => {
                    let left = parts.into_iter().flat_map(|part| part.commands).collect();
                    answer_all(left, &Err(Fault::ShuttingDown), wakes);
                    return Some(end);
                }
            }
            if !parts.is_empty() {
                std::mem::take(wakes).wake();
            }
        }
        None
    }

    fn carry_out_part(&mut self, mut part: Part, wakes: &mut Wakes) -> Tried {
        part.commands = self.still_wanted(part.commands, part.unknown.as_deref(), wakes);
        if part.commands.is_empty() {
            return Tried::Done;
        }
        part.tries = part.tries.saturating_add(1);
        let started = Instant::now();
        let submissions: Vec<&Submission> = part.commands.iter().map(|command| &command.submission).collect();
        match attempt(&mut *self.store, &submissions, &self.policy) {
            Ok(replies) => {
                self.status.set_committed();
                if let Some(bell) = &self.bell {
                    bell.ring();
                }
                measuring::committed(&part.commands, &replies, started);
                for (command, reply) in part.commands.into_iter().zip(replies) {
                    command.promise.keep(Ok(reply), wakes);
                }
                Tried::Done
            }
            Err(CommitError::Unknown(source)) => self.not_known(part, &chain(&*source), wakes),
            Err(CommitError::NotApplied(fault)) if part.unknown.is_some() => not_known_still(part, &fault, wakes),
            Err(CommitError::NotApplied(StoreError::Unavailable(source))) => {
                let words = chain(&*source);
                tracing::error!(error = %words, batch.commands = part.commands.len(), "the store cannot write");
                self.status.set_cannot_write();
                answer_all(part.commands, &Err(Fault::StoreUnavailable(words)), wakes);
                Tried::Done
            }
            Err(CommitError::NotApplied(StoreError::Contention(met, source))) => self.met(part, met, &*source, wakes),
            Err(CommitError::NotApplied(StoreError::Broken(source))) => {
                let words = chain(&*source);
                tracing::error!(error = %words, batch.commands = part.commands.len(), "a batch failed");
                if part.commands.len() > 1 {
                    return Tried::Halved(part.halved());
                }
                answer_all(part.commands, &Err(Fault::Failed(words)), wakes);
                std::mem::take(wakes).wake();
                self.try_to_write(wakes)
            }
        }
    }

    /// The part met another writer.
    fn met(
        &mut self,
        part: Part,
        met: Collision,
        source: &(dyn std::error::Error + 'static),
        wakes: &mut Wakes,
    ) -> Tried {
        metrics::counter!("holdfast_store_retries_total", "reason" => met.as_str()).increment(1);
        let (words, commands) = (chain(source), part.commands.len());
        if let Some(admission) = &mut self.admission {
            admission.met_another_writer(&part.commands);
        }
        if part.may_be_tried_again(met) {
            tracing::debug!(error = %words, part.tries, batch.commands = commands, "another writer was faster; trying again");
            std::thread::sleep(pause_after(part.tries));
            return Tried::Again(part);
        }
        if commands > 1 {
            tracing::warn!(error = %words, batch.commands = commands, "a batch meets other writers; halving it");
            return Tried::Halved(part.halved());
        }
        tracing::error!(error = %words, "a command meets other writers again and again");
        answer_all(part.commands, &Err(Fault::StoreUnavailable(words)), wakes);
        Tried::Done
    }

    /// Nobody knows what became of the part's commit.
    fn not_known(&self, mut part: Part, words: &str, wakes: &mut Wakes) -> Tried {
        let commands = part.commands.len();
        if self.store.outlives_unknown() {
            tracing::warn!(error = %words, batch.commands = commands, "the outcome of a commit is not known");
            metrics::counter!("holdfast_store_retries_total", "reason" => "unknown").increment(1);
            part.commands = ask_again(part.commands, words, wakes);
            part.unknown = Some(words.to_owned());
            std::thread::sleep(ASKED_AGAIN_AFTER);
            return Tried::Again(part);
        }
        tracing::error!(error = %words, batch.commands = commands, "the outcome of a commit is not known");
        answer_all(part.commands, &Err(Fault::OutcomeUnknown(words.to_owned())), wakes);
        Tried::Ended(LaneEnd::Unknown(words.to_owned()))
    }

    /// A command alone has broken something: the store may do so with any, or the fault is the command's own. A batch
    /// that changes nothing tells.
    fn try_to_write(&mut self, wakes: &mut Wakes) -> Tried {
        match attempt(&mut *self.store, &[&Submission::of_nothing()], &self.policy) {
            Ok(_) => self.status.set_committed(),
            Err(CommitError::Unknown(source)) => {
                return self.not_known(Part::whole(Vec::new()), &chain(&*source), wakes);
            }
            // Another writer is no fault of the store.
            Err(CommitError::NotApplied(StoreError::Contention(..))) => {}
            // Until a commit succeeds again; the health watch tries one.
            Err(CommitError::NotApplied(_)) => self.status.set_cannot_write(),
        }
        Tried::Done
    }
}

/// Commits a batch once; a panic counts as a broken batch, and its transaction is undone.
fn attempt(store: &mut dyn Store, batch: &[&Submission], policy: &Policy) -> Result<Vec<Reply>, CommitError> {
    catch_unwind(AssertUnwindSafe(|| commit_batch(store, batch, policy))).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let words = words.unwrap_or_else(|| "a panic without words".to_owned());
        Err(CommitError::NotApplied(StoreError::Broken(words.into())))
    })
}

/// What became of a part that was tried.
enum Tried {
    /// Everybody was answered.
    Done,
    /// It is to be tried again.
    Again(Part),
    /// It is to be tried in halves.
    Halved([Part; 2]),
    /// The lane ends.
    Ended(LaneEnd),
}

/// Puts a part in line that is to be tried again.
fn line_up(parts: &mut VecDeque<Part>, part: Part) {
    if part.goes_first {
        parts.push_front(part);
    } else {
        parts.push_back(part);
    }
}

/// Asking what became of a commit failed: what passes is waited for.
fn not_known_still(part: Part, fault: &StoreError, wakes: &mut Wakes) -> Tried {
    if matches!(fault, StoreError::Unavailable(_) | StoreError::Contention(..)) {
        std::thread::sleep(ASKED_AGAIN_AFTER);
        return Tried::Again(part);
    }
    tracing::error!(error = %chain(fault), batch.commands = part.commands.len(), "a batch failed after an unknown commit");
    answer_all(part.commands, &Err(Fault::OutcomeUnknown(part.unknown.unwrap_or_default())), wakes);
    Tried::Done
}

/// Those who can be asked again after a commit whose outcome is not known: the same command under the same key waits
/// for the first try, should it still be under way, and hears what became of it (PROTOCOL, section 3.5). The others are
/// told.
fn ask_again(batch: Vec<Waiting>, words: &str, wakes: &mut Wakes) -> Vec<Waiting> {
    let (keyed, others) = batch.into_iter().partition(|command| command.submission.key.is_some());
    answer_all(others, &Err(Fault::OutcomeUnknown(words.to_owned())), wakes);
    keyed
}
