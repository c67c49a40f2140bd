//! What a state says about the other members of an order, a reservation or a dead letter: times, reasons, how long it
//! may be held.

use holdfast_domain::order::EXTENSIONS_MAX;
use holdfast_domain::{DeadLetterId, OrderStatus, ReservationStatus};

use crate::dead_letters::{LetterHead, LetterStatus};
use crate::queries::{LedgerOrder, LedgerReason, LedgerReservation};

/// What is wrong with the members of an order, beside its reservations.
pub(super) fn of_order(order: &LedgerOrder<'_>) -> Option<&'static str> {
    let (was_held, is_ended) = (order.reserved_at.is_some(), order.ended_at.is_some());
    let fault = match order.status {
        OrderStatus::Reserved if !was_held => "does not say since when",
        OrderStatus::Reserved if is_ended || order.has_reason => "says when or why it ended",
        OrderStatus::Confirmed if order.has_reason => "says why it ended",
        OrderStatus::Confirmed | OrderStatus::Released | OrderStatus::Expired if !was_held => "was never held",
        OrderStatus::Expired if order.expires_at.is_none() => "was held for good",
        OrderStatus::Expired | OrderStatus::Refused if !order.has_reason => "does not say why",
        OrderStatus::Closed if was_held || order.expires_at.is_some() => "was held before",
        status if status != OrderStatus::Reserved && !is_ended => "does not say when it ended",
        _ => return of_hold(order),
    };
    Some(fault)
}

/// What is wrong with how long an order is or was held.
fn of_hold(order: &LedgerOrder<'_>) -> Option<&'static str> {
    let Some(reserved_at) = order.reserved_at else {
        let has_end = order.expires_at.is_some() || order.first_ttl.is_some();
        return has_end.then_some("was never held, but says until when");
    };
    let Some(expires_at) = order.expires_at else {
        return order.first_ttl.is_some().then_some("is held for a time, but does not say until when");
    };
    let latest = order.first_ttl.map(|ttl| reserved_at.after(ttl.saturating_mul(EXTENSIONS_MAX)));
    if expires_at < reserved_at {
        return Some("is held until before it was held");
    }
    latest.is_some_and(|latest| expires_at > latest).then_some("is held for longer than an order can be")
}

/// What is wrong with the members of a reservation.
pub(super) fn of_reservation(held: &LedgerReservation) -> Option<&'static str> {
    match held.status {
        ReservationStatus::Reserved => {
            let says_its_end = held.has_ended_at || held.has_expired_at || held.reason != LedgerReason::None;
            says_its_end.then_some("is live, but says when or why it ended")
        }
        _ if !held.has_ended_at => Some("has ended, but does not say when"),
        ReservationStatus::Confirmed if held.reason != LedgerReason::None => {
            Some("is confirmed, but says why it ended")
        }
        ReservationStatus::Expired if held.reason != LedgerReason::Expired || !held.has_expired_at => {
            Some("is expired, but does not say so, or not until when it was held")
        }
        ReservationStatus::Confirmed | ReservationStatus::Released | ReservationStatus::Expired => None,
    }
}

/// What is wrong with the members of a dead letter.
pub(super) fn of_letter(letter: &LetterHead) -> Option<&'static str> {
    let (has_note, was_retried) = (letter.note.is_some(), letter.retried.is_some());
    let says_when_and_who = letter.settled_at.is_some() && letter.settled_by.is_some();
    let fault = match letter.status {
        LetterStatus::Open if letter.settled_at.is_some() || letter.settled_by.is_some() => {
            "says when or by whom it was dealt with"
        }
        LetterStatus::Open if has_note || was_retried => "says what became of it",
        LetterStatus::Retried | LetterStatus::Discarded if !says_when_and_who => {
            "does not say when or by whom it was dealt with"
        }
        LetterStatus::Retried if !was_retried => "does not say what became of it",
        LetterStatus::Retried if has_note => "says why it was discarded",
        LetterStatus::Discarded if !has_note => "does not say why",
        LetterStatus::Discarded if was_retried => "says what became of it when it was tried again",
        _ if letter.settled_at.is_some_and(|at| at < letter.put_away_at) => "was dealt with before it was put away",
        _ if letter.id != DeadLetterId::new(letter.put_away_at, letter.from.origin) => {
            "has an id that does not follow from its time and origin"
        }
        _ if letter.from.place.as_ref().is_some_and(|place| place.partition < 0 || place.offset < 0) => {
            "came from a place that no topic has"
        }
        _ if letter.from.code.is_empty() || letter.from.cause.is_empty() => "does not say why it was put away",
        _ => return None,
    };
    Some(fault)
}
