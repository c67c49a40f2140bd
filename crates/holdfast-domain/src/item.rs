//! A product as stock, and the rules by which its levels change.
//!
//! Every rule returns the movement it caused, so stock cannot move without a trace; a refused rule changes nothing.

use crate::ids::{ItemId, ItemNumber, LocationNumber, ProductId};
use crate::movement::{Balance, Cause, StockMovement, StockMovementType};
use crate::quantity::{Count, Quantity};
use crate::text::{Name, Sku};
use crate::time::Timestamp;

/// One item at one location.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StockLevel {
    /// Where.
    pub location: LocationNumber,
    /// Units free to promise, and units promised.
    pub balance: Balance,
}

/// Too few units are available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insufficient {
    /// How many are.
    pub available: Count,
    /// How many were asked for.
    pub requested: Count,
}

/// The house would hold more than [`Count::MAX`] units of the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// Why a count of the shelf was not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountRefused {
    /// Fewer units were counted than are promised.
    BelowReserved {
        /// Units promised.
        reserved: Count,
    },
    /// The books show another number than the caller expected.
    Mismatch {
        /// Units on hand by the books.
        on_hand: Count,
    },
    /// The house would hold more than [`Count::MAX`] units of the item.
    TooMany,
}

/// A product as stock: what it is called, its limits, and its levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryItem {
    /// Its short number.
    pub number: ItemNumber,
    /// The product.
    pub product: ProductId,
    /// What people call it.
    pub name: Name,
    /// Its stock keeping unit, unique among items.
    pub sku: Sku,
    /// At this many available units or fewer the item is low.
    pub reorder_level: Count,
    /// More on hand than this is answered with a warning.
    pub max_stock_level: Count,
    /// The sequence of its last movement; 0 before the first.
    pub sequence: u64,
    /// Rises with every change, a rename too.
    pub version: u64,
    /// When stock was last added.
    pub last_restocked: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed; decisions about it never lie before.
    pub updated_at: Timestamp,
    levels: Vec<StockLevel>,
}

impl InventoryItem {
    /// A new item without stock.
    pub fn new(
        number: ItemNumber,
        product: ProductId,
        name: Name,
        sku: Sku,
        reorder_level: Count,
        max_stock_level: Count,
        now: Timestamp,
    ) -> Self {
        Self {
            number,
            product,
            name,
            sku,
            reorder_level,
            max_stock_level,
            sequence: 0,
            version: 1,
            last_restocked: None,
            created_at: now,
            updated_at: now,
            levels: Vec::new(),
        }
    }

    /// The same item with these levels, as a store kept them.
    #[must_use]
    pub fn with_levels(mut self, mut levels: Vec<StockLevel>) -> Self {
        levels.sort_by_key(|level| level.location);
        self.levels = levels;
        self
    }

    /// Its id.
    pub fn id(&self) -> ItemId {
        ItemId::new(self.created_at, self.number)
    }

    /// Its levels, by location number. A location without a level holds nothing.
    pub fn levels(&self) -> &[StockLevel] {
        &self.levels
    }

    /// What it has at `location`.
    pub fn balance(&self, location: LocationNumber) -> Balance {
        self.levels.iter().find(|level| level.location == location).map_or_else(Balance::default, |level| level.balance)
    }

    /// Units free to promise, over all locations.
    pub fn available(&self) -> Count {
        self.levels.iter().map(|level| level.balance.available).sum()
    }

    /// Units promised, over all locations.
    pub fn reserved(&self) -> Count {
        self.levels.iter().map(|level| level.balance.reserved).sum()
    }

    /// Units in the house, over all locations.
    pub fn on_hand(&self) -> Count {
        self.levels.iter().map(|level| level.balance.on_hand()).sum()
    }

    /// Whether available ≤ reorder level, over all locations.
    pub fn is_low(&self) -> bool {
        self.available() <= self.reorder_level
    }

    /// Sets `quantity` aside: available → reserved.
    ///
    /// # Errors
    ///
    /// [`Insufficient`] when fewer units are available there; the item is then unchanged.
    pub fn reserve(
        &mut self,
        location: LocationNumber,
        quantity: Quantity,
        cause: Cause,
        now: Timestamp,
    ) -> Result<StockMovement, Insufficient> {
        let before = self.balance(location);
        let available = left(before, quantity)?;
        let reserved = before.reserved.plus(quantity).expect("on hand is unchanged");
        let after = Balance { available, reserved };
        Ok(self.moved(location, StockMovementType::Reserved, quantity.into(), after, cause, now))
    }

    /// Gives `quantity` reserved units back: reserved → available. Also for an expiry.
    pub fn release(
        &mut self,
        location: LocationNumber,
        quantity: Quantity,
        cause: Cause,
        now: Timestamp,
    ) -> StockMovement {
        let before = self.balance(location);
        let after = Balance {
            available: before.available.plus(quantity).expect("on hand is unchanged"),
            reserved: before.reserved.minus(quantity).expect("a reservation holds reserved units"),
        };
        self.moved(location, StockMovementType::Released, quantity.into(), after, cause, now)
    }

    /// Lets `quantity` reserved units leave the house.
    pub fn confirm(
        &mut self,
        location: LocationNumber,
        quantity: Quantity,
        cause: Cause,
        now: Timestamp,
    ) -> StockMovement {
        let before = self.balance(location);
        let after = Balance {
            available: before.available,
            reserved: before.reserved.minus(quantity).expect("a reservation holds reserved units"),
        };
        self.moved(location, StockMovementType::Confirmed, quantity.into(), after, cause, now)
    }

    /// Takes `quantity` units in, as `kind` (`StockIn`, `Returned`, `TransferIn`, or `Adjustment` as a correction).
    ///
    /// # Errors
    ///
    /// [`TooMany`] when the house would hold more than [`Count::MAX`]; the item is then unchanged.
    pub fn add(
        &mut self,
        location: LocationNumber,
        kind: StockMovementType,
        quantity: Quantity,
        cause: Cause,
        now: Timestamp,
    ) -> Result<StockMovement, TooMany> {
        self.on_hand().plus(quantity).ok_or(TooMany)?;
        let before = self.balance(location);
        let available = before.available.plus(quantity).ok_or(TooMany)?;
        if matches!(kind, StockMovementType::StockIn | StockMovementType::Returned) {
            self.last_restocked = Some(now);
        }
        let after = Balance { available, reserved: before.reserved };
        Ok(self.moved(location, kind, quantity.into(), after, cause, now))
    }

    /// Takes `quantity` units out, as `kind` (`StockOut`, `Damaged`, `TransferOut`, or `Adjustment` as a correction).
    ///
    /// # Errors
    ///
    /// [`Insufficient`] when fewer units are available there; the item is then unchanged.
    pub fn remove(
        &mut self,
        location: LocationNumber,
        kind: StockMovementType,
        quantity: Quantity,
        cause: Cause,
        now: Timestamp,
    ) -> Result<StockMovement, Insufficient> {
        let before = self.balance(location);
        let available = left(before, quantity)?;
        let after = Balance { available, reserved: before.reserved };
        Ok(self.moved(location, kind, quantity.into(), after, cause, now))
    }

    /// Takes over a count of the shelf: `counted` units on hand, those promised included. The present count again moves
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`CountRefused`]; the item is then unchanged.
    pub fn adjust(
        &mut self,
        location: LocationNumber,
        counted: Count,
        expected: Option<Count>,
        cause: Cause,
        now: Timestamp,
    ) -> Result<Option<StockMovement>, CountRefused> {
        let before = self.balance(location);
        let on_hand = before.on_hand();
        if expected.is_some_and(|expected| expected != on_hand) {
            return Err(CountRefused::Mismatch { on_hand });
        }
        let available =
            counted.without(before.reserved).ok_or(CountRefused::BelowReserved { reserved: before.reserved })?;
        let Some(difference) = difference(before.available, available) else { return Ok(None) };
        let elsewhere = self.on_hand().without(on_hand).expect("a level is part of the item");
        elsewhere.with(counted).ok_or(CountRefused::TooMany)?;
        let after = Balance { available, reserved: before.reserved };
        Ok(Some(self.moved(location, StockMovementType::Adjustment, difference, after, cause, now)))
    }

    /// Notes a change that is no movement: a new name, SKU or limit.
    pub fn renamed(&mut self, now: Timestamp) {
        self.version = self.version.saturating_add(1);
        self.updated_at = now;
    }

    /// Writes the level and returns the line of the audit trail.
    fn moved(
        &mut self,
        location: LocationNumber,
        kind: StockMovementType,
        quantity: Count,
        after: Balance,
        cause: Cause,
        now: Timestamp,
    ) -> StockMovement {
        let place = self.levels.binary_search_by_key(&location, |level| level.location);
        let before = match place {
            Ok(at) => {
                let level = self.levels.get_mut(at).expect("the search found it");
                std::mem::replace(&mut level.balance, after)
            }
            Err(at) => {
                self.levels.insert(at, StockLevel { location, balance: after });
                Balance::default()
            }
        };
        self.sequence = self.sequence.saturating_add(1);
        self.version = self.version.saturating_add(1);
        self.updated_at = now;
        StockMovement {
            product: self.product,
            item: self.number,
            sequence: self.sequence,
            location,
            kind,
            quantity,
            before,
            after,
            cause,
            created_at: now,
        }
    }
}

/// What is available once `quantity` units are taken.
fn left(before: Balance, quantity: Quantity) -> Result<Count, Insufficient> {
    let short = Insufficient { available: before.available, requested: quantity.into() };
    before.available.minus(quantity).ok_or(short)
}

/// The size of the difference between two counts, or `None` when they are equal.
fn difference(one: Count, other: Count) -> Option<Count> {
    one.without(other).or_else(|| other.without(one)).filter(|size| *size > Count::ZERO)
}

#[cfg(test)]
mod tests;
