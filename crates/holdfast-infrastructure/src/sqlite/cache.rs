//! Items the writer knows without asking: it is the only one who changes them.

use std::collections::HashMap;

use holdfast_domain::book::ProductRef;
use holdfast_domain::{InventoryItem, ProductId, Sku};

/// The most items that are kept: some 300 bytes each.
const ITEMS_MAX: usize = 32_768;

/// Items as they stand in the file.
#[derive(Debug, Default)]
pub(crate) struct ItemCache {
    items: HashMap<ProductId, InventoryItem>,
    skus: HashMap<Sku, ProductId>,
    pending: Vec<InventoryItem>,
}

impl ItemCache {
    pub(crate) fn find(&self, product: &ProductRef) -> Option<&InventoryItem> {
        match product {
            ProductRef::Id(id) => self.items.get(id),
            ProductRef::Sku(sku) => self.items.get(self.skus.get(sku)?),
        }
    }

    /// Keeps an item as it was read.
    pub(crate) fn keep(&mut self, item: InventoryItem) {
        if self.items.len() >= ITEMS_MAX {
            self.items.clear();
            self.skus.clear();
        }
        let (sku, product) = (item.sku.clone(), item.product);
        match self.items.insert(product, item) {
            Some(was) if was.sku == sku => {}
            Some(was) => {
                self.skus.remove(&was.sku);
                self.skus.insert(sku, product);
            }
            None => {
                self.skus.insert(sku, product);
            }
        }
    }

    /// Notes an item as it will be once the transaction is durable.
    pub(crate) fn will_be(&mut self, item: &InventoryItem) {
        self.pending.push(item.clone());
    }

    /// The transaction is durable.
    pub(crate) fn committed(&mut self) {
        for item in std::mem::take(&mut self.pending) {
            self.keep(item);
        }
    }

    /// The transaction was undone.
    pub(crate) fn rolled_back(&mut self) {
        self.pending.clear();
    }
}
