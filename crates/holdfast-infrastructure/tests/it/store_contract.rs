//! The embedded store shows what every store must show.

use std::sync::Arc;

use holdfast_application::clock::ManualClock;
use holdfast_application::ports::Store;
use holdfast_application::queries::StockQueries;
use holdfast_application::store_contract;
use holdfast_infrastructure::sqlite::{SqliteSettings, open};

/// A store in a folder that goes away with the process.
pub(crate) fn embedded(clock: Arc<ManualClock>) -> (Box<dyn Store>, Arc<dyn StockQueries>) {
    let folder = tempfile::tempdir().expect("a temporary folder").keep();
    let (store, queries) = open(&SqliteSettings::in_folder(folder), clock).expect("an empty store");
    (Box::new(store), queries)
}

store_contract!(embedded);
