//! From one store to another, whatever databases the two are: an installation grows out of the embedded store, or back.
//!
//! All rows go over in one transaction, numbers and times as they were; then each table of the new store is read and
//! compared with what was read from the old one.

use std::ops::ControlFlow;
use std::sync::Arc;

use holdfast_application::Clock;
use holdfast_application::ports::{CommitError, StoreError};
use holdfast_application::queries::ReadError;

use crate::mysql::{self, MysqlSettings};
use crate::sql::copying;
use crate::sql::session::SqlSession;
use crate::sqlite::{self, SqliteSettings};

/// Where a store is.
#[derive(Clone, Debug)]
pub enum StoreAddress {
    /// In a folder.
    Embedded(SqliteSettings),
    /// In a shared database.
    Shared(MysqlSettings),
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An embedded one.
    #[error(transparent)]
    Embedded(#[from] sqlite::OpenError),
    /// A shared one.
    #[error(transparent)]
    Shared(#[from] mysql::OpenError),
}

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is something in the store that was to be filled.
    #[error("the store to copy to is not empty")]
    NotEmpty,
    /// The old store cannot be read, or the new one not be written.
    #[error("the rows cannot be copied")]
    Rows(#[from] ReadError),
    /// The new store cannot be written; it is as it was.
    #[error("the new store cannot be written")]
    NotWritten(#[from] StoreError),
    /// The new store may be whole, or as it was.
    #[error("whether the new store was written is not known")]
    Unknown(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The new store does not hold what the old one does.
    #[error(
        "the table {table} holds other rows than the one it was copied from ({rows} of {of}): do not use this copy"
    )]
    Differs {
        /// Which table.
        table: &'static str,
        /// How many rows it holds.
        rows: u64,
        /// How many there are in the old store.
        of: u64,
    },
}

impl From<CommitError> for CopyError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::NotApplied(error) => Self::NotWritten(error),
            CommitError::Unknown(source) => Self::Unknown(source),
        }
    }
}

/// A store that is copied. Nobody writes to an embedded one meanwhile.
pub struct Source(WholeStore);

enum WholeStore {
    Embedded(Box<sqlite::WholeStore>),
    Shared(mysql::WholeStore),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

impl Source {
    /// Opens a store to be read as a whole.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(address: &StoreAddress) -> Result<Self, OpenError> {
        Ok(Self(match address {
            StoreAddress::Embedded(settings) => WholeStore::Embedded(Box::new(sqlite::WholeStore::open(settings)?)),
            StoreAddress::Shared(settings) => WholeStore::Shared(mysql::WholeStore::open(settings)?),
        }))
    }

    fn read<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        match &self.0 {
            WholeStore::Embedded(store) => store.read(question),
            WholeStore::Shared(store) => store.read(question),
        }
    }
}

/// A store that is filled.
pub struct Target(EmptyStore);

enum EmptyStore {
    Embedded(Box<sqlite::EmptyStore>),
    Shared(mysql::EmptyStore),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

impl Target {
    /// Opens an empty store, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(address: &StoreAddress, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Ok(Self(match address {
            StoreAddress::Embedded(settings) => {
                EmptyStore::Embedded(Box::new(sqlite::EmptyStore::open(settings, clock)?))
            }
            StoreAddress::Shared(settings) => EmptyStore::Shared(mysql::EmptyStore::open(settings)?),
        }))
    }

    fn read<T>(
        &mut self,
        question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &mut self.0 {
            EmptyStore::Embedded(store) => store.read(question),
            EmptyStore::Shared(store) => store.read(question),
        }
    }

    fn fill<T>(
        &mut self,
        rows: impl FnOnce(&mut dyn SqlSession) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, CommitError> {
        match &mut self.0 {
            EmptyStore::Embedded(store) => store.fill(rows),
            EmptyStore::Shared(store) => store.fill(rows),
        }
    }
}

/// Copies a store into an empty one and compares the two; says how many rows each table has. `tell` hears how many rows
/// went over since it heard last; when it wants no more the new store stays empty, and there is nothing to say.
///
/// # Errors
///
/// [`CopyError`].
pub fn copy(
    from: &Source,
    to: &mut Target,
    tell: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Option<Vec<(&'static str, u64)>>, CopyError> {
    if !to.read(copying::is_empty)? {
        return Err(CopyError::NotEmpty);
    }
    let filled = from.read(|source| Ok(to.fill(|target| copying::copy(source, target, tell))))?;
    let Some(there) = filled? else { return Ok(None) };
    let here = to.read(copying::digests)?;
    let mut counts = Vec::with_capacity(there.len());
    for ((table, there), here) in copying::tables().zip(there).zip(here) {
        if here != there {
            return Err(CopyError::Differs { table, rows: here.rows, of: there.rows });
        }
        counts.push((table, here.rows));
    }
    Ok(Some(counts))
}
