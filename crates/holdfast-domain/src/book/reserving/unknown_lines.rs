//! Stories of orders with a line that nobody knows: the other lines are listed as if it were not there.

use crate::book::Book;
use crate::book::given::{CHAIR, HALF_AN_HOUR, LAMP, ORDER, OTHER, actor, given, given_at, line_at, lines, units};
use crate::book::reserving::OrderLine;
use crate::book::stocking::StockVerb;
use crate::{OrderStatus, ProductId, Refusal, Strategy};

/// A product that nobody knows.
const GHOST: ProductId = ProductId::from_bytes([9; 16]);

#[test]
fn own_units_count_when_lines_are_replaced() {
    let mut book = given([(LAMP, 10)]);
    book.order_lines(ORDER, &lines([(LAMP, 8)])).expect("enough");
    let mut replace = |asked: &[OrderLine]| {
        let refused =
            book.replace_lines(ORDER, asked, None, Strategy::Priority, &actor()).expect_err("nobody knows it");
        told(&refused)
    };
    assert_eq!(replace(&lines([(LAMP, 9), (GHOST, 1)])), [(Some(GHOST), 1, 0)], "two are free and eight its own");
    assert_eq!(replace(&lines([(LAMP, 11), (GHOST, 1)])), [(Some(LAMP), 11, 10), (Some(GHOST), 1, 0)]);
    let elsewhere = [lines([(LAMP, 9)]), vec![line_at(LAMP, 1, "nowhere")]].concat();
    assert_eq!(replace(&elsewhere), [(Some(LAMP), 1, 0)]);
    assert_eq!((book.held(ORDER), book.levels(LAMP)), (vec![(1, 8)], (2, 8)), "everything stays");
}

#[test]
fn repeated_lines_are_summed_and_named_ones_served_first() {
    let mut book = given([(LAMP, 5)]);
    let by_sku = OrderLine { product: sku("LAMP"), ..line(LAMP, 3) };
    let asked = [line(LAMP, 3), by_sku, line(GHOST, 1), line(GHOST, 2)];
    assert_eq!(refused(&mut book, &asked), [(Some(LAMP), 6, 5), (Some(GHOST), 3, 0)], "six of five");
    let asked = [line_at(LAMP, 3, "main"), line(LAMP, 5), line(GHOST, 1)];
    assert_eq!(refused(&mut book, &asked), [(Some(LAMP), 5, 2), (Some(GHOST), 1, 0)], "two are left");
}

#[test]
fn a_dead_hold_is_in_nobodys_way() {
    let mut book = given([(LAMP, 5), (CHAIR, 2)]);
    book.order_lines(OTHER, &lines([(LAMP, 5)])).expect("enough");
    book.now = book.now.after(HALF_AN_HOUR);
    book.due = vec![OTHER];
    assert_eq!(refused(&mut book, &lines([(LAMP, 5), (CHAIR, 2), (GHOST, 1)])), [(Some(GHOST), 1, 0)]);
    assert_eq!(book.order(OTHER).map(|order| order.status), Some(OrderStatus::Expired), "as of any short attempt");
}

#[test]
fn a_sum_above_the_limits_is_no_refusal_whoever_knows_the_product() {
    for product in [LAMP, GHOST] {
        let mut book = given([(LAMP, 5)]);
        let most = line(product, 1_000_000_000);
        let refusal = book.order_lines(ORDER, &[most.clone(), line(product, 1)]).expect_err("too many");
        assert!(matches!(refusal, Refusal::OutOfRange { pointer: "/lines", .. }), "{refusal:?}");
        assert_eq!(book.order(ORDER), None, "an order that cannot be asked for is not noted");
    }
}

#[test]
fn a_sum_above_the_limits_is_no_conflict_either() {
    let too_many = lines([(LAMP, 1_000_000_000), (LAMP, 1)]);
    for is_released in [false, true] {
        let mut book = given([(LAMP, 5)]);
        book.order_lines(ORDER, &lines([(LAMP, 5)])).expect("enough");
        if is_released {
            book.release_order(ORDER, None, &actor()).expect("held");
        }
        let made = book.order_lines(ORDER, &too_many).expect_err("too many");
        let replaced = book.replace_lines(ORDER, &too_many, None, Strategy::Priority, &actor()).expect_err("too many");
        for refusal in [made, replaced] {
            assert!(matches!(refusal, Refusal::OutOfRange { pointer: "/lines", .. }), "{refusal:?}");
        }
    }
}

#[test]
fn parts_at_one_level_are_one_and_within_the_limits() {
    let mut book = given_at([("main", 0), ("east", 1)], [(LAMP, "main", 1_000_000_000), (LAMP, "east", 7)]);
    book.change(LAMP, StockVerb::Add, 5).expect("room");
    let most = 1_000_000_000;
    let refusal = book.order_lines(ORDER, &[line_at(LAMP, most, "main"), line(LAMP, 5)]).expect_err("one part");
    assert!(matches!(refusal, Refusal::OutOfRange { pointer: "/lines", .. }), "{refusal:?}");
    book.order_lines(ORDER, &[line_at(LAMP, most, "main"), line_at(LAMP, 5, "east")]).expect("two parts");
}

/// What a refused order is told: of each line the product, and how many units were asked for and are available.
fn refused(book: &mut Book, asked: &[OrderLine]) -> Vec<(Option<ProductId>, u64, u64)> {
    told(&book.order_lines(ORDER, asked).expect_err("nobody knows it"))
}

fn told(refusal: &Refusal) -> Vec<(Option<ProductId>, u64, u64)> {
    assert!(matches!(refusal, Refusal::ProductNotFound(_) | Refusal::LocationNotFound(_)), "{refusal:?}");
    refusal.lines().iter().map(|line| (line.product, line.requested.get(), line.available.get())).collect()
}

fn line(product: ProductId, asked: u32) -> OrderLine {
    OrderLine { product: crate::book::ProductRef::Id(product), quantity: units(asked), location: None }
}

fn sku(code: &str) -> crate::book::ProductRef {
    crate::book::ProductRef::Sku(crate::Sku::new(code).expect("a sku"))
}
