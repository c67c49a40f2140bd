//! Deciding without queue and threads, for whoever has commands in hand and waits: imports, replays, tests.

use std::time::{Duration, Instant};

use super::chain;
use super::part::tries_max;
use super::pause::pause_after;
use crate::answer::Reply;
use crate::command::Submission;
use crate::committer::commit_batch;
use crate::policy::Policy;
use crate::ports::{CommitError, Store, StoreError};

/// How long is asked what became of a commit: a restart of a database, or a failover.
const ASKED_FOR_MAX: Duration = Duration::from_secs(30);
/// How long is waited before it is asked again.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Decides commands one after the other. Commands must be safe to repeat, by a key or by what they are: on a store that
/// others write to they are tried again, in halves at last, where another writer was faster, and where nobody knows
/// what became of a commit.
///
/// # Errors
///
/// As [`commit_batch`]; of commands that were committed in halves the first ones may be done.
pub fn decide_at_once(
    store: &mut dyn Store,
    submissions: &[Submission],
    policy: &Policy,
) -> Result<Vec<Reply>, CommitError> {
    let batch: Vec<&Submission> = submissions.iter().collect();
    let mut tries = 1;
    loop {
        match commit_batch(store, &batch, policy) {
            Err(CommitError::NotApplied(StoreError::Contention(met, source))) => {
                metrics::counter!("holdfast_store_retries_total", "reason" => met.as_str()).increment(1);
                tracing::debug!(error = %chain(&*source), tries, batch.commands = batch.len(), "another writer was faster");
                if tries < tries_max(batch.len(), met) {
                    std::thread::sleep(pause_after(tries));
                    tries = tries.saturating_add(1);
                } else if batch.len() > 1 {
                    return in_halves(store, submissions, policy);
                } else {
                    return Err(CommitError::NotApplied(StoreError::Contention(met, source)));
                }
            }
            Err(CommitError::Unknown(source)) if store.outlives_unknown() => {
                return ask_again(store, &batch, policy, source);
            }
            decided => return decided,
        }
    }
}

fn in_halves(store: &mut dyn Store, submissions: &[Submission], policy: &Policy) -> Result<Vec<Reply>, CommitError> {
    let (first, rest) = submissions.split_at(submissions.len() / 2);
    let mut replies = decide_at_once(store, first, policy)?;
    replies.extend(decide_at_once(store, rest, policy)?);
    Ok(replies)
}

/// Decides the same again until somebody knows: what was done is known by its key, or by what it is.
fn ask_again(
    store: &mut dyn Store,
    batch: &[&Submission],
    policy: &Policy,
    why: Box<dyn std::error::Error + Send + Sync>,
) -> Result<Vec<Reply>, CommitError> {
    tracing::warn!(error = %chain(&*why), batch.commands = batch.len(), "the outcome of a commit is not known");
    let asked = Instant::now();
    while asked.elapsed() < ASKED_FOR_MAX {
        metrics::counter!("holdfast_store_retries_total", "reason" => "unknown").increment(1);
        std::thread::sleep(ASKED_AGAIN_AFTER);
        match commit_batch(store, batch, policy) {
            Err(
                CommitError::Unknown(_)
                | CommitError::NotApplied(StoreError::Unavailable(_) | StoreError::Contention(..)),
            ) => {}
            // What is broken tells nothing of the first try.
            Err(CommitError::NotApplied(StoreError::Broken(_))) => break,
            Ok(replies) => return Ok(replies),
        }
    }
    Err(CommitError::Unknown(why))
}
