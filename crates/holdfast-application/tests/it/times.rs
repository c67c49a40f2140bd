//! Time: what lies in the future stays there.

use std::time::Duration;

use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::{change, order, reserve, submission};
use holdfast_domain::OrderStatus;
use holdfast_domain::book::stocking::StockVerb;

#[test]
fn an_item_with_a_time_in_the_future_moves_nobody_elses_time() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    warehouse.stock(2, 20);
    let future = warehouse.now().after(Duration::from_hours(24 * 365));
    let mut replayed = submission(change(1, StockVerb::Add, 5));
    replayed.decided_at = Some(future);
    warehouse.decide_all(&[replayed]);

    warehouse.reserve(1, &[(2, 10)]).expect("enough");
    warehouse.reserve(2, &[(1, 1), (2, 10)]).expect("enough, beside the item from the future");
    assert_eq!(warehouse.status(1), Some(OrderStatus::Reserved), "its time is not over");
    let held_until = warehouse.order(2).and_then(|order| order.expires_at).expect("a time to live");
    assert_eq!(held_until, warehouse.now().after(Duration::from_mins(30)), "from now, not from the future");
    let last = warehouse.movements(1).pop().expect("a movement");
    assert!(last.created_at >= future, "the item's own time does not run backwards");
    assert_eq!(last.cause.reference.to_string(), order(2).to_string());
    warehouse.must_be_clean();
}

#[test]
fn an_event_of_yesterday_is_decided_behind_what_an_item_has_seen_today() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    warehouse.stock(2, 10);
    warehouse.wait(Duration::from_secs(1));
    warehouse.decide(change(1, StockVerb::Add, 5)).expect("more");
    let today = warehouse.now();
    let yesterday = today.before(Duration::from_hours(24));
    let replayed = |product: u8, at| {
        let mut event = submission(change(product, StockVerb::Remove, 1));
        event.decided_at = Some(at);
        event
    };
    let (earlier, later) = (yesterday.before(Duration::from_hours(1)), yesterday.after(Duration::from_hours(1)));
    let events = [(1, yesterday), (1, earlier), (2, yesterday), (2, earlier), (2, later)];
    warehouse.decide_all(&events.map(|(product, at)| replayed(product, at)));
    let times = |product: u8| -> Vec<_> {
        warehouse.movements(product).iter().skip(1).map(|movement| movement.created_at).collect()
    };
    assert_eq!(times(1), [today; 3]);
    assert_eq!(times(2), [yesterday, yesterday, later], "nothing had happened to it since it was made");
    warehouse.must_be_clean();
}

#[test]
fn a_dead_hold_never_costs_a_sale_whatever_else_is_in_the_batch() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 1);
    warehouse.stock(2, 2);
    warehouse.reserve(1, &[(1, 1)]).expect("the last one");
    warehouse.reserve(2, &[(2, 1)]).expect("one of two");
    warehouse.wait(Duration::from_hours(1));
    // Order 3 needs what dead order 1 holds; once it gets it, order 4 needs what dead order 2 holds.
    let batch = [submission(reserve(3, &[(1, 1), (2, 1)])), submission(reserve(4, &[(2, 1)]))];
    warehouse.decide_all(&batch);
    assert_eq!((warehouse.status(3), warehouse.status(4)), (Some(OrderStatus::Reserved), Some(OrderStatus::Reserved)));
    assert_eq!((warehouse.status(1), warehouse.status(2)), (Some(OrderStatus::Expired), Some(OrderStatus::Expired)));
    warehouse.must_be_clean();
}
