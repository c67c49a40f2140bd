//! What an order's lines ask for: products and locations found, repeated lines summed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::book::reserving::OrderLine;
use crate::book::{Book, ProductRef};
use crate::ids::{LocationNumber, ProductId};
use crate::order::AskedLine;
use crate::quantity::{Count, Quantity};
use crate::refusal::{Refusal, ShortLine};
use crate::text::LocationCode;

/// What the lines of an order ask for.
pub(super) struct Asked {
    /// The lines whose product and location are known, repeated ones summed, in order.
    pub(super) known: Vec<AskedLine>,
    /// The others, if there are any.
    pub(super) unknown: Option<Unknown>,
}

/// The lines of an order whose product or location is unknown.
pub(super) struct Unknown {
    lines: Vec<ShortLine>,
    is_product: bool,
}

impl Asked {
    /// The lines, when there is none but known ones.
    pub(super) fn all_known(&self) -> Option<&[AskedLine]> {
        self.unknown.is_none().then_some(self.known.as_slice())
    }
}

impl Unknown {
    /// The refusal that lists them and the known lines that are `short`, in order of product and location.
    pub(super) fn refusal(self, short: Vec<ShortLine>) -> Refusal {
        let mut lines = self.lines;
        lines.extend(short);
        lines.sort_by(|a, b| {
            let by_id = a.product.is_none().cmp(&b.product.is_none()).then_with(|| a.product.cmp(&b.product));
            by_id.then_with(|| (&a.sku, &a.location).cmp(&(&b.sku, &b.location)))
        });
        if self.is_product { Refusal::ProductNotFound(lines) } else { Refusal::LocationNotFound(lines) }
    }
}

impl Book {
    /// The lines with their products and locations found, repeated ones summed.
    ///
    /// # Errors
    ///
    /// The lines of one product and location ask for more than one operation moves, or a line that may be served from
    /// any location does so together with those that name theirs: parts at one level are one.
    pub(super) fn resolve(&self, lines: &[OrderLine]) -> Result<Asked, Refusal> {
        let mut known: BTreeMap<(ProductId, Option<LocationNumber>), Quantity> = BTreeMap::new();
        let mut unknown: BTreeMap<(ProductRef, Option<&LocationCode>), Quantity> = BTreeMap::new();
        for line in lines {
            let product = self.find(&line.product).map(|item| item.product);
            let location = line.location.as_ref().map(|code| self.locations.by_code(code).map(|l| l.number));
            match (product, location) {
                (Some(product), None | Some(Some(_))) => {
                    add(known.entry((product, location.flatten())), line.quantity)?;
                }
                (found, _) => {
                    let product = found.map_or_else(|| line.product.clone(), ProductRef::Id);
                    add(unknown.entry((product, line.location.as_ref())), line.quantity)?;
                }
            }
        }
        let known = known.into_iter().map(|((product, location), quantity)| AskedLine { product, location, quantity });
        let known: Vec<AskedLine> = known.collect();
        for lines in known.chunk_by(|a, b| a.product == b.product) {
            // A line without a location stands in front of those of its product that name one.
            if let [AskedLine { location: None, quantity, .. }, named @ ..] = lines {
                let sum = named.iter().try_fold(*quantity, |sum, line| sum.plus(line.quantity));
                sum.ok_or(TOO_MANY_UNITS)?;
            }
        }
        Ok(Asked { known, unknown: self.unknown(unknown) })
    }

    fn unknown(&self, sums: BTreeMap<(ProductRef, Option<&LocationCode>), Quantity>) -> Option<Unknown> {
        let mut unknown = Unknown { lines: Vec::with_capacity(sums.len()), is_product: false };
        for ((product, location), requested) in sums {
            let item = self.find(&product);
            unknown.is_product |= item.is_none();
            let (id, sku) = match product {
                ProductRef::Id(id) => (Some(id), item.map(|item| item.sku.clone())),
                ProductRef::Sku(sku) => (None, Some(sku)),
            };
            let (requested, location) = (requested.into(), location.cloned());
            unknown.lines.push(ShortLine { product: id, sku, location, requested, available: Count::ZERO });
        }
        (!unknown.lines.is_empty()).then_some(unknown)
    }
}

fn add<K: Ord>(sum: Entry<'_, K, Quantity>, quantity: Quantity) -> Result<(), Refusal> {
    match sum {
        Entry::Vacant(empty) => {
            empty.insert(quantity);
        }
        Entry::Occupied(mut held) => {
            let sum = held.get().plus(quantity).ok_or(TOO_MANY_UNITS)?;
            held.insert(sum);
        }
    }
    Ok(())
}

/// More units of one product than one operation moves.
const TOO_MANY_UNITS: Refusal =
    Refusal::OutOfRange { pointer: "/lines", detail: "the lines of one product ask for more than 1000000000 units" };
