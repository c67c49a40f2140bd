//! The proof of what stands beside the ledger: each way to falsify an event that waits, or a dead letter, is found.

use holdfast_application::dead_letters::{LetterHead, LetterStatus};
use holdfast_application::events::{EventKind, Stream, UnsentEvent};
use holdfast_domain::{Actor, DiscardNote, Timestamp};

use crate::recorded_ledger::Recording;

#[test]
fn an_event_that_tells_of_what_never_was_is_found() {
    must_be_found("I18", |ledger| stock(ledger).event.place.sequence = 99);
    must_be_found("I18", |ledger| stock(ledger).event.place.key = [9; 16]);
    must_be_found("I18", |ledger| order(ledger).event.place.sequence = 99);
    must_be_found("I18", |ledger| order(ledger).event.place.key = [9; 16]);
    must_be_found("I18", |ledger| ledger.promises[0].members.event_seq = 0);
    must_be_found("I18", |ledger| stock(ledger).event.place.sequence = 0);
    must_be_found("I18", |ledger| stock(ledger).event.kind = EventKind::OrderReserved);
    must_be_found("I18", |ledger| stock(ledger).event.kind = EventKind::OutOfStock);
    must_be_found("I18", |ledger| stock(ledger).parcel.written_at = Timestamp::EPOCH);
    must_be_found("I18", |ledger| {
        ledger.stock.items.remove(0);
    });
    must_be_found("I18", |ledger| {
        ledger.promises.remove(0);
    });
}

#[test]
fn events_that_stand_in_another_order_are_found() {
    must_be_found("I19", |ledger| ledger.stock.unsent.reverse());
    must_be_found("I19", |ledger| ledger.stock.unsent.insert(1, ledger.stock.unsent[0].clone()));
    must_be_found("I19", |ledger| {
        let mut third_part = order(ledger).clone();
        third_part.event.place.part = 2;
        ledger.beside.unsent.insert(1, ("brokers".to_owned(), third_part));
    });
}

#[test]
fn an_event_that_nobody_can_be_told_is_named() {
    must_be_found("unreadable", |ledger| stock(ledger).event.data = b"{".to_vec());
    must_be_found("unreadable", |ledger| order(ledger).event.data.clear());
}

#[test]
fn what_was_told_already_is_not_missed() {
    let mut ledger = Recording::of_some_history();
    while !ledger.stock.unsent.is_empty() {
        ledger.stock.unsent.remove(0);
        assert!(ledger.audited().is_clean());
    }
    while !ledger.beside.unsent.is_empty() {
        ledger.beside.unsent.remove(0);
        assert!(ledger.audited().is_clean());
    }
}

#[test]
fn a_dead_letter_that_contradicts_itself_is_found() {
    use LetterStatus::{Discarded, Open, Retried};
    for status in LetterStatus::ALL {
        for other in LetterStatus::ALL.into_iter().filter(|other| *other != status) {
            must_be_found("I20", |ledger| letter(ledger, status).status = other);
        }
        must_be_found("I20", |ledger| letter(ledger, status).put_away_at = Timestamp::EPOCH);
        must_be_found("I20", |ledger| letter(ledger, status).from.origin = [9; 16]);
        must_be_found("I20", |ledger| letter(ledger, status).from.code.clear());
        must_be_found("I20", |ledger| letter(ledger, status).from.cause.clear());
        must_be_found("I20", |ledger| {
            letter(ledger, status).from.place.as_mut().expect("it came from a topic").offset = -1;
        });
    }
    for status in [Retried, Discarded] {
        must_be_found("I20", |ledger| letter(ledger, status).settled_at = None);
        must_be_found("I20", |ledger| letter(ledger, status).settled_by = None);
        must_be_found("I20", |ledger| letter(ledger, status).settled_at = Some(Timestamp::EPOCH));
    }
    for status in [Open, Retried] {
        must_be_found("I20", |ledger| letter(ledger, status).note = DiscardNote::new("x").ok());
    }
    must_be_found("I20", |ledger| letter(ledger, Open).settled_at = Some(Timestamp::EPOCH));
    must_be_found("I20", |ledger| letter(ledger, Open).settled_by = Actor::new("x").ok());
    must_be_found("I20", |ledger| letter(ledger, Retried).retried = None);
    must_be_found("I20", |ledger| letter(ledger, Discarded).note = None);
}

/// The first event of a product that waits.
fn stock(ledger: &mut Recording) -> &mut UnsentEvent {
    &mut ledger.stock.unsent.first_mut().expect("an event").1
}

/// The first event of an order that waits.
fn order(ledger: &mut Recording) -> &mut UnsentEvent {
    let first = ledger.beside.unsent.first_mut().expect("an event");
    assert_eq!(first.1.event.place.stream, Stream::Orders);
    &mut first.1
}

fn letter(ledger: &mut Recording, status: LetterStatus) -> &mut LetterHead {
    ledger.beside.letters.iter_mut().find(|letter| letter.status == status).expect("a letter")
}

/// Falsifies a true ledger; the proof must name the invariant.
fn must_be_found(invariant: &str, falsify: impl FnOnce(&mut Recording)) {
    let mut ledger = Recording::of_some_history();
    assert!(ledger.audited().is_clean());
    falsify(&mut ledger);
    let faults = ledger.audited().faults;
    assert!(faults.iter().any(|fault| fault.invariant == invariant), "{invariant} is not among {faults:?}");
}
