//! When something that failed is tried again: later each time, and not by all at once.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

/// The pause after the first failure, before it is made uneven.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause of our own.
const LONGEST: Duration = Duration::from_mins(5);
/// The longest pause that an endpoint may ask for.
const ASKED_LONGEST: Duration = Duration::from_hours(1);

/// How something that fails is paused.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pause {
    failures: u32,
    until: Option<Instant>,
}

impl Pause {
    /// It failed once more; the endpoint may have said how long it wants to be left alone.
    pub(super) fn fail(&mut self, asked: Option<Duration>, now: Instant) {
        let longer = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let ours = uneven(FIRST.saturating_mul(longer).min(LONGEST));
        let pause = asked.map_or(ours, |asked| asked.min(ASKED_LONGEST).max(ours));
        self.until = now.checked_add(pause);
    }

    /// Whether it is to be left alone still.
    pub(super) fn lasts(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

/// Between half of `pause` and all of it.
fn uneven(pause: Duration) -> Duration {
    let half = pause.checked_div(2).unwrap_or_default();
    let random = RandomState::new().build_hasher().finish();
    let most = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    half.saturating_add(Duration::from_millis(random.checked_rem(most.saturating_add(1)).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a pause lasts after so many failures.
    fn after(failures: u32, asked: Option<Duration>) -> Duration {
        let (mut pause, now) = (Pause::default(), Instant::now());
        assert!(!pause.lasts(now));
        for _ in 0..failures {
            pause.fail(asked, now);
        }
        pause.until.expect("a pause").duration_since(now)
    }

    #[test]
    fn pauses_grow_up_to_minutes_and_are_uneven() {
        for (failures, most) in [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (100, 300)] {
            let most = Duration::from_secs(most);
            for _ in 0..50 {
                let pause = after(failures, None);
                assert!(pause >= most / 2 && pause <= most, "{failures}: {pause:?}");
            }
        }
        let different: std::collections::HashSet<Duration> = (0..50).map(|_| after(10, None)).collect();
        assert!(different.len() > 10, "endpoints are not asked all at once");
    }

    #[test]
    fn what_an_endpoint_asks_for_counts_within_reason() {
        assert_eq!(after(1, Some(Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(after(1, Some(Duration::MAX)), ASKED_LONGEST);
        assert!(after(10, Some(Duration::ZERO)) >= LONGEST / 2);
    }
}
