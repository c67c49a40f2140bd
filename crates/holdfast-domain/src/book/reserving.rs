//! Setting stock aside for a whole order, or none of it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::allocation::{Ask, Part, Strategy, allocate};
use crate::book::{Book, Effect, ExpiryRule, Hold, ProductRef, order_cause};
use crate::ids::{LocationNumber, OrderId, PLACE_MAX, ProductId};
use crate::order::{AskedLine, OrderStatus};
use crate::quantity::Quantity;
use crate::refusal::{Refusal, ShortLine};
use crate::reservation::{ReservationStatus, StockReservation};
use crate::text::{Actor, LocationCode, Reason};

mod asked;

use asked::Asked;

/// One line of an order, as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// The product.
    pub product: ProductRef,
    /// How many units.
    pub quantity: Quantity,
    /// From where; `None` wherever there is some.
    pub location: Option<LocationCode>,
}

/// The parts to take of each product.
type Plan = Vec<(ProductId, Vec<Part>)>;

/// Why lines cannot be served.
enum Unserved {
    /// Something in them is wrong.
    Refused(Refusal),
    /// Some are short, and of these levels more is wanted.
    Short(Vec<ShortLine>, Vec<(ProductId, Option<LocationNumber>)>),
}

impl Book {
    /// Sets stock aside for a whole order, or none of it.
    ///
    /// # Errors
    ///
    /// The order was refused: nothing moved. An order that was new, `Refused` or `Expired` and asks for what cannot be
    /// had is `Refused` now, and a payment that waited for it is turned away.
    pub fn reserve_order(
        &mut self,
        id: OrderId,
        lines: &[OrderLine],
        hold: Hold,
        strategy: Strategy,
        actor: &Actor,
    ) -> Result<Effect, Refusal> {
        match self.order(id).map(|order| order.status) {
            Some(status @ (OrderStatus::Reserved | OrderStatus::Confirmed)) => {
                let before = self.order(id).map(|order| order.asked.as_slice());
                return match self.resolve(lines) {
                    Err(beyond @ Refusal::OutOfRange { .. }) => Err(beyond),
                    Ok(asked) if asked.all_known() == before => Ok(Effect::Replayed),
                    Ok(_) | Err(_) => Err(Refusal::OrderAlreadyReserved(status)),
                };
            }
            Some(status @ (OrderStatus::Released | OrderStatus::Closed)) => {
                let beyond = self.resolve(lines).err().filter(|refusal| matches!(refusal, Refusal::OutOfRange { .. }));
                return Err(beyond.unwrap_or(Refusal::OrderAlreadyClosed(status)));
            }
            Some(OrderStatus::Refused | OrderStatus::Expired) | None => {}
        }
        match self.served(id, lines, strategy, &[], &[], actor) {
            Ok((_, plan)) if self.is_too_long(id, &plan) => Err(TOO_MANY_RESERVATIONS),
            Ok((asked, plan)) => {
                self.hold_anew(id, asked, hold);
                self.take(id, &plan, actor);
                self.tell_held(id);
                self.confirm_if_paid(id, actor);
                Ok(Effect::Applied)
            }
            Err(Refusal::OutOfRange { pointer, detail }) => Err(Refusal::OutOfRange { pointer, detail }),
            Err(refusal) => {
                self.refuse(id, &refusal);
                Err(refusal)
            }
        }
    }

    /// Reserves the lines an expired order once held, for the time it was first held: the first half of a late payment.
    ///
    /// # Errors
    ///
    /// [`Refusal::InsufficientStock`], or [`Refusal::ReservationExpired`] where it would have more reservations than an
    /// order may have; nothing changed, the order stays expired.
    pub(super) fn reserve_again(&mut self, id: OrderId, strategy: Strategy, actor: &Actor) -> Result<(), Refusal> {
        let order = self.order(id).expect("the order is in the book");
        let (asked, ttl) = (order.asked.clone(), order.first_ttl);
        let mut plan = self.plan(&asked, strategy, &[]);
        while let Err(Unserved::Short(_, levels)) = &plan
            && self.expire_due_holding(levels, id, actor)
        {
            plan = self.plan(&asked, strategy, &[]);
        }
        let plan = plan.map_err(Unserved::into_refusal)?;
        if self.is_too_long(id, &plan) {
            return Err(Refusal::ReservationExpired);
        }
        self.hold_anew(id, asked, ttl.map_or(Hold::Forever, Hold::For));
        self.take(id, &plan, actor);
        self.tell_held(id);
        Ok(())
    }

    /// Replaces the lines of a reserved order in one decision in which its own units never count against it: what is
    /// unchanged stays, the rest is released as `replaced` and made anew.
    ///
    /// # Errors
    ///
    /// The change was refused: everything stays as it was.
    pub fn replace_lines(
        &mut self,
        id: OrderId,
        lines: &[OrderLine],
        ttl: Option<Duration>,
        strategy: Strategy,
        actor: &Actor,
    ) -> Result<Effect, Refusal> {
        let now = self.now;
        let order = self.order(id).ok_or(Refusal::OrderNotFound)?;
        if let Err(beyond @ Refusal::OutOfRange { .. }) = self.resolve(lines) {
            return Err(beyond);
        }
        if order.status != OrderStatus::Reserved {
            return Err(Refusal::OrderStateConflict(order.status));
        }
        if self.expiry == ExpiryRule::Strict && order.is_due(now) {
            return Err(Refusal::OrderStateConflict(OrderStatus::Expired));
        }
        let expires_at = match (ttl, order.latest_expiry()) {
            (Some(ttl), Some(latest)) if now.after(ttl) > latest => {
                return Err(Refusal::ExtensionLimit { latest });
            }
            (Some(ttl), _) => Some(now.after(ttl)),
            (None, _) => order.expires_at,
        };
        let (was, old_expiry) = (order.asked.clone(), order.expires_at);
        let own = order.live().map(|held| (held.product, Part { location: held.location, quantity: held.quantity }));
        let mut own: Vec<(ProductId, Part)> = own.collect();
        own.sort_unstable();

        let (asked, plan) = self.served(id, lines, strategy, &own, &was, actor)?;
        if asked == was && expires_at == old_expiry {
            return Ok(Effect::Replayed);
        }
        if self.is_too_long(id, &plan) {
            return Err(TOO_MANY_RESERVATIONS);
        }
        let planned: BTreeSet<(ProductId, Part)> =
            plan.iter().flat_map(|(product, parts)| parts.iter().map(|part| (*product, *part))).collect();
        self.give_back(id, &Reason::replaced(), actor, |held| {
            !planned.contains(&(held.product, Part { location: held.location, quantity: held.quantity }))
        });
        let wanted: Plan = plan
            .into_iter()
            .map(|(product, parts)| {
                let parts = parts.into_iter().filter(|part| own.binary_search(&(product, *part)).is_err()).collect();
                (product, parts)
            })
            .collect();
        self.take(id, &wanted, actor);
        let page = self.orders.get_mut(&id).expect("the order is in the book");
        page.order.asked = asked;
        page.order.expires_at = expires_at;
        page.order.order_seq = page.order.order_seq.saturating_add(1);
        self.tell_held(id);
        Ok(Effect::Applied)
    }

    /// The order's lines in order and the parts that serve them; other due orders that hold what is missing are ended
    /// for it. An order that holds its `own` parts, in order of product, for lines it asked before keeps those of
    /// products whose lines are the same.
    fn served(
        &mut self,
        id: OrderId,
        lines: &[OrderLine],
        strategy: Strategy,
        own: &[(ProductId, Part)],
        was: &[AskedLine],
        actor: &Actor,
    ) -> Result<(Vec<AskedLine>, Plan), Refusal> {
        let Asked { known: asked, unknown } = self.resolve(lines)?;
        let (mut kept, mut open): (Plan, Vec<AskedLine>) = (Vec::new(), Vec::new());
        for lines in asked.chunk_by(|a, b| a.product == b.product) {
            let Some(product) = lines.first().map(|line| line.product) else { continue };
            if lines == of_product(was, product, |line| line.product) {
                let parts = of_product(own, product, |(of, _)| *of);
                kept.push((product, parts.iter().map(|(_, part)| *part).collect()));
            } else {
                open.extend_from_slice(lines);
            }
        }
        let mut plan = self.plan(&open, strategy, own);
        // What is served at one location may be short at another only then.
        while let Err(Unserved::Short(_, levels)) = &plan
            && self.expire_due_holding(levels, id, actor)
        {
            plan = self.plan(&open, strategy, own);
        }
        match (unknown, plan) {
            (None, plan) => kept.extend(plan.map_err(Unserved::into_refusal)?),
            (Some(unknown), Err(Unserved::Short(short, _))) => return Err(unknown.refusal(short)),
            (Some(unknown), _) => return Err(unknown.refusal(Vec::new())),
        }
        Ok((asked, kept))
    }

    /// Picks locations for every line, and changes nothing.
    fn plan(&self, asked: &[AskedLine], strategy: Strategy, own: &[(ProductId, Part)]) -> Result<Plan, Unserved> {
        let mut plan: Plan = Vec::with_capacity(asked.len());
        let (mut short, mut levels) = (Vec::new(), Vec::new());
        for lines in asked.chunk_by(|a, b| a.product == b.product) {
            let Some(product) = lines.first().map(|line| line.product) else { continue };
            let item = self.item(product).ok_or_else(|| Unserved::Refused(Refusal::ProductNotFound(Vec::new())))?;
            let asks: Vec<Ask> = lines.iter().map(|line| (line.location, line.quantity)).collect();
            let own: Vec<Part> = of_product(own, product, |(of, _)| *of).iter().map(|(_, part)| *part).collect();
            match allocate(item, &own, &self.locations, strategy, &asks) {
                Ok(parts) => plan.push((product, parts)),
                Err(shorts) => {
                    for missing in shorts {
                        let line = lines.get(missing.ask).expect("the ask of a line");
                        levels.push((product, line.location));
                        short.push(ShortLine {
                            product: Some(product),
                            sku: Some(item.sku.clone()),
                            location: line.location.map(|location| self.locations.code(location)),
                            requested: line.quantity.into(),
                            available: missing.available,
                        });
                    }
                }
            }
        }
        if short.is_empty() { Ok(plan) } else { Err(Unserved::Short(short, levels)) }
    }

    /// Whether the order would have had more reservations than one order may have.
    fn is_too_long(&self, id: OrderId, plan: &[(ProductId, Vec<Part>)]) -> bool {
        let held = self.order(id).map_or(0, |order| order.reservations.len());
        let new: usize = plan.iter().map(|(_, parts)| parts.len()).sum();
        held > 0 && held.saturating_add(new) > RESERVATIONS_MAX
    }

    /// Starts a hold of the order: a new one, or another attempt of a refused or expired one.
    fn hold_anew(&mut self, id: OrderId, asked: Vec<AskedLine>, hold: Hold) {
        let now = self.now;
        let order = &mut self.order_page(id, OrderStatus::Reserved).order;
        order.status = OrderStatus::Reserved;
        order.reason = None;
        order.reserved_at = Some(now);
        order.ended_at = None;
        (order.first_ttl, order.expires_at) = match hold {
            Hold::For(ttl) => (Some(ttl), Some(now.after(ttl))),
            Hold::Forever => (None, None),
        };
        order.asked = asked;
        order.order_seq = order.order_seq.saturating_add(1);
    }

    /// Moves the planned parts to the order, of which every one is available.
    fn take(&mut self, id: OrderId, plan: &[(ProductId, Vec<Part>)], actor: &Actor) {
        for (product, parts) in plan {
            for part in parts {
                let order = self.order(id).expect("the order is in the book");
                let line = u32::try_from(order.reservations.len()).unwrap_or(PLACE_MAX).saturating_add(1);
                let cause = order_cause(order, line, actor, None);
                let sequence = self
                    .move_stock(*product, |item, now| item.reserve(part.location, part.quantity, cause, now))
                    .expect("the plan takes what is available");
                let item = self.item(*product).expect("the item is in the book");
                let reservation = StockReservation {
                    line,
                    product: *product,
                    sku: item.sku.clone(),
                    item: item.number,
                    location: part.location,
                    quantity: part.quantity,
                    status: ReservationStatus::Reserved,
                    sequence,
                    reserved_at: self.now,
                    expired_at: None,
                    ended_at: None,
                    reason: None,
                };
                let page = self.orders.get_mut(&id).expect("the order is in the book");
                page.order.reservations.push(reservation);
            }
        }
    }

    /// Notes that an attempt was refused.
    fn refuse(&mut self, id: OrderId, refusal: &Refusal) {
        let now = self.now;
        let order = &mut self.order_page(id, OrderStatus::Refused).order;
        order.status = OrderStatus::Refused;
        order.reason = Reason::new(refusal.code()).ok();
        order.ended_at = Some(now);
        order.order_seq = order.order_seq.saturating_add(1);
        self.tell_refused(id, refusal, false);
        self.turn_payment_away(id, &Refusal::OrderStateConflict(OrderStatus::Refused));
    }
}

/// Those of `rows`, which are in order of product, that are about this one.
fn of_product<T>(rows: &[T], product: ProductId, product_of: impl Fn(&T) -> ProductId) -> &[T] {
    let behind = rows.partition_point(|row| product_of(row) < product);
    let rows = rows.get(behind..).unwrap_or_default();
    let end = rows.partition_point(|row| product_of(row) == product);
    rows.get(..end).unwrap_or_default()
}

/// The most reservations an order has over all its attempts and changes of lines: every command about it reads them
/// all.
const RESERVATIONS_MAX: usize = 20_000;
const TOO_MANY_RESERVATIONS: Refusal = Refusal::OutOfRange {
    pointer: "/lines",
    detail: "the order would have had more than 20000 reservations; make a new order",
};

impl Unserved {
    fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Short(lines, _) => Refusal::InsufficientStock(lines),
        }
    }
}

#[cfg(test)]
mod many_lines;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unknown_lines;
