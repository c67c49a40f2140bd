//! Orders over all of the road: all or nothing, one live promise, trying again.

use std::sync::Arc;

use holdfast_application::Reply;
use holdfast_application::answer::Answer;
use holdfast_application::command::Command;
use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::{
    confirm, item_of, lines, location, new_item, order, order_of, product, release, reserve, sku, submission, units,
};
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::{Effect, ProductRef};
use holdfast_domain::{OrderStatus, Refusal};

#[test]
fn one_short_line_refuses_the_whole_order_and_every_short_line_is_named() {
    let mut warehouse = Warehouse::in_memory();
    for (number, stock) in [(1, 5), (2, 2), (3, 0)] {
        warehouse.stock(number, stock);
    }
    let refusal = warehouse.reserve(1, &[(1, 2), (2, 3), (3, 1)]).expect_err("two are short");
    let Refusal::InsufficientStock(short) = &refusal else { panic!("{refusal:?}") };
    let named: Vec<_> = short
        .iter()
        .map(|line| (line.product, line.requested.get(), line.available.get(), line.short_by().get()))
        .collect();
    assert_eq!(named, [(Some(product(2)), 3, 2, 1), (Some(product(3)), 1, 0, 1)]);
    assert_eq!((warehouse.levels(1), warehouse.levels(2)), ((5, 0), (2, 0)));
    let refused = warehouse.order(1).expect("it is remembered");
    let reason = refused.reason.map(|reason| reason.to_string());
    assert_eq!((refused.status, reason.as_deref()), (OrderStatus::Refused, Some("insufficient_stock")));
}

#[test]
fn an_unknown_product_refuses_the_order_and_short_lines_are_named_beside_it() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 5);
    let refusal = warehouse.reserve(1, &[(1, 6), (9, 1)]).expect_err("one is unknown, one short");
    assert_eq!(refusal.code(), "product_not_found");
    let named: Vec<_> = refusal.lines().iter().map(|line| (line.product, line.available.get())).collect();
    assert_eq!(named, [(Some(product(1)), 5), (Some(product(9)), 0)]);
}

#[test]
fn an_unknown_location_refuses_the_order() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 5);
    let there = OrderLine { location: Some(location("nowhere")), ..line(1, 1) };
    let command = Command::ReserveOrder { order: order(1), lines: vec![there], ttl: None, strategy: None };
    let refusal = warehouse.decide(command).expect_err("no such place");
    assert_eq!((refusal.code(), refusal.lines().len()), ("location_not_found", 1));
    assert_eq!(warehouse.status(1), Some(OrderStatus::Refused));
}

#[test]
fn lines_of_one_product_are_summed_whatever_they_call_it() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 5);
    let by_sku = OrderLine { product: ProductRef::Sku(sku(1)), ..line(1, 2) };
    let command = Command::ReserveOrder { order: order(1), lines: vec![by_sku, line(1, 3)], ttl: None, strategy: None };
    let held = order_of(warehouse.decide(command));
    assert_eq!(held.reservations.iter().map(|held| held.quantity.get()).collect::<Vec<_>>(), [5]);
    let again = warehouse.decide(reserve(1, &[(1, 5)])).expect("the same lines");
    assert!(matches!(again, Answer::Order { effect: Effect::Replayed, .. }), "{again:?}");
}

#[test]
fn a_sum_beyond_the_limits_is_refused_and_the_order_stays_unseen() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 5);
    let refusal = warehouse.reserve(1, &[(1, 600_000_000), (1, 600_000_000)]).expect_err("too many");
    assert_eq!((refusal.code(), warehouse.status(1)), ("validation_failed", None));
}

#[test]
fn the_same_order_with_the_same_lines_is_the_same_promise_and_with_others_a_conflict() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let first = order_of(warehouse.reserve(1, &[(1, 4)]));
    for status in [OrderStatus::Reserved, OrderStatus::Confirmed] {
        let again = warehouse.reserve(1, &[(1, 4)]).expect("the same");
        let Answer::Order { effect: Effect::Replayed, order, .. } = again else { panic!("{again:?}") };
        assert_eq!(order.reservations.len(), first.reservations.len());
        assert_eq!(warehouse.reserve(1, &[(1, 5)]).expect_err("others"), Refusal::OrderAlreadyReserved(status));
        warehouse.decide(confirm(1)).expect("confirmed");
    }
    assert_eq!(warehouse.levels(1), (6, 0));
}

#[test]
fn a_released_order_is_final() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    warehouse.reserve(1, &[(1, 4)]).expect("enough");
    warehouse.decide(release(1)).expect("held");
    let refusal = warehouse.reserve(1, &[(1, 4)]).expect_err("it is over");
    assert_eq!(refusal, Refusal::OrderAlreadyClosed(OrderStatus::Released));
}

#[test]
fn the_same_verb_again_is_the_same_and_a_different_one_a_conflict() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    for (number, first, other) in [(1, confirm(1), release(1)), (2, release(2), confirm(2))] {
        warehouse.reserve(number, &[(1, 2)]).expect("enough");
        warehouse.decide(first.clone()).expect("held");
        let again = warehouse.decide(first).expect("the same verb");
        assert!(matches!(again, Answer::Order { effect: Effect::Replayed, .. }), "{again:?}");
        let status = warehouse.status(number).expect("the order");
        assert_eq!(warehouse.decide(other).expect_err("another verb"), Refusal::OrderStateConflict(status));
    }
    for command in [confirm(9), release(9)] {
        assert_eq!(warehouse.decide(command).expect_err("never seen"), Refusal::OrderNotFound);
    }
}

#[test]
fn an_order_is_split_over_locations_and_each_part_is_a_reservation() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.open_location("berlin", 1);
    let new = new_item(1, &[("main", 3), ("berlin", 7)]);
    item_of(warehouse.decide(Command::CreateItem(new, holdfast_application::command::Remarks::default())));
    let there = OrderLine { location: Some(location("berlin")), ..line(1, 2) };
    let command = Command::ReserveOrder { order: order(1), lines: vec![line(1, 5), there], ttl: None, strategy: None };
    let held = order_of(warehouse.decide(command));
    let mut parts: Vec<_> = held.reservations.iter().map(|held| (held.location.0, held.quantity.get())).collect();
    parts.sort_unstable();
    assert_eq!(parts, [(1, 3), (2, 4)], "parts at one level are one");
    warehouse.must_be_clean();
}

#[test]
fn orders_of_one_batch_are_decided_in_order_of_arrival() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let batch: Vec<_> = (1..=20).map(|number| submission(reserve(number, &[(1, 3)]))).collect();
    warehouse.decide_all(&batch);
    let held = (1..=20).filter(|number| warehouse.status(*number) == Some(OrderStatus::Reserved));
    assert_eq!(held.collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(warehouse.levels(1), (1, 9));
    warehouse.must_be_clean();
}

fn line(number: u8, asked: u32) -> OrderLine {
    OrderLine { quantity: units(asked), ..lines(&[(number, 1)]).remove(0) }
}

#[test]
fn answers_of_one_batch_that_tell_the_same_of_an_order_share_it() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let batch = [reserve(1, &[(1, 1)]), confirm(1), confirm(1), confirm(1)].map(submission);
    let told: Vec<_> = warehouse
        .decide_all(&batch)
        .into_iter()
        .map(|reply| {
            let Reply::Decided(Ok(Answer::Order { order, .. })) = reply else { panic!("{reply:?}") };
            order
        })
        .collect();
    let [reserved, confirmed, again, third] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((reserved.status, confirmed.status), (OrderStatus::Reserved, OrderStatus::Confirmed));
    assert!(Arc::ptr_eq(confirmed, again) && Arc::ptr_eq(again, third));
}
