//! The proof itself: a true ledger is clean, and each way to falsify one is found.

use holdfast_application::audit::conclude;
use holdfast_application::audit::promises::PromiseProof;
use holdfast_application::audit::stock::StockProof;
use holdfast_application::queries::{
    LedgerLevel, LedgerLine, LedgerOrder, LedgerReason, LedgerReservation, PromiseReader as _,
};
use holdfast_domain::{
    Count, LocationCode, LocationNumber, OrderId, OrderStatus, ReservationStatus, StockMovementType, Timestamp,
};

use crate::recorded_ledger::{Promise, Recording};

#[test]
fn a_true_ledger_is_clean() {
    let report = Recording::of_some_history().audited();
    assert_eq!((report.products, report.movements, report.reservations), (2, 13, 5));
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_level_that_the_movements_do_not_explain_is_found() {
    must_be_found("I3", |ledger| level(ledger).available = count(99));
    must_be_found("I3", |ledger| level(ledger).reserved = count(99));
    must_be_found("I3", |ledger| level(ledger).location = LocationNumber(9));
}

#[test]
fn a_level_that_is_not_there_and_one_of_no_item_are_found() {
    must_be_found("I3", |ledger| {
        ledger.stock.levels.remove(0);
    });
    // A level that is empty counts too: it was moved, so it is there.
    let mut ledger = Recording::of_some_history();
    let level = LedgerLevel { item: 77, location: LocationNumber::MAIN, available: Count::ZERO, reserved: Count::ZERO };
    ledger.stock.levels.push(level);
    let faults = ledger.audited().faults;
    assert!(faults.iter().any(|fault| fault.detail.contains("item number 77")), "{faults:?}");
    must_be_found("I3", |ledger| ledger.stock.levels.push(LedgerLevel { item: 4_000_000_000, ..level }));
}

#[test]
fn a_location_is_named_by_its_code() {
    let mut ledger = Recording::of_some_history();
    let elsewhere = ledger.stock.levels.iter_mut().find(|level| level.location != LocationNumber::MAIN);
    elsewhere.expect("a level in berlin").available = count(99);
    let faults = ledger.audited().faults;
    assert!(faults.iter().any(|fault| fault.detail.contains("at berlin the books show 99/0")), "{faults:?}");
}

#[test]
fn an_item_in_the_wrong_list_of_low_ones_is_found() {
    for at in [0, 1] {
        must_be_found("I3", |ledger| ledger.stock.rows[at].is_low = !ledger.stock.rows[at].is_low);
    }
    must_be_found("I3", |ledger| ledger.stock.items[0].reorder_level = Count::ZERO);
}

#[test]
fn a_movement_that_is_missing_or_stands_twice_is_found() {
    for at in 0..13 {
        // The last one of an item shows by what the item claims.
        let invariant = if [7, 12].contains(&at) { "I3" } else { "I1" };
        must_be_found(invariant, |ledger| {
            ledger.stock.movements.remove(at);
        });
        must_be_found("I1", |ledger| ledger.stock.movements.insert(at, ledger.stock.movements[at]));
    }
}

#[test]
fn a_sequence_that_the_item_claims_and_nobody_wrote_is_found() {
    must_be_found("I3", |ledger| ledger.stock.rows[0].sequence += 1);
}

#[test]
fn an_item_without_a_sequence_is_said_to_have_none() {
    let mut ledger = Recording::of_some_history();
    ledger.stock.rows.remove(0);
    let faults = ledger.audited().faults;
    assert!(faults.iter().any(|fault| fault.detail.contains("the item has no sequence")), "{faults:?}");
}

#[test]
fn movements_of_an_item_that_is_not_there_are_found() {
    must_be_found("I3", |ledger| {
        ledger.stock.items.remove(0);
    });
}

#[test]
fn a_movement_whose_numbers_do_not_follow_is_found() {
    must_be_found("I2", |ledger| line(ledger).quantity += 1);
    must_be_found("I2", |ledger| line(ledger).quantity = -line(ledger).quantity);
    must_be_found("I2", |ledger| line(ledger).available = count(99));
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
        ledger.promises[0].reservations.remove(0);
    });
    must_be_found("I7", |ledger| {
        let again = ledger.promises[0].reservations[0];
        ledger.promises[0].reservations.push(again);
    });
    must_be_found("I7", |ledger| ledger.promises[0].reservations[0].quantity += 1);
    must_be_found("I7", |ledger| ledger.promises[0].reservations[0].order += 1);
}

#[test]
fn an_end_that_no_movement_wrote_is_found() {
    must_be_found("I8", |ledger| ended(ledger).sequence += 1);
    must_be_found("I8", |ledger| ended(ledger).status = ReservationStatus::Released);
    must_be_found("I8", |ledger| ended(ledger).status = ReservationStatus::Reserved);
}

#[test]
fn an_order_whose_state_its_reservations_contradict_is_found() {
    use OrderStatus::{Closed, Confirmed, Expired, Refused, Released, Reserved};
    for (at, contradictions) in [
        (0, &[Reserved, Refused, Released, Expired, Closed][..]),
        (1, &[Reserved, Confirmed, Expired, Closed][..]),
        (2, &[Reserved, Confirmed, Released, Closed][..]),
        (3, &[Confirmed, Refused, Released, Expired, Closed][..]),
    ] {
        for status in contradictions {
            must_be_found("I8", |ledger| ledger.promises[at].status = *status);
        }
    }
}

/// What an order tells beside its status, as one that is confirmed (0), released (1), expired (2) or held (3).
fn members(ledger: &mut Recording, at: usize) -> &mut LedgerOrder<'static> {
    &mut ledger.promises[at].members
}

#[test]
fn an_order_whose_members_contradict_its_state_is_found() {
    for at in [0, 1, 2] {
        must_be_found("I8", |ledger| members(ledger, at).ended_at = None);
    }
    for at in [0, 1, 2, 3] {
        must_be_found("I8", |ledger| members(ledger, at).reserved_at = None);
        must_be_found("I8", |ledger| members(ledger, at).expires_at = None);
        must_be_found("I8", |ledger| members(ledger, at).expires_at = Some(Timestamp::EPOCH));
        must_be_found("I8", |ledger| members(ledger, at).expires_at = Some(Timestamp::MAX));
    }
    must_be_found("I8", |ledger| members(ledger, 0).has_reason = true);
    must_be_found("I8", |ledger| members(ledger, 2).has_reason = false);
    must_be_found("I8", |ledger| members(ledger, 3).ended_at = Some(Timestamp::EPOCH));
}

#[test]
fn a_reservation_whose_members_contradict_its_state_is_found() {
    for at in [0, 1, 2] {
        must_be_found("I8", |ledger| ledger.promises[at].reservations[0].has_ended_at = false);
    }
    must_be_found("I8", |ledger| ledger.promises[0].reservations[0].reason = LedgerReason::Other);
    must_be_found("I8", |ledger| ledger.promises[1].reservations[0].status = ReservationStatus::Expired);
    must_be_found("I8", |ledger| ledger.promises[2].reservations[0].reason = LedgerReason::None);
    must_be_found("I8", |ledger| ledger.promises[2].reservations[0].has_expired_at = false);
    must_be_found("I8", |ledger| ledger.promises[3].reservations[0].has_ended_at = true);
    must_be_found("I8", |ledger| ledger.promises[3].reservations[0].reason = LedgerReason::Other);
    must_be_found("I8", |ledger| ledger.promises[3].reservations[0].sequence = 99);
}

#[test]
fn an_order_with_a_number_far_behind_all_others_is_found() {
    must_be_found("I7", |ledger| members(ledger, 3).number = 1 << 30);
}

#[test]
fn half_a_transfer_is_found() {
    must_be_found("I2", |ledger| line(ledger).kind = StockMovementType::TransferIn);
}

#[test]
fn a_place_that_is_not_called_main_is_not_main() {
    must_be_found("I3", |ledger| ledger.stock.locations[0].1 = LocationCode::new("elsewhere").expect("a code"));
}

#[test]
fn a_payment_that_waits_for_an_order_that_was_not_refused_is_found() {
    let told = Recording::of_some_history();
    for (status, is_fault) in [(OrderStatus::Confirmed, true), (OrderStatus::Refused, false)] {
        let mut proof = PromiseProof::default();
        proof.waiting_payment(told.promises[0].id);
        proof.order(&LedgerOrder { status, ..told.promises[0].members });
        let faults = conclude(StockProof::default(), proof).faults;
        assert_eq!(faults.iter().any(|fault| fault.detail.contains("a payment waits")), is_fault, "{faults:?}");
    }
}

#[test]
fn an_order_that_must_have_reservations_and_has_none_is_found() {
    for status in [OrderStatus::Reserved, OrderStatus::Confirmed, OrderStatus::Released, OrderStatus::Expired] {
        must_be_found("I8", |ledger| {
            let id = OrderId::from_bytes([0xEE; 16]);
            let members = ledger.promises[0].members;
            ledger.promises.push(Promise { id, status, asked: Vec::new(), reservations: Vec::new(), members });
        });
    }
}

#[test]
fn an_order_that_stands_there_twice_is_found() {
    let mut ledger = Recording::of_some_history();
    let mut twin = Promise { reservations: Vec::new(), status: OrderStatus::Refused, ..ledger.promises[0].clone() };
    twin.members.has_reason = true;
    ledger.promises.push(twin);
    let faults = ledger.audited().faults;
    assert_eq!(faults.iter().map(|fault| fault.invariant).collect::<Vec<_>>(), ["I7"]);
}

#[test]
fn an_order_that_holds_or_held_other_units_than_it_asked_for_is_found() {
    for at in [0, 3] {
        must_be_found("I9", |ledger| ledger.promises[at].asked[0].quantity += 1);
        must_be_found("I9", |ledger| ledger.promises[at].asked.clear());
    }
}

#[test]
fn reserved_units_that_no_live_reservation_holds_are_found() {
    must_be_found("I6", |ledger| {
        ledger.promises[3].reservations.remove(0);
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
    let added = ledger.stock.movements.iter_mut().filter(|line| line.kind == StockMovementType::StockIn);
    added.last().expect("stock was added")
}

fn level(ledger: &mut Recording) -> &mut LedgerLevel {
    ledger.stock.levels.first_mut().expect("a level")
}

/// A confirmed reservation.
fn ended(ledger: &mut Recording) -> &mut LedgerReservation {
    let of_orders = ledger.promises.iter_mut().flat_map(|order| &mut order.reservations);
    let mut confirmed = of_orders.filter(|held| held.status == ReservationStatus::Confirmed);
    confirmed.next().expect("one was confirmed")
}

fn count(units: u64) -> Count {
    Count::new(units).expect("a count")
}
