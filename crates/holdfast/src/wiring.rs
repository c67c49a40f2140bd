//! How the parts become a service: the one place where stores, clocks and interfaces are chosen.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use holdfast_application::Clock;
use holdfast_application::duties::{Duties, SoleDuties};
use holdfast_application::ports::Store;
use holdfast_application::queries::StockQueries;
use holdfast_domain::Timestamp;
use holdfast_infrastructure::copying::{self, StoreAddress};
use holdfast_infrastructure::mysql::{self, MysqlLeases, MysqlSettings, TimeSource};
use holdfast_infrastructure::sqlite::{self, SqliteSettings};

use crate::config::Settings;
use crate::exit::{Exit, Failure, with_sources};
use crate::random::Random;

mod consuming;
mod health;
mod lanes;
mod letters;
mod lock;
mod outbox;
mod relays;
mod rollback;
mod running;
pub(crate) mod signals;
mod system_clock;
mod threads;

pub(crate) use holdfast_infrastructure::mysql::OwnDatabase;
pub(crate) use running::Running;
pub(crate) use system_clock::{SystemClock, wall_clock};

/// How far the database's clock may be from this machine's (PROTOCOL, section 3.13).
const CLOCKS_APART_MAX: Duration = Duration::from_secs(2);

/// The store, open for writing. Nobody else writes to an embedded one.
pub(crate) struct Books {
    /// Where stock changes.
    pub(crate) store: Box<dyn Store>,
    /// The same for further lanes, where several can write at a time.
    pub(crate) further: Vec<Box<dyn Store>>,
    /// Where it is read.
    pub(crate) queries: Arc<dyn StockQueries>,
    /// Who sweeps and purges.
    pub(crate) duties: Arc<dyn Duties>,
    /// What time it is.
    pub(crate) clock: Arc<SystemClock>,
}

/// What kind of store the settings name.
pub(crate) const fn kind_of_store(settings: &Settings) -> &'static str {
    if settings.store.database_url.is_some() { "mysql" } else { "sqlite" }
}

/// The version of its schema, which is what this program writes.
pub(crate) fn schema_version(settings: &Settings) -> i64 {
    if settings.store.database_url.is_some() { mysql::schema_version() } else { sqlite::schema_version() }
}

/// Opens the store that the settings name, for writing.
pub(crate) fn open_books(settings: &Settings) -> Result<Books, Failure> {
    let clock = Arc::new(SystemClock::start());
    if let Some(shared) = shared(settings) {
        let (store, queries) = mysql::open(&shared, TimeSource::Database).map_err(|error| shared_not_opened(&error))?;
        let theirs = mysql::time_of(&shared).map_err(|error| shared_not_opened(&error))?;
        tell_if_clocks_differ(clock.now(), theirs);
        let another = |_| -> Box<dyn Store> { Box::new(store.another()) };
        let further = (1..settings.store.lanes).map(another).collect();
        let duties = Arc::new(MysqlLeases::of(&store, holder(&settings.http.replica)));
        return Ok(Books { store: Box::new(store), further, queries, duties, clock });
    }
    let told_by: Arc<dyn Clock> = clock.clone();
    let (store, queries) = sqlite::open(&embedded(settings), told_by).map_err(|error| embedded_not_opened(&error))?;
    clock.not_before(store.decided_at());
    let duties = Arc::new(SoleDuties::by(clock.clone()));
    Ok(Books { store: Box::new(store), further: Vec::new(), queries, duties, clock })
}

/// Who holds leases: this process, and no other of the same name.
fn holder(replica: &str) -> String {
    format!("{replica} {:016x}", Random::new().next())
}

/// Batches are decided, and expiry is looked for, by the database's clock; what reads and health call due goes by this
/// machine's.
fn tell_if_clocks_differ(ours: Timestamp, theirs: Timestamp) {
    let apart = Duration::from_micros(ours.micros().abs_diff(theirs.micros()));
    if apart > CLOCKS_APART_MAX {
        let seconds = apart.as_secs_f64();
        tracing::warn!("the database's clock is {seconds:.1} s off this machine's: keep both in step");
    }
}

/// Opens the store that the settings name, for reading, beside whoever writes to it.
pub(crate) fn open_reader(settings: &Settings) -> Result<Arc<dyn StockQueries>, Failure> {
    match shared(settings) {
        Some(shared) => mysql::open_reader(&shared).map_err(|error| shared_not_opened(&error)),
        None => sqlite::open_reader(&embedded(settings)).map_err(|error| embedded_not_opened(&error)),
    }
}

/// Opens the store that the settings name for a proof, damaged as it may be.
pub(crate) fn open_for_proof(settings: &Settings) -> Result<Arc<dyn StockQueries>, Failure> {
    match shared(settings) {
        Some(shared) => mysql::open_reader(&shared).map_err(|error| shared_not_opened(&error)),
        None => sqlite::open_for_proof(&embedded(settings)).map_err(|error| embedded_not_opened(&error)),
    }
}

/// How large the embedded store is; a shared one is none.
pub(crate) fn embedded_bytes(settings: &Settings) -> u64 {
    shared(settings).map_or_else(|| embedded(settings).bytes(), |_| 0)
}

/// The store that a folder or an URL names; the settings tell the rest.
pub(crate) fn address(settings: &Settings, place: &str) -> StoreAddress {
    if place.starts_with("mysql://") {
        StoreAddress::Shared(shared_at(settings, place.to_owned()))
    } else {
        StoreAddress::Embedded(embedded_in(settings, Path::new(place)))
    }
}

/// Opens a store for reading.
pub(crate) fn open_at(address: &StoreAddress) -> Result<Arc<dyn StockQueries>, Failure> {
    match address {
        StoreAddress::Embedded(settings) => sqlite::open_reader(settings).map_err(|error| embedded_not_opened(&error)),
        StoreAddress::Shared(settings) => mysql::open_reader(settings).map_err(|error| shared_not_opened(&error)),
    }
}

/// Why a store cannot be opened, for people.
pub(crate) fn not_opened(error: &copying::OpenError) -> Failure {
    match error {
        copying::OpenError::Embedded(error) => embedded_not_opened(error),
        copying::OpenError::Shared(error) => shared_not_opened(error),
    }
}

/// What time it is.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::start())
}

/// Creates or upgrades the schema; returns the statements.
pub(crate) fn migrate(settings: &Settings, dry_run: bool) -> Result<Vec<String>, Failure> {
    match shared(settings) {
        Some(shared) => mysql::migrate(&shared, dry_run).map_err(|error| shared_not_opened(&error)),
        None => sqlite::migrate(&embedded(settings), dry_run).map_err(|error| embedded_not_opened(&error)),
    }
}

/// Takes the shared database that the settings name for the bench, if it is empty.
pub(crate) fn own_database(settings: &Settings) -> Result<OwnDatabase, Failure> {
    let shared = shared(settings).ok_or_else(|| Failure::usage("no shared database is named: --database-url"))?;
    let taken = OwnDatabase::take(&shared).map_err(|error| shared_not_opened(&error))?;
    taken.ok_or_else(|| {
        Failure::new(
            Exit::Conflict,
            "the database holds something: a bench wants an empty one of its own, and leaves it so",
        )
    })
}

/// Gives it back, empty.
pub(crate) fn clear(database: OwnDatabase) -> Result<(), Failure> {
    database.clear().map_err(|error| shared_not_opened(&error))
}

fn embedded(settings: &Settings) -> SqliteSettings {
    embedded_in(settings, &settings.store.data)
}

fn embedded_in(settings: &Settings, folder: &Path) -> SqliteSettings {
    SqliteSettings {
        cache_kib: settings.store.cache_kib,
        readers: settings.store.readers,
        ..SqliteSettings::in_folder(folder)
    }
}

/// The shared database, if the settings name one.
fn shared(settings: &Settings) -> Option<MysqlSettings> {
    Some(shared_at(settings, settings.store.database_url.clone()?))
}

fn shared_at(settings: &Settings, url: String) -> MysqlSettings {
    MysqlSettings { url, readers: settings.store.readers, accepted_risks: settings.store.accepted_risks.clone() }
}

fn embedded_not_opened(error: &sqlite::OpenError) -> Failure {
    use sqlite::OpenError;
    let exit = match error {
        OpenError::InUse(_) | OpenError::NoRoom(_) => Exit::Later,
        OpenError::Missing(_) => Exit::NotFound,
        _ => Exit::Failed,
    };
    let hint = match error {
        OpenError::InUse(_) => "; talk to it with --server, where the command has that",
        OpenError::Missing(_) => "; name its folder with --data",
        _ => "",
    };
    Failure::new(exit, format!("{}{hint}", with_sources(error)))
}

fn shared_not_opened(error: &mysql::OpenError) -> Failure {
    use mysql::OpenError;
    let exit = match error {
        OpenError::Url(_) => Exit::Usage,
        OpenError::Older { found: 0, .. } => Exit::NotFound,
        OpenError::InUse(_) | OpenError::Away(_) => Exit::Later,
        _ => Exit::Failed,
    };
    Failure::new(exit, with_sources(error))
}
