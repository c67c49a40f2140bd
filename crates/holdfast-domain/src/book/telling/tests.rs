//! Stories of what is told about whole orders: counted 1, 2, 3 … for every decision that is told.

use std::time::Duration;

use crate::book::Book;
use crate::book::given::{CHAIR, HALF_AN_HOUR, LAMP, ORDER, OTHER, actor, given, lines};
use crate::outcome::OrderFate;
use crate::{OrderId, Refusal, Strategy, Timestamp};

/// What was told of an order since the book was given: its number, the word, and how many lines.
fn told(book: &Book, order: OrderId) -> Vec<(u64, String, usize)> {
    let outcomes = book.outcomes.iter().flatten().filter(|outcome| outcome.order == order);
    outcomes
        .map(|outcome| match &outcome.fate {
            OrderFate::Is(state) => (outcome.event_seq, state.status.to_string(), state.lines.len()),
            OrderFate::Failed(failure) => (outcome.event_seq, failure.code.to_owned(), failure.lines.len()),
        })
        .collect()
}

fn listened(mut book: Book) -> Book {
    book.outcomes = Some(Vec::new());
    book
}

fn word(number: u64, word: &str, lines: usize) -> (u64, String, usize) {
    (number, word.to_owned(), lines)
}

#[test]
fn an_order_is_told_when_it_is_held_changed_and_ended() {
    let mut book = listened(given([(LAMP, 5), (CHAIR, 5)]));
    book.order_lines(ORDER, &lines([(LAMP, 2), (CHAIR, 1)])).expect("enough");
    book.replace_lines(ORDER, &lines([(LAMP, 2)]), None, Strategy::Priority, &actor()).expect("less");
    book.extend_order(ORDER, HALF_AN_HOUR.saturating_mul(2)).expect("held");
    book.confirm_order(ORDER, None, &actor()).expect("held");
    book.confirm_order(ORDER, None, &actor()).expect("a repeat");
    assert_eq!(told(&book, ORDER), [word(1, "Reserved", 2), word(2, "Reserved", 1), word(3, "Confirmed", 1)]);
    assert_eq!(book.order(ORDER).map(|order| order.event_seq), Some(3));
}

#[test]
fn every_refused_attempt_is_told_with_its_short_lines() {
    let mut book = listened(given([(LAMP, 1), (CHAIR, 0)]));
    book.order_lines(ORDER, &lines([(LAMP, 2), (CHAIR, 1)])).expect_err("too few");
    book.order_lines(ORDER, &lines([(CHAIR, 1)])).expect_err("none");
    book.order_lines(ORDER, &lines([(LAMP, 1)])).expect("one");
    let expected = [word(1, "insufficient_stock", 2), word(2, "insufficient_stock", 1), word(3, "Reserved", 1)];
    assert_eq!(told(&book, ORDER), expected);
}

#[test]
fn an_order_that_expired_and_is_paid_late_is_told_three_times() {
    let mut book = listened(given([(LAMP, 5)]));
    book.order_lines(ORDER, &lines([(LAMP, 5)])).expect("enough");
    book.now = Timestamp::EPOCH.after(Duration::from_hours(9));
    assert!(book.expire_order(ORDER, Duration::ZERO, &actor()));
    book.confirm_order(ORDER, Some(Strategy::Priority), &actor()).expect("it is all there");
    let expected = [word(1, "Reserved", 1), word(2, "Expired", 1), word(3, "Reserved", 1), word(4, "Confirmed", 1)];
    assert_eq!(told(&book, ORDER), expected);
}

#[test]
fn money_for_goods_that_are_not_held_is_told_and_guards_the_order() {
    let mut book = listened(given([(LAMP, 5)]));
    book.close_unseen_order(ORDER, None);
    let before = book.order(ORDER).map(|order| order.order_seq);
    let status = crate::OrderStatus::Closed;
    book.tell_turned_away(ORDER, &Refusal::OrderAlreadyClosed(status), true);
    assert_eq!(told(&book, ORDER), [word(1, "order_already_closed", 0)]);
    assert!(book.order(ORDER).map(|order| order.order_seq) > before);
    book.tell_turned_away(OTHER, &Refusal::OrderNotFound, true);
    assert_eq!(told(&book, OTHER), [], "of an order that was never seen there is nothing to count");
}

#[test]
fn outcomes_are_counted_where_nobody_listens() {
    let mut book = given([(LAMP, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 2)])).expect("enough");
    book.release_order(ORDER, None, &actor()).expect("held");
    assert_eq!(book.order(ORDER).map(|order| order.event_seq), Some(2));
    assert_eq!(book.outcomes, None);
}
