//! Payments that came before their order: each confirms it as soon as it is reserved, is turned away when the order is
//! cancelled or refused, or is given up.

use std::collections::HashMap;

use crate::ids::OrderId;
use crate::time::Timestamp;

/// What has become of a payment that came before its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PaymentWait {
    /// It waits until then.
    Until(Timestamp),
    /// It waited in vain and was given up then: its repeat does not wait again.
    GivenUp(Timestamp),
}

/// Payments that came before their order.
#[derive(Clone, Debug, Default)]
pub struct WaitingPayments {
    /// Those the store knows.
    pub known: HashMap<OrderId, PaymentWait>,
    /// Those that came or were given up with this batch.
    pub added: HashMap<OrderId, PaymentWait>,
    /// Those that need not wait any longer.
    pub ended: Vec<OrderId>,
    /// The orders whose payments this batch has turned away.
    pub turned_away: Vec<OrderId>,
}

impl WaitingPayments {
    fn of(&self, order: OrderId) -> Option<PaymentWait> {
        self.added.get(&order).or_else(|| self.known.get(&order)).copied()
    }

    /// Whether a payment waits for the order.
    pub fn waits(&self, order: OrderId) -> bool {
        matches!(self.of(order), Some(PaymentWait::Until(_)))
    }

    /// Whether a payment waited for the order in vain.
    pub fn was_given_up(&self, order: OrderId) -> bool {
        matches!(self.of(order), Some(PaymentWait::GivenUp(_)))
    }

    /// Lets a payment wait for its order.
    pub fn wait(&mut self, order: OrderId, until: Timestamp) {
        self.added.insert(order, PaymentWait::Until(until));
    }

    /// Gives up on the payment that waits for the order. Says whether one did.
    pub fn give_up(&mut self, order: OrderId, now: Timestamp) -> bool {
        let waits = self.waits(order);
        if waits {
            self.added.insert(order, PaymentWait::GivenUp(now));
        }
        waits
    }

    /// Ends the wait for the order. Says whether a payment waited.
    pub fn end(&mut self, order: OrderId) -> bool {
        let waits = self.waits(order);
        if waits {
            self.added.remove(&order);
            if self.known.remove(&order).is_some() {
                self.ended.push(order);
            }
        }
        waits
    }
}
