//! How the parts become a service: the one place where stores, clocks and interfaces are chosen.

use std::sync::Arc;

use holdfast_application::Clock;
use holdfast_application::ports::Store;
use holdfast_application::queries::StockQueries;
use holdfast_infrastructure::sqlite::{self, OpenError, SqliteSettings};

use crate::config::Settings;
use crate::exit::{Exit, Failure, with_sources};

mod health;
mod running;
pub(crate) mod signals;
mod system_clock;

pub(crate) use running::Running;
pub(crate) use system_clock::SystemClock;

/// A store of one's own: nobody else writes to it.
pub(crate) struct Books {
    /// Where stock changes.
    pub(crate) store: Box<dyn Store>,
    /// Where it is read.
    pub(crate) queries: Arc<dyn StockQueries>,
    /// What time it is.
    pub(crate) clock: Arc<SystemClock>,
}

/// Opens the store that the settings name, for writing.
pub(crate) fn open_books(settings: &Settings) -> Result<Books, Failure> {
    refuse_what_is_planned(settings)?;
    let clock = Arc::new(SystemClock::start());
    let embedded = embedded(settings);
    let told_by: Arc<dyn Clock> = clock.clone();
    let (store, queries) = sqlite::open(&embedded, told_by).map_err(|error| not_opened(&error))?;
    clock.not_before(store.decided_at());
    Ok(Books { store: Box::new(store), queries, clock })
}

/// Opens the store that the settings name, for reading, beside whoever writes to it.
pub(crate) fn open_reader(settings: &Settings) -> Result<Arc<dyn StockQueries>, Failure> {
    refuse_what_is_planned(settings)?;
    let queries = sqlite::open_reader(&embedded(settings)).map_err(|error| not_opened(&error))?;
    Ok(queries)
}

/// Opens the store that the settings name for a proof, damaged as it may be.
pub(crate) fn open_for_proof(settings: &Settings) -> Result<Arc<dyn StockQueries>, Failure> {
    refuse_what_is_planned(settings)?;
    let queries = sqlite::open_for_proof(&embedded(settings)).map_err(|error| not_opened(&error))?;
    Ok(queries)
}

/// Creates or upgrades the schema; returns the statements.
pub(crate) fn migrate(settings: &Settings, dry_run: bool) -> Result<Vec<String>, Failure> {
    refuse_what_is_planned(settings)?;
    sqlite::migrate(&embedded(settings), dry_run).map_err(|error| not_opened(&error))
}

/// Settings that name what this version does not have are refused, not ignored.
fn refuse_what_is_planned(settings: &Settings) -> Result<(), Failure> {
    if settings.store.database_url.is_some() {
        return Err(Failure::not_yet("a shared database (store.database_url)"));
    }
    if settings.redis_url.is_some() {
        return Err(Failure::not_yet("the Redis lock (lock.redis_url)"));
    }
    if settings.kafka_brokers.is_some() {
        return Err(Failure::not_yet("Kafka (kafka.brokers)"));
    }
    Ok(())
}

fn embedded(settings: &Settings) -> SqliteSettings {
    SqliteSettings {
        cache_kib: settings.store.cache_kib,
        readers: settings.store.readers,
        ..SqliteSettings::in_folder(&settings.store.data)
    }
}

fn not_opened(error: &OpenError) -> Failure {
    let exit = match error {
        OpenError::InUse(_) => Exit::Later,
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
