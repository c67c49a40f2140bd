//! The end of the ledger as it grows: every movement once, those of a product in order.
//!
//! With a single writer movements turn up in the order of their times, so a place is enough to go on from. With
//! several, one that was decided earlier may turn up later: what lies within the time that a transaction may take is
//! looked through again, and what was seen is remembered. A product's movement is decided after the one before it was
//! committed, so whoever sees all of a product's recent movements at one moment sees them without a hole.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use holdfast_domain::{ItemNumber, Timestamp};

use crate::queries::{Horizon, LedgerPlace, ReadError, StockQueries};

/// Movements that are looked up at a time.
const STEP: usize = 500;
/// How far back a look goes that only wants what is new: most transactions take milliseconds.
const GLANCE: Duration = Duration::from_secs(1);
/// How often everything is looked through that may have turned up late.
const DEEP_EVERY: Duration = Duration::from_secs(5);
/// What is remembered beyond the time in which something may turn up late.
const MARGIN: Duration = Duration::from_secs(10);

/// Where the ledger was read up to.
#[derive(Debug)]
pub(super) enum Tail {
    /// Of a single writer: everything up to this place.
    Sharp(LedgerPlace),
    /// Of several writers.
    Blurred(Blurred),
}

/// What was seen of a ledger that several write to.
#[derive(Debug)]
pub(super) struct Blurred {
    horizon: Horizon,
    looked_deep_at: Instant,
    seen: BTreeSet<LedgerPlace>,
    latest: HashMap<ItemNumber, u64>,
}

impl Tail {
    /// The present end of the ledger, and the place behind which everything new stands.
    pub(super) fn begin(queries: &dyn StockQueries) -> Result<(Self, LedgerPlace), ReadError> {
        let horizon = queries.horizon()?;
        let end = LedgerPlace::behind(horizon.now);
        if horizon.is_sharp() {
            return Ok((Self::Sharp(end), end));
        }
        let mut blurred =
            Blurred { horizon, looked_deep_at: Instant::now(), seen: BTreeSet::new(), latest: HashMap::new() };
        for place in blurred.look(queries, blurred.reach(), horizon.now)? {
            blurred.note(place);
        }
        Ok((Self::Blurred(blurred), end))
    }

    /// The next movements that were not told yet; empty when there is none at present. They count as told then.
    pub(super) fn next(&mut self, queries: &dyn StockQueries) -> Result<Vec<LedgerPlace>, ReadError> {
        match self {
            Self::Sharp(after) => {
                let horizon = queries.horizon()?;
                if horizon.now <= after.created_at {
                    return Ok(Vec::new());
                }
                let places = queries.places_between(*after, horizon.now, STEP)?;
                let behind_all = LedgerPlace::behind(horizon.now);
                *after = if places.len() < STEP { behind_all } else { places.last().copied().unwrap_or(behind_all) };
                Ok(places)
            }
            Self::Blurred(blurred) => blurred.next(queries),
        }
    }
}

impl Blurred {
    /// From when on something may turn up.
    fn reach(&self) -> Timestamp {
        self.horizon.settled.before(MARGIN)
    }

    fn look(
        &self,
        queries: &dyn StockQueries,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<LedgerPlace>, ReadError> {
        let mut places = queries.places_between(LedgerPlace::before(from), until, usize::MAX)?;
        places.retain(|place| !self.seen.contains(place));
        Ok(places)
    }

    fn note(&mut self, place: LedgerPlace) {
        self.seen.insert(place);
        let latest = self.latest.entry(place.item).or_default();
        *latest = place.sequence.max(*latest);
    }

    fn next(&mut self, queries: &dyn StockQueries) -> Result<Vec<LedgerPlace>, ReadError> {
        let horizon = queries.horizon()?;
        // Since the last look, however long ago that was.
        let glance = self.horizon.clock.before(GLANCE);
        let mut new = Vec::new();
        let mut is_deep = self.looked_deep_at.elapsed() >= DEEP_EVERY;
        if !is_deep {
            new = self.look(queries, glance, horizon.now)?;
            is_deep = !self.follows(&new);
        }
        if is_deep {
            new = self.look(queries, self.reach(), horizon.now)?;
            self.looked_deep_at = Instant::now();
        }
        self.horizon = horizon;
        for place in &new {
            self.note(*place);
        }
        self.forget();
        Ok(new)
    }

    /// Whether each product's new movements follow those that were seen.
    fn follows(&self, new: &[LedgerPlace]) -> bool {
        let mut latest: HashMap<ItemNumber, u64> = HashMap::new();
        new.iter().all(|place| {
            let before = latest.insert(place.item, place.sequence);
            let before = before.or_else(|| self.latest.get(&place.item).copied()).unwrap_or(0);
            place.sequence == before.saturating_add(1)
        })
    }

    /// Forgets what nothing can turn up beside any more.
    fn forget(&mut self) {
        let kept = self.seen.split_off(&LedgerPlace::before(self.reach()));
        for place in std::mem::replace(&mut self.seen, kept) {
            if self.latest.get(&place.item) == Some(&place.sequence) {
                self.latest.remove(&place.item);
            }
        }
    }
}
