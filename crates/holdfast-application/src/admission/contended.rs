//! Which products are contended: those that many ask for at once, and those where this lane met another writer. And
//! whose locks are not worth asking for, because they were waited for in vain.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use holdfast_domain::ProductId;
use holdfast_domain::book::ProductRef;

/// How long a product counts as contended after it was so, and its lock as out of reach.
const LATELY: Duration = Duration::from_secs(5);
/// A product that so many commands of a batch ask for is contended …
const CROWD_MIN: usize = 4;
/// … if they are one of so many of the batch at least.
const CROWD_SHARE: usize = 8;
/// A batch that names more products does not tell where it met another writer.
const SUSPECTS_MAX: usize = 8;
/// The most products that are remembered.
const REMEMBERED_MAX: usize = 4_096;

/// Products that were contended lately.
#[derive(Debug, Default)]
pub(super) struct Contended {
    seen: HashMap<ProductRef, Instant>,
    out_of_reach: HashMap<ProductId, Instant>,
}

impl Contended {
    /// Looks at how often each product is asked for in a batch of so many commands.
    pub(super) fn crowded(&mut self, asked: HashMap<&ProductRef, usize>, commands: usize) {
        let least = commands.div_ceil(CROWD_SHARE).max(CROWD_MIN);
        for (product, count) in asked {
            if count >= least {
                self.note(product.clone());
            }
        }
    }

    /// A batch that names these products met another writer.
    pub(super) fn met(&mut self, mut products: Vec<ProductRef>) {
        products.sort_unstable();
        products.dedup();
        if products.len() <= SUSPECTS_MAX {
            for product in products {
                self.note(product);
            }
        }
    }

    /// Whether it was contended lately.
    pub(super) fn has(&self, product: &ProductRef) -> bool {
        self.seen.get(product).is_some_and(|seen| seen.elapsed() < LATELY)
    }

    /// The lock of this product was waited for in vain: whoever has it does not mean to give it back, or nobody has it.
    pub(super) fn give_up(&mut self, product: ProductId) {
        self.out_of_reach.retain(|_, since| since.elapsed() < LATELY);
        self.out_of_reach.insert(product, Instant::now());
    }

    /// Whether its lock was waited for in vain lately.
    pub(super) fn is_out_of_reach(&self, product: ProductId) -> bool {
        self.out_of_reach.get(&product).is_some_and(|since| since.elapsed() < LATELY)
    }

    fn note(&mut self, product: ProductRef) {
        if self.seen.len() >= REMEMBERED_MAX {
            self.seen.retain(|_, seen| seen.elapsed() < LATELY);
        }
        if self.seen.len() < REMEMBERED_MAX {
            self.seen.insert(product, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use holdfast_domain::ProductId;

    use super::*;

    fn product(number: u8) -> ProductRef {
        ProductRef::Id(ProductId::from_bytes([number; 16]))
    }

    #[test]
    fn a_crowd_is_several_and_a_good_part_of_the_batch() {
        let (lamp, chair, desk) = (product(1), product(2), product(3));
        let mut contended = Contended::default();
        contended.crowded([(&lamp, 3)].into(), 3);
        assert!(!contended.has(&lamp), "three are no crowd");
        contended.crowded([(&lamp, 4), (&chair, 1)].into(), 5);
        assert!(contended.has(&lamp) && !contended.has(&chair));
        contended.crowded([(&chair, 64), (&desk, 63)].into(), 512);
        assert!(contended.has(&chair) && !contended.has(&desk));
        assert!(contended.has(&lamp), "it is remembered");
    }

    #[test]
    fn where_another_writer_was_met_is_contended_if_it_can_be_told() {
        let mut contended = Contended::default();
        contended.met((0..9).map(product).collect());
        assert!((0..9).all(|number| !contended.has(&product(number))));
        contended.met((0..8).map(product).collect());
        assert!((0..8).all(|number| contended.has(&product(number))));
    }
}
