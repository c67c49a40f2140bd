//! Opening the shared store: the schema must be this program's.

use std::sync::Arc;

use holdfast_application::queries::StockQueries;
use holdfast_domain::Timestamp;
use mysql::prelude::Queryable as _;

use crate::mysql::connect::{Address, MysqlSettings, Purpose};
use crate::mysql::fault::is_away;
use crate::mysql::readers::MysqlReaders;
use crate::mysql::schema;
use crate::mysql::session::MysqlSession;
use crate::mysql::startup_checks;
use crate::mysql::store::{MysqlStore, TimeSource};
use crate::sql::dialect::DATABASE_TIME;
use crate::sql::queries::SqlQueries;

/// Why a shared store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be read.
    #[error("the database URL cannot be read: {0}")]
    Url(String),
    /// The database was written by a newer program.
    #[error("the database has schema {found}, this program knows {known}: use a newer holdfast")]
    Newer {
        /// The database's schema.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The database has no schema, or one of an older program.
    #[error(
        "the database has schema {found}, this program needs {known}: run `holdfast migrate`, or serve with --migrate"
    )]
    Older {
        /// The database's schema; 0 when there is none.
        found: i64,
        /// The one this program needs.
        known: i64,
    },
    /// The database is not fit to keep promises on.
    #[error("the database is not fit to be written to: {}", .0.join("; "))]
    Unfit(Vec<String>),
    /// A service works on the database, which must stand still.
    #[error("the service {0} works on the database: stop it first")]
    InUse(String),
    /// The database does not answer, or takes nobody at present.
    #[error("the database cannot be reached")]
    Away(#[source] mysql::Error),
    /// The database answers, and says no: no rights, no such database.
    #[error("the database cannot be used")]
    Database(#[source] mysql::Error),
}

impl From<mysql::Error> for OpenError {
    fn from(error: mysql::Error) -> Self {
        if is_away(&error) { Self::Away(error) } else { Self::Database(error) }
    }
}

/// Opens a store for writing. Reads go to the second value.
///
/// # Errors
///
/// [`OpenError`]; of a schema that is not this program's, too.
pub fn open(settings: &MysqlSettings, time: TimeSource) -> Result<(MysqlStore, Arc<dyn StockQueries>), OpenError> {
    let queries = open_reader(settings)?;
    let session = checked(settings, Purpose::Writing)?;
    Ok((MysqlStore::new(session, time), queries))
}

/// Opens a store for reading.
///
/// # Errors
///
/// [`OpenError`]; of a schema that is not this program's, too.
pub fn open_reader(settings: &MysqlSettings) -> Result<Arc<dyn StockQueries>, OpenError> {
    Ok(Arc::new(SqlQueries(readers(settings)?)))
}

/// The connections of a reader of a store whose schema is this program's.
pub(crate) fn readers(settings: &MysqlSettings) -> Result<MysqlReaders, OpenError> {
    let address = address(settings)?;
    let (found, known) = (schema::version_of(&mut address.connect(Purpose::Walking)?)?, schema::version());
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    if found < known {
        return Err(OpenError::Older { found, known });
    }
    Ok(MysqlReaders::open(address, settings.readers)?)
}

/// A session for writing, on a database that is fit to be written to.
pub(crate) fn checked(settings: &MysqlSettings, purpose: Purpose) -> Result<MysqlSession, OpenError> {
    let address = address(settings)?;
    let mut findings = startup_checks::look(&mut address.connect(purpose)?, &address)?;
    let refusals = findings.refusals(&settings.accepted_risks);
    for remark in &findings.remarks {
        tracing::warn!("{remark}");
    }
    if !refusals.is_empty() {
        return Err(OpenError::Unfit(refusals));
    }
    Ok(MysqlSession::connect(&address, purpose)?)
}

/// Refuses a database on which a service sweeps: one of those that work on it always does, and gives that up when it is
/// stopped.
pub(crate) fn must_stand_still(settings: &MysqlSettings) -> Result<(), OpenError> {
    let sweeping = format!("SELECT holder FROM leases WHERE duty = 'sweep' AND `until` >= ({DATABASE_TIME})");
    let holder: Option<Vec<u8>> = address(settings)?.connect(Purpose::Walking)?.query_first(sweeping)?;
    holder.map_or(Ok(()), |holder| Err(OpenError::InUse(String::from_utf8_lossy(&holder).into_owned())))
}

/// What the database's clock says.
///
/// # Errors
///
/// [`OpenError`].
pub fn time_of(settings: &MysqlSettings) -> Result<Timestamp, OpenError> {
    let mut connection = address(settings)?.connect(Purpose::Walking)?;
    Ok(Timestamp::from_micros(connection.query_first(DATABASE_TIME)?.unwrap_or_default()))
}

/// Brings a database's schema up to date; `dry_run` only tells the statements.
///
/// # Errors
///
/// [`OpenError`].
pub fn migrate(settings: &MysqlSettings, dry_run: bool) -> Result<Vec<String>, OpenError> {
    let mut connection = address(settings)?.connect(Purpose::Walking)?;
    let (found, known) = (schema::version_of(&mut connection)?, schema::version());
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    if !dry_run {
        schema::upgrade(&mut connection)?;
    }
    Ok(schema::statements_after(found).into_iter().map(|(_, statement)| statement).collect())
}

fn address(settings: &MysqlSettings) -> Result<Address, OpenError> {
    Address::parse(&settings.url).map_err(OpenError::Url)
}
