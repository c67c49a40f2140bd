//! What the world is told besides the movement itself: stock that became low, ran out, or came back.

use crate::ids::{ItemNumber, ProductId};
use crate::item::InventoryItem;
use crate::quantity::Count;
use crate::words::words;

words! {
    /// A line that a product's available units crossed, over all its locations.
    Crossing {
        /// From above the reorder level to it or below.
        LowStock = 1,
        /// To nothing.
        OutOfStock = 2,
        /// From nothing.
        BackInStock = 3,
    }
}

/// A product crossed a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The product.
    pub product: ProductId,
    /// Its item's number.
    pub item: ItemNumber,
    /// The sequence of the movement that crossed it.
    pub sequence: u64,
    /// Which line.
    pub crossing: Crossing,
    /// Units available afterwards, over all its locations.
    pub available: Count,
    /// The item's reorder level then.
    pub reorder_level: Count,
}

/// The lines crossed between `before` available units and what `item` has now, in the order in which they are told.
pub fn crossings(item: &InventoryItem, before: Count) -> impl Iterator<Item = Alert> {
    let after = item.available();
    let low = before > item.reorder_level && after <= item.reorder_level;
    let out = before > Count::ZERO && after == Count::ZERO;
    let back = before == Count::ZERO && after > Count::ZERO;
    let alert = move |crossing| Alert {
        product: item.product,
        item: item.number,
        sequence: item.sequence,
        crossing,
        available: after,
        reorder_level: item.reorder_level,
    };
    [(low, Crossing::LowStock), (out, Crossing::OutOfStock), (back, Crossing::BackInStock)]
        .into_iter()
        .filter(|(crossed, _)| *crossed)
        .map(move |(_, crossing)| alert(crossing))
}

#[cfg(test)]
mod tests;
