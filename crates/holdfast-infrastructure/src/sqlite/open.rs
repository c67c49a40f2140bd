//! Opening the file: who may, what is checked first, and how connections are set.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, RwLock};

use holdfast_application::Clock;
use holdfast_application::queries::StockQueries;
use holdfast_domain::Timestamp;
use rusqlite::{Connection, OpenFlags};

use crate::sql::queries::SqlQueries;
use crate::sqlite::filesystem;
use crate::sqlite::no_room::is_no_room;
use crate::sqlite::order_runs::OrderRuns;
use crate::sqlite::readers::SqliteReaders;
use crate::sqlite::schema::{self, Owner};
use crate::sqlite::session::SqliteSession;
use crate::sqlite::steady_plans::steady_plans;
use crate::sqlite::store::{BUSY_MAX, Held, Log, SqliteStore, Tip};

mod checks;
mod error;
mod runs;

pub use error::OpenError;

use checks::{beacon_of, check, check_beacon, check_structure};
use runs::{Runs, read_runs};

/// Where an embedded store is, and how much memory and log it may take.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The folder of its files.
    pub folder: PathBuf,
    /// Page cache of the writer, in KiB.
    pub cache_kib: u32,
    /// Connections for reads.
    pub readers: usize,
    /// Pages of log after which the writer carries them over.
    pub checkpoint_pages: u32,
}

impl SqliteSettings {
    /// The usual settings, in `folder`.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), cache_kib: 16_384, readers: 4, checkpoint_pages: 16_384 }
    }

    fn file(&self) -> PathBuf {
        self.folder.join("holdfast.db")
    }

    /// How large the file is, without its log; 0 where there is none.
    pub fn bytes(&self) -> u64 {
        std::fs::metadata(self.file()).map_or(0, |file| file.len())
    }
}

/// Opens a store for writing, and makes it or brings its schema up to date. Reads go to the second value.
///
/// # Errors
///
/// [`OpenError`].
pub fn open(
    settings: &SqliteSettings,
    clock: Arc<dyn Clock>,
) -> Result<(SqliteStore, Arc<dyn StockQueries>), OpenError> {
    let lock = lock(&settings.folder)?;
    if let Some(kind) = filesystem::networked(&settings.folder) {
        return Err(OpenError::Networked { folder: settings.folder.clone(), kind });
    }
    let mut connection = connect(settings)?;
    prepare(&connection)?;
    schema::upgrade(&connection)?;
    carry_over(&connection)?;
    check_structure(&connection, settings)?;
    check(&connection)?;

    let runs = Arc::new(RwLock::new(read_runs(&connection)?.undamaged()?));
    let (batch, decided_at) = connection.query_row("SELECT batch, decided_at FROM books WHERE id = 1", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    let beacon = beacon_of(settings, batch)?;
    let wal_pages = Arc::new(AtomicI64::new(0));
    let pages = wal_pages.clone();
    connection.wal_hook(Some(move |_wal: &mut rusqlite::hooks::Wal, in_log: i32| {
        pages.store(i64::from(in_log), Ordering::Relaxed);
        Ok(())
    }))?;
    let readers = SqliteReaders::open(&settings.file(), settings.readers, &runs)?.beside_writer();
    let queries = Arc::new(SqlQueries(readers));
    let session = SqliteSession::new(connection, runs.clone());
    let tip = Tip { batch: u64::try_from(batch).unwrap_or(0), decided_at: Timestamp::from_micros(decided_at) };
    let log = Log { pages: wal_pages, checkpoint_at: i64::from(settings.checkpoint_pages) };
    let store = SqliteStore::new(session, queries.clone(), runs, clock, tip, log, Held { _lock: lock, beacon });
    Ok((store, queries))
}

/// Opens a store for reading, beside a process that writes to it.
///
/// # Errors
///
/// [`OpenError`].
pub fn open_reader(settings: &SqliteSettings) -> Result<Arc<dyn StockQueries>, OpenError> {
    read_beside(settings, Runs::undamaged)
}

/// The same for a proof, which tells of orders that nobody can have numbered so, instead of refusing them.
///
/// # Errors
///
/// [`OpenError`].
pub fn open_for_proof(settings: &SqliteSettings) -> Result<Arc<dyn StockQueries>, OpenError> {
    read_beside(settings, |runs| Ok(runs.filters))
}

/// The same while nobody writes, for as long as the lock is held.
pub(crate) fn undisturbed(settings: &SqliteSettings) -> Result<(File, SqliteReaders), OpenError> {
    if !settings.file().exists() {
        return Err(OpenError::Missing(settings.folder.clone()));
    }
    Ok((lock(&settings.folder)?, readers_beside(settings, Runs::undamaged)?))
}

fn read_beside(
    settings: &SqliteSettings,
    accept: impl FnOnce(Runs) -> Result<OrderRuns, OpenError>,
) -> Result<Arc<dyn StockQueries>, OpenError> {
    Ok(Arc::new(SqlQueries(readers_beside(settings, accept)?)))
}

fn readers_beside(
    settings: &SqliteSettings,
    accept: impl FnOnce(Runs) -> Result<OrderRuns, OpenError>,
) -> Result<SqliteReaders, OpenError> {
    let file = settings.file();
    if !file.exists() {
        return Err(OpenError::Missing(settings.folder.clone()));
    }
    let connection =
        Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let (found, known) = (version_of(&connection)?, schema::version());
    if found < known {
        return Err(OpenError::Older { found, known });
    }
    check_beacon(settings, &connection)?;
    let runs = Arc::new(RwLock::new(accept(read_runs(&connection)?)?));
    Ok(SqliteReaders::open(&file, settings.readers, &runs)?)
}

/// Brings a store's schema up to date; `dry_run` only tells the statements.
///
/// # Errors
///
/// [`OpenError`].
pub fn migrate(settings: &SqliteSettings, dry_run: bool) -> Result<Vec<String>, OpenError> {
    let _lock = if dry_run { None } else { Some(lock(&settings.folder)?) };
    if dry_run && !settings.file().exists() {
        return Ok(schema::steps_after(0).map(|(_, sql)| sql.to_owned()).collect());
    }
    let connection = connect(settings)?;
    let found = version_of(&connection)?;
    let steps = schema::steps_after(found).map(|(_, sql)| sql.to_owned()).collect();
    if !dry_run {
        prepare(&connection)?;
        schema::upgrade(&connection)?;
    }
    Ok(steps)
}

/// Takes the lock that keeps a second writer away.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Folder { path, source }
    };
    std::fs::create_dir_all(folder).map_err(of(folder))?;
    let path = folder.join("holdfast.lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(of(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(OpenError::Folder { path, source }),
    }
}

fn connect(settings: &SqliteSettings) -> Result<Connection, OpenError> {
    let connection = Connection::open(settings.file())?;
    steady_plans(&connection)?;
    connection.busy_timeout(BUSY_MAX)?;
    // A negative size is in KiB.
    connection.pragma_update(None, "cache_size", i64::from(settings.cache_kib).saturating_neg())?;
    Ok(connection)
}

/// The version of a file's schema, if it is empty or this program can know it.
fn version_of(connection: &Connection) -> Result<i64, OpenError> {
    let known = schema::version();
    match schema::owner_of(connection)? {
        Owner::Ours(found) if found > known => Err(OpenError::Newer { found, known }),
        Owner::Ours(found) => Ok(found),
        Owner::Unversioned => Err(OpenError::Damaged("it has tables but no version (PRAGMA user_version)".to_owned())),
        Owner::Other => Err(OpenError::Foreign),
    }
}

/// Sets the file up: settings that stay with it, and those that keep what was acknowledged.
fn prepare(connection: &Connection) -> Result<(), OpenError> {
    if version_of(connection)? == 0 {
        connection.execute_batch("PRAGMA page_size = 4096")?;
    }
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenError::Damaged(format!("its journal mode is {mode} and cannot be changed to wal")));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; \
         PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;",
    )?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    if synchronous != 2 {
        return Err(OpenError::Damaged("synchronous cannot be set to FULL".to_owned()));
    }
    Ok(())
}

/// Writes again what an earlier sync may have dropped, makes it durable, and lets the log start empty. On a full disk
/// the log stays as it is: reads go on, and writes recover by themselves.
fn carry_over(connection: &Connection) -> Result<(), OpenError> {
    match connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        Err(error) if is_no_room(&error) => {
            tracing::error!(%error, "there is no room on the disk: the log was not carried over");
            Ok(())
        }
        done => Ok(done?),
    }
}

#[cfg(test)]
mod tests {
    use holdfast_application::clock::ManualClock;

    use super::*;
    use crate::sqlite::beacon::Beacon;

    #[test]
    fn a_file_that_is_older_than_what_was_acknowledged_is_not_opened() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = SqliteSettings::in_folder(folder.path());
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        drop(open(&settings, clock.clone()).expect("a new store"));
        Beacon::open(folder.path()).and_then(|beacon| beacon.light(7)).expect("writes");
        let words = open(&settings, clock).err().expect("seven batches are missing").to_string();
        assert!(words.contains("batch 7 was acknowledged, but the file ends at 0"), "{words}");
    }
}
