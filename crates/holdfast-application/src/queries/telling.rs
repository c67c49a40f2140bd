//! The ledger as events: where a movement stands in time, and what it is told as.

use holdfast_domain::{ItemNumber, MovementId, ProductId, Timestamp};

use crate::events::OutgoingEvent;

/// Where a movement stands among all of them: by time, then item, then sequence. Of one product that is the order of
/// its sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerPlace {
    /// When it was decided.
    pub created_at: Timestamp,
    /// Its item's number.
    pub item: ItemNumber,
    /// Its sequence.
    pub sequence: u64,
}

impl LedgerPlace {
    /// Before everything.
    pub const START: Self = Self::before(Timestamp::EPOCH);

    /// Before whatever was decided at this time or later.
    pub const fn before(created_at: Timestamp) -> Self {
        Self { created_at, item: ItemNumber(0), sequence: 0 }
    }

    /// Behind whatever was decided at this time or earlier.
    pub const fn behind(created_at: Timestamp) -> Self {
        Self { created_at, item: ItemNumber(ItemNumber::MAX), sequence: holdfast_domain::ids::SEQUENCE_MAX }
    }

    /// The id of the movement that stands here.
    pub fn movement(self) -> MovementId {
        MovementId::new(self.created_at, self.item, self.sequence)
    }

    /// The place that an id names.
    pub fn of(movement: MovementId) -> Option<Self> {
        let (item, sequence) = movement.names()?;
        Some(Self { created_at: movement.created_at()?, item, sequence })
    }
}

/// Up to when the ledger is complete. Movements of a replay on the events' clock bear other times and are left aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// Whatever was decided up to then is there, or never will be. With a single writer that is its last batch; with
    /// several, a transaction that was decided earlier may still be under way.
    pub settled: Timestamp,
    /// What the clock says by which batches are decided.
    pub clock: Timestamp,
    /// Nothing was decided later; of several writers each may go by a clock that is a little ahead.
    pub now: Timestamp,
}

impl Horizon {
    /// Whether nothing can turn up behind what is there already.
    pub fn is_sharp(self) -> bool {
        self.settled == self.now
    }
}

/// A movement as it is told: its event, and those of the lines it crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldPlace {
    /// Where it stands.
    pub place: LedgerPlace,
    /// Its product.
    pub product: ProductId,
    /// The events, by their parts.
    pub events: Vec<OutgoingEvent>,
}
