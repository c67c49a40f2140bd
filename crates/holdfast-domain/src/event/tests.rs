//! Stories of lines that are crossed: once, for every cause.

use super::Crossing::{BackInStock, LowStock, OutOfStock};
use crate::book::given::{CHAIR, LAMP, ORDER, OTHER, actor, cause, count, given, given_at, lines, place, units};
use crate::book::stocking::{CardChange, StockVerb};
use crate::{LocationCode, Timestamp};

#[test]
fn the_reorder_level_is_crossed_downwards_once() {
    let mut book = given([(LAMP, 5)]);
    book.change(LAMP, StockVerb::Remove, 2).expect("enough");
    assert_eq!(book.told(), [], "three are more than two");
    book.change(LAMP, StockVerb::Damage, 1).expect("enough");
    book.change(LAMP, StockVerb::Remove, 1).expect("enough");
    assert_eq!(book.told(), [(3, LowStock)]);
    book.change(LAMP, StockVerb::Add, 5).expect("room");
    book.change(LAMP, StockVerb::Remove, 4).expect("enough");
    assert_eq!(book.told(), [(3, LowStock), (6, LowStock)], "above it and down again");
}

#[test]
fn to_nothing_at_one_stroke_crosses_both_lines_and_from_nothing_one() {
    let mut book = given([(LAMP, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 5)])).expect("enough");
    assert_eq!(book.told(), [(2, LowStock), (2, OutOfStock)]);
    book.release_order(ORDER, None, &actor()).expect("held");
    assert_eq!(book.told().last(), Some(&(3, BackInStock)));
}

#[test]
fn units_that_leave_after_they_were_promised_cross_nothing() {
    let mut book = given([(LAMP, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 5)])).expect("enough");
    let told = book.told();
    book.confirm_order(ORDER, None, &actor()).expect("held");
    assert_eq!(book.told(), told);
}

#[test]
fn an_expiry_and_a_count_cross_lines_like_any_other_cause() {
    let mut book = given([(LAMP, 5)]);
    book.order_lines(ORDER, &lines([(LAMP, 5)])).expect("enough");
    book.now = Timestamp::MAX;
    assert!(book.expire_order(ORDER, std::time::Duration::from_secs(2), &actor()));
    let main = LocationCode::main();
    book.adjust_stock(LAMP, &main, count(0), None, None, cause()).expect("nothing is promised");
    let expected = [(2, LowStock), (2, OutOfStock), (3, BackInStock), (4, LowStock), (4, OutOfStock)];
    assert_eq!(book.told(), expected);
}

#[test]
fn a_new_item_and_a_changed_reorder_level_cross_nothing() {
    let mut book = given([(LAMP, 5), (CHAIR, 0)]);
    let raised = CardChange { reorder_level: Some(count(50)), ..CardChange::default() };
    book.change_card(LAMP, &raised, None).expect("known");
    assert_eq!(book.told(), []);
    book.change(LAMP, StockVerb::Remove, 1).expect("enough");
    assert_eq!(book.told(), [], "it was low already");
}

#[test]
fn what_counts_is_available_over_all_locations() {
    let stock = [(LAMP, "main", 4), (LAMP, "berlin", 4)];
    let mut book = given_at([("main", 0), ("berlin", 1)], stock);
    book.transfer_stock(LAMP, &place("main"), &place("berlin"), units(4), None, cause()).expect("enough");
    book.order_lines(ORDER, &lines([(LAMP, 5)])).expect("enough");
    assert_eq!(book.told(), [], "main is empty, berlin has three");
    book.order_lines(OTHER, &lines([(LAMP, 1)])).expect("enough");
    assert_eq!(book.told().last().map(|(_, line)| *line), Some(LowStock));
}
