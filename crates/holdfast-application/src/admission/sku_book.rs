//! Which product has a SKU: callers may name products by either, and a lock is named by the product's id.

use std::collections::HashMap;
use std::sync::Arc;

use holdfast_domain::book::ProductRef;
use holdfast_domain::{ProductId, Sku};

use crate::queries::StockQueries;

/// The most SKUs that are remembered; one more and all are learnt anew.
const REMEMBERED_MAX: usize = 65_536;

/// SKUs that were asked for. One that has passed to another product since leads to a lock that helps nobody, and harms
/// nobody.
pub(super) struct SkuBook {
    queries: Arc<dyn StockQueries>,
    ids: HashMap<Sku, ProductId>,
}

impl SkuBook {
    pub(super) fn new(queries: Arc<dyn StockQueries>) -> Self {
        Self { queries, ids: HashMap::new() }
    }

    /// Reads those that are not known yet, in one question. Where that fails, they go without a lock.
    pub(super) fn learn<'a>(&mut self, products: impl Iterator<Item = &'a ProductRef>) {
        let mut unknown: Vec<ProductRef> = products
            .filter(|product| matches!(product, ProductRef::Sku(_)) && self.id(product).is_none())
            .cloned()
            .collect();
        if unknown.is_empty() {
            return;
        }
        unknown.sort_unstable();
        unknown.dedup();
        if self.ids.len().saturating_add(unknown.len()) > REMEMBERED_MAX {
            self.ids.clear();
        }
        match self.queries.items(&unknown) {
            Ok(items) => self.ids.extend(items.into_iter().map(|item| (item.sku, item.product))),
            Err(error) => tracing::debug!(error = %error, "SKUs are not looked up for their locks"),
        }
    }

    /// The product's id, if it is known.
    pub(super) fn id(&self, product: &ProductRef) -> Option<ProductId> {
        match product {
            ProductRef::Id(id) => Some(*id),
            ProductRef::Sku(sku) => self.ids.get(sku).copied(),
        }
    }
}
