//! What the world is told besides the movement itself: stock that became low, ran out, or came back.

use crate::ids::ProductId;
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
    /// The sequence of the movement that crossed it.
    pub sequence: u64,
    /// Which line.
    pub crossing: Crossing,
}

/// The lines crossed between `before` available units and what `item` has now, in the order in which they are told.
pub fn crossings(item: &InventoryItem, before: Count) -> impl Iterator<Item = Alert> {
    let after = item.available();
    let low = before > item.reorder_level && after <= item.reorder_level;
    let out = before > Count::ZERO && after == Count::ZERO;
    let back = before == Count::ZERO && after > Count::ZERO;
    let (product, sequence) = (item.product, item.sequence);
    [(low, Crossing::LowStock), (out, Crossing::OutOfStock), (back, Crossing::BackInStock)]
        .into_iter()
        .filter(|(crossed, _)| *crossed)
        .map(move |(_, crossing)| Alert { product, sequence, crossing })
}

#[cfg(test)]
mod tests;
