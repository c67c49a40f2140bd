//! The in-memory reference store: what the ports mean.
//!
//! It keeps everything a database keeps and refuses what a database refuses, in plain collections behind one lock. It
//! saves only what a page says has changed, so a page that says too little shows here first.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::ports::{CommitError, Store, StoreError, StoreTransaction};

mod books;
mod dead_letters;
mod ledger;
mod outbox;
mod reads;
mod retelling;
mod transaction;

use books::Books;
use transaction::MemoryTransaction;

/// A store that keeps the books in memory. Clones share them, as connections of one database do.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

/// The reads of a [`MemoryStore`].
pub struct MemoryQueries {
    shared: Arc<Shared>,
}

/// The books, and the clock their batches are decided by.
struct Shared {
    books: Mutex<Books>,
    clock: Arc<dyn Clock>,
}

impl Shared {
    /// The books, also after a panic: what an undone transaction wrote is undone by then.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryStore {
    /// Empty books with the location `main`, and the reads that go with them.
    pub fn new(clock: Arc<dyn Clock>) -> (Self, Arc<MemoryQueries>) {
        let shared = Arc::new(Shared { books: Mutex::new(Books::new()), clock });
        (Self { shared: shared.clone() }, Arc::new(MemoryQueries { shared }))
    }
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for MemoryQueries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryQueries").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn begin(&mut self) -> Result<Box<dyn StoreTransaction + '_>, StoreError> {
        Ok(Box::new(MemoryTransaction::new(self.shared.books(), &*self.shared.clock)))
    }

    fn rest(&mut self) -> Result<(), CommitError> {
        Ok(())
    }
}
