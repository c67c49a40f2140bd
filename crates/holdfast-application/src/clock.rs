//! What time it is, asked at the rim only.

use holdfast_domain::Timestamp;

/// Tells the time that stores decide by. A database with a clock of its own asks that instead.
pub trait Clock: Send + Sync {
    /// The present moment. Two calls never go backwards.
    fn now(&self) -> Timestamp;
}

/// A clock that tests and simulations set.
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(std::sync::atomic::AtomicI64::new(now.micros()))
    }

    /// Moves the clock on.
    pub fn advance(&self, by: std::time::Duration) {
        let next = self.now().after(by);
        self.0.store(next.micros(), std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}
