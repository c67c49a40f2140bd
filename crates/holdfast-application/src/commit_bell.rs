//! Tells those who wait for news of the books that something was committed.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Rung by the lanes after each commit.
#[derive(Debug, Default)]
pub struct CommitBell {
    commits: Mutex<u64>,
    rung: Condvar,
}

impl CommitBell {
    /// Something was committed.
    pub fn ring(&self) {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        *commits = commits.wrapping_add(1);
        drop(commits);
        self.rung.notify_all();
    }

    /// How often it was rung.
    pub fn rings(&self) -> u64 {
        *self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it was rung more often than `heard`, up to `most`, and says how often it was.
    pub fn wait(&self, heard: u64, most: Duration) -> u64 {
        let commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.rung.wait_timeout_while(commits, most, |commits| *commits == heard);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_heard() {
        let bell = CommitBell::default();
        let heard = bell.rings();
        bell.ring();
        assert_ne!(bell.wait(heard, Duration::from_hours(1)), heard);
        assert_eq!(bell.wait(bell.rings(), Duration::ZERO), bell.rings(), "nothing new");
    }
}
