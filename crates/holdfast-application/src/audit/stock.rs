//! The side of the stock: every movement, followed along its product's chain to the levels the books show.

use std::collections::BTreeMap;

use holdfast_domain::movement::{Balance, is_legal};
use holdfast_domain::{Count, LocationCode, LocationNumber, ProductId, StockMovementType, Timestamp};

use super::outbox::OutboxProof;
use super::places::{ByItem, ByLevel};
use super::rows_read::RowsRead;
use super::tally::Tally;
use super::{LedgerFault, note, words};
use crate::events::UnsentEvent;
use crate::queries::{
    LedgerItem, LedgerLevel, LedgerLine, LedgerStock, OutboxReader, StockReader, UnfitReader, UnfitRow,
};

/// What the books show of an item beside its levels.
#[derive(Clone, Debug, Default)]
struct Shown {
    /// Its product and reorder level, if the item is there.
    card: Option<(ProductId, Count)>,
    /// Its sequence, and whether it is listed as low, if its stock is there.
    stock: Option<(u64, bool)>,
    /// How many levels it has.
    levels: u32,
    /// Units available at all of them.
    available: Count,
}

/// How far an item's movements were followed.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    /// The last movement's sequence; 0 before the first.
    sequence: u64,
    /// When the first movement was decided.
    first_at: i64,
    /// When the last one was.
    decided_at: i64,
    /// Units that the last one sent to another location; 0 when it did not.
    sent: i64,
}

/// What movements tell of a level.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moved {
    /// What the last one left, if there was one.
    pub(super) level: Option<Balance>,
    /// The reservations whose units they set aside.
    pub(super) made: Tally,
    /// Those whose units they gave back or let go.
    pub(super) ended: Tally,
}

/// A transfer is two movements, one behind the other.
const HALF_A_TRANSFER: &str = "one half of a transfer is missing: what leaves one location must arrive at another";

/// Follows movements, and notes what they do not explain.
#[derive(Debug, Default)]
pub struct StockProof {
    pub(super) faults: Vec<LedgerFault>,
    /// Products read.
    pub(super) products: u64,
    /// Movements read.
    pub(super) movements: u64,
    /// What the books show of each level.
    pub(super) shown: ByLevel<Option<Balance>>,
    /// What movements tell of each level.
    pub(super) moved: ByLevel<Moved>,
    locations: BTreeMap<LocationNumber, LocationCode>,
    items: ByItem<Shown>,
    chains: ByItem<Chain>,
    /// What waits to be told of products.
    outbox: OutboxProof,
    read: RowsRead,
}

impl StockProof {
    /// One that tells how far it has come.
    pub fn watched_by(read: RowsRead) -> Self {
        Self { read, ..Self::default() }
    }

    /// Compares the ends of all chains with what the books show of the items.
    pub(super) fn conclude(mut self) -> Self {
        let mut faults = std::mem::take(&mut self.faults);
        faults.append(&mut self.outbox.faults);
        let main = self.locations.get(&LocationNumber::MAIN);
        if !main.is_some_and(LocationCode::is_main) {
            let found = main.map_or("nothing".to_owned(), LocationCode::to_string);
            note(&mut faults, LedgerFault::new("I3", format!("location number 1 must be main, and is {found}")));
        }
        for (number, shown) in self.items.iter() {
            let chain = self.chains.get(number).copied().unwrap_or_default();
            let product = shown.card.map(|(product, _)| product);
            for detail in faults_of(number, shown, chain.sequence) {
                note(&mut faults, LedgerFault { product, ..LedgerFault::new("I3", detail) });
            }
            let told = product.and_then(|product| self.outbox.told(product.to_bytes()));
            if let Some(told) = told.filter(|told| *told > chain.sequence) {
                let detail = format!(
                    "an event waits that tells of movement {told}, but the movements end at {}",
                    chain.sequence
                );
                note(&mut faults, LedgerFault { product, sequence: Some(told), ..LedgerFault::new("I18", detail) });
            }
            if chain.sent != 0 {
                let fault = LedgerFault::new("I2", HALF_A_TRANSFER.to_owned());
                note(&mut faults, LedgerFault { product, sequence: Some(chain.sequence), ..fault });
            }
        }
        for product in self.outbox.strange_products() {
            let detail = "an event waits that tells of this product, which does not exist".to_owned();
            note(&mut faults, LedgerFault { product: Some(product), ..LedgerFault::new("I18", detail) });
        }
        self.faults = faults;
        self
    }

    /// The sequence that an item's movements end with.
    pub(super) fn last_sequence(&self, item: u32) -> u64 {
        self.chains.get(item).map_or(0, |chain| chain.sequence)
    }

    /// The product of the item with this number.
    pub(super) fn product(&self, item: u32) -> Option<ProductId> {
        self.items.get(item)?.card.map(|(product, _)| product)
    }

    /// Whether there is such a location.
    pub(super) fn knows(&self, location: LocationNumber) -> bool {
        self.locations.contains_key(&location)
    }

    /// What people call a location.
    pub(super) fn place(&self, location: LocationNumber) -> String {
        let code = self.locations.get(&location).map(LocationCode::to_string);
        code.unwrap_or_else(|| format!("location number {}, which does not exist,", location.0))
    }

    fn fault(&mut self, invariant: &'static str, line: &LedgerLine, detail: String) {
        let (product, sequence) = (self.product(line.item), Some(line.sequence));
        note(&mut self.faults, LedgerFault { product, sequence, ..LedgerFault::new(invariant, detail) });
    }

    /// Follows a movement on its product's chain.
    fn follow_chain(&mut self, line: &LedgerLine) {
        let at = line.created_at.max(Timestamp::EPOCH).micros();
        let chain = self.chains.at(line.item);
        let (before, earlier) = (chain.sequence, chain.decided_at);
        if before == 0 {
            chain.first_at = at;
        }
        // A replay on the events' clock goes on from the first stock, which was imported later than the events
        // happened.
        let follows_first_decision = earlier == chain.first_at;
        (chain.sequence, chain.decided_at) = (line.sequence, at);
        let arrived = if line.kind == StockMovementType::TransferIn { line.quantity } else { 0 };
        let sent = if line.kind == StockMovementType::TransferOut { line.quantity } else { 0 };
        let was_sent = std::mem::replace(&mut chain.sent, sent);
        if before == 0 {
            // The item is looked at in the end, whether it is there or not.
            self.items.at(line.item);
        }
        if arrived != was_sent {
            self.fault("I2", line, HALF_A_TRANSFER.to_owned());
        }
        if line.sequence != before.saturating_add(1) {
            self.fault("I1", line, format!("movement {} follows {before}", line.sequence));
        }
        if at < earlier && !follows_first_decision {
            self.fault("I22", line, "it was decided before the movement in front of it".to_owned());
        }
        if !line.has_actor {
            self.fault("I22", line, "nobody asked for it".to_owned());
        }
    }

    /// Follows a movement at its level.
    fn follow_level(&mut self, line: &LedgerLine) {
        let after = Balance { available: line.available, reserved: line.reserved };
        let moved = self.moved.at((line.item, line.location));
        let before = moved.level.replace(after).unwrap_or_default();
        if let Some((order, place)) = line.reservation {
            let (place, units) = (u64::from(place), line.quantity.unsigned_abs());
            match line.kind {
                StockMovementType::Reserved => moved.made.add([order, place, units, 0]),
                kind => {
                    let is_confirmed = u64::from(kind == StockMovementType::Confirmed);
                    moved.ended.add([order, place, line.sequence, (units << 1) | is_confirmed]);
                }
            }
        }
        if !leads(line, before, after) {
            let (kind, units) = (line.kind, line.quantity);
            let (before, after) = (words(Some(before)), words(Some(after)));
            self.fault("I2", line, format!("{kind} of {units} does not lead from {before} to {after}"));
        }
    }
}

/// What is wrong with an item as a whole, whose movements end at `last`.
fn faults_of(number: u32, shown: &Shown, last: u64) -> Vec<String> {
    let mut faults = Vec::new();
    let Some((_, reorder_level)) = shown.card else {
        if shown.stock.is_some() || shown.levels > 0 || last > 0 {
            faults.push(format!("item number {number} has stock, levels or movements, but does not exist"));
        }
        return faults;
    };
    let Some((sequence, is_low)) = shown.stock else {
        faults.push(format!("the item has no sequence, its movements end at {last}"));
        return faults;
    };
    if sequence != last {
        faults.push(format!("the item is at {sequence}, its movements end at {last}"));
    }
    if is_low != (shown.available <= reorder_level) {
        let (listed, available) = (if is_low { "low" } else { "not low" }, shown.available);
        faults.push(format!("the item is listed as {listed}: {available} available, reorder level {reorder_level}"));
    }
    faults
}

/// Whether a movement leads from the level before it to the one after it; a quantity is negative only where an
/// adjustment took units away.
fn leads(line: &LedgerLine, before: Balance, after: Balance) -> bool {
    let takes_away = line.kind == StockMovementType::Adjustment && after.available < before.available;
    let size = Count::new(line.quantity.unsigned_abs());
    (line.quantity < 0) == takes_away && size.is_some_and(|size| is_legal(line.kind, size, before, after))
}

impl UnfitReader for StockProof {
    fn unfit(&mut self, row: UnfitRow) {
        note(&mut self.faults, LedgerFault::unfit(row));
    }
}

impl OutboxReader for StockProof {
    fn unsent(&mut self, destination: &str, unsent: &UnsentEvent) {
        self.outbox.add(destination, unsent);
    }
}

impl StockReader for StockProof {
    fn location(&mut self, number: LocationNumber, code: LocationCode) {
        self.locations.insert(number, code);
    }

    fn item(&mut self, item: LedgerItem) {
        self.products = self.products.saturating_add(1);
        self.items.at(item.number).card = Some((item.product, item.reorder_level));
    }

    fn stock(&mut self, stock: LedgerStock) {
        self.items.at(stock.item).stock = Some((stock.sequence, stock.is_low));
    }

    fn level(&mut self, level: LedgerLevel) {
        let LedgerLevel { item, location, available, reserved } = level;
        let shown = self.items.at(item);
        shown.levels = shown.levels.saturating_add(1);
        shown.available = [shown.available, available].into_iter().sum();
        *self.shown.at((item, location)) = Some(Balance { available, reserved });
        // The level is compared in the end, whether something moved there or not.
        self.moved.at((item, location));
    }

    fn movement(&mut self, line: &LedgerLine) {
        self.movements = self.movements.saturating_add(1);
        self.read.side_has(self.movements);
        self.follow_chain(line);
        self.follow_level(line);
    }
}
