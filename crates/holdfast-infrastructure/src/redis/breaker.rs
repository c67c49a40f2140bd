//! When a lock that fails is left alone: after some errors in a row, for some time; then one trial decides.

use std::time::{Duration, Instant};

/// Errors in a row after which it is left alone.
const ERRORS_MAX: u32 = 3;
/// How long it is left alone.
const ALONE_FOR: Duration = Duration::from_secs(5);

/// Counts errors.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    errors: u32,
    alone_since: Option<Instant>,
}

impl Breaker {
    /// One more error.
    pub(super) fn failed(&mut self, now: Instant) {
        self.errors = self.errors.saturating_add(1);
        if self.errors >= ERRORS_MAX {
            self.alone_since = Some(now);
        }
    }

    /// It answered.
    pub(super) const fn answered(&mut self) {
        self.errors = 0;
        self.alone_since = None;
    }

    /// Whether it is left alone by those who have work to do.
    pub(super) const fn is_open(&self) -> bool {
        self.alone_since.is_some()
    }

    /// Whether somebody who has nothing else to do may try it now.
    pub(super) fn may_try(&self, now: Instant) -> bool {
        self.alone_since.is_none_or(|since| now.saturating_duration_since(since) >= ALONE_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_errors_in_a_row_open_it_and_one_trial_after_five_seconds_decides() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut breaker = Breaker::default();
        breaker.failed(start);
        breaker.failed(start);
        breaker.answered();
        breaker.failed(start);
        breaker.failed(start);
        assert!(!breaker.is_open(), "two in a row");
        breaker.failed(start);
        assert!(breaker.is_open());
        assert!(!breaker.may_try(after(4)));
        assert!(breaker.may_try(after(5)));
        breaker.failed(after(5));
        assert!(breaker.is_open());
        assert!(!breaker.may_try(after(9)), "a trial that fails begins the time anew");
        assert!(breaker.may_try(after(10)));
        breaker.answered();
        assert!(!breaker.is_open());
    }
}
