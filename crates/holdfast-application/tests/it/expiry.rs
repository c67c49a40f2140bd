//! The end of a promise by time: lenient or strict, reclaimed at shortage, paid late, extended.

use std::time::Duration;

use holdfast_application::answer::Answer;
use holdfast_application::command::Command;
use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::{
    confirm, event, expire, lines, order, order_of, release, replace, submission,
};
use holdfast_domain::book::{Effect, ExpiryRule};
use holdfast_domain::order::OrderEventKind::OrderCreated;
use holdfast_domain::{OrderStatus, Refusal, StockMovementType};

const HALF_AN_HOUR: Duration = Duration::from_mins(30);

#[test]
fn an_order_is_held_until_its_time_is_over_and_two_seconds_more() {
    let mut warehouse = held();
    let reserved_at = warehouse.now();
    warehouse.wait(HALF_AN_HOUR + Duration::from_millis(1_990));
    let Ok(Answer::Swept { ended: false }) = warehouse.decide(expire(1)) else { panic!("too early") };
    warehouse.wait(Duration::from_millis(10));
    let Ok(Answer::Swept { ended: true }) = warehouse.decide(expire(1)) else { panic!("it is due") };
    let Ok(Answer::Swept { ended: false }) = warehouse.decide(expire(1)) else { panic!("it ended once") };
    let expired = warehouse.order(1).expect("the order");
    assert_eq!((expired.status, expired.expires_at), (OrderStatus::Expired, Some(reserved_at.after(HALF_AN_HOUR))));
    assert_eq!((warehouse.levels(1), warehouse.levels(2)), ((10, 0), (10, 0)), "as a whole");
    let last = warehouse.movements(1).pop().expect("a movement");
    let reason = last.cause.reason.map(|reason| reason.to_string());
    assert_eq!((last.kind, reason.as_deref()), (StockMovementType::Released, Some("expired")));
    warehouse.must_be_clean();
}

#[test]
fn until_the_sweep_ends_it_a_due_order_is_confirmed_or_extended_under_lenient_expiry() {
    let mut confirmed = held();
    confirmed.wait(HALF_AN_HOUR * 2);
    confirmed.decide(confirm(1)).expect("it was not ended yet");
    assert_eq!(confirmed.levels(1), (6, 0));
    let mut extended = held();
    extended.wait(HALF_AN_HOUR * 2);
    extended.decide(extend(1, 10)).expect("it was not ended yet");
    extended.wait(Duration::from_mins(5));
    assert!(matches!(extended.decide(expire(1)), Ok(Answer::Swept { ended: false })));
}

#[test]
fn strict_expiry_refuses_from_the_end_on() {
    let mut warehouse = held();
    warehouse.policy.expiry = ExpiryRule::Strict;
    let expires_at = warehouse.order(1).and_then(|order| order.expires_at).expect("an end");
    warehouse.wait(expires_at.before(Duration::from_millis(2)).since(warehouse.now()));
    warehouse.decide(replace(1, &[(1, 4), (2, 6)])).expect("just in time");
    assert_eq!(warehouse.decide(confirm(1)).expect_err("over"), Refusal::ReservationExpired);
    assert_eq!(warehouse.decide(extend(1, 60)).expect_err("over").code(), "order_state_conflict");
    assert_eq!(warehouse.status(1), Some(OrderStatus::Reserved), "the sweep ends it");
    let reacquired = Command::ConfirmOrder { order: order(1), reacquire: true };
    warehouse.decide(reacquired).expect("reserved anew and confirmed");
    let statuses: Vec<_> = warehouse.order(1).expect("the order").reservations;
    let statuses: Vec<&str> = statuses.iter().map(|held| held.status.as_str()).collect();
    assert_eq!(statuses, ["Expired", "Released", "Expired", "Confirmed", "Confirmed"]);
    warehouse.must_be_clean();
}

#[test]
fn confirming_after_the_end_is_refused_unless_the_caller_reacquires() {
    let mut warehouse = expired();
    assert_eq!(warehouse.decide(confirm(1)).expect_err("over"), Refusal::ReservationExpired);
    for command in [release(1), replace(1, &[(1, 1)]), extend(1, 60)] {
        let refusal = warehouse.decide(command).expect_err("over");
        assert_eq!(refusal, Refusal::OrderStateConflict(OrderStatus::Expired));
    }
    warehouse.decide(Command::ConfirmOrder { order: order(1), reacquire: true }).expect("there is stock");
    assert_eq!((warehouse.status(1), warehouse.levels(1)), (Some(OrderStatus::Confirmed), (6, 0)));
    warehouse.must_be_clean();
}

#[test]
fn reacquiring_without_stock_changes_nothing() {
    let mut warehouse = expired();
    warehouse.reserve(2, &[(1, 7)]).expect("enough");
    let (before, movements) = (warehouse.order(1), warehouse.all_movements());
    let refusal = warehouse.decide(Command::ConfirmOrder { order: order(1), reacquire: true }).expect_err("sold");
    assert_eq!(refusal.code(), "insufficient_stock");
    assert_eq!((warehouse.order(1), warehouse.all_movements()), (before, movements));
}

#[test]
fn reacquiring_ends_dead_holds_in_its_way() {
    let mut warehouse = expired();
    warehouse.reserve(2, &[(1, 7)]).expect("enough");
    warehouse.wait(HALF_AN_HOUR);
    warehouse.decide(Command::ConfirmOrder { order: order(1), reacquire: true }).expect("order 2 is over");
    assert_eq!((warehouse.status(2), warehouse.levels(1)), (Some(OrderStatus::Expired), (6, 0)));
    warehouse.must_be_clean();
}

#[test]
fn an_expired_order_reserves_anew_and_refused_it_is_refused() {
    let mut warehouse = expired();
    let anew = order_of(warehouse.reserve(1, &[(1, 2)]));
    assert_eq!((anew.status, anew.reserved_at), (OrderStatus::Reserved, Some(warehouse.now())));
    assert_eq!((anew.reservations.len(), warehouse.levels(1)), (3, (8, 2)));
    let mut warehouse = expired();
    warehouse.reserve(1, &[(1, 11)]).expect_err("too many");
    assert_eq!(warehouse.status(1), Some(OrderStatus::Refused));
    warehouse.must_be_clean();
}

#[test]
fn a_shortage_that_no_dead_hold_explains_is_refused_and_spares_them() {
    let mut warehouse = held();
    warehouse.wait(HALF_AN_HOUR);
    warehouse.reserve(2, &[(1, 11)]).expect_err("there are ten in all");
    assert_eq!(warehouse.status(2), Some(OrderStatus::Refused));
    warehouse.reserve(3, &[(2, 3)]).expect("three are free");
    warehouse.must_be_clean();
}

#[test]
fn one_dead_hold_serves_several_orders_of_a_batch() {
    let mut warehouse = held();
    warehouse.wait(HALF_AN_HOUR);
    let batch = [2, 3, 4].map(|number| submission(event(OrderCreated, number, &[(1, 4)])));
    warehouse.decide_all(&batch);
    assert_eq!(warehouse.status(1), Some(OrderStatus::Expired));
    let held = [2, 3, 4].map(|number| warehouse.status(number));
    assert_eq!(held, [Some(OrderStatus::Reserved), Some(OrderStatus::Reserved), Some(OrderStatus::Refused)]);
    assert_eq!(warehouse.levels(1), (2, 8));
    warehouse.must_be_clean();
}

#[test]
fn a_confirm_in_front_of_a_shortage_in_the_same_batch_saves_the_due_order() {
    let mut warehouse = held();
    warehouse.wait(HALF_AN_HOUR);
    warehouse.decide_all(&[submission(confirm(1)), submission(event(OrderCreated, 2, &[(1, 7)]))]);
    assert_eq!(warehouse.status(1), Some(OrderStatus::Confirmed));
    assert_eq!(warehouse.status(2), Some(OrderStatus::Refused));
    warehouse.must_be_clean();
}

#[test]
fn an_order_is_extended_from_now_on_never_shortened_and_not_beyond_its_maximum() {
    let mut warehouse = held();
    let reserved_at = warehouse.now();
    warehouse.wait(Duration::from_mins(20));
    let shorter = warehouse.decide(extend(1, 5)).expect("never shorter than it was");
    assert!(matches!(shorter, Answer::Order { effect: Effect::Replayed, .. }), "{shorter:?}");
    let longer = order_of(warehouse.decide(extend(1, 90)));
    assert_eq!(longer.expires_at, Some(warehouse.now().after(Duration::from_mins(90))));
    let latest = reserved_at.after(HALF_AN_HOUR * 4);
    assert_eq!(warehouse.decide(extend(1, 101)).expect_err("too long"), Refusal::ExtensionLimit { latest });
    assert_eq!(warehouse.all_movements().len(), 4, "an extension is no movement");
    assert_eq!(warehouse.decide(extend(9, 10)).expect_err("never seen"), Refusal::OrderNotFound);
}

#[test]
fn what_is_held_for_good_is_never_due() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.policy.ttl_default = None;
    warehouse.stock(1, 10);
    let held = order_of(warehouse.reserve(1, &[(1, 4)]));
    assert_eq!(held.expires_at, None);
    warehouse.wait(Duration::from_hours(24 * 10_000));
    assert!(matches!(warehouse.decide(expire(1)), Ok(Answer::Swept { ended: false })));
    warehouse.reserve(2, &[(1, 7)]).expect_err("nobody gives way");
    let extended = warehouse.decide(extend(1, 10)).expect("it is held longer than that");
    assert!(matches!(extended, Answer::Order { effect: Effect::Replayed, .. }), "{extended:?}");
}

#[test]
fn on_the_events_clock_new_lines_move_the_end_within_a_batch() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let start = warehouse.now().after(Duration::from_hours(1));
    let at = |minutes: u64, command: Command| holdfast_application::Submission {
        decided_at: Some(start.after(Duration::from_mins(minutes))),
        ..submission(command)
    };
    let shorter = Command::ReplaceLines {
        order: order(1),
        lines: lines(&[(1, 8)]),
        ttl: Some(Duration::from_mins(2)),
        strategy: None,
    };
    let batch = [at(0, event(OrderCreated, 1, &[(1, 9)])), at(1, shorter), at(5, event(OrderCreated, 2, &[(1, 10)]))];
    warehouse.decide_all(&batch);
    assert_eq!(warehouse.status(1), Some(OrderStatus::Expired));
    let ended_at = warehouse.order(1).and_then(|order| order.ended_at);
    assert_eq!(
        (warehouse.status(2), ended_at),
        (Some(OrderStatus::Reserved), Some(start.after(Duration::from_mins(5))))
    );
}

/// Ten units of two products, and order 1 for four of one and seven of the other.
fn held() -> Warehouse {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    warehouse.stock(2, 10);
    warehouse.reserve(1, &[(1, 4), (2, 7)]).expect("enough");
    warehouse
}

/// The same after the sweep.
fn expired() -> Warehouse {
    let mut warehouse = held();
    warehouse.wait(Duration::from_mins(31));
    warehouse.decide(expire(1)).expect("a sweep");
    assert_eq!(warehouse.status(1), Some(OrderStatus::Expired));
    warehouse
}

fn extend(number: u8, minutes: u64) -> Command {
    Command::ExtendOrder { order: order(number), ttl: Duration::from_mins(minutes) }
}
