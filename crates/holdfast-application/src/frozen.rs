//! Products that are left alone: what the books say of them is less than what was published, so that whatever is
//! decided about them would be wrong.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_domain::ProductId;
use holdfast_domain::book::ProductRef;

use crate::command::{Command, Needs};
use crate::queries::{ReadError, StockQueries};

/// The products that are left alone, until the service starts anew.
#[derive(Clone, Debug, Default)]
pub struct FrozenProducts(Arc<Frozen>);

#[derive(Debug, Default)]
struct Frozen {
    count: AtomicUsize,
    products: Mutex<HashSet<ProductId>>,
}

impl FrozenProducts {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.count.load(Ordering::Acquire)
    }

    /// Leaves these alone from now on. Says which of them were not left alone before.
    pub(crate) fn add(&self, products: &[ProductId]) -> Vec<ProductId> {
        let mut frozen = self.products();
        let new = products.iter().copied().filter(|product| frozen.insert(*product)).collect();
        self.0.count.store(frozen.len(), Ordering::Release);
        new
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, product: ProductId) -> bool {
        self.count() > 0 && self.products().contains(&product)
    }

    fn products(&self) -> MutexGuard<'_, HashSet<ProductId>> {
        self.0.products.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of them that the command would touch: named by it, or by the order that it is about.
    pub(crate) fn touched_by(
        &self,
        command: &Command,
        queries: &dyn StockQueries,
    ) -> Result<Option<ProductId>, ReadError> {
        let mut needs = Needs::default();
        command.needs(&mut needs);
        let (mut ids, mut skus) = (Vec::new(), Vec::new());
        for product in needs.products {
            match product {
                ProductRef::Id(id) => ids.push(id),
                ProductRef::Sku(_) => skus.push(product),
            }
        }
        if !skus.is_empty() {
            ids.extend(queries.items(&skus)?.into_iter().map(|item| item.product));
        }
        for order in needs.orders {
            if let Some(order) = queries.order(order)? {
                ids.extend(order.asked.iter().map(|line| line.product));
                ids.extend(order.live().map(|held| held.product));
            }
        }
        let frozen = self.products();
        Ok(ids.into_iter().find(|product| frozen.contains(product)))
    }
}
