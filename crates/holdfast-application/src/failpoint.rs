//! Named places where a test may end the process: compiled out unless the feature `failpoints` is on.

/// Ends the process at once, as `kill -9` would, when `HOLDFAST_FAILPOINT` names this place and its turn has come
/// (`name` or `name:turn`, counted from 1).
#[cfg(feature = "failpoints")]
pub fn reach(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static TURNS: AtomicU64 = AtomicU64::new(0);
    let Ok(wanted) = std::env::var("HOLDFAST_FAILPOINT") else { return };
    let (place, turn) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if place == name && TURNS.fetch_add(1, Ordering::SeqCst).saturating_add(1).to_string() == turn {
        std::process::abort();
    }
}

/// Does nothing in this build.
#[cfg(not(feature = "failpoints"))]
pub const fn reach(_name: &str) {}
