//! Opening the file: who may, what is checked first, and how connections are set.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, RwLock};

use holdfast_application::Clock;
use holdfast_application::audit::promises::is_stray;
use holdfast_application::queries::StockQueries;
use holdfast_domain::{OrderId, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::sql::queries::SqlQueries;
use crate::sqlite::beacon::{self, Beacon};
use crate::sqlite::filesystem;
use crate::sqlite::no_room::is_no_room;
use crate::sqlite::order_runs::OrderRuns;
use crate::sqlite::readers::SqliteReaders;
use crate::sqlite::schema;
use crate::sqlite::session::SqliteSession;
use crate::sqlite::store::{BUSY_MAX, Held, Log, SqliteStore, Tip};

/// The largest file whose structure is checked at every start: some 50 ms.
const STRUCTURE_CHECKED_MAX: u64 = 64 << 20;

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
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it cannot be used.
    #[error("{path} cannot be used")]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process writes there.
    #[error("another process writes to {0}: one writer at a time")]
    InUse(PathBuf),
    /// The folder lies on a file system over a network.
    #[error("{folder} lies on {kind}: a file system over a network loses what it acknowledged; use a local disk")]
    Networked {
        /// The folder.
        folder: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// There is no store in the folder.
    #[error("there is no store in {0}")]
    Missing(PathBuf),
    /// The file was written by a newer program.
    #[error("the store has schema {found}, this program knows {known}: use a newer holdfast")]
    Newer {
        /// The file's schema.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The file was written by an older program and can only be read after an upgrade.
    #[error("the store has schema {found}, this program needs {known}: run `holdfast migrate`")]
    Older {
        /// The file's schema.
        found: i64,
        /// The one this program needs.
        known: i64,
    },
    /// What the file says does not fit together.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// There is no room for what an open store needs beside its file.
    #[error("there is no room on the disk to open the store")]
    NoRoom(#[source] rusqlite::Error),
    /// SQLite failed.
    #[error("the store cannot be opened")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        // The index of the log, some 32 KiB, is a file that is made at every start.
        let has_no_index = error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE);
        if has_no_index || is_no_room(&error) { Self::NoRoom(error) } else { Self::Sqlite(error) }
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
    check_structure(&connection, &settings.file())?;
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
    let (found, known) = (schema::version_of(&connection)?, schema::version());
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
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
    let found = schema::version_of(&connection)?;
    if found > schema::version() {
        return Err(OpenError::Newer { found, known: schema::version() });
    }
    let steps = schema::steps_after(found).map(|(_, sql)| sql.to_owned()).collect();
    if !dry_run {
        prepare(&connection)?;
        schema::upgrade(&connection)?;
    }
    Ok(steps)
}

/// The beacon, once it is sure that the file is not older.
fn beacon_of(settings: &SqliteSettings, batch: i64) -> Result<Beacon, OpenError> {
    let beacon = Beacon::open(&settings.folder).map_err(|source| no_beacon(settings, source))?;
    let acknowledged = beacon.batch().map_err(|source| no_beacon(settings, source))?;
    not_older(acknowledged, batch)?;
    Ok(beacon)
}

/// The file must not be older than its beacon. A reader stands beside a writer, which commits first and tells the beacon
/// afterwards; so the beacon is read first: what it tells of must be in the file by then.
fn check_beacon(settings: &SqliteSettings, connection: &Connection) -> Result<(), OpenError> {
    let beacon = Beacon::look(&settings.folder).map_err(|source| no_beacon(settings, source))?;
    let acknowledged = beacon.map(|beacon| beacon.batch()).transpose().map_err(|source| no_beacon(settings, source))?;
    let batch = connection.query_row("SELECT batch FROM books WHERE id = 1", [], |row| row.get(0))?;
    not_older(acknowledged.unwrap_or(0), batch)
}

fn no_beacon(settings: &SqliteSettings, source: std::io::Error) -> OpenError {
    OpenError::Folder { path: settings.folder.join(beacon::FILE), source }
}

fn not_older(acknowledged: u64, batch: i64) -> Result<(), OpenError> {
    if i64::try_from(acknowledged).unwrap_or(i64::MAX) <= batch {
        return Ok(());
    }
    Err(OpenError::Damaged(format!(
        "batch {acknowledged} was acknowledged, but the file ends at {batch}. If a backup was restored on purpose, \
         remove holdfast.beacon; else what was acknowledged since is lost"
    )))
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

/// Keeps statements prepared: without this SQLite plans a look-up by key anew for every value that is bound to it.
pub(crate) fn steady_plans(connection: &Connection) -> rusqlite::Result<bool> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
}

/// Sets the file up: settings that stay with it, and those that keep what was acknowledged.
fn prepare(connection: &Connection) -> Result<(), OpenError> {
    let (found, known) = (schema::version_of(connection)?, schema::version());
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    if found == 0 {
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

/// Writes again what an earlier sync may have dropped, makes it durable, and lets the log start empty. On a full disk the
/// log stays as it is: reads go on, and writes recover by themselves.
fn carry_over(connection: &Connection) -> Result<(), OpenError> {
    match connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        Err(error) if is_no_room(&error) => {
            tracing::error!(%error, "there is no room on the disk: the log was not carried over");
            Ok(())
        }
        done => Ok(done?),
    }
}

/// Looks at the tips: items and levels must stand where their last movements left them. `holdfast verify` looks at all.
fn check(connection: &Connection) -> Result<(), OpenError> {
    // Of a group's rows SQLite takes the other columns from the one with the maximum.
    let tips = "WITH recent AS (SELECT * FROM movements ORDER BY rowid DESC LIMIT 10000) ";
    let items = "SELECT COUNT(*) FROM (SELECT item, MAX(sequence) AS sequence FROM recent GROUP BY item) tip \
                 LEFT JOIN stock s ON s.item = tip.item WHERE s.sequence IS NOT tip.sequence";
    let levels = "SELECT COUNT(*) FROM (SELECT item, location, MAX(sequence), available, reserved FROM recent \
                  GROUP BY item, location) tip LEFT JOIN levels l ON l.item = tip.item AND l.location = tip.location \
                  WHERE l.available IS NOT tip.available OR l.reserved IS NOT tip.reserved";
    for (what, sql) in [("items", items), ("levels", levels)] {
        let apart: i64 = connection.query_row(&format!("{tips}{sql}"), [], |row| row.get(0))?;
        if apart > 0 {
            return Err(OpenError::Damaged(format!(
                "{apart} {what} do not stand where their last movement left them; run `holdfast verify`"
            )));
        }
    }
    Ok(())
}

/// Looks at the structure of a file that is small enough to be read at a start.
fn check_structure(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    if std::fs::metadata(file).is_ok_and(|file| file.len() > STRUCTURE_CHECKED_MAX) {
        return Ok(());
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(OpenError::Damaged(found)) }
}

/// The filters that tell the runs of orders, and the first order that they cannot hold.
struct Runs {
    filters: OrderRuns,
    damage: Option<String>,
}

impl Runs {
    /// The filters, if they hold all orders.
    fn undamaged(self) -> Result<OrderRuns, OpenError> {
        let damaged = |words| OpenError::Damaged(format!("{words}; run `holdfast verify`"));
        self.damage.map_or(Ok(self.filters), |words| Err(damaged(words)))
    }
}

/// Reads all order ids into the filters. An order whose number lies far behind all others stays out of them: they are as
/// large as the highest number.
fn read_runs(connection: &Connection) -> rusqlite::Result<Runs> {
    let mut runs = Runs { filters: OrderRuns::default(), damage: None };
    let mut statement = connection.prepare("SELECT number, id FROM orders ORDER BY number >> 10, id")?;
    let mut rows = statement.query([])?;
    let mut read = 0_u64;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let fitting = u64::try_from(number).ok().filter(|number| !is_stray(*number, read));
        let id = row.get_ref(1)?.as_bytes().ok().and_then(|bytes| bytes.try_into().ok());
        match (fitting, id) {
            (Some(number), Some(id)) => runs.filters.add(number, OrderId::from_bytes(id)),
            (None, _) => {
                let words = || format!("an order has the number {number}, but {read} orders stand in front of it");
                runs.damage.get_or_insert_with(words);
            }
            (_, None) => {
                runs.damage.get_or_insert_with(|| format!("order number {number} has an id of another size"));
            }
        }
        read = read.saturating_add(1);
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_application::clock::ManualClock;

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
