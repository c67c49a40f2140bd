//! What a state says about the other members of an order or a reservation: times, reasons, how long it may be held.

use holdfast_domain::order::EXTENSIONS_MAX;
use holdfast_domain::{OrderStatus, ReservationStatus};

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
