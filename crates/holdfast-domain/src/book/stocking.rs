//! Stock that comes, goes, is counted or moves, and the items and locations themselves.

use std::sync::Arc;

use crate::book::{Book, Effect, ItemPage, ProductRef};
use crate::ids::{ItemNumber, LocationNumber, ProductId};
use crate::item::{CountRefused, InventoryItem};
use crate::location::Location;
use crate::movement::{Cause, MovementReference, StockMovementType};
use crate::quantity::{Count, Quantity};
use crate::refusal::{Refusal, ShortLine};
use crate::text::{LocationCode, Name, Reference, Sku};

/// What a new item is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewItem {
    /// The product.
    pub product: ProductId,
    /// What people call it.
    pub name: Name,
    /// Its SKU.
    pub sku: Sku,
    /// Its first stock, by location.
    pub initial: Vec<(LocationCode, Quantity)>,
    /// At this many available units or fewer it is low.
    pub reorder_level: Count,
    /// More on hand than this is answered with a warning.
    pub max_stock_level: Count,
}

/// What is to change of an item's card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardChange {
    /// The new name.
    pub name: Option<Name>,
    /// The new SKU.
    pub sku: Option<Sku>,
    /// The new reorder level.
    pub reorder_level: Option<Count>,
    /// The new maximum.
    pub max_stock_level: Option<Count>,
}

/// How the verbs of stock change a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockVerb {
    /// Units come in.
    Add,
    /// Units go out.
    Remove,
    /// Units are written off.
    Damage,
    /// Units come back from a customer.
    Return,
    /// A correction of the books, upwards.
    AdjustUp,
    /// A correction of the books, downwards.
    AdjustDown,
}

impl StockVerb {
    const fn kind(self) -> StockMovementType {
        match self {
            Self::Add => StockMovementType::StockIn,
            Self::Remove => StockMovementType::StockOut,
            Self::Damage => StockMovementType::Damaged,
            Self::Return => StockMovementType::Returned,
            Self::AdjustUp | Self::AdjustDown => StockMovementType::Adjustment,
        }
    }

    const fn adds(self) -> bool {
        matches!(self, Self::Add | Self::Return | Self::AdjustUp)
    }
}

/// Why a count moved nothing.
enum Unmoved {
    Nothing,
    Refused(CountRefused),
}

const TOO_MANY_UNITS: Refusal = too_many_units("/quantity");

/// More units than an item holds, by what the field at `pointer` asks for.
const fn too_many_units(pointer: &'static str) -> Refusal {
    Refusal::OutOfRange { pointer, detail: "the item would hold more than 9007199254740991 units" }
}

impl Book {
    /// Makes a new item; its first stock is a `StockIn` with reference `INITIAL`.
    ///
    /// # Errors
    ///
    /// The product or the SKU is there already, or a location is not; nothing changed.
    pub fn create_item(&mut self, new: &NewItem, cause: &Cause) -> Result<Effect, Refusal> {
        if self.item(new.product).is_some() {
            return Err(Refusal::ProductExists);
        }
        if self.skus.contains_key(&new.sku) {
            return Err(Refusal::SkuTaken);
        }
        for (code, _) in &new.initial {
            self.locations.by_code(code).ok_or_else(|| Refusal::LocationNotFound(Vec::new()))?;
        }
        let number = self.numbering.item;
        self.numbering.item = ItemNumber(number.0.saturating_add(1));
        let item = InventoryItem::new(
            number,
            new.product,
            new.name.clone(),
            new.sku.clone(),
            new.reorder_level,
            new.max_stock_level,
            self.now,
        );
        self.skus.insert(item.sku.clone(), item.product);
        let page = ItemPage { item, loaded_version: None, changed_levels: Vec::new(), card_changed: true };
        self.items.insert(new.product, page);
        let alerts = self.alerts.len();
        for (code, quantity) in &new.initial {
            let location = self.location(code)?;
            let cause = Cause { reference: MovementReference::Document(Reference::initial()), ..cause.clone() };
            self.move_stock(new.product, |item, now| {
                item.add(location, StockMovementType::StockIn, *quantity, cause, now)
            })
            .map_err(|_too_many| TOO_MANY_UNITS)?;
        }
        self.alerts.truncate(alerts); // a new item has crossed no line
        Ok(Effect::Applied)
    }

    /// Changes an item's name, SKU or limits. Saying what is so already changes nothing.
    ///
    /// # Errors
    ///
    /// The product is unknown, the caller's copy is stale, or the SKU is another's; nothing changed.
    pub fn change_card(
        &mut self,
        product: ProductId,
        change: &CardChange,
        version: Option<u64>,
    ) -> Result<Effect, Refusal> {
        let item = self.item_at_version(&ProductRef::Id(product), version)?;
        let old_sku = item.sku.clone();
        if let Some(sku) = change.sku.as_ref().filter(|sku| **sku != old_sku)
            && self.skus.contains_key(sku)
        {
            return Err(Refusal::SkuTaken);
        }
        let now = self.now;
        let page = self.items.get_mut(&product).expect("the item is in the book");
        let before = page.item.clone();
        let CardChange { name, sku, reorder_level, max_stock_level } = change.clone();
        page.item.name = name.unwrap_or(before.name.clone());
        page.item.sku = sku.unwrap_or(before.sku.clone());
        page.item.reorder_level = reorder_level.unwrap_or(before.reorder_level);
        page.item.max_stock_level = max_stock_level.unwrap_or(before.max_stock_level);
        if page.item == before {
            return Ok(Effect::Replayed);
        }
        page.item.renamed(now.max(before.updated_at));
        page.card_changed = true;
        let new_sku = page.item.sku.clone();
        self.skus.remove(&old_sku);
        self.skus.insert(new_sku, product);
        Ok(Effect::Applied)
    }

    /// Adds, removes, writes off or takes back units. Says which sequence the movement has.
    ///
    /// # Errors
    ///
    /// Product or location is unknown, the caller's copy is stale, or too few units are available; nothing changed.
    pub fn change_stock(
        &mut self,
        product: &ProductRef,
        location: &LocationCode,
        verb: StockVerb,
        quantity: Quantity,
        version: Option<u64>,
        cause: Cause,
    ) -> Result<u64, Refusal> {
        let place = self.location(location)?;
        let item = self.item_at_version(product, version)?;
        let (product, sku) = (item.product, item.sku.clone());
        if verb.adds() {
            return self
                .move_stock(product, |item, now| item.add(place, verb.kind(), quantity, cause, now))
                .map_err(|_too_many| TOO_MANY_UNITS);
        }
        self.move_stock(product, |item, now| item.remove(place, verb.kind(), quantity, cause, now))
            .map_err(|short| too_few(product, sku, location, short.requested, short.available))
    }

    /// Takes over a count of the shelf. Says which sequence the movement has, if something moved.
    ///
    /// # Errors
    ///
    /// Product or location is unknown, the caller's copy is stale, another number was expected, or more is promised
    /// than was counted; nothing changed.
    pub fn adjust_stock(
        &mut self,
        product: ProductId,
        location: &LocationCode,
        counted: Count,
        expected: Option<Count>,
        version: Option<u64>,
        cause: Cause,
    ) -> Result<Option<u64>, Refusal> {
        let place = self.location(location)?;
        self.item_at_version(&ProductRef::Id(product), version)?;
        let moved = self.move_stock(product, |item, now| {
            item.adjust(place, counted, expected, cause, now).map_err(Unmoved::Refused)?.ok_or(Unmoved::Nothing)
        });
        match moved {
            Ok(sequence) => Ok(Some(sequence)),
            Err(Unmoved::Nothing) => Ok(None),
            Err(Unmoved::Refused(CountRefused::TooMany)) => Err(too_many_units("/newQuantity")),
            Err(Unmoved::Refused(CountRefused::BelowReserved { reserved })) => {
                Err(Refusal::BelowReserved { reserved, counted })
            }
            Err(Unmoved::Refused(CountRefused::Mismatch { on_hand })) => {
                Err(Refusal::CountMismatch { on_hand, expected: expected.unwrap_or(on_hand) })
            }
        }
    }

    /// Moves units from one location to another. Says which sequence the second movement has.
    ///
    /// # Errors
    ///
    /// Product or a location is unknown, the caller's copy is stale, or too few units are available; nothing changed.
    pub fn transfer_stock(
        &mut self,
        product: ProductId,
        from: &LocationCode,
        to: &LocationCode,
        quantity: Quantity,
        version: Option<u64>,
        cause: Cause,
    ) -> Result<u64, Refusal> {
        let (source, target) = (self.location(from)?, self.location(to)?);
        let sku = self.item_at_version(&ProductRef::Id(product), version)?.sku.clone();
        let alerts = self.alerts.len();
        self.move_stock(product, |item, now| {
            item.remove(source, StockMovementType::TransferOut, quantity, cause.clone(), now)
        })
        .map_err(|short| too_few(product, sku, from, short.requested, short.available))?;
        let sequence = self
            .move_stock(product, |item, now| item.add(target, StockMovementType::TransferIn, quantity, cause, now))
            .expect("the item held these units a moment ago");
        self.alerts.truncate(alerts); // what is available over all locations is what it was
        Ok(sequence)
    }

    /// Makes a new location.
    ///
    /// # Errors
    ///
    /// [`Refusal::LocationExists`]; nothing changed.
    pub fn create_location(&mut self, code: &LocationCode, name: &Name, priority: u32) -> Result<Location, Refusal> {
        if self.locations.by_code(code).is_some() {
            return Err(Refusal::LocationExists);
        }
        let number = self.numbering.location;
        let Some(next) = number.0.checked_add(1) else {
            return Err(Refusal::OutOfRange { pointer: "/id", detail: "there are 65535 locations already" });
        };
        self.numbering.location = LocationNumber(next);
        let location = Location { number, code: code.clone(), name: name.clone(), priority };
        Arc::make_mut(&mut self.locations).add(location.clone());
        self.new_locations.push(location.clone());
        Ok(location)
    }

    fn location(&self, code: &LocationCode) -> Result<LocationNumber, Refusal> {
        let found = self.locations.by_code(code).map(|location| location.number);
        found.ok_or_else(|| Refusal::LocationNotFound(Vec::new()))
    }

    fn item_at_version(&self, product: &ProductRef, version: Option<u64>) -> Result<&InventoryItem, Refusal> {
        let item = self.find(product).ok_or_else(|| Refusal::ProductNotFound(Vec::new()))?;
        if version.is_some_and(|version| version != item.version) {
            return Err(Refusal::VersionMismatch { current: item.version });
        }
        Ok(item)
    }
}

fn too_few(product: ProductId, sku: Sku, location: &LocationCode, requested: Count, available: Count) -> Refusal {
    let location = Some(location.clone());
    Refusal::InsufficientStock(vec![ShortLine {
        product: Some(product),
        sku: Some(sku),
        location,
        requested,
        available,
    }])
}

#[cfg(test)]
mod tests;
