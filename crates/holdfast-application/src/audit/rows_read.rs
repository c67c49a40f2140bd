//! How far a proof has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows between two looks of somebody who watches: few enough for a second to have many, and no cost to a row.
const STEP: u64 = 1_024;

/// Movements and reservations a proof has read, for whoever watches it. Clones share the number.
#[derive(Clone, Debug, Default)]
pub struct RowsRead(Arc<AtomicU64>);

impl RowsRead {
    /// How many so far, give or take a thousand.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// One side has read so many by now; each number is told once.
    pub(super) fn side_has(&self, rows: u64) {
        if rows.is_multiple_of(STEP) {
            self.0.fetch_add(STEP, Ordering::Relaxed);
        }
    }
}
