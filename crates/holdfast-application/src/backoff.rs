//! How long is waited after a failure: twice as long each time.

use std::time::Duration;

/// The pauses between tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    next: Duration,
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// The first pause, and the longest.
    pub(crate) const fn between(first: Duration, longest: Duration) -> Self {
        Self { next: first, first, longest }
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Duration {
        let next = self.next;
        self.next = next.saturating_mul(2).min(self.longest);
        next
    }

    /// It has succeeded: the first one comes next.
    pub(crate) const fn reset(&mut self) {
        self.next = self.first;
    }
}
