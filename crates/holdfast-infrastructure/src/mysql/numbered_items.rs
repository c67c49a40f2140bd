//! The numbers of items that the writers of a service have seen, so that they can ask for levels before they have heard
//! of the items.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_domain::{ItemNumber, ProductId};

/// The most that are remembered: some 2 MiB.
const KNOWN_MAX: usize = 1 << 16;

/// Items by their products, shared by all writers of a service. An item keeps its number; where it had another one
/// after all, in a database that came out of a backup, its levels are asked for again.
#[derive(Clone, Debug, Default)]
pub(crate) struct NumberedItems(Arc<Mutex<HashMap<ProductId, ItemNumber>>>);

impl NumberedItems {
    /// The numbers of these items, if all of them are known.
    pub(crate) fn all_of(&self, products: &[ProductId]) -> Option<Vec<ItemNumber>> {
        let known = self.lock();
        products.iter().map(|product| known.get(product).copied()).collect()
    }

    /// Remembers an item that was read. Where there is no room for it the others are forgotten.
    pub(crate) fn learn(&self, product: ProductId, number: ItemNumber) {
        let mut known = self.lock();
        if known.len() >= KNOWN_MAX && !known.contains_key(&product) {
            known.clear();
        }
        known.insert(product, number);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ProductId, ItemNumber>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(number: usize) -> ProductId {
        ProductId::from_bytes(u128::try_from(number).expect("a small number").to_be_bytes())
    }

    #[test]
    fn items_are_known_once_all_of_them_were_read() {
        let known = NumberedItems::default();
        known.learn(product(1), ItemNumber(7));
        assert_eq!(known.all_of(&[product(1), product(2)]), None);
        known.clone().learn(product(2), ItemNumber(5));
        assert_eq!(known.all_of(&[product(1), product(2)]), Some(vec![ItemNumber(7), ItemNumber(5)]));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let known = NumberedItems::default();
        (0..KNOWN_MAX).for_each(|number| known.learn(product(number), ItemNumber(1)));
        known.learn(product(0), ItemNumber(2));
        assert_eq!(known.all_of(&[product(0), product(1)]), Some(vec![ItemNumber(2), ItemNumber(1)]));
        known.learn(product(KNOWN_MAX), ItemNumber(3));
        assert_eq!(known.all_of(&[product(KNOWN_MAX)]), Some(vec![ItemNumber(3)]));
        assert_eq!(known.all_of(&[product(0)]), None);
    }
}
