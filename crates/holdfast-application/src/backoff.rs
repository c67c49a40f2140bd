//! How long a consumer waits after a failure.

use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_millis(50);
/// The longest: a source or a store that is there again is not kept waiting.
const LONGEST: Duration = Duration::from_secs(2);

/// How long is waited before the next try: twice as long each time.
pub(super) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Pause {
    /// The next one.
    pub(super) fn next(&mut self) -> Duration {
        let next = self.0;
        self.0 = next.saturating_mul(2).min(LONGEST);
        next
    }
}
