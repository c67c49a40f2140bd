//! Commands of one source that are decided one after the other: behind one that could not be, none is, until the source
//! asks anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What such commands share.
#[derive(Clone, Debug, Default)]
pub struct Succession(Arc<AtomicBool>);

impl Succession {
    /// One of them could not be decided.
    pub(crate) fn break_off(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether one of them could not be decided.
    pub(crate) fn is_broken_off(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
