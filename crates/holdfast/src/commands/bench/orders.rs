//! What the callers of a bench order: products at random, or what a file of real orders asks for.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_domain::book::ProductRef;
use holdfast_domain::{ProductId, Quantity};

use crate::exit::Failure;
use crate::numbers::{count, float};
use crate::random::Random;

use super::setting_up;

/// Orders without end. Clones draw from them together.
#[derive(Clone)]
pub(super) struct Orders {
    source: Arc<Source>,
    /// How many were drawn.
    drawn: Arc<AtomicUsize>,
}

/// Where they come from.
struct Source {
    /// Products that are the bench's own.
    products: Vec<ProductId>,
    kind: Kind,
}

enum Kind {
    /// So many different products each, one unit of each.
    AtRandom { lines: usize },
    /// These, one after the other, over and over.
    Real(Vec<Lines>),
}

/// What an order asks for: each product once, in their order, which is that in which everybody locks them.
pub(super) type Lines = Vec<(ProductId, Quantity)>;

impl Orders {
    /// Orders of `lines` of `products` products.
    pub(super) fn at_random(products: u32, lines: usize) -> Self {
        Self::new(setting_up::new_products(products), Kind::AtRandom { lines })
    }

    /// The orders of a file of events, of products of the bench's own in place of theirs.
    pub(super) fn real(path: &Path) -> Result<Self, Failure> {
        let asked = super::super::replay::orders_created(path)?;
        if asked.is_empty() {
            return Err(Failure::usage(format!("{} makes no order", path.display())));
        }
        let mut random = Random::new();
        let mut products: HashMap<ProductRef, ProductId> = HashMap::new();
        let mut real = |asked: Vec<_>| {
            let mut lines: BTreeMap<ProductId, Quantity> = BTreeMap::new();
            for line in asked {
                let line: holdfast_domain::book::reserving::OrderLine = line;
                lines.insert(*products.entry(line.product).or_insert_with(|| random.product()), line.quantity);
            }
            lines.into_iter().collect()
        };
        let orders = asked.into_iter().map(&mut real).collect();
        Ok(Self::new(products.into_values().collect(), Kind::Real(orders)))
    }

    fn new(products: Vec<ProductId>, kind: Kind) -> Self {
        Self { source: Arc::new(Source { products, kind }), drawn: Arc::default() }
    }

    /// The same from the beginning, for somebody else.
    pub(super) fn anew(&self) -> Self {
        Self { source: self.source.clone(), drawn: Arc::default() }
    }

    /// All products that may be ordered.
    pub(super) fn products(&self) -> &[ProductId] {
        &self.source.products
    }

    /// Lines of an order, on average.
    pub(super) fn lines(&self) -> f64 {
        match &self.source.kind {
            Kind::AtRandom { lines } => float(count(*lines)),
            Kind::Real(orders) => {
                let lines = orders.iter().map(Vec::len).fold(0, usize::saturating_add);
                float(count(lines)) / float(count(orders.len()))
            }
        }
    }

    /// What the next one asks for.
    pub(super) fn draw(&self, random: &mut Random) -> Lines {
        let products = &self.source.products;
        match &self.source.kind {
            Kind::AtRandom { lines } => {
                let mut different = BTreeMap::new();
                while different.len() < (*lines).min(products.len()) {
                    different.extend(random.pick(products).map(|product| (*product, Quantity::ONE)));
                }
                different.into_iter().collect()
            }
            Kind::Real(orders) => {
                let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
                drawn.checked_rem(orders.len()).and_then(|at| orders.get(at)).cloned().unwrap_or_default()
            }
        }
    }
}
