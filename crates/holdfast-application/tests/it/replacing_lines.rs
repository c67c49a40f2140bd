//! Replacing an order's lines: in one decision, in which its own units never count against it.

use std::time::Duration;

use holdfast_application::answer::Answer;
use holdfast_application::command::Command;
use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::{confirm, lines, order, order_of, replace, units};
use holdfast_domain::book::{Effect, ExpiryRule};
use holdfast_domain::{Order, OrderStatus, Refusal, StockMovementType};

#[test]
fn an_orders_own_units_never_count_against_it() {
    let mut warehouse = held([(1, 10), (2, 5)], &[(1, 10)]);
    let replaced = order_of(warehouse.decide(replace(1, &[(1, 9), (2, 5)])));
    assert_eq!(parts(&replaced), [(1, 10, "Released"), (1, 9, "Reserved"), (2, 5, "Reserved")]);
    assert_eq!((warehouse.levels(1), warehouse.levels(2)), ((1, 9), (0, 5)));
    let reason = replaced.reservations.first().and_then(|held| held.reason.clone());
    assert_eq!(reason.map(|reason| reason.to_string()).as_deref(), Some("replaced"));
    let released = warehouse.movements(1).into_iter().find(|movement| movement.kind == StockMovementType::Released);
    let told = released.and_then(|movement| movement.cause.reason);
    assert_eq!(told.map(|reason| reason.to_string()).as_deref(), Some("replaced"));
    warehouse.must_be_clean();
}

#[test]
fn unchanged_reservations_stay() {
    let mut warehouse = held([(1, 10), (2, 5)], &[(1, 4), (2, 2)]);
    let movements = warehouse.movements(1);
    let replaced = order_of(warehouse.decide(replace(1, &[(2, 3), (1, 4)])));
    assert_eq!(parts(&replaced), [(1, 4, "Reserved"), (2, 2, "Released"), (2, 3, "Reserved")]);
    assert_eq!(warehouse.movements(1), movements, "product 1 did not move");
    let again = warehouse.decide(replace(1, &[(1, 4), (2, 3)])).expect("the same lines");
    assert!(matches!(again, Answer::Order { effect: Effect::Replayed, .. }), "{again:?}");
}

#[test]
fn a_refused_change_leaves_everything_as_it_was() {
    let mut warehouse = held([(1, 10), (2, 5)], &[(1, 4)]);
    let (before, movements) = (warehouse.order(1), warehouse.all_movements());
    let refusal = warehouse.decide(replace(1, &[(1, 11), (2, 6)])).expect_err("two are short");
    let available: Vec<u64> = refusal.lines().iter().map(|line| line.available.get()).collect();
    assert_eq!(available, [10, 5], "its own units included");
    assert_eq!(warehouse.decide(replace(1, &[(9, 1)])).expect_err("unknown").code(), "product_not_found");
    assert_eq!((warehouse.order(1), warehouse.all_movements()), (before, movements));
}

#[test]
fn a_dead_hold_gives_way_to_a_change_too() {
    let mut warehouse = held([(1, 10), (2, 5)], &[(1, 4)]);
    warehouse.reserve(2, &[(1, 6)]).expect("enough");
    let extend = Command::ExtendOrder { order: order(1), ttl: Duration::from_hours(1) };
    warehouse.decide(extend).expect("extended");
    warehouse.wait(Duration::from_mins(31));
    warehouse.decide(replace(1, &[(1, 8)])).expect("order 2 is over");
    assert_eq!((warehouse.status(2), warehouse.levels(1)), (Some(OrderStatus::Expired), (2, 8)));
    warehouse.must_be_clean();
}

#[test]
fn only_a_reserved_order_changes_its_lines() {
    let mut warehouse = held([(1, 10), (2, 5)], &[(1, 4)]);
    warehouse.decide(confirm(1)).expect("held");
    let refusal = warehouse.decide(replace(1, &[(1, 3)])).expect_err("confirmed");
    assert_eq!(refusal, Refusal::OrderStateConflict(OrderStatus::Confirmed));
    assert_eq!(warehouse.decide(replace(9, &[(1, 3)])).expect_err("never seen"), Refusal::OrderNotFound);
}

#[test]
fn the_end_stays_unless_the_caller_says_and_never_passes_the_maximum() {
    let mut warehouse = held([(1, 10), (2, 5)], &[(1, 4)]);
    let before = warehouse.order(1).expect("the order").expires_at;
    warehouse.wait(Duration::from_mins(5));
    assert_eq!(order_of(warehouse.decide(replace(1, &[(1, 3)]))).expires_at, before);
    let with_ttl = |minutes: u64| Command::ReplaceLines {
        order: order(1),
        lines: lines(&[(1, 2)]),
        ttl: Some(Duration::from_mins(minutes)),
        strategy: None,
    };
    let moved = order_of(warehouse.decide(with_ttl(60)));
    assert_eq!(moved.expires_at, Some(warehouse.now().after(Duration::from_hours(1))));
    let refusal = warehouse.decide(with_ttl(116)).expect_err("four times 30 minutes from reservedAt at most");
    assert_eq!(refusal.code(), "extension_limit");
}

#[test]
fn a_due_order_changes_its_lines_under_lenient_expiry_only() {
    for (expiry, succeeds) in [(ExpiryRule::Lenient, true), (ExpiryRule::Strict, false)] {
        let mut warehouse = held([(1, 10), (2, 5)], &[(1, 4)]);
        warehouse.policy.expiry = expiry;
        warehouse.wait(Duration::from_mins(31));
        assert_eq!(warehouse.decide(replace(1, &[(1, 3)])).is_ok(), succeeds);
    }
}

/// Two products, and order 1 for some of them.
fn held(stock: [(u8, u32); 2], asked: &[(u8, u32)]) -> Warehouse {
    let mut warehouse = Warehouse::in_memory();
    for (number, units) in stock {
        warehouse.stock(number, units);
    }
    warehouse.reserve(1, asked).expect("enough");
    warehouse
}

/// Product, units and state of each reservation, oldest first.
fn parts(order: &Order) -> Vec<(u8, u32, &'static str)> {
    let number = |held: &holdfast_domain::StockReservation| held.product.to_bytes().last().copied().unwrap_or(0);
    let part = |held: &holdfast_domain::StockReservation| (number(held), held.quantity.get(), held.status.as_str());
    assert!(order.reservations.iter().all(|held| held.quantity >= units(1)));
    order.reservations.iter().map(part).collect()
}
