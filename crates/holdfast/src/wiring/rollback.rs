//! The watch over the database, whether it has gone back in time: before anything is decided, and where it may become
//! another under a running service, now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_application::frozen::FrozenProducts;
use holdfast_application::queries::StockQueries;
use holdfast_application::rollback::{LookError, RollbackWatch};
use holdfast_infrastructure::kafka::StockTopics;

use super::health::Health;
use crate::config::Settings;
use crate::exit::{Failure, with_sources};
use crate::numbers;

/// How often it is looked at while nothing happens.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How soon again where nothing was found out.
const TRY_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether the store is there.
const PAUSE: Duration = Duration::from_millis(250);

/// The watch of a service, and when it looks again.
pub(super) struct RollbackLook {
    watch: RollbackWatch,
    frozen: FrozenProducts,
    /// Whether the database may become another while the service runs.
    is_shared: bool,
    next: Instant,
    has_looked: bool,
}

impl RollbackLook {
    /// The watch, where events are published to topics and the settings want it.
    pub(super) fn of(
        settings: &Settings,
        queries: &Arc<dyn StockQueries>,
        frozen: &FrozenProducts,
    ) -> Result<Option<Self>, Failure> {
        let (Some(kafka), Some(since)) = (&settings.kafka, settings.rollback_check) else { return Ok(None) };
        let topics = StockTopics::of(kafka).map_err(|error| Failure::usage(with_sources(&error)))?;
        let watch = RollbackWatch::new(Box::new(topics), queries.clone(), frozen.clone(), since);
        let is_shared = settings.store.database_url.is_some();
        Ok(Some(Self { watch, frozen: frozen.clone(), is_shared, next: Instant::now(), has_looked: false }))
    }

    /// Looks for the first time. Brokers that do not answer keep nobody from serving: they are asked again.
    pub(super) fn look_first(&mut self) {
        let looked = self.watch.look();
        if let Err(error) = &looked {
            tracing::warn!(
                error = %with_sources(error),
                "whether the ledger holds all that was published cannot be told yet"
            );
        }
        self.note(&looked);
    }

    /// Looks again and again until the service leaves; where nobody else can change the database, until it has looked
    /// once.
    pub(super) fn watch(mut self, health: &Health) {
        let mut was_away = false;
        while !health.is_leaving() && (self.is_shared || !self.has_looked) {
            std::thread::sleep(PAUSE);
            if health.store_is_away() {
                was_away = true;
                continue;
            }
            let is_back = was_away && self.has_looked;
            if !is_back && Instant::now() < self.next {
                continue;
            }
            let looked = if is_back { self.watch.look_further() } else { self.watch.look() };
            was_away &= looked.is_err();
            if let Err(error) = &looked {
                tracing::debug!(error = %with_sources(error), "what was published cannot be compared with the ledger");
            }
            self.note(&looked);
        }
    }

    fn note(&mut self, looked: &Result<(), LookError>) {
        self.has_looked |= looked.is_ok();
        let pause = if looked.is_ok() { LOOK_EVERY } else { TRY_EVERY };
        self.next = Instant::now().checked_add(pause).unwrap_or(self.next);
        metrics::gauge!("holdfast_frozen_products").set(numbers::float(numbers::count(self.frozen.count())));
    }
}
