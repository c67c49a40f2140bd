//! What is told about whole orders. An order's outcomes are counted whether somebody listens or not, so that a listener
//! who comes later can tell what was before.

use crate::book::Book;
use crate::ids::OrderId;
use crate::outcome::{OrderFailure, OrderFate, OrderOutcome, OrderState, OutcomeLine};
use crate::refusal::Refusal;
use crate::time::Timestamp;

impl Book {
    /// Tells that an attempt to serve the order was refused: of one `is_paid` that money was taken for goods that are
    /// not held.
    pub fn tell_refused(&mut self, id: OrderId, refusal: &Refusal, is_paid: bool) {
        self.tell_failure(id, || OrderFailure {
            code: refusal.code(),
            detail: refusal.to_string(),
            lines: refusal.lines().to_vec(),
            is_paid,
        });
    }

    /// Tells that an order cannot be served for what it is already, which changes nothing else about it.
    pub fn tell_turned_away(&mut self, id: OrderId, refusal: &Refusal, is_paid: bool) {
        if let Some(page) = self.orders.get_mut(&id) {
            page.order.order_seq = page.order.order_seq.saturating_add(1);
            self.tell_refused(id, refusal, is_paid);
        }
    }

    fn tell_failure(&mut self, id: OrderId, failure: impl FnOnce() -> OrderFailure) {
        let Some(event_seq) = self.count_outcome(id) else { return };
        let decided_at = self.told_at(id);
        if let Some(outcomes) = &mut self.outcomes {
            let fate = OrderFate::Failed(failure());
            outcomes.push(OrderOutcome { order: id, event_seq, decided_at, fate });
        }
    }

    /// Tells that the order's lines are held.
    pub(super) fn tell_held(&mut self, id: OrderId) {
        let held = self.live_places(id);
        self.tell(id, &held);
    }

    /// Where the order's live reservations stand, if somebody wants to know.
    pub(super) fn live_places(&self, id: OrderId) -> Vec<usize> {
        let Some(order) = self.orders.get(&id).filter(|_| self.outcomes.is_some()).map(|page| &page.order) else {
            return Vec::new();
        };
        let live = order.reservations.iter().enumerate().filter(|(_, held)| held.is_live());
        live.map(|(place, _)| place).collect()
    }

    /// Tells what became of the order and its reservations at these places.
    pub(super) fn tell(&mut self, id: OrderId, places: &[usize]) {
        let Some(event_seq) = self.count_outcome(id) else { return };
        let decided_at = self.told_at(id);
        let (Some(outcomes), Some(page)) = (&mut self.outcomes, self.orders.get(&id)) else { return };
        let order = &page.order;
        let line = |place: &usize| {
            let held = order.reservations.get(*place)?;
            Some(OutcomeLine {
                reservation: order.reservation_id(held.line),
                product: held.product,
                sku: held.sku.clone(),
                location: held.location,
                quantity: held.quantity,
                sequence: held.sequence,
            })
        };
        let state = OrderState {
            status: order.status,
            reason: order.reason.clone(),
            reserved_at: order.reserved_at,
            expires_at: order.expires_at,
            ended_at: order.ended_at,
            lines: places.iter().filter_map(line).collect(),
        };
        outcomes.push(OrderOutcome { order: id, event_seq, decided_at, fate: OrderFate::Is(state) });
    }

    /// When an outcome of the order counts as decided: another writer's clock, by which it was held or ended, may be
    /// ahead.
    fn told_at(&self, id: OrderId) -> Timestamp {
        let order = self.orders.get(&id).map(|page| &page.order);
        let known = order.into_iter().flat_map(|order| [order.reserved_at, order.ended_at]).flatten();
        known.fold(self.now, Timestamp::max)
    }

    /// Counts an outcome of the order, by a decision that changes it anyhow.
    fn count_outcome(&mut self, id: OrderId) -> Option<u64> {
        let order = &mut self.orders.get_mut(&id)?.order;
        order.event_seq = order.event_seq.saturating_add(1);
        Some(order.event_seq)
    }
}

#[cfg(test)]
mod tests;
