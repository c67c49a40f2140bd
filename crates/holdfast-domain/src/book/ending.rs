//! The ends of a promise: confirmed, released, expired, or closed before it was made.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::allocation::Strategy;
use crate::book::{Book, Effect, ExpiryRule, order_cause};
use crate::ids::{LocationNumber, OrderId, ProductId};
use crate::item::InventoryItem;
use crate::movement::{Cause, StockMovement};
use crate::order::{OrderEventKind, OrderStatus};
use crate::refusal::Refusal;
use crate::reservation::{ReservationStatus, StockReservation};
use crate::text::{Actor, Reason};
use crate::time::Timestamp;

impl Book {
    /// Lets a reserved order's units leave the house. With `reacquire` an expired order is reserved anew, by that
    /// strategy, and confirmed in one decision.
    ///
    /// # Errors
    ///
    /// The order is unknown, has expired, or its state does not allow it; nothing changed, but that an order whose time
    /// was over under [`ExpiryRule::Strict`] is ended when it cannot be reacquired.
    pub fn confirm_order(
        &mut self,
        id: OrderId,
        reacquire: Option<Strategy>,
        actor: &Actor,
    ) -> Result<Effect, Refusal> {
        let order = self.order(id).ok_or(Refusal::OrderNotFound)?;
        let (status, too_late) = (order.status, self.expiry == ExpiryRule::Strict && order.is_due(self.now));
        match status {
            OrderStatus::Confirmed => return Ok(Effect::Replayed),
            OrderStatus::Reserved if !too_late => {}
            // Its payment had missed it.
            OrderStatus::Reserved if self.confirm_if_paid(id, actor) => return Ok(Effect::Applied),
            status @ (OrderStatus::Reserved | OrderStatus::Expired) => {
                let strategy = reacquire.ok_or(Refusal::ReservationExpired)?;
                if status == OrderStatus::Reserved {
                    self.expire(id, actor);
                }
                self.reserve_again(id, strategy, actor)?;
            }
            status @ (OrderStatus::Refused | OrderStatus::Released | OrderStatus::Closed) => {
                return Err(Refusal::OrderStateConflict(status));
            }
        }
        self.end(id, OrderStatus::Confirmed, None, actor);
        Ok(Effect::Applied)
    }

    /// Gives a reserved order's units back.
    ///
    /// # Errors
    ///
    /// The order is unknown or its state does not allow it; nothing changed, but that an order whose payment had missed
    /// it is confirmed.
    pub fn release_order(&mut self, id: OrderId, reason: Option<Reason>, actor: &Actor) -> Result<Effect, Refusal> {
        let status = self.order(id).ok_or(Refusal::OrderNotFound)?.status;
        match status {
            OrderStatus::Released => Ok(Effect::Replayed),
            // Its payment had missed it.
            OrderStatus::Reserved if self.confirm_if_paid(id, actor) => {
                Err(Refusal::OrderStateConflict(OrderStatus::Confirmed))
            }
            OrderStatus::Reserved => {
                self.end(id, OrderStatus::Released, reason, actor);
                Ok(Effect::Applied)
            }
            OrderStatus::Refused | OrderStatus::Confirmed | OrderStatus::Expired | OrderStatus::Closed => {
                Err(Refusal::OrderStateConflict(status))
            }
        }
    }

    /// Holds a reserved order for `ttl` from now on, never shorter than it was.
    ///
    /// # Errors
    ///
    /// The order is unknown, its state does not allow it, or it would be held beyond its maximum age; nothing changed.
    pub fn extend_order(&mut self, id: OrderId, ttl: Duration) -> Result<Effect, Refusal> {
        let now = self.now;
        let order = self.order(id).ok_or(Refusal::OrderNotFound)?;
        if order.status != OrderStatus::Reserved {
            return Err(Refusal::OrderStateConflict(order.status));
        }
        if self.expiry == ExpiryRule::Strict && order.is_due(now) {
            return Err(Refusal::OrderStateConflict(OrderStatus::Expired));
        }
        let Some(expires_at) = order.expires_at else { return Ok(Effect::Replayed) };
        let wanted = now.after(ttl);
        if let Some(latest) = order.latest_expiry().filter(|latest| wanted > *latest) {
            return Err(Refusal::ExtensionLimit { latest });
        }
        if wanted <= expires_at {
            return Ok(Effect::Replayed);
        }
        let page = self.orders.get_mut(&id).expect("the order is in the book");
        page.order.expires_at = Some(wanted);
        page.order.order_seq = page.order.order_seq.saturating_add(1);
        Ok(Effect::Applied)
    }

    /// Ends an order whose time has been over for `grace`: a payment that missed it confirms it. Says whether it did.
    pub fn expire_order(&mut self, id: OrderId, grace: Duration, actor: &Actor) -> bool {
        let due = self.order(id).is_some_and(|order| order.is_due(self.now.before(grace)));
        if due && !self.confirm_if_paid(id, actor) {
            self.expire(id, actor);
        }
        due
    }

    /// Closes an order that was never seen, so that it never holds anything. A payment that waits for it is turned
    /// away.
    pub fn close_unseen_order(&mut self, id: OrderId, reason: Option<Reason>) {
        let now = self.now;
        let order = &mut self.order_page(id, OrderStatus::Closed).order;
        order.reason = reason;
        order.ended_at = Some(now);
        order.order_seq = order.order_seq.saturating_add(1);
        self.turn_payment_away(id, &Refusal::OrderAlreadyClosed(OrderStatus::Closed));
    }

    /// Notes that an upstream event about the order was decided, so that it is decided once, and whether it was refused,
    /// so that its repeat hears so.
    pub fn note_event(&mut self, id: OrderId, kind: OrderEventKind, is_refused: bool) {
        if let Some(page) = self.orders.get_mut(&id).filter(|page| !page.order.has_seen(kind)) {
            page.order.see(kind, is_refused);
            page.order.order_seq = page.order.order_seq.saturating_add(1);
        }
    }

    /// Confirms a reserved order whose payment came before it. Says whether it did.
    pub(super) fn confirm_if_paid(&mut self, id: OrderId, actor: &Actor) -> bool {
        let is_paid = self.waiting.end(id);
        if is_paid {
            self.end(id, OrderStatus::Confirmed, None, actor);
            self.note_event(id, OrderEventKind::PaymentCompleted, false);
        }
        is_paid
    }

    /// Lets the payment that waits for an order find it: two writers that decided both at the same moment did not see
    /// each other. Says whether that confirmed the order.
    pub fn match_payment(&mut self, id: OrderId, actor: &Actor) -> bool {
        let refusal = match self.order(id).map(|order| order.status) {
            None => return false,
            Some(OrderStatus::Reserved) => return self.confirm_if_paid(id, actor),
            Some(OrderStatus::Confirmed) => {
                self.waiting.end(id);
                return false;
            }
            // As a payment that comes too late.
            Some(status @ OrderStatus::Refused) => Refusal::OrderStateConflict(status),
            Some(OrderStatus::Expired) => Refusal::ReservationExpired,
            Some(status @ (OrderStatus::Released | OrderStatus::Closed)) => Refusal::OrderAlreadyClosed(status),
        };
        self.turn_payment_away(id, &refusal);
        false
    }

    /// Tells of the payment that waits for an order, if one does, that money was taken for goods which are not held: as
    /// if it came behind what decided so.
    pub(super) fn turn_payment_away(&mut self, id: OrderId, refusal: &Refusal) {
        if self.waiting.end(id) {
            self.waiting.turned_away.push(id);
            self.tell_turned_away(id, refusal, true);
            self.note_event(id, OrderEventKind::PaymentCompleted, false);
        }
    }

    /// Gives up on the payment that waits for an order, unless it finds it now. Says whether it did.
    pub fn give_up_payment(&mut self, id: OrderId, actor: &Actor) -> bool {
        self.match_payment(id, actor);
        self.waiting.give_up(id, self.now)
    }

    /// Expires the due orders that hold units of one of these levels (`None`: at any location), except `for_order` and
    /// orders whose payment waits. Says whether there was one.
    pub(super) fn expire_due_holding(
        &mut self,
        levels: &[(ProductId, Option<LocationNumber>)],
        for_order: OrderId,
        actor: &Actor,
    ) -> bool {
        self.short.extend_from_slice(levels);
        let wanted: BTreeSet<(ProductId, Option<LocationNumber>)> = levels.iter().copied().collect();
        let holds = |held: &StockReservation| {
            wanted.contains(&(held.product, None)) || wanted.contains(&(held.product, Some(held.location)))
        };
        let dead: Vec<OrderId> = self
            .due
            .iter()
            .copied()
            .filter(|id| *id != for_order && !self.waiting.waits(*id))
            .filter(|id| self.order(*id).is_some_and(|order| order.is_due(self.now) && order.live().any(holds)))
            .collect();
        for id in &dead {
            self.expire(*id, actor);
        }
        !dead.is_empty()
    }

    fn expire(&mut self, id: OrderId, actor: &Actor) {
        self.end(id, OrderStatus::Expired, Some(Reason::expired()), actor);
    }

    /// Ends all live reservations of the order, and the order.
    fn end(&mut self, id: OrderId, status: OrderStatus, reason: Option<Reason>, actor: &Actor) {
        let how = match status {
            OrderStatus::Confirmed => ReservationStatus::Confirmed,
            OrderStatus::Expired => ReservationStatus::Expired,
            _ => ReservationStatus::Released,
        };
        let ended = self.live_places(id);
        self.end_reservations(id, how, reason.as_ref(), actor, |_| true);
        self.waiting.end(id);
        let now = self.now;
        let order = &mut self.orders.get_mut(&id).expect("the order is in the book").order;
        order.status = status;
        order.reason = reason;
        order.ended_at = Some(now);
        order.order_seq = order.order_seq.saturating_add(1);
        self.tell(id, &ended);
    }

    /// Releases those live reservations of the order that `chosen` picks.
    pub(super) fn give_back(
        &mut self,
        id: OrderId,
        reason: &Reason,
        actor: &Actor,
        chosen: impl Fn(&StockReservation) -> bool,
    ) {
        self.end_reservations(id, ReservationStatus::Released, Some(reason), actor, chosen);
    }

    fn end_reservations(
        &mut self,
        id: OrderId,
        how: ReservationStatus,
        reason: Option<&Reason>,
        actor: &Actor,
        chosen: impl Fn(&StockReservation) -> bool,
    ) {
        let rule: fn(&mut InventoryItem, &StockReservation, Cause, Timestamp) -> StockMovement = match how {
            ReservationStatus::Confirmed => {
                |item, held, cause, now| item.confirm(held.location, held.quantity, cause, now)
            }
            _ => |item, held, cause, now| item.release(held.location, held.quantity, cause, now),
        };
        let count = self.order(id).map_or(0, |order| order.reservations.len());
        for place in 0..count {
            let order = self.order(id).expect("the order is in the book");
            let Some(held) = order.reservations.get(place).filter(|held| held.is_live() && chosen(held)).cloned()
            else {
                continue;
            };
            let cause = order_cause(order, held.line, actor, reason.cloned());
            let moved: Result<u64, std::convert::Infallible> =
                self.move_stock(held.product, |item, now| Ok(rule(item, &held, cause, now)));
            let Ok(sequence) = moved;
            let now = self.now;
            let page = self.orders.get_mut(&id).expect("the order is in the book");
            let expires_at = page.order.expires_at;
            if place < page.loaded_reservations {
                page.changed_reservations.push(place);
            }
            if let Some(held) = page.order.reservations.get_mut(place) {
                held.status = how;
                held.sequence = sequence;
                held.expired_at = expires_at;
                held.ended_at = Some(now);
                held.reason = reason.cloned();
            }
        }
    }
}
