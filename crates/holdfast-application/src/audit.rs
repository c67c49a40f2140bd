//! The proof: the ledger explains every number (CONTRACT, section 5; PROTOCOL, section 2).
//!
//! One pass over movements and reservations. Each movement is followed on its product's chain; that reservations and
//! movements tell the same story is shown by sums over both that must agree, so memory grows with items, not with history.

use std::collections::HashMap;

use holdfast_domain::movement::{Balance, is_legal};
use holdfast_domain::{Count, LocationNumber, OrderStatus, ProductId, ReservationStatus, StockMovementType, Timestamp};

use crate::queries::{LedgerLevel, LedgerLine, LedgerReader, LedgerReservation};

/// A number the ledger does not explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerFault {
    /// The invariant of PROTOCOL, section 2, that is broken.
    pub invariant: &'static str,
    /// The product, where one is concerned.
    pub product: Option<ProductId>,
    /// The movement where it shows, where one is concerned.
    pub sequence: Option<u64>,
    /// A sentence with the numbers.
    pub detail: String,
}

/// What was read and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Products read.
    pub products: u64,
    /// Movements read.
    pub movements: u64,
    /// Reservations read.
    pub reservations: u64,
    /// What is wrong, up to [`FAULTS_MAX`].
    pub faults: Vec<LedgerFault>,
}

/// The most faults that are listed.
pub const FAULTS_MAX: usize = 1_000;

impl AuditReport {
    /// Whether every number is explained.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    known: bool,
    claims: u64,
    sequence: u64,
    /// When the first movement was decided.
    first_at: i64,
    /// When the last one was.
    decided_at: i64,
    /// Of the location `main`, which nearly every item has.
    main: Followed,
}

/// A level as its movements and reservations tell it.
#[derive(Clone, Copy, Debug, Default)]
struct Followed {
    stored: Balance,
    moved: Balance,
    held: u64,
}

/// Sums over facts that movements and reservations must agree on, whatever the order they are read in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    count: u64,
    sum: u128,
}

impl Tally {
    fn add(&mut self, facts: [u64; 4]) {
        // SplitMix64 (Steele, Lea, Flood 2014) over each fact: equal sums of unequal facts do not happen by accident.
        let mut mixed = 0x9E37_79B9_7F4A_7C15_u64;
        for fact in facts {
            mixed = (mixed ^ fact).wrapping_add(0x9E37_79B9_7F4A_7C15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^= mixed >> 31;
        }
        self.count = self.count.wrapping_add(1);
        self.sum = self.sum.wrapping_add(u128::from(mixed));
    }
}

/// Follows a ledger and notes what it does not explain.
#[derive(Debug, Default)]
pub struct Audit {
    report: AuditReport,
    products: Vec<Option<ProductId>>,
    chains: Vec<Chain>,
    elsewhere: HashMap<(u32, LocationNumber), Followed>,
    made_by_movements: Tally,
    made_by_reservations: Tally,
    ended_by_movements: Tally,
    ended_by_reservations: Tally,
    /// The order whose reservations are being read: they come order by order.
    order: Option<OrderSeen>,
    is_of_one_product: bool,
}

/// What the reservations of one order tell so far.
#[derive(Clone, Copy, Debug)]
struct OrderSeen {
    number: u64,
    status: OrderStatus,
    live: bool,
    /// Whether one was confirmed, released, or expired.
    ended: [bool; 3],
}

impl OrderSeen {
    fn add(&mut self, status: ReservationStatus) {
        let [confirmed, released, expired] = &mut self.ended;
        match status {
            ReservationStatus::Reserved => self.live = true,
            ReservationStatus::Confirmed => *confirmed = true,
            ReservationStatus::Released => *released = true,
            ReservationStatus::Expired => *expired = true,
        }
    }
}

impl Audit {
    /// An audit that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, of a ledger of which only one product is read.
    pub fn of_one_product() -> Self {
        Self { is_of_one_product: true, ..Self::default() }
    }

    /// Says what was found once everything was read.
    pub fn finish(mut self) -> AuditReport {
        self.close_order();
        let chains = std::mem::take(&mut self.chains);
        for (number, chain) in chains.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            if !chain.known {
                if chain.sequence > 0 {
                    self.fault("I3", number, None, format!("item {number} has movements but does not exist"));
                }
                continue;
            }
            if chain.claims != chain.sequence {
                let detail = format!("the item is at {}, its movements end at {}", chain.claims, chain.sequence);
                self.fault("I3", number, Some(chain.sequence), detail);
            }
            self.compare(number, LocationNumber::MAIN, &chain.main);
        }
        for ((number, location), followed) in std::mem::take(&mut self.elsewhere) {
            self.compare(number, location, &followed);
        }
        self.compare_tallies();
        self.report.faults.sort_by_key(|fault| (fault.product, fault.sequence));
        self.report
    }

    fn compare(&mut self, item: u32, location: LocationNumber, level: &Followed) {
        let place = location.0;
        if level.stored != level.moved {
            let (stored, moved) = (level.stored, level.moved);
            let detail = format!(
                "at location {place} the books show {}/{} available/reserved, the movements {}/{}",
                stored.available, stored.reserved, moved.available, moved.reserved
            );
            self.fault("I3", item, None, detail);
        }
        if level.held != level.stored.reserved.get() {
            let detail = format!(
                "at location {place} {} are reserved, but live reservations hold {}",
                level.stored.reserved, level.held
            );
            self.fault("I6", item, None, detail);
        }
    }

    /// Follows the reservations of one order after the other.
    fn follow_order(&mut self, reservation: &LedgerReservation) {
        let LedgerReservation { order: number, order_status, status, .. } = *reservation;
        if self.order.is_none_or(|seen| seen.number != number) {
            self.close_order();
            self.order = Some(OrderSeen { number, status: order_status, live: false, ended: [false; 3] });
        }
        if let Some(seen) = &mut self.order {
            seen.add(status);
        }
    }

    /// An order and its reservations must tell the same end.
    fn close_order(&mut self) {
        let Some(seen) = self.order.take() else { return };
        let [confirmed, released, expired] = seen.ended;
        // Of one product's reservations an order may have only such as others replaced.
        let fits = match seen.status {
            OrderStatus::Reserved => seen.live || self.is_of_one_product,
            OrderStatus::Confirmed => !seen.live && (confirmed || self.is_of_one_product),
            OrderStatus::Released => !seen.live && (released || self.is_of_one_product),
            OrderStatus::Expired => !seen.live && (expired || self.is_of_one_product),
            OrderStatus::Refused | OrderStatus::Closed => !seen.live,
        };
        if !fits {
            let (number, status) = (seen.number, seen.status);
            let held = if seen.live { "some of them live" } else { "none of them live" };
            let detail = format!("order number {number} is {status}, which its reservations contradict, {held}");
            self.note(LedgerFault { invariant: "I8", product: None, sequence: None, detail });
        }
    }

    fn compare_tallies(&mut self) {
        let pairs = [
            ("I7", "were made", self.made_by_movements, self.made_by_reservations),
            ("I8", "ended", self.ended_by_movements, self.ended_by_reservations),
        ];
        for (invariant, what, moved, kept) in pairs {
            if moved != kept {
                let detail = format!(
                    "movements tell of {} reservations that {what}, the books of {}; they do not tell the same story",
                    moved.count, kept.count
                );
                self.note(LedgerFault { invariant, product: None, sequence: None, detail });
            }
        }
    }

    fn fault(&mut self, invariant: &'static str, item: u32, sequence: Option<u64>, detail: String) {
        let product = usize::try_from(item).ok().and_then(|at| self.products.get(at).copied().flatten());
        self.note(LedgerFault { invariant, product, sequence, detail });
    }

    fn note(&mut self, fault: LedgerFault) {
        if self.report.faults.len() < FAULTS_MAX {
            self.report.faults.push(fault);
        }
    }

    fn chain(&mut self, item: u32) -> &mut Chain {
        let at = usize::try_from(item).unwrap_or(usize::MAX);
        if at >= self.chains.len() {
            self.chains.resize(at.saturating_add(1), Chain::default());
        }
        self.chains.get_mut(at).expect("it was made just now")
    }

    fn level(&mut self, item: u32, location: LocationNumber) -> &mut Followed {
        if location == LocationNumber::MAIN {
            return &mut self.chain(item).main;
        }
        self.elsewhere.entry((item, location)).or_default()
    }
}

fn count(units: u64) -> Count {
    Count::new(units).unwrap_or_default()
}

fn kind_of_end(kind: StockMovementType) -> u64 {
    u64::from(kind == StockMovementType::Confirmed)
}

impl LedgerReader for Audit {
    fn item(&mut self, number: u32, product: ProductId, sequence: u64) {
        self.report.products = self.report.products.saturating_add(1);
        let chain = self.chain(number);
        (chain.known, chain.claims) = (true, sequence);
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        if at >= self.products.len() {
            self.products.resize(at.saturating_add(1), None);
        }
        if let Some(place) = self.products.get_mut(at) {
            *place = Some(product);
        }
    }

    fn level(&mut self, level: LedgerLevel) {
        let stored = Balance { available: count(level.available), reserved: count(level.reserved) };
        self.level(level.item, level.location).stored = stored;
    }

    fn movement(&mut self, line: &LedgerLine) {
        self.report.movements = self.report.movements.saturating_add(1);
        let at = line.created_at.max(Timestamp::EPOCH).micros();
        let chain = self.chain(line.item);
        let (expected, earlier) = (chain.sequence.saturating_add(1), chain.decided_at);
        if expected == 1 {
            chain.first_at = at;
        }
        // A replay on the events' clock goes on from the first stock, which was imported later than the events happened.
        let follows_first_decision = earlier == chain.first_at;
        (chain.sequence, chain.decided_at) = (line.sequence, at);
        if line.sequence != expected {
            let detail = format!("movement {} follows {}", line.sequence, expected.saturating_sub(1));
            self.fault("I1", line.item, Some(line.sequence), detail);
        }
        if at < earlier && !follows_first_decision {
            let detail = "it was decided before the movement in front of it".to_owned();
            self.fault("I22", line.item, Some(line.sequence), detail);
        }
        if !line.has_actor {
            self.fault("I22", line.item, Some(line.sequence), "nobody asked for it".to_owned());
        }
        let after = Balance { available: count(line.available), reserved: count(line.reserved) };
        let level = self.level(line.item, line.location);
        let before = std::mem::replace(&mut level.moved, after);
        if !is_legal(line.kind, count(line.quantity.unsigned_abs()), before, after) {
            let detail = format!(
                "{} of {} does not lead from {}/{} to {}/{} available/reserved",
                line.kind,
                line.quantity.unsigned_abs(),
                before.available,
                before.reserved,
                after.available,
                after.reserved
            );
            self.fault("I2", line.item, Some(line.sequence), detail);
        }
        let Some((order, number)) = line.reservation else { return };
        let place = (u64::from(line.item) << 16) | u64::from(line.location.0);
        let name = (order << 20) | u64::from(number);
        let units = line.quantity.unsigned_abs();
        match line.kind {
            StockMovementType::Reserved => self.made_by_movements.add([name, place, units, 0]),
            kind => self.ended_by_movements.add([name, place, line.sequence, (units << 1) | kind_of_end(kind)]),
        }
    }

    fn reservation(&mut self, reservation: &LedgerReservation) {
        self.report.reservations = self.report.reservations.saturating_add(1);
        let LedgerReservation { order, line, item, location, quantity, status, sequence, .. } = *reservation;
        self.follow_order(reservation);
        let place = (u64::from(item) << 16) | u64::from(location.0);
        let name = (order << 20) | u64::from(line);
        self.made_by_reservations.add([name, place, u64::from(quantity), 0]);
        if status == ReservationStatus::Reserved {
            let level = self.level(item, location);
            level.held = level.held.saturating_add(u64::from(quantity));
        } else {
            let how = u64::from(status == ReservationStatus::Confirmed);
            self.ended_by_reservations.add([name, place, sequence, (u64::from(quantity) << 1) | how]);
        }
    }
}
