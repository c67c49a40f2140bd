//! How many dead letters there are: looked at once a second, so that there is never too little room for them.

use std::sync::Arc;

use holdfast_application::dead_letters::LetterRoom;
use holdfast_application::dead_letters::room::SMALL_MAX;
use holdfast_application::events::{EventSet, Publishing};
use holdfast_application::queries::{ReadError, StockQueries};

use crate::numbers;

/// The dead letters that nobody has dealt with, and those that are not told yet.
pub(super) struct LetterWatch {
    destinations: Vec<Arc<str>>,
    room: Arc<LetterRoom>,
}

impl LetterWatch {
    pub(super) fn of(publishing: &Publishing) -> Self {
        let told = publishing.destinations.iter().filter(|destination| destination.wants == EventSet::DEAD_LETTERS);
        Self { destinations: told.map(|destination| destination.name.clone()).collect(), room: Arc::default() }
    }

    /// The room there is for further ones.
    pub(super) fn room(&self) -> Arc<LetterRoom> {
        self.room.clone()
    }

    /// Looks how many there are.
    pub(super) fn look(&self, queries: &dyn StockQueries) -> Result<(), ReadError> {
        let open = queries.open_letters(SMALL_MAX)?;
        metrics::gauge!("holdfast_dead_letters_open").set(numbers::float(numbers::count(open)));
        let names: Vec<&str> = self.destinations.iter().map(|name| &**name).collect();
        let untold = if names.is_empty() { 0 } else { queries.outbox_depth(&names, SMALL_MAX)?.events };
        self.room.learn(open, untold);
        Ok(())
    }
}
