//! The proof: the ledger explains every number (CONTRACT, section 5; PROTOCOL, section 2).
//!
//! The books have two sides, and each is proven by itself in one pass: [`stock`] follows every movement along its
//! product's chain, [`promises`] follows every order and its reservations. That both sides tell the same story is shown
//! here: what each tells of a stock level must agree. So a store may hand over both sides at the same time, and memory
//! grows with items, with the ids of orders and with what waits in the outbox, not with movements and reservations.
//! What waits there ([`outbox`]) is compared with the side that it tells of.

use holdfast_domain::ProductId;
use holdfast_domain::movement::Balance;

use crate::queries::{ReadError, StockQueries, UnfitRow};
use places::LevelKey;
use promises::{PromiseProof, Promised};
pub use rows_read::RowsRead;
use stock::{Moved, StockProof};

mod members;
mod outbox;
mod places;
pub mod promises;
mod rows_read;
pub mod stock;
mod tally;

/// A number the ledger does not explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerFault {
    /// The invariant of PROTOCOL, section 2, that is broken, or `unreadable`.
    pub invariant: &'static str,
    /// The product, where one is concerned.
    pub product: Option<ProductId>,
    /// The movement where it shows, where one is concerned.
    pub sequence: Option<u64>,
    /// A sentence with the numbers.
    pub detail: String,
    /// The table and the row in it, where one cannot be read.
    pub row: Option<(&'static str, String)>,
}

/// What stands in place of an invariant when something cannot be read, so that nothing is proven of it.
const UNREADABLE: &str = "unreadable";

impl LedgerFault {
    fn new(invariant: &'static str, detail: String) -> Self {
        Self { invariant, product: None, sequence: None, detail, row: None }
    }

    fn unfit(UnfitRow { table, row, words }: UnfitRow) -> Self {
        let place = if row.is_empty() { table.to_owned() } else { format!("{table}, {row}") };
        Self { row: Some((table, row)), ..Self::new(UNREADABLE, format!("{place}: {words}")) }
    }
}

/// What was read and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Products read.
    pub products: u64,
    /// Movements read.
    pub movements: u64,
    /// Reservations read.
    pub reservations: u64,
    /// What is wrong, up to [`FAULTS_MAX`].
    pub faults: Vec<LedgerFault>,
}

/// The most faults that are listed.
pub const FAULTS_MAX: usize = 1_000;

impl AuditReport {
    /// Adds what cannot be read, or found.
    pub fn add_unfit(&mut self, rows: Vec<UnfitRow>) {
        for row in rows {
            note(&mut self.faults, LedgerFault::unfit(row));
        }
    }

    /// Whether every number is explained.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Notes a fault, unless there are too many to be read.
fn note(faults: &mut Vec<LedgerFault>, fault: LedgerFault) {
    if faults.len() < FAULTS_MAX {
        faults.push(fault);
    }
}

/// Reads the whole ledger, or what concerns one product, at one moment, and says what it does not explain.
///
/// # Errors
///
/// [`ReadError`]: the store could not be read, so nothing is proven.
pub fn prove(queries: &dyn StockQueries, product: Option<ProductId>) -> Result<AuditReport, ReadError> {
    prove_watched(queries, product, &RowsRead::default())
}

/// The same while somebody watches how far it has come.
///
/// # Errors
///
/// As [`prove`].
pub fn prove_watched(
    queries: &dyn StockQueries,
    product: Option<ProductId>,
    read: &RowsRead,
) -> Result<AuditReport, ReadError> {
    let mut stock = StockProof::watched_by(read.clone());
    let mut promises = PromiseProof::watched_by(read.clone());
    if product.is_some() {
        promises = promises.of_one_product();
    }
    queries.read_ledger(product, &mut stock, &mut promises)?;
    Ok(conclude(stock, promises))
}

/// What both sides found, and whether they tell the same story.
pub fn conclude(stock: StockProof, promises: PromiseProof) -> AuditReport {
    let (stock, promises) = (stock.conclude(), promises.conclude());
    let mut faults = Vec::new();
    for (key, moved) in stock.moved.iter() {
        compare(&mut faults, &stock, key, moved, promises.levels.get(key));
    }
    // Promises of levels in which nothing ever moved.
    for (key, promised) in promises.levels.iter().filter(|(key, _)| stock.moved.get(*key).is_none()) {
        compare(&mut faults, &stock, key, &Moved::default(), Some(promised));
    }
    let (products, movements, reservations) = (stock.products, stock.movements, promises.reservations);
    for fault in stock.faults.into_iter().chain(promises.faults) {
        note(&mut faults, fault);
    }
    faults.sort_by(|one, other| {
        let place = |fault: &LedgerFault| (fault.product, fault.sequence);
        place(one).cmp(&place(other)).then_with(|| one.detail.cmp(&other.detail))
    });
    AuditReport { products, movements, reservations, faults }
}

/// What the books show of a level, what movements tell of it and what orders tell of it: all must be the same.
fn compare(
    faults: &mut Vec<LedgerFault>,
    stock: &StockProof,
    key @ (item, location): LevelKey,
    moved: &Moved,
    promised: Option<&Promised>,
) {
    let product = stock.product(item);
    let mut tell = |invariant, words: String| {
        let whose = if product.is_none() { format!(" of item number {item}") } else { String::new() };
        let detail = format!("at {}{whose} {words}", stock.place(location));
        note(faults, LedgerFault { product, ..LedgerFault::new(invariant, detail) });
    };
    let shown = stock.shown.get(key).copied().flatten();
    let is_anything = shown.is_some() || moved.level.is_some();
    if is_anything && !stock.knows(location) {
        tell("I3", "nothing can be".to_owned());
    }
    let promised = promised.copied().unwrap_or_default();
    if promised.latest > stock.last_sequence(item) {
        tell("I8", format!("a reservation names movement {}, which was never made", promised.latest));
    }
    if shown != moved.level {
        let (books, movements) = (words(shown), words(moved.level));
        tell("I3", format!("the books show {books}, the movements {movements}"));
    }
    let reserved = shown.map_or(0, |shown| shown.reserved.get());
    if reserved != promised.held {
        tell("I6", format!("{reserved} units are reserved, but live reservations hold {}", promised.held));
    }
    let both = [("I7", "were made", moved.made, promised.made), ("I8", "ended", moved.ended, promised.ended)];
    for (invariant, what, by_movements, by_orders) in both {
        if by_movements != by_orders {
            tell(invariant, format!("movements and orders do not tell of the same reservations that {what}"));
        }
    }
}

/// A level in words.
fn words(level: Option<Balance>) -> String {
    let numbers = level.map(|Balance { available, reserved }| format!("{available}/{reserved} available/reserved"));
    numbers.unwrap_or_else(|| "no level".to_owned())
}
