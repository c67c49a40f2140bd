//! What others may know about a lane.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What others may know about a lane.
#[derive(Debug, Default)]
pub struct LaneStatus {
    working_since: Mutex<Option<Instant>>,
    committed_at: Mutex<Option<Instant>>,
    cannot_write: AtomicBool,
    batches: AtomicU64,
    ended: AtomicBool,
}

impl LaneStatus {
    /// How long the batch at hand has taken so far.
    pub fn busy_for(&self) -> Option<Duration> {
        let since = *self.working_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| since.elapsed())
    }

    /// Whether the store could not write the last batch, or any.
    pub fn cannot_write(&self) -> bool {
        self.cannot_write.load(Ordering::Relaxed)
    }

    /// How long ago a batch was committed.
    pub fn committed_ago(&self) -> Option<Duration> {
        let at = *self.committed_at.lock().unwrap_or_else(PoisonError::into_inner);
        at.map(|at| at.elapsed())
    }

    /// How many batches were committed.
    pub fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    /// Whether the lane has stopped.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn set_working(&self, working: bool) {
        let since = working.then(Instant::now);
        *self.working_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    pub(super) fn set_committed(&self) {
        *self.committed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.cannot_write.store(false, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_cannot_write(&self) {
        self.cannot_write.store(true, Ordering::Relaxed);
    }

    pub(super) fn set_ended(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
