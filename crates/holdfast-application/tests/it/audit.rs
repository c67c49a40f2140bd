//! The proof itself: a true ledger is clean, and each way to falsify one is found.

use std::time::Duration;

use holdfast_application::audit::{Audit, AuditReport};
use holdfast_application::command::{Command, Remarks};
use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::{confirm, expire, new_item, release};
use holdfast_application::queries::{LedgerLevel, LedgerLine, LedgerReader, LedgerReservation};
use holdfast_domain::{LocationNumber, OrderStatus, ProductId, ReservationStatus, StockMovementType, Timestamp};

#[test]
fn a_true_ledger_is_clean() {
    let report = Recording::of_some_history().audited();
    assert_eq!((report.products, report.movements, report.reservations), (2, 13, 5));
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_level_that_the_movements_do_not_explain_is_found() {
    must_be_found("I3", |ledger| level(ledger).available += 1);
    must_be_found("I3", |ledger| level(ledger).reserved += 1);
}

#[test]
fn a_movement_that_is_missing_or_stands_twice_is_found() {
    for at in 0..13 {
        // The last one of an item shows by what the item claims.
        let invariant = if [7, 12].contains(&at) { "I3" } else { "I1" };
        must_be_found(invariant, |ledger| {
            ledger.movements.remove(at);
        });
        must_be_found("I1", |ledger| ledger.movements.insert(at, ledger.movements[at]));
    }
}

#[test]
fn a_sequence_that_the_item_claims_and_nobody_wrote_is_found() {
    must_be_found("I3", |ledger| ledger.items[0].2 += 1);
}

#[test]
fn movements_of_an_item_that_is_not_there_are_found() {
    must_be_found("I3", |ledger| {
        ledger.items.remove(0);
    });
}

#[test]
fn a_movement_whose_numbers_do_not_follow_is_found() {
    must_be_found("I2", |ledger| line(ledger).quantity += 1);
    must_be_found("I2", |ledger| line(ledger).available += 1);
    must_be_found("I2", |ledger| line(ledger).kind = StockMovementType::StockOut);
    must_be_found("I2", |ledger| line(ledger).location = LocationNumber(2));
}

#[test]
fn a_decision_before_the_one_in_front_and_one_by_nobody_are_found() {
    must_be_found("I22", |ledger| line(ledger).created_at = Timestamp::EPOCH);
    must_be_found("I22", |ledger| line(ledger).has_actor = false);
}

#[test]
fn a_reservation_that_no_movement_made_is_found() {
    must_be_found("I7", |ledger| {
        ledger.reservations.remove(0);
    });
    must_be_found("I7", |ledger| ledger.reservations.push(ledger.reservations[0]));
    must_be_found("I7", |ledger| ledger.reservations[0].quantity += 1);
    must_be_found("I7", |ledger| ledger.reservations[0].order += 1);
}

#[test]
fn an_end_that_no_movement_wrote_is_found() {
    must_be_found("I8", |ledger| ended(ledger).sequence += 1);
    must_be_found("I8", |ledger| ended(ledger).status = ReservationStatus::Released);
    must_be_found("I8", |ledger| ended(ledger).status = ReservationStatus::Reserved);
}

#[test]
fn a_live_reservation_of_an_order_that_ended_is_found() {
    must_be_found("I8", |ledger| {
        let live = ledger.reservations.iter_mut().find(|held| held.status == ReservationStatus::Reserved);
        live.expect("one is live").order_status = OrderStatus::Released;
    });
}

#[test]
fn an_order_whose_state_its_reservations_contradict_is_found() {
    for status in [OrderStatus::Released, OrderStatus::Expired, OrderStatus::Reserved] {
        must_be_found("I8", |ledger| {
            let confirmed = |held: &LedgerReservation| held.status == ReservationStatus::Confirmed;
            let order = ledger.reservations.iter().find(|held| confirmed(held)).expect("one was confirmed").order;
            let of_it = ledger.reservations.iter_mut().filter(|held| held.order == order);
            of_it.for_each(|held| held.order_status = status);
        });
    }
}

#[test]
fn reserved_units_that_no_live_reservation_holds_are_found() {
    must_be_found("I6", |ledger| {
        let live = ledger.reservations.iter().position(|held| held.status == ReservationStatus::Reserved);
        ledger.reservations.remove(live.expect("one is live"));
    });
}

/// Falsifies a true ledger; the audit must name the invariant.
fn must_be_found(invariant: &str, falsify: impl FnOnce(&mut Recording)) {
    let mut ledger = Recording::of_some_history();
    falsify(&mut ledger);
    let faults = ledger.audited().faults;
    assert!(faults.iter().any(|fault| fault.invariant == invariant), "{invariant} is not among {faults:?}");
}

/// A movement in the middle: units are added at `main`.
fn line(ledger: &mut Recording) -> &mut LedgerLine {
    let added = ledger.movements.iter_mut().filter(|line| line.kind == StockMovementType::StockIn);
    added.last().expect("stock was added")
}

fn level(ledger: &mut Recording) -> &mut LedgerLevel {
    ledger.levels.first_mut().expect("a level")
}

/// A confirmed reservation.
fn ended(ledger: &mut Recording) -> &mut LedgerReservation {
    let mut confirmed = ledger.reservations.iter_mut().filter(|held| held.status == ReservationStatus::Confirmed);
    confirmed.next().expect("one was confirmed")
}

/// What a store hands over, as it comes.
#[derive(Default)]
struct Recording {
    items: Vec<(u32, ProductId, u64)>,
    levels: Vec<LedgerLevel>,
    movements: Vec<LedgerLine>,
    reservations: Vec<LedgerReservation>,
}

impl Recording {
    /// The ledger of orders that are held, confirmed, released and expired, over two locations.
    fn of_some_history() -> Self {
        let mut warehouse = Warehouse::in_memory();
        warehouse.open_location("berlin", 1);
        let new = new_item(1, &[("main", 5), ("berlin", 5)]);
        warehouse.decide(Command::CreateItem(new, Remarks::default())).expect("new");
        warehouse.stock(2, 9);
        warehouse.reserve(1, &[(1, 6)]).expect("enough");
        warehouse.decide(confirm(1)).expect("held");
        warehouse.reserve(2, &[(1, 1)]).expect("enough");
        warehouse.decide(release(2)).expect("held");
        warehouse.reserve(3, &[(2, 3)]).expect("enough");
        warehouse.wait(Duration::from_mins(31));
        warehouse.decide(expire(3)).expect("due");
        let add = holdfast_domain::book::stocking::StockVerb::Add;
        warehouse.decide(holdfast_application::ports::contract::warehouse::change(2, add, 4)).expect("room");
        warehouse.reserve(4, &[(2, 2)]).expect("enough");
        let mut recording = Self::default();
        warehouse.queries.read_ledger(None, &mut recording).expect("reads");
        recording
    }

    fn audited(&self) -> AuditReport {
        let mut audit = Audit::new();
        for (number, product, sequence) in &self.items {
            audit.item(*number, *product, *sequence);
        }
        self.levels.iter().for_each(|level| LedgerReader::level(&mut audit, *level));
        self.movements.iter().for_each(|line| audit.movement(line));
        self.reservations.iter().for_each(|held| audit.reservation(held));
        audit.finish()
    }
}

impl LedgerReader for Recording {
    fn item(&mut self, number: u32, product: ProductId, sequence: u64) {
        self.items.push((number, product, sequence));
    }

    fn level(&mut self, level: LedgerLevel) {
        self.levels.push(level);
    }

    fn movement(&mut self, line: &LedgerLine) {
        self.movements.push(*line);
    }

    fn reservation(&mut self, reservation: &LedgerReservation) {
        self.reservations.push(*reservation);
    }
}
