//! Rows become products: those of one product at several locations belong together, repeated ones are bad.

use std::collections::{HashMap, HashSet};

use holdfast_application::ImportedItem;
use holdfast_domain::book::stocking::{CardChange, NewItem};
use holdfast_domain::{Count, LocationCode, ProductId, Sku};

use super::Summary;
use super::rows::{BadRow, Row, RowFault};

/// The reorder level of a new product of which the file says none (as over HTTP).
const REORDER_LEVEL: u64 = 10;
/// The maximum of a new product of which the file says none (as over HTTP).
const MAX_STOCK_LEVEL: u64 = 1_000;

/// A product with the lines that tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gathered {
    /// The lines.
    pub(super) lines: Vec<u64>,
    /// The product.
    pub(super) item: ImportedItem,
    locations: Vec<LocationCode>,
}

/// Products on their way from the file to the target.
#[derive(Debug)]
pub(super) struct Gathering {
    known_locations: HashSet<LocationCode>,
    /// Whether rows of one product may stand anywhere in the file, so that none is complete before its end.
    several_rows: bool,
    ready: Vec<Gathered>,
    /// The line each product was first seen on, and where it is among `ready` while that is complete.
    products: HashMap<ProductId, (u64, usize)>,
    skus: HashMap<Sku, (u64, ProductId)>,
    spoiled: HashMap<ProductId, u64>,
}

impl Gathering {
    /// For a file whose rows may name one of `locations`; `several_rows` when it has such a column.
    pub(super) fn new(locations: Vec<LocationCode>, several_rows: bool) -> Self {
        Self {
            known_locations: locations.into_iter().collect(),
            several_rows,
            ready: Vec::new(),
            products: HashMap::new(),
            skus: HashMap::new(),
            spoiled: HashMap::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// It repeats another one, contradicts it, or names an unknown location.
    pub(super) fn add(&mut self, row: Row) -> Result<(), BadRow> {
        let bad = |spoils: bool, column: &'static str, detail: String| BadRow {
            line: row.line,
            product: Some(row.product),
            spoils,
            faults: vec![RowFault { line: row.line, column: Some(column.into()), detail }],
        };
        if !self.known_locations.contains(&row.location) {
            return Err(bad(true, "location_id", format!("there is no location {}", row.location)));
        }
        if let Some((line, _)) = self.skus.get(&row.sku).filter(|(_, product)| *product != row.product) {
            return Err(bad(true, "sku", format!("{} is another product's on line {line}", row.sku)));
        }
        let (sku, product, line) = (row.sku.clone(), row.product, row.line);
        match self.products.get(&row.product).copied() {
            None => {
                self.products.insert(row.product, (row.line, self.ready.len()));
                self.ready.push(Gathered::first(row));
            }
            Some((first, _)) if !self.several_rows => {
                return Err(bad(false, "product_id", format!("the product stands on line {first} already")));
            }
            Some((first, at)) => {
                let known = self.ready.get_mut(at).expect("products stay until the end of the file");
                if known.locations.contains(&row.location) {
                    let detail = format!("the product stands at {} already (line {first})", row.location);
                    return Err(bad(false, "product_id", detail));
                }
                if let Some(column) = known.differs(&row) {
                    return Err(bad(true, column, format!("it differs from line {first} of the same product")));
                }
                known.join(row);
            }
        }
        self.skus.entry(sku).or_insert((line, product));
        Ok(())
    }

    /// Keeps in mind that a product's rows are not complete: it is not taken at all, for what it has now would stay.
    pub(super) fn spoil(&mut self, bad: &BadRow) {
        if let Some(product) = bad.product.filter(|_| bad.spoils && self.several_rows) {
            self.spoiled.entry(product).or_insert(bad.line);
        }
    }

    /// Products that are complete, once there are `size` of them.
    pub(super) fn next_batch(&mut self, size: usize) -> Option<Vec<Gathered>> {
        (!self.several_rows && self.ready.len() >= size).then(|| std::mem::take(&mut self.ready))
    }

    /// The products that are left. Those that are not complete are noted as bad.
    pub(super) fn finish(self, summary: &mut Summary) -> Vec<Gathered> {
        let mut complete = Vec::with_capacity(self.ready.len());
        for product in self.ready {
            let Some(line) = self.spoiled.get(&product.item.new.product) else {
                complete.push(product);
                continue;
            };
            for own in product.lines {
                let detail = format!("left out, because line {line} of the same product is bad");
                summary.bad_row([RowFault { line: own, column: None, detail }]);
            }
        }
        complete
    }
}

impl Gathered {
    fn first(row: Row) -> Self {
        let initial = row.quantity.map(|quantity| (row.location.clone(), quantity));
        let new = NewItem {
            product: row.product,
            name: row.name,
            sku: row.sku,
            initial: initial.into_iter().collect(),
            reorder_level: Count::new(REORDER_LEVEL).expect("a level is a count"),
            max_stock_level: Count::new(MAX_STOCK_LEVEL).expect("a level is a count"),
        };
        let mut item = ImportedItem::from(new);
        (item.follows.reorder_level, item.follows.max_stock_level) = (None, None);
        let mut gathered = Self { lines: vec![row.line], item, locations: vec![row.location] };
        gathered.limit(row.reorder_level, row.max_stock_level);
        gathered
    }

    /// The first column in which another row of the same product says something else.
    fn differs(&self, row: &Row) -> Option<&'static str> {
        let agree = |known: Option<Count>, said: Option<Count>| known.is_none() || said.is_none() || known == said;
        let CardChange { reorder_level, max_stock_level, .. } = self.item.follows;
        let columns = [
            ("sku", self.item.new.sku == row.sku),
            ("name", self.item.new.name == row.name),
            ("reorder_level", agree(reorder_level, row.reorder_level)),
            ("max_stock_level", agree(max_stock_level, row.max_stock_level)),
        ];
        columns.into_iter().find(|(_, same)| !same).map(|(column, _)| column)
    }

    fn join(&mut self, row: Row) {
        self.lines.push(row.line);
        self.item.new.initial.extend(row.quantity.map(|quantity| (row.location.clone(), quantity)));
        self.locations.push(row.location);
        self.limit(row.reorder_level, row.max_stock_level);
    }

    /// Takes over the limits that a row says.
    fn limit(&mut self, reorder_level: Option<Count>, max_stock_level: Option<Count>) {
        let ImportedItem { new, follows } = &mut self.item;
        if let Some(level) = reorder_level {
            (new.reorder_level, follows.reorder_level) = (level, Some(level));
        }
        if let Some(level) = max_stock_level {
            (new.max_stock_level, follows.max_stock_level) = (level, Some(level));
        }
    }
}
