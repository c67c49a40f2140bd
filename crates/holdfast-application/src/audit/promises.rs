//! The side of the promises: every order with its reservations.

use std::collections::HashSet;

use holdfast_domain::{OrderId, OrderStatus, ReservationStatus};

use super::outbox::OutboxProof;
use super::places::ByLevel;
use super::rows_read::RowsRead;
use super::tally::Tally;
use super::{LedgerFault, members, note};
use crate::dead_letters::LetterHead;
use crate::events::UnsentEvent;
use crate::queries::{LedgerAsk, LedgerOrder, LedgerReservation, OutboxReader, PromiseReader, UnfitReader, UnfitRow};

/// How far an order's number may lie behind the others: as far as they are many, and this much more.
const NUMBER_GAP_MAX: u64 = 1 << 20;

/// Whether nobody can have given an order this number, when there are so many orders: they are numbered one after the
/// other.
pub fn is_stray(number: u64, orders: u64) -> bool {
    number > orders.saturating_mul(2).saturating_add(NUMBER_GAP_MAX)
}

/// What orders tell of a level.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Promised {
    /// Units that live reservations hold.
    pub(super) held: u64,
    /// The reservations that were made.
    pub(super) made: Tally,
    /// Those that ended.
    pub(super) ended: Tally,
    /// The highest movement that one of them names.
    pub(super) latest: u64,
}

/// Follows orders and reservations, and notes what they do not explain.
#[derive(Debug, Default)]
pub struct PromiseProof {
    pub(super) faults: Vec<LedgerFault>,
    /// Reservations read.
    pub(super) reservations: u64,
    pub(super) levels: ByLevel<Promised>,
    /// The ids of all orders: each may stand there once.
    ids: Vec<OrderId>,
    /// The highest number of an order.
    highest: Option<(u64, OrderId)>,
    /// The orders for which a payment waits.
    waiting: HashSet<OrderId>,
    /// What waits to be told of orders, and of dead letters.
    outbox: OutboxProof,
    /// The order whose reservations are being read: they come order by order.
    order: OrderSeen,
    is_of_one_product: bool,
    read: RowsRead,
}

/// One order, and what its reservations tell so far.
#[derive(Debug, Default)]
struct OrderSeen {
    told: Option<(OrderId, OrderStatus)>,
    /// What it asked for.
    asked: Vec<LedgerAsk>,
    /// What its live reservations hold.
    live: Vec<LedgerAsk>,
    /// What its confirmed ones held.
    confirmed: Vec<LedgerAsk>,
    has_released: bool,
    has_expired: bool,
}

impl OrderSeen {
    fn add(&mut self, reservation: &LedgerReservation) {
        let LedgerReservation { item, location, quantity, .. } = *reservation;
        let held = LedgerAsk { item, location: Some(location), quantity };
        match reservation.status {
            ReservationStatus::Reserved => self.live.push(held),
            ReservationStatus::Confirmed => self.confirmed.push(held),
            ReservationStatus::Released => self.has_released = true,
            ReservationStatus::Expired => self.has_expired = true,
        }
    }

    /// Whether the reservations are in states that the order's state explains. Of one product's reservations an order
    /// may have only such as others replaced.
    fn fits(&self, status: OrderStatus, is_of_one_product: bool) -> bool {
        let (live, confirmed) = (!self.live.is_empty(), !self.confirmed.is_empty());
        match status {
            OrderStatus::Reserved => (live || is_of_one_product) && !confirmed,
            OrderStatus::Confirmed => (confirmed || is_of_one_product) && !live,
            OrderStatus::Released => (self.has_released || is_of_one_product) && !live && !confirmed,
            OrderStatus::Expired => (self.has_expired || is_of_one_product) && !live && !confirmed,
            OrderStatus::Refused => !live && !confirmed,
            OrderStatus::Closed => !live && !confirmed && !self.has_released && !self.has_expired,
        }
    }
}

impl PromiseProof {
    /// One that tells how far it has come.
    pub fn watched_by(read: RowsRead) -> Self {
        Self { read, ..Self::default() }
    }

    /// The same, of a ledger of which only one product is read.
    #[must_use]
    pub fn of_one_product(self) -> Self {
        Self { is_of_one_product: true, ..self }
    }

    /// Ends the last order and looks at all of them together.
    pub(super) fn conclude(mut self) -> Self {
        self.close_order();
        self.find_stray();
        self.find_twins();
        let mut faults = std::mem::take(&mut self.outbox.faults);
        for order in self.outbox.strange_orders() {
            let detail = format!("an event waits that tells of order {order}, which does not exist");
            note(&mut faults, LedgerFault::new("I18", detail));
        }
        self.faults.append(&mut faults);
        self
    }

    /// An order's number is the one behind the last.
    fn find_stray(&mut self) {
        let orders = u64::try_from(self.ids.len()).unwrap_or(u64::MAX);
        let stray = self.highest.filter(|(number, _)| !self.is_of_one_product && is_stray(*number, orders));
        if let Some((number, id)) = stray {
            let detail = format!("order {id} has the number {number}, but there are {orders} orders");
            note(&mut self.faults, LedgerFault::new("I7", detail));
        }
    }

    /// An order's id stands there once: no index proves it over all orders, only within each run of them.
    fn find_twins(&mut self) {
        self.ids.sort_unstable();
        for twins in self.ids.chunk_by(|one, other| one == other).filter(|same| same.len() > 1) {
            if let Some(id) = twins.first() {
                let detail = format!("order {id} stands in the books {} times", twins.len());
                note(&mut self.faults, LedgerFault::new("I7", detail));
            }
        }
    }

    /// An order and its reservations must tell the same end, and what is held must be what was asked.
    fn close_order(&mut self) {
        let Some((id, status)) = self.order.told.take() else { return };
        if !self.order.fits(status, self.is_of_one_product) {
            let live = self.order.live.len();
            let detail = format!("order {id} is {status}, which its reservations contradict: {live} of them are live");
            note(&mut self.faults, LedgerFault::new("I8", detail));
        }
        self.order.live.sort_unstable();
        if self.order.live.windows(2).any(same_level) {
            let detail = format!("order {id} has two live reservations of one product at one location");
            note(&mut self.faults, LedgerFault::new("I7", detail));
        }
        let held = match status {
            OrderStatus::Reserved => &mut self.order.live,
            OrderStatus::Confirmed => &mut self.order.confirmed,
            _ => return,
        };
        if !self.is_of_one_product && !held.is_empty() && !same_units(held, &mut self.order.asked) {
            let detail = format!("order {id} is {status} with other units than it asked for");
            note(&mut self.faults, LedgerFault::new("I9", detail));
        }
    }
}

fn same_level(pair: &[LedgerAsk]) -> bool {
    matches!(pair, [one, other] if (one.item, one.location) == (other.item, other.location))
}

/// Whether both ask for the same units of the same items, wherever they lie.
fn same_units(one: &mut [LedgerAsk], other: &mut [LedgerAsk]) -> bool {
    one.sort_unstable();
    other.sort_unstable();
    sums(one).eq(sums(other))
}

/// Units by item, of lines in order of item.
fn sums(lines: &[LedgerAsk]) -> impl Iterator<Item = (Option<u32>, u64)> {
    lines.chunk_by(|one, other| one.item == other.item).map(|of_item| {
        let units = of_item.iter().map(|line| u64::from(line.quantity)).sum();
        (of_item.first().map(|line| line.item), units)
    })
}

impl UnfitReader for PromiseProof {
    fn unfit(&mut self, row: UnfitRow) {
        if row.table == "orders" {
            self.close_order();
        }
        // What of an order cannot be read says nothing about the rest of it.
        self.order = OrderSeen::default();
        note(&mut self.faults, LedgerFault::unfit(row));
    }
}

impl OutboxReader for PromiseProof {
    fn unsent(&mut self, destination: &str, unsent: &UnsentEvent) {
        self.outbox.add(destination, unsent);
    }
}

impl PromiseReader for PromiseProof {
    fn order(&mut self, order: &LedgerOrder<'_>) {
        self.close_order();
        self.ids.push(order.id);
        self.highest = self.highest.max(Some((order.number, order.id)));
        if let Some(words) = members::of_order(order) {
            let detail = format!("order {} is {} and {words}", order.id, order.status);
            note(&mut self.faults, LedgerFault::new("I8", detail));
        }
        // One that is just held, closed or refused may have missed its payment until the next sweep.
        let may_wait = matches!(order.status, OrderStatus::Refused | OrderStatus::Reserved | OrderStatus::Closed);
        if !may_wait && !self.waiting.is_empty() && self.waiting.contains(&order.id) {
            let detail = format!("a payment waits for order {}, which is {}", order.id, order.status);
            note(&mut self.faults, LedgerFault::new("I7", detail));
        }
        let told = self.outbox.told(order.id.to_bytes());
        if let Some(told) = told.filter(|told| *told > order.event_seq) {
            let (id, outcomes) = (order.id, order.event_seq);
            let detail = format!("an event waits that tells of outcome {told} of order {id}, which has had {outcomes}");
            note(&mut self.faults, LedgerFault::new("I18", detail));
        }
        let seen = &mut self.order;
        seen.told = Some((order.id, order.status));
        seen.asked.clear();
        seen.asked.extend_from_slice(order.asked);
        seen.live.clear();
        seen.confirmed.clear();
        (seen.has_released, seen.has_expired) = (false, false);
    }

    fn reservation(&mut self, reservation: &LedgerReservation) {
        self.reservations = self.reservations.saturating_add(1);
        self.read.side_has(self.reservations);
        self.order.add(reservation);
        let LedgerReservation { order, line, item, location, quantity, status, sequence, .. } = *reservation;
        if let Some(words) = members::of_reservation(reservation) {
            let detail = format!("reservation {line} of order number {order} {words}");
            note(&mut self.faults, LedgerFault::new("I8", detail));
        }
        let units = u64::from(quantity);
        let level = self.levels.at((item, location));
        level.latest = level.latest.max(sequence);
        level.made.add([order, u64::from(line), units, 0]);
        if status == ReservationStatus::Reserved {
            level.held = level.held.saturating_add(units);
        } else {
            let is_confirmed = u64::from(status == ReservationStatus::Confirmed);
            level.ended.add([order, u64::from(line), sequence, (units << 1) | is_confirmed]);
        }
    }

    fn orphan(&mut self, reservation: &LedgerReservation) {
        let LedgerReservation { order, line, .. } = *reservation;
        let detail = format!("reservation {line} of order number {order} has no order");
        note(&mut self.faults, LedgerFault::new("I8", detail));
        self.close_order();
        self.reservation(reservation);
    }

    fn waiting_payment(&mut self, order: OrderId) {
        self.waiting.insert(order);
    }

    fn letter(&mut self, letter: &LetterHead) {
        if let Some(words) = members::of_letter(letter) {
            let detail = format!("dead letter {} is {} and {words}", letter.id, letter.status);
            note(&mut self.faults, LedgerFault::new("I20", detail));
        }
    }
}
