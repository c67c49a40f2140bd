//! What callers heard, and how many units it is about: what the books must tell afterwards.

use super::Tally;
use super::orders::Lines;

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// How often, and how fast.
    pub(super) tally: Tally,
    /// Units that were promised.
    promised: u64,
    /// Units of orders that failed: nobody knows whether they are held.
    in_doubt: u64,
}

impl Answered {
    /// Notes the answer to an order.
    pub(super) fn note(&mut self, status: u16, lines: &Lines) {
        self.tally.answered(status);
        let units = lines.iter().map(|(_, quantity)| u64::from(quantity.get())).fold(0, u64::saturating_add);
        let counter = match status {
            201 => &mut self.promised,
            409 => return,
            _ => &mut self.in_doubt,
        };
        *counter = counter.saturating_add(units);
    }

    /// The same with what others heard.
    pub(super) fn join(&mut self, other: Self) {
        self.tally.join(other.tally);
        self.promised = self.promised.saturating_add(other.promised);
        self.in_doubt = self.in_doubt.saturating_add(other.in_doubt);
    }

    /// Whether books that hold so many units tell the same.
    pub(super) fn agrees_with(&self, reserved: u64) -> bool {
        (self.promised..=self.promised.saturating_add(self.in_doubt)).contains(&reserved)
    }
}
