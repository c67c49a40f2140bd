//! How long a lane waits before it tries again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest pause before the second try; it doubles with each further one.
const FIRST_MAX: Duration = Duration::from_millis(4);
/// The longest pause at all.
const MAX: Duration = Duration::from_millis(200);

/// The pause after `tries` tries: at random between half of the longest and all of it, so that two who met do not meet
/// again.
pub(super) fn pause_after(tries: u32) -> Duration {
    let doubled = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    let longest = FIRST_MAX.saturating_mul(doubled).min(MAX);
    let half = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX).div_ceil(2);
    // Another number every time.
    let random = RandomState::new().hash_one(tries).checked_rem(half).unwrap_or(0);
    Duration::from_micros(half.saturating_add(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_differ() {
        for (tries, longest_ms) in [(1, 4), (2, 8), (3, 16), (7, 200), (40, 200)] {
            let pauses: Vec<u128> = (0..50).map(|_| pause_after(tries).as_micros()).collect();
            let expected = longest_ms * 500..longest_ms * 1_000;
            assert!(pauses.iter().all(|pause| expected.contains(pause)), "{tries}: {pauses:?}");
            assert!(pauses.iter().any(|pause| Some(pause) != pauses.first()), "{pauses:?}");
        }
    }
}
