//! The machine's clock, made fit to decide by: it never runs backwards, and a jump of the wall clock moves it only
//! slowly.
//!
//! It starts at the wall clock (or at the last decision, if that is later) and goes on with the monotonic clock. Where
//! the two drift apart it follows the wall clock by at most half a millisecond a second, so a jump of two hours neither
//! ends orders early nor all at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use holdfast_application::Clock;
use holdfast_domain::Timestamp;

/// How often the wall clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// By how much of the time gone by the clock may follow the wall clock: 500 ppm, as `adjtime` does.
const SLEW_PART: i64 = 2_000;
/// A difference to the wall clock that is reported.
const REPORTED: Duration = Duration::from_secs(2);

/// The clock that decisions are made by.
#[derive(Debug)]
pub(crate) struct SystemClock(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The time at `since`.
    anchor: Timestamp,
    since: Instant,
    reported: bool,
}

impl SystemClock {
    /// A clock that starts at the wall clock.
    pub(crate) fn start() -> Self {
        Self(Mutex::new(State { anchor: wall_clock(), since: Instant::now(), reported: false }))
    }

    /// Lets the clock go on from `floor` at the earliest: the last decision that was persisted.
    pub(crate) fn not_before(&self, floor: Timestamp) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.now(Instant::now()) < floor {
            let behind = floor.since(state.anchor);
            tracing::warn!(
                seconds = behind.as_secs(),
                "the last decision lies ahead of the clock; going on from there"
            );
            (state.anchor, state.since) = (floor, Instant::now());
        }
    }
}

impl State {
    fn now(&self, at: Instant) -> Timestamp {
        self.anchor.after(at.saturating_duration_since(self.since))
    }

    /// Follows the wall clock a little, once in a while.
    fn follow(&mut self, at: Instant, wall: impl FnOnce() -> Timestamp) {
        let gone = at.saturating_duration_since(self.since);
        if gone < LOOK_EVERY {
            return;
        }
        let (now, wall) = (self.now(at), wall());
        let apart = wall.micros().saturating_sub(now.micros());
        let gone = i64::try_from(gone.as_micros()).unwrap_or(i64::MAX);
        let most = gone.checked_div(SLEW_PART).unwrap_or(0);
        self.anchor = Timestamp::from_micros(now.micros().saturating_add(apart.clamp(most.saturating_neg(), most)));
        self.since = at;
        let far = apart.unsigned_abs() > u64::try_from(REPORTED.as_micros()).unwrap_or(u64::MAX);
        if far && !self.reported {
            let ahead_ms = apart.checked_div(1_000).unwrap_or(0);
            tracing::warn!(clock.ahead_ms = ahead_ms, "the wall clock has jumped; it is followed slowly");
        }
        self.reported = far;
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        state.follow(at, wall_clock);
        state.now(at)
    }
}

/// The wall clock as it is: for others who compare it with theirs, not to decide by.
#[expect(clippy::disallowed_methods, reason = "the one place where time comes from")]
pub(crate) fn wall_clock() -> Timestamp {
    let gone = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.after(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_wall_clock_is_followed_slowly_in_either_direction() {
        let start = Timestamp::EPOCH.after(Duration::from_secs(1_000_000));
        let since = Instant::now();
        for (jump, slewed) in [(7_200_000_000_i64, 500_i64), (-7_200_000_000, -500), (100, 100)] {
            let mut state = State { anchor: start, since, reported: false };
            let later = since.checked_add(Duration::from_secs(1)).expect("a later moment");
            let unmoved = start.after(Duration::from_secs(1));
            state.follow(later, || Timestamp::from_micros(unmoved.micros().saturating_add(jump)));
            assert_eq!(state.now(later).micros(), unmoved.micros().saturating_add(slewed));
        }
    }

    #[test]
    fn the_clock_goes_on_from_the_last_decision() {
        let clock = SystemClock::start();
        let ahead = clock.now().after(Duration::from_hours(1));
        clock.not_before(ahead);
        assert!(clock.now() >= ahead);
        clock.not_before(Timestamp::EPOCH);
        assert!(clock.now() >= ahead);
    }
}
