//! Whether the database has gone back in time (PROTOCOL, sections 4.3 and 4.4): a restore, or a failover to a replica
//! that lagged behind, loses what was acknowledged and published. Whatever was published stands in the ledger, with its
//! sequence and its time; where it does not, its product is frozen.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::book::ProductRef;
use holdfast_domain::{ItemNumber, ProductId, Timestamp};

use crate::frozen::FrozenProducts;
use crate::ports::{LatestEvents, PublishedEvent, PublishedEvents, Unreadable};
use crate::queries::{ReadError, StockQueries};

/// How many events of each partition are looked at where nothing is wrong, and how many of those that came since.
const LOOKED_AT: (usize, usize) = (64, 4_096);
/// How many where the store was away: what was published since it is back lies behind what was lost.
const LOOKED_AT_AFTERWARDS: usize = 16_384;
/// How many at most where something is wrong: looking back ends where nothing is missing.
const LOOKED_AT_MAX: usize = 262_144;
/// How many events are looked up in one read.
const READ_AT_ONCE: usize = 512;
/// After so long an event is looked up again before it counts as missing: a node of a cluster that is read may lag
/// behind the one that was written to.
const LOOKED_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How many products are named in the log.
const NAMED_MAX: usize = 20;

/// Why it could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// What was published cannot be read.
    #[error(transparent)]
    Published(#[from] Unreadable),
    /// The ledger cannot be read.
    #[error("the ledger cannot be read")]
    Ledger(#[from] ReadError),
}

/// Compares what was published with the ledger.
pub struct RollbackWatch {
    published: Box<dyn PublishedEvents>,
    queries: Arc<dyn StockQueries>,
    frozen: FrozenProducts,
    /// What was decided before is taken as it is.
    since: Timestamp,
}

impl std::fmt::Debug for RollbackWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RollbackWatch").field("since", &self.since).finish_non_exhaustive()
    }
}

impl RollbackWatch {
    /// A watch over events that were decided at `since` or later, which freezes products in `frozen`.
    pub fn new(
        published: Box<dyn PublishedEvents>,
        queries: Arc<dyn StockQueries>,
        frozen: FrozenProducts,
        since: Timestamp,
    ) -> Self {
        Self { published, queries, frozen, since }
    }

    /// Looks once, and freezes the products of which something that was published is missing.
    ///
    /// # Errors
    ///
    /// [`LookError`]: nothing was found out.
    pub fn look(&mut self) -> Result<(), LookError> {
        self.look_at(LOOKED_AT)
    }

    /// The same, further back: the store was away, and may have come back as another.
    ///
    /// # Errors
    ///
    /// [`LookError`]: nothing was found out.
    pub fn look_further(&mut self) -> Result<(), LookError> {
        self.look_at((LOOKED_AT_AFTERWARDS, LOOKED_AT_AFTERWARDS))
    }

    fn look_at(&mut self, records: (usize, usize)) -> Result<(), LookError> {
        let missing = self.missing(records)?;
        if missing.is_empty() {
            return Ok(());
        }
        std::thread::sleep(LOOKED_AGAIN_AFTER);
        let missing = self.not_in_ledger(missing)?;
        let products: BTreeSet<ProductId> = missing.iter().map(|event| event.product).collect();
        let new = self.frozen.add(&products.into_iter().collect::<Vec<_>>());
        if new.is_empty() {
            return Ok(());
        }
        for product in new.iter().take(NAMED_MAX) {
            let of = || missing.iter().filter(|event| event.product == *product);
            let (first, last) = (of().map(|event| event.sequence).min(), of().map(|event| event.sequence).max());
            tracing::error!(product.id = %product, first, last, "published and not in the ledger: the product is frozen");
        }
        tracing::error!(
            products = new.len(),
            "THE DATABASE IS OLDER THAN WHAT WAS PUBLISHED: acknowledged changes are lost. Nothing is decided about these \
             products until somebody has looked"
        );
        Ok(())
    }

    /// What was published and is not in the ledger. As long as that is so of the oldest events that were looked at, it
    /// may be so of older ones.
    fn missing(&mut self, (mut least, mut most): (usize, usize)) -> Result<Vec<PublishedEvent>, LookError> {
        loop {
            let mut partitions = self.published.latest(least, most)?;
            for latest in &mut partitions {
                latest.events.retain(|event| event.at >= self.since && !self.frozen.has(event.product));
            }
            let all: BTreeSet<PublishedEvent> = partitions.iter().flat_map(|latest| &latest.events).copied().collect();
            let missing = self.not_in_ledger(all)?;
            let lost: HashSet<&PublishedEvent> = missing.iter().collect();
            let goes_on = |latest: &LatestEvents| {
                let older = latest.events.iter().take(latest.events.len().div_ceil(2));
                !latest.is_all && older.into_iter().any(|event| lost.contains(event))
            };
            if least >= LOOKED_AT_MAX || !partitions.iter().any(goes_on) {
                return Ok(missing);
            }
            least = most.saturating_mul(8).min(LOOKED_AT_MAX);
            most = least;
        }
    }

    /// Those of the events whose movements the ledger does not hold.
    fn not_in_ledger(
        &self,
        events: impl IntoIterator<Item = PublishedEvent>,
    ) -> Result<Vec<PublishedEvent>, ReadError> {
        let events: Vec<PublishedEvent> = events.into_iter().collect();
        let mut missing = Vec::new();
        for some in events.chunks(READ_AT_ONCE) {
            let products: BTreeSet<ProductId> = some.iter().map(|event| event.product).collect();
            let products: Vec<ProductRef> = products.into_iter().map(ProductRef::Id).collect();
            let items = self.queries.items(&products)?;
            let numbers: HashMap<ProductId, ItemNumber> =
                items.into_iter().map(|item| (item.product, item.number)).collect();
            let asked: Vec<(ItemNumber, u64)> = some
                .iter()
                .filter_map(|event| numbers.get(&event.product).map(|number| (*number, event.sequence)))
                .collect();
            let told = self.queries.events_at(&asked)?;
            let there: HashSet<PublishedEvent> = told
                .into_iter()
                .map(|told| PublishedEvent {
                    product: told.product,
                    sequence: told.place.sequence,
                    at: told.place.created_at,
                })
                .collect();
            missing.extend(some.iter().filter(|event| !there.contains(event)));
        }
        Ok(missing)
    }
}
