//! What a lane does not touch: products whose books are older than what was published.

use std::sync::Arc;

use super::{Dropped, Lane};
use crate::answer::Fault;
use crate::frozen::FrozenProducts;
use crate::queries::StockQueries;
use crate::queue::Waiting;
use crate::ticket::Wakes;

/// The products that are left alone, and where it stands what an order is about.
pub(super) struct LeftAlone {
    frozen: FrozenProducts,
    queries: Arc<dyn StockQueries>,
}

impl Lane {
    /// The same lane, which leaves these products alone: commands about them hear so.
    #[must_use]
    pub fn that_leaves_alone(mut self, frozen: FrozenProducts, queries: Arc<dyn StockQueries>) -> Self {
        self.left_alone = Some(LeftAlone { frozen, queries });
        self
    }

    /// Those commands of the batch that are about no frozen product.
    ///
    /// What an order is about is read outside the transaction: no order comes to be about a product without a command
    /// that names it.
    pub(super) fn leave_frozen_alone(&mut self, batch: Vec<Waiting>, wakes: &mut Wakes) -> Vec<Waiting> {
        let Some(LeftAlone { frozen, queries }) = &self.left_alone else { return batch };
        if frozen.count() == 0 {
            return batch;
        }
        // A due order is ended as a whole, and may hold units of a frozen product.
        self.policy.reclaim_orders_max = 0;
        let mut kept = Vec::with_capacity(batch.len());
        for command in batch {
            let fault = match frozen.touched_by(&command.submission.command, &**queries) {
                Ok(None) => {
                    kept.push(command);
                    continue;
                }
                Ok(Some(product)) => {
                    Dropped::Frozen.count();
                    Fault::Frozen(product)
                }
                Err(error) => Fault::StoreUnavailable(error.to_string()),
            };
            command.promise.keep(Err(fault), wakes);
        }
        kept
    }
}
