//! How many commands still fit into a batch: those that were set aside may be more than one holds.

use crate::batch::BatchLimits;
use crate::queue::Waiting;

/// What is left of a batch's limits.
#[derive(Debug)]
pub(super) struct Room {
    left: BatchLimits,
    is_untouched: bool,
    is_full: bool,
}

impl Room {
    /// A whole batch.
    pub(super) const fn of(limits: &BatchLimits) -> Self {
        Self { left: *limits, is_untouched: true, is_full: false }
    }

    /// Takes the room that a command needs, if there is so much; the first one always fits. Once one did not fit none
    /// does any more, for nobody overtakes it.
    pub(super) fn take(&mut self, command: &Waiting) -> bool {
        let BatchLimits { commands_max, bytes_max, products_max } = self.left;
        let (bytes, products) = (command.weight(), command.submission.command.products());
        let fits = commands_max > 0 && bytes <= bytes_max && products <= products_max;
        self.is_full = self.is_full || !(fits || self.is_untouched);
        if !self.is_full {
            self.is_untouched = false;
            self.left = BatchLimits {
                commands_max: commands_max.saturating_sub(1),
                bytes_max: bytes_max.saturating_sub(bytes),
                products_max: products_max.saturating_sub(products),
            };
        }
        !self.is_full
    }
}
