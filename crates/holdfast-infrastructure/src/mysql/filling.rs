//! A whole store's rows, read from a shared store or written to an empty one.

use holdfast_application::ports::{CommitError, StoreError};
use holdfast_application::queries::ReadError;

use crate::mysql::connect::{MysqlSettings, Purpose};
use crate::mysql::open::{self, OpenError};
use crate::mysql::readers::MysqlReaders;
use crate::mysql::session::MysqlSession;
use crate::sql::queries::Readers as _;
use crate::sql::session::SqlSession;

/// A shared store that is read as a whole. What others write to it meanwhile is not in what is read.
pub(crate) struct WholeStore(MysqlReaders);

impl WholeStore {
    pub(crate) fn open(settings: &MysqlSettings) -> Result<Self, OpenError> {
        let store = open::readers(settings).map(Self)?;
        open::must_stand_still(settings)?;
        Ok(store)
    }

    /// Reads it at one moment.
    pub(crate) fn read<T>(
        &self,
        question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
    ) -> Result<T, ReadError> {
        self.0.walk(question)
    }
}

/// An empty shared store that is filled.
pub(crate) struct EmptyStore(MysqlSession);

impl EmptyStore {
    /// Makes the schema where there is none, and checks the database as a service would.
    pub(crate) fn open(settings: &MysqlSettings) -> Result<Self, OpenError> {
        open::migrate(settings, false)?;
        open::must_stand_still(settings)?;
        open::checked(settings, Purpose::Filling).map(Self)
    }

    /// Reads what is there.
    pub(crate) fn read<T>(
        &mut self,
        question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.0.begin()?;
        let answer = question(&mut self.0);
        self.0.rollback();
        answer
    }

    /// Fills it, all of it or not at all.
    pub(crate) fn fill<T>(
        &mut self,
        rows: impl FnOnce(&mut dyn SqlSession) -> Result<Option<T>, StoreError>,
    ) -> Result<Option<T>, CommitError> {
        self.0.begin()?;
        let filled = rows(&mut self.0).and_then(|filled| number_behind_all(&mut self.0).map(|()| filled));
        match filled {
            Ok(Some(filled)) => self.0.commit().map(|()| Some(filled)),
            Ok(None) => {
                self.0.rollback();
                Ok(None)
            }
            Err(error) => {
                self.0.rollback();
                Err(error.into())
            }
        }
    }
}

/// The next items and orders are numbered behind those that are there.
fn number_behind_all(session: &mut MysqlSession) -> Result<(), StoreError> {
    for table in ["items", "orders"] {
        let sql = format!(
            "UPDATE numbers SET next_free = (SELECT COALESCE(MAX(number), 0) + 1 FROM {table}) WHERE kind = '{table}'"
        );
        session.execute(&sql, &[])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::mysql::schema;
    use crate::sql::copying;

    /// Tables that a store keeps for itself: a new one makes its own.
    const OF_ITS_OWN: &[&str] = &["leases", "numbers"];

    #[test]
    fn every_table_is_copied_or_made_anew() {
        let copied: BTreeSet<&str> = copying::tables().chain(OF_ITS_OWN.iter().copied()).collect();
        assert_eq!(copied, schema::tables());
    }
}
