//! Deciding without queue and threads, for whoever has commands in hand and waits: imports, replays, tests.

use super::pause::pause_after;
use crate::answer::Reply;
use crate::command::Submission;
use crate::committer::commit_batch;
use crate::policy::Policy;
use crate::ports::{CommitError, Store, StoreError};

/// How often a batch is tried that meets another writer, or of whose commit nobody knows.
const TRIES_MAX: u32 = 2;
/// How often a command is tried by itself.
const TRIES_ALONE_MAX: u32 = 8;

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
            Err(error) if !is_worth_a_try(&error, store) => return Err(error),
            Err(_) if tries < if batch.len() > 1 { TRIES_MAX } else { TRIES_ALONE_MAX } => {
                std::thread::sleep(pause_after(tries));
                tries = tries.saturating_add(1);
            }
            Err(_) if batch.len() > 1 => {
                let (first, rest) = submissions.split_at(submissions.len() / 2);
                let mut replies = decide_at_once(store, first, policy)?;
                replies.extend(decide_at_once(store, rest, policy)?);
                return Ok(replies);
            }
            decided => return decided,
        }
    }
}

/// Whether the same may succeed in a moment.
fn is_worth_a_try(error: &CommitError, store: &dyn Store) -> bool {
    match error {
        CommitError::NotApplied(StoreError::Contention(..)) => true,
        CommitError::NotApplied(_) => false,
        CommitError::Unknown(_) => store.outlives_unknown(),
    }
}
