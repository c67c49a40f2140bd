//! The longest orders there may be.

use std::time::Duration;

use crate::book::given::{HALF_AN_HOUR, ORDER, OTHER, actor, cause, given, new_item, place, units};
use crate::book::reserving::{OrderLine, RESERVATIONS_MAX};
use crate::book::stocking::NewItem;
use crate::book::{Book, ProductRef};
use crate::order::LINES_MAX;
use crate::{OrderStatus, ProductId, Refusal, Strategy};

#[test]
fn an_order_of_five_thousand_lines_is_held_changed_and_gives_way() {
    let mut book = with_many_products();
    book.order_lines(ORDER, &many_lines(|_| 5)).expect("enough");
    let every_other = many_lines(|at| if at % 2 == 0 { 5 } else { 6 });
    book.replace_lines(ORDER, &every_other, None, Strategy::Priority, &actor()).expect("enough");
    // Another that wants what the first, whose time is over, holds.
    book.now = book.now.after(HALF_AN_HOUR);
    book.due = vec![ORDER];
    book.order_lines(OTHER, &many_lines(|_| 9)).expect("the dead hold gives way");
    assert_eq!(book.held(OTHER).len(), LINES_MAX);
}

#[test]
fn an_order_has_so_many_reservations_in_its_life_and_a_late_payment_makes_no_more() {
    let mut book = with_many_products();
    for _ in 0..RESERVATIONS_MAX / LINES_MAX {
        book.order_lines(ORDER, &many_lines(|_| 5)).expect("enough");
        book.now = book.now.after(HALF_AN_HOUR);
        assert!(book.expire_order(ORDER, Duration::ZERO, &actor()));
    }
    let refused = book.order_lines(ORDER, &many_lines(|_| 5)).expect_err("as many as there may be");
    assert!(matches!(refused, Refusal::OutOfRange { pointer: "/lines", .. }), "{refused:?}");
    let late = book.confirm_order(ORDER, Some(Strategy::Priority), &actor());
    assert_eq!(late.expect_err("as many as there may be"), Refusal::ReservationExpired);
    assert_eq!(book.order(ORDER).map(|order| order.status), Some(OrderStatus::Expired));
}

/// As many products as an order may have lines, nine units of each.
fn with_many_products() -> Book {
    let mut book = given([]);
    for (number, product) in many() {
        let new = NewItem { initial: vec![(place("main"), units(9))], ..new_item(product, &format!("P{number}")) };
        book.create_item(&new, &cause()).expect("new");
    }
    book
}

/// A line of each, with so many units.
fn many_lines(asked: impl Fn(u16) -> u32) -> Vec<OrderLine> {
    let line = |(number, product)| OrderLine {
        product: ProductRef::Id(product),
        quantity: units(asked(number)),
        location: None,
    };
    many().map(line).collect()
}

fn many() -> impl Iterator<Item = (u16, ProductId)> {
    let most = u16::try_from(LINES_MAX).expect("small");
    let bytes = |number: u16| [&[9; 14], number.to_be_bytes().as_slice()].concat().try_into().expect("16 bytes");
    (0..most).map(move |number| (number, ProductId::from_bytes(bytes(number))))
}
