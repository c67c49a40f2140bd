//! Stories of orders: all or nothing, one live promise, and whole ends.

use std::time::Duration;

use crate::book::given::{CHAIR, HALF_AN_HOUR, LAMP, ORDER, OTHER, actor, given, lines};
use crate::book::stocking::StockVerb;
use crate::book::{Book, Effect, ExpiryRule};
use crate::{OrderStatus, Refusal, ReservationStatus, Strategy};

#[test]
fn one_short_line_refuses_the_whole_order() {
    let mut book = given([(LAMP, 5), (CHAIR, 2)]);
    let refusal = book.order_lines(ORDER, &lines([(LAMP, 2), (CHAIR, 3)])).expect_err("one chair is missing");
    let Refusal::InsufficientStock(short) = refusal else { panic!("{refusal:?}") };
    let told: Vec<_> = short.iter().map(|line| (line.product, line.short_by().get())).collect();
    assert_eq!(told, [(Some(CHAIR), 1)]);
    assert_eq!((book.levels(LAMP), book.levels(CHAIR)), ((5, 0), (2, 0)));
    assert_eq!(book.order(ORDER).map(|order| order.status), Some(OrderStatus::Refused));
}

#[test]
fn a_refused_order_may_succeed_later() {
    let mut book = given([(LAMP, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 6)])).expect_err("five are there");
    book.change(LAMP, StockVerb::Add, 1).expect("room");
    book.order_lines(ORDER, &lines([(LAMP, 6)])).expect("six are there");
    let order = book.order(ORDER).expect("the order");
    assert_eq!((order.status, order.reason.clone(), order.ended_at), (OrderStatus::Reserved, None, None));
}

#[test]
fn the_same_lines_are_the_same_in_any_order_and_summed() {
    let mut book = given([(LAMP, 5), (CHAIR, 5)]);
    assert_eq!(book.order_lines(ORDER, &lines([(LAMP, 1), (CHAIR, 2), (LAMP, 1)])), Ok(Effect::Applied));
    assert_eq!(book.order_lines(ORDER, &lines([(CHAIR, 2), (LAMP, 2)])), Ok(Effect::Replayed));
    let others = book.order_lines(ORDER, &lines([(CHAIR, 2), (LAMP, 1)]));
    assert_eq!(others, Err(Refusal::OrderAlreadyReserved(OrderStatus::Reserved)));
}

#[test]
fn reservations_of_an_order_share_their_end_and_end_together() {
    let mut book = given([(LAMP, 5), (CHAIR, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 1), (CHAIR, 2)])).expect("enough");
    let due_at = book.now.after(HALF_AN_HOUR);
    book.now = due_at;
    assert!(!book.expire_order(ORDER, Duration::from_secs(2), &actor()), "two seconds too early");
    book.now = due_at.after(Duration::from_secs(2));
    assert!(book.expire_order(ORDER, Duration::from_secs(2), &actor()));
    let order = book.order(ORDER).expect("the order");
    let expired = |held: &crate::StockReservation| {
        held.status == ReservationStatus::Expired && held.expired_at == Some(due_at) && held.ended_at == Some(book.now)
    };
    assert!(order.reservations.iter().all(expired), "{order:?}");
}

#[test]
fn a_dead_hold_gives_way_as_a_whole_and_a_live_one_does_not() {
    let mut book = given([(LAMP, 5), (CHAIR, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 5), (CHAIR, 1)])).expect("enough");
    book.due = vec![ORDER];
    book.order_lines(OTHER, &lines([(LAMP, 1)])).expect_err("the hold is alive");
    assert_eq!(book.short, [(LAMP, None)], "of this more is wanted");
    book.now = book.now.after(HALF_AN_HOUR);
    book.order_lines(OTHER, &lines([(LAMP, 1)])).expect("the hold is dead");
    assert_eq!((book.levels(LAMP), book.levels(CHAIR)), ((4, 1), (5, 0)));
    assert_eq!(book.order(ORDER).map(|order| order.status), Some(OrderStatus::Expired));
}

#[test]
fn a_due_order_does_not_expire_itself_to_change_its_lines() {
    let mut book = given([(LAMP, 10)]);
    book.order_lines(ORDER, &lines([(LAMP, 6)])).expect("enough");
    book.now = book.now.after(HALF_AN_HOUR);
    book.due = vec![ORDER];
    let refusal = replace(&mut book, 11).expect_err("there are ten in all");
    assert_eq!(refusal.lines().first().map(|line| line.available.get()), Some(10), "its own units included");
    assert_eq!((book.held(ORDER), book.levels(LAMP)), (vec![(1, 6)], (4, 6)));
    replace(&mut book, 10).expect("they are its own, or free");
    assert_eq!((book.held(ORDER), book.levels(LAMP)), (vec![(1, 10)], (0, 10)));
}

#[test]
fn under_strict_expiry_nothing_is_done_with_a_due_order() {
    let mut book = given([(LAMP, 10)]);
    book.expiry = ExpiryRule::Strict;
    book.order_lines(ORDER, &lines([(LAMP, 6)])).expect("enough");
    book.now = book.now.after(HALF_AN_HOUR);
    assert_eq!(book.confirm_order(ORDER, None, &actor()), Err(Refusal::ReservationExpired));
    let conflict = Refusal::OrderStateConflict(OrderStatus::Expired);
    assert_eq!(replace(&mut book, 5), Err(conflict.clone()));
    assert_eq!(book.extend_order(ORDER, HALF_AN_HOUR), Err(conflict));
    assert_eq!(
        book.confirm_order(ORDER, Some(Strategy::Priority), &actor()),
        Ok(Effect::Applied),
        "anew, in one decision"
    );
}

#[test]
fn a_payment_that_waits_confirms_its_order_at_once() {
    let mut book = given([(LAMP, 5)]);
    book.waiting.wait(ORDER, book.now);
    book.order_lines(ORDER, &lines([(LAMP, 2)])).expect("enough");
    assert_eq!(book.order(ORDER).map(|order| order.status), Some(OrderStatus::Confirmed));
    assert_eq!((book.levels(LAMP), book.waiting.waits(ORDER)), ((3, 0), false));
}

#[test]
fn an_order_whose_payment_missed_it_is_not_given_to_somebody_else_and_ends_confirmed() {
    let mut book = given([(LAMP, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 2)])).expect("enough");
    book.waiting.wait(ORDER, book.now);
    book.now = book.now.after(HALF_AN_HOUR * 2);
    book.due = vec![ORDER];
    book.order_lines(OTHER, &lines([(LAMP, 4)])).expect_err("two are paid");
    assert!(book.expire_order(ORDER, HALF_AN_HOUR, &actor()));
    assert_eq!(book.order(ORDER).map(|order| order.status), Some(OrderStatus::Confirmed));
    assert_eq!((book.levels(LAMP), book.waiting.waits(ORDER)), ((3, 0), false));
}

#[test]
fn an_order_whose_payment_missed_it_is_not_released_but_confirmed() {
    let mut book = given([(LAMP, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 2)])).expect("enough");
    book.waiting.wait(ORDER, book.now);
    let conflict = Refusal::OrderStateConflict(OrderStatus::Confirmed);
    assert_eq!(book.release_order(ORDER, None, &actor()), Err(conflict));
    assert_eq!((book.levels(LAMP), book.waiting.waits(ORDER)), ((3, 0), false));
}

/// Asks for another number of lamps for the order.
fn replace(book: &mut Book, asked: u32) -> Result<Effect, Refusal> {
    book.replace_lines(ORDER, &lines([(LAMP, asked)]), None, Strategy::Priority, &actor())
}
