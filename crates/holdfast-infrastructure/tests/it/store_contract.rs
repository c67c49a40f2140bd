//! The embedded store shows what every store must show.

use std::sync::Arc;

use holdfast_application::clock::ManualClock;
use holdfast_application::ports::{CommitError, Store, StoreError, StoreTransaction};
use holdfast_application::queries::StockQueries;
use holdfast_application::store_contract;
use holdfast_infrastructure::sqlite::{SqliteSettings, SqliteStore, open};
use tempfile::TempDir;

/// A store in a folder that goes away with it.
pub(crate) fn embedded(clock: Arc<ManualClock>) -> (Box<dyn Store>, Arc<dyn StockQueries>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (store, queries) = open(&SqliteSettings::in_folder(folder.path()), clock).expect("an empty store");
    (Box::new(Embedded { store, _folder: folder }), queries)
}

/// The store stands first, so that it is closed before its folder goes.
struct Embedded {
    store: SqliteStore,
    _folder: TempDir,
}

impl Store for Embedded {
    fn begin(&mut self) -> Result<Box<dyn StoreTransaction + '_>, StoreError> {
        self.store.begin()
    }

    fn rest(&mut self) -> Result<(), CommitError> {
        self.store.rest()
    }
}

store_contract!(embedded);
