//! A whole store's rows, read from an embedded store or written to an empty one.

use std::fs::File;
use std::sync::Arc;

use holdfast_application::Clock;
use holdfast_application::ports::{CommitError, StoreError};
use holdfast_application::queries::ReadError;

use crate::sql::queries::Readers as _;
use crate::sql::session::SqlSession;
use crate::sqlite::open::{self, OpenError, SqliteSettings};
use crate::sqlite::readers::SqliteReaders;
use crate::sqlite::store::SqliteStore;

/// An embedded store that is read as a whole while nobody writes to it.
pub(crate) struct WholeStore {
    readers: SqliteReaders,
    _lock: File,
}

impl WholeStore {
    pub(crate) fn open(settings: &SqliteSettings) -> Result<Self, OpenError> {
        let (lock, readers) = open::undisturbed(settings)?;
        Ok(Self { readers, _lock: lock })
    }

    /// Reads it at one moment.
    pub(crate) fn read<T>(
        &self,
        question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
    ) -> Result<T, ReadError> {
        self.readers.walk(question)
    }
}

/// An empty embedded store that is filled.
pub(crate) struct EmptyStore(SqliteStore);

impl EmptyStore {
    /// Makes the store where there is none.
    pub(crate) fn open(settings: &SqliteSettings, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        open::open(settings, clock).map(|(store, _)| Self(store))
    }

    /// Reads what is there.
    pub(crate) fn read<T>(
        &mut self,
        question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        question(self.0.session())
    }

    /// Fills it, all of it or not at all.
    pub(crate) fn fill<T>(
        &mut self,
        rows: impl FnOnce(&mut dyn SqlSession) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, CommitError> {
        let session = self.0.session();
        session.execute("BEGIN IMMEDIATE", &[])?;
        let filled = rows(session).and_then(|filled| end_behind_all(session).map(|()| filled));
        let end = if matches!(filled, Ok(Some(_))) { "COMMIT" } else { "ROLLBACK" };
        let ended = session.execute(end, &[]);
        match (filled?, ended) {
            (Some(_), Err(error)) => {
                self.0.lose();
                Err(CommitError::Unknown(Box::new(error)))
            }
            (filled, _) => Ok(filled),
        }
    }
}

/// The next batch is decided later than anything that is there.
fn end_behind_all(session: &mut dyn SqlSession) -> Result<(), StoreError> {
    let sql = "UPDATE books SET batch = batch + 1, decided_at = max(decided_at, \
               coalesce((SELECT max(updated_at) FROM stock), 0), coalesce((SELECT max(numbered_at) FROM orders), 0), \
               coalesce((SELECT max(ended_at) FROM orders), 0)) WHERE id = 1";
    session.execute(sql, &[]).map(|_| ())
}
