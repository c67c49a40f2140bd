//! What each upstream event does to an order in each state: the whole table of PROTOCOL, section 3.11.

use std::time::Duration;

use holdfast_application::Reply;
use holdfast_application::command::{Command, Submission};
use holdfast_application::intake::{Identity, heard_again, kept_event, outcome_of};
use holdfast_application::order_event::{EventAnswer, EventOutcome, OrderEvent};
use holdfast_application::policy::LatePayment;
use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::{
    confirm, event, event_of, expire, lines, order, release, replace, reserve, submission,
};
use holdfast_domain::order::OrderEventKind::{self, OrderCancelled, OrderCreated, PaymentCompleted, PaymentFailed};
use holdfast_domain::{OrderStatus, Reason};

const APPLIED: (EventOutcome, Option<&str>) = (EventOutcome::Applied, None);
const REPLAYED: (EventOutcome, Option<&str>) = (EventOutcome::Replayed, None);
const IGNORED: (EventOutcome, Option<&str>) = (EventOutcome::Ignored, None);
const WAITING: (EventOutcome, Option<&str>) = (EventOutcome::Waiting, None);

const fn refused(code: &str) -> (EventOutcome, Option<&str>) {
    (EventOutcome::Refused, Some(code))
}

#[test]
fn the_whole_table_of_states_and_events() {
    use OrderStatus::{Closed, Confirmed, Expired, Refused, Released, Reserved};
    let closed = refused("order_already_closed");
    let conflict = refused("order_state_conflict");
    let rows = [
        (None, OrderCreated, APPLIED, Some(Reserved)),
        (None, PaymentCompleted, WAITING, None),
        (None, PaymentFailed, APPLIED, Some(Closed)),
        (None, OrderCancelled, APPLIED, Some(Closed)),
        (Some(Reserved), OrderCreated, REPLAYED, Some(Reserved)),
        (Some(Reserved), PaymentCompleted, APPLIED, Some(Confirmed)),
        (Some(Reserved), PaymentFailed, APPLIED, Some(Released)),
        (Some(Reserved), OrderCancelled, APPLIED, Some(Released)),
        (Some(Refused), OrderCreated, refused("insufficient_stock"), Some(Refused)),
        (Some(Refused), PaymentCompleted, conflict, Some(Refused)),
        (Some(Refused), PaymentFailed, IGNORED, Some(Refused)),
        (Some(Refused), OrderCancelled, IGNORED, Some(Refused)),
        (Some(Confirmed), OrderCreated, REPLAYED, Some(Confirmed)),
        (Some(Confirmed), PaymentCompleted, REPLAYED, Some(Confirmed)),
        (Some(Confirmed), PaymentFailed, conflict, Some(Confirmed)),
        (Some(Confirmed), OrderCancelled, conflict, Some(Confirmed)),
        (Some(Released), OrderCreated, REPLAYED, Some(Released)),
        (Some(Released), PaymentCompleted, closed, Some(Released)),
        (Some(Released), PaymentFailed, IGNORED, Some(Released)),
        (Some(Released), OrderCancelled, IGNORED, Some(Released)),
        (Some(Expired), OrderCreated, REPLAYED, Some(Expired)),
        (Some(Expired), PaymentCompleted, APPLIED, Some(Confirmed)),
        (Some(Expired), PaymentFailed, IGNORED, Some(Expired)),
        (Some(Expired), OrderCancelled, IGNORED, Some(Expired)),
        (Some(Closed), OrderCreated, closed, Some(Closed)),
        (Some(Closed), PaymentCompleted, closed, Some(Closed)),
        (Some(Closed), PaymentFailed, IGNORED, Some(Closed)),
        (Some(Closed), OrderCancelled, IGNORED, Some(Closed)),
    ];
    for (state, kind, answer, after) in rows {
        let mut warehouse = with_order(state);
        let before = (warehouse.levels(1), warehouse.all_movements().len());
        // An event with an identity of its own is judged by the order's state alone.
        let heard = hear_by_id(&mut warehouse, kind, &[(1, 4)]);
        assert_eq!((heard.outcome, heard.code), answer, "{kind} for an order that is {state:?}");
        assert_eq!(warehouse.status(1), after, "{kind} for an order that is {state:?}");
        if after == state {
            let untouched = (warehouse.levels(1), warehouse.all_movements().len());
            assert_eq!(untouched, before, "{kind} for an order that is {state:?} moves nothing");
        }
        warehouse.must_be_clean();
    }
}

#[test]
fn the_same_event_again_hears_its_first_no_or_that_it_is_known() {
    use OrderStatus::{Closed, Confirmed, Expired, Refused, Released, Reserved};
    for kind in OrderEventKind::ALL {
        let states = [Reserved, Confirmed, Refused, Released, Expired, Closed].map(Some);
        for state in std::iter::once(None).chain(states) {
            let mut warehouse = with_order(state);
            let first = warehouse.hear(*kind, 1, &[(1, 4)]);
            let movements = warehouse.all_movements();
            warehouse.wait(Duration::from_mins(1));
            let again = warehouse.hear(*kind, 1, &[(1, 4)]);
            let first = (first.outcome, first.code);
            let expected = if first.0 == EventOutcome::Refused { first } else { REPLAYED };
            assert_eq!((again.outcome, again.code), expected, "{kind} after {first:?}, {state:?}");
            assert_eq!(warehouse.all_movements(), movements);
        }
    }
}

#[test]
fn an_event_that_was_refused_is_not_tried_again_by_its_repeat() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let refused_first = warehouse.hear(OrderCreated, 1, &[(1, 11)]);
    assert_eq!((refused_first.outcome, refused_first.code), refused("insufficient_stock"));
    warehouse
        .decide(holdfast_application::ports::contract::warehouse::change(
            1,
            holdfast_domain::book::stocking::StockVerb::Add,
            5,
        ))
        .expect("room");
    assert_eq!(warehouse.hear(OrderCreated, 1, &[(1, 11)]), refused_first);
    assert_eq!(warehouse.status(1), Some(OrderStatus::Refused));
    // Over HTTP a later attempt may succeed.
    warehouse.reserve(1, &[(1, 11)]).expect("there are 15 now");
    assert_eq!(warehouse.levels(1), (4, 11));
}

#[test]
fn a_no_is_heard_again_whatever_has_happened_since() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let created = warehouse.hear(OrderCreated, 1, &[(1, 11)]);
    let paid = warehouse.hear(PaymentCompleted, 1, &[]);
    assert_eq!((paid.outcome, paid.code), refused("order_state_conflict"));
    assert_eq!(warehouse.hear(OrderCreated, 1, &[(1, 11)]), created, "the world was told of the payment since");
    assert_eq!(warehouse.hear(PaymentCompleted, 1, &[]), paid);
    warehouse.reserve(1, &[(1, 10)]).expect("enough");
    let no = EventAnswer { outcome: EventOutcome::Refused, code: None };
    assert_eq!(warehouse.hear(OrderCreated, 1, &[(1, 11)]), no, "a later attempt has succeeded");
    assert_eq!((warehouse.hear(PaymentCompleted, 1, &[]), warehouse.status(1)), (no, Some(OrderStatus::Reserved)));
    // An event that had nothing to do is no no, though it would be refused now.
    let mut warehouse = with_order(Some(OrderStatus::Expired));
    assert_eq!(warehouse.hear(OrderCancelled, 1, &[]).outcome, EventOutcome::Ignored);
    assert_eq!(warehouse.hear(PaymentCompleted, 1, &[]).outcome, EventOutcome::Applied);
    assert_eq!(warehouse.hear(OrderCancelled, 1, &[]).outcome, EventOutcome::Replayed);
}

#[test]
fn an_order_created_with_other_lines_can_never_be_applied() {
    let mut warehouse = with_order(Some(OrderStatus::Reserved));
    let heard = hear_by_id(&mut warehouse, OrderCreated, &[(1, 5)]);
    assert_eq!((heard.outcome, heard.code), (EventOutcome::Rejected, Some("order_already_reserved")));
    assert_eq!(warehouse.levels(1), (6, 4));
}

#[test]
fn an_order_created_that_is_known_is_compared_while_the_order_is_as_it_was_made() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    let heard = |warehouse: &mut Warehouse, units: u32| {
        let EventAnswer { outcome, code } = warehouse.hear(OrderCreated, 1, &[(1, units)]);
        (outcome, code)
    };
    assert_eq!(heard(&mut warehouse, 3), APPLIED);
    assert_eq!(heard(&mut warehouse, 3), REPLAYED);
    assert_eq!(heard(&mut warehouse, 4), (EventOutcome::Rejected, Some("order_already_reserved")));
    warehouse.decide(replace(1, &[(1, 5)])).expect("enough");
    assert_eq!(heard(&mut warehouse, 3), REPLAYED, "it was made so");
    assert_eq!(warehouse.levels(1), (5, 5));
}

#[test]
fn a_late_payment_is_refused_where_the_setting_says_so() {
    let mut warehouse = with_order(Some(OrderStatus::Expired));
    warehouse.policy.late_payment = LatePayment::Refuse;
    let heard = warehouse.hear(PaymentCompleted, 1, &[]);
    assert_eq!((heard.outcome, heard.code), refused("reservation_expired"));
    assert_eq!(warehouse.hear(PaymentCompleted, 1, &[]), heard);
    assert_eq!((warehouse.status(1), warehouse.levels(1)), (Some(OrderStatus::Expired), (10, 0)));
}

#[test]
fn a_late_payment_without_stock_is_refused_and_the_order_stays_expired() {
    let mut warehouse = with_order(Some(OrderStatus::Expired));
    warehouse.reserve(2, &[(1, 8)]).expect("enough");
    let heard = warehouse.hear(PaymentCompleted, 1, &[]);
    assert_eq!((heard.outcome, heard.code), refused("insufficient_stock"));
    assert_eq!((warehouse.status(1), warehouse.levels(1)), (Some(OrderStatus::Expired), (2, 8)));
    assert_eq!(warehouse.hear(PaymentCompleted, 1, &[]), heard);
    warehouse.must_be_clean();
}

#[test]
fn a_late_payment_reserves_anew_and_the_old_reservations_stay_expired() {
    let mut warehouse = with_order(Some(OrderStatus::Expired));
    warehouse.hear(PaymentCompleted, 1, &[]);
    let paid = warehouse.order(1).expect("the order");
    let statuses: Vec<&str> = paid.reservations.iter().map(|held| held.status.as_str()).collect();
    assert_eq!(statuses, ["Expired", "Confirmed"]);
    assert_eq!(warehouse.levels(1), (6, 0));
    warehouse.must_be_clean();
}

#[test]
fn a_payment_before_its_order_confirms_it_as_soon_as_it_is_reserved() {
    for by_event in [true, false] {
        let mut warehouse = Warehouse::in_memory();
        warehouse.stock(1, 10);
        assert_eq!(warehouse.hear(PaymentCompleted, 1, &[]).outcome, EventOutcome::Waiting);
        assert_eq!(warehouse.hear(PaymentCompleted, 1, &[]).outcome, EventOutcome::Replayed);
        assert_eq!(warehouse.status(1), None);
        let asked = if by_event { event(OrderCreated, 1, &[(1, 4)]) } else { reserve(1, &[(1, 4)]) };
        warehouse.decide(asked).expect("enough");
        assert_eq!((warehouse.status(1), warehouse.levels(1)), (Some(OrderStatus::Confirmed), (6, 0)));
        let nobody = warehouse.queries.overdue_payments(warehouse.now().after(Duration::from_hours(1)), 9);
        assert_eq!(nobody.expect("reads"), [], "nobody waits any more");
        assert_eq!(warehouse.hear(PaymentCompleted, 1, &[]).outcome, EventOutcome::Replayed);
        warehouse.must_be_clean();
    }
}

#[test]
fn a_payment_and_its_order_may_meet_in_one_batch_in_either_order() {
    for payment_first in [true, false] {
        let mut warehouse = Warehouse::in_memory();
        warehouse.stock(1, 10);
        let mut batch = vec![
            submission(event(PaymentCompleted, 1, &[])),
            submission(event(OrderCreated, 1, &[(1, 4)])),
            submission(event(PaymentCompleted, 1, &[])),
        ];
        if !payment_first {
            batch.remove(0);
        }
        warehouse.decide_all(&batch);
        assert_eq!((warehouse.status(1), warehouse.levels(1)), (Some(OrderStatus::Confirmed), (6, 0)));
    }
}

#[test]
fn a_payment_waits_no_longer_than_until_its_order_is_refused() {
    for is_early in [false, true] {
        let mut warehouse = Warehouse::in_memory();
        warehouse.stock(1, 10);
        if is_early {
            assert_eq!(warehouse.hear(PaymentCompleted, 1, &[]).outcome, EventOutcome::Waiting);
        }
        warehouse.reserve(1, &[(1, 11)]).expect_err("too few");
        let heard = warehouse.hear(PaymentCompleted, 1, &[]).outcome;
        assert_eq!(heard, if is_early { EventOutcome::Replayed } else { EventOutcome::Refused });
        warehouse.reserve(1, &[(1, 10)]).expect("enough");
        assert_eq!(warehouse.status(1), Some(OrderStatus::Reserved));
    }
}

#[test]
fn a_payment_that_waited_too_long_is_dropped_and_its_order_is_held_as_usual() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    warehouse.hear(PaymentCompleted, 1, &[]);
    warehouse.decide(Command::DropPayment { order: order(1) }).expect("dropped");
    warehouse.hear(OrderCreated, 1, &[(1, 4)]);
    assert_eq!(warehouse.status(1), Some(OrderStatus::Reserved));
}

#[test]
fn a_payment_that_was_given_up_does_not_wait_again() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    warehouse.hear(PaymentCompleted, 1, &[]);
    warehouse.decide(Command::DropPayment { order: order(1) }).expect("dropped");
    let given_up = (EventOutcome::Rejected, Some("order_not_found"));
    let again = warehouse.hear(PaymentCompleted, 1, &[]);
    assert_eq!((again.outcome, again.code), given_up);
    // Not when its order has come meanwhile either: whoever wants that confirms the order.
    warehouse.hear(OrderCreated, 1, &[(1, 4)]);
    for _ in 0..2 {
        let again = warehouse.hear(PaymentCompleted, 1, &[]);
        assert_eq!(
            (again.outcome, again.code, warehouse.status(1)),
            (given_up.0, given_up.1, Some(OrderStatus::Reserved))
        );
    }
    // A payment with an identity of its own is another event.
    let other = hear_by_id(&mut warehouse, PaymentCompleted, &[]);
    assert_eq!((other.outcome, warehouse.status(1)), (EventOutcome::Applied, Some(OrderStatus::Confirmed)));
}

#[test]
fn a_bare_payment_that_was_given_up_hears_so_on_every_road() {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    assert_eq!(hear_on_the_road(&mut warehouse, PaymentCompleted, &[]), ("waiting", None));
    assert_eq!(hear_on_the_road(&mut warehouse, PaymentCompleted, &[]), ("replayed", None));
    warehouse.decide(Command::DropPayment { order: order(1) }).expect("dropped");
    let given_up = ("rejected", Some("order_not_found".to_owned()));
    assert_eq!(hear_on_the_road(&mut warehouse, PaymentCompleted, &[]), given_up);
    assert_eq!(hear_on_the_road(&mut warehouse, OrderCreated, &[(1, 4)]), ("applied", None));
    assert_eq!(hear_on_the_road(&mut warehouse, PaymentCompleted, &[]), given_up);
    assert_eq!(warehouse.status(1), Some(OrderStatus::Reserved));
}

#[test]
fn a_tombstone_ends_the_wait_of_a_payment_and_says_why() {
    for (kind, reason) in [(PaymentFailed, "payment_failed"), (OrderCancelled, "order_cancelled")] {
        let mut warehouse = Warehouse::in_memory();
        warehouse.stock(1, 10);
        warehouse.hear(PaymentCompleted, 1, &[]);
        warehouse.hear(kind, 1, &[]);
        let closed = warehouse.order(1).expect("a tombstone");
        assert_eq!(closed.reason.map(|reason| reason.to_string()).as_deref(), Some(reason));
        assert_eq!(warehouse.hear(OrderCreated, 1, &[(1, 4)]).code, Some("order_already_closed"));
        assert_eq!((warehouse.status(1), warehouse.levels(1)), (Some(OrderStatus::Closed), (10, 0)));
        warehouse.reserve(1, &[(1, 4)]).expect_err("closed for good, over HTTP too");
    }
}

#[test]
fn an_event_says_why_it_released() {
    let mut warehouse = with_order(Some(OrderStatus::Reserved));
    let reason = Reason::new("changed my mind").ok();
    let cancelled = OrderEvent { kind: OrderCancelled, order: order(1), lines: Vec::new(), reason, is_bare: true };
    warehouse.decide(Command::OrderEvent(cancelled)).expect("an event's answer");
    let released = warehouse.order(1).expect("the order");
    let told = released.reservations.first().and_then(|held| held.reason.clone());
    assert_eq!(told.map(|reason| reason.to_string()).as_deref(), Some("changed my mind"));
}

/// Ten units of product 1, and order 1 for four of them in this state.
fn with_order(state: Option<OrderStatus>) -> Warehouse {
    let mut warehouse = Warehouse::in_memory();
    warehouse.stock(1, 10);
    if let Some(OrderStatus::Closed) = state {
        hear_by_id(&mut warehouse, OrderCancelled, &[]);
    } else if let Some(state) = state {
        let asked = if state == OrderStatus::Refused { 11 } else { 4 };
        let decided = warehouse.reserve(1, &[(1, asked)]);
        assert_eq!(decided.is_err(), state == OrderStatus::Refused);
        let end = match state {
            OrderStatus::Confirmed => confirm(1),
            OrderStatus::Released => release(1),
            _ => expire(1),
        };
        if state == OrderStatus::Expired {
            warehouse.wait(Duration::from_mins(31));
        }
        warehouse.decide(end).expect("the order was held");
    }
    assert_eq!(warehouse.status(1), state);
    warehouse
}

/// Hears an event whose identity is not its type and order.
fn hear_by_id(warehouse: &mut Warehouse, kind: OrderEventKind, asked: &[(u8, u32)]) -> EventAnswer {
    let heard = OrderEvent { kind, order: order(1), lines: lines(asked), reason: None, is_bare: false };
    event_of(warehouse.decide(Command::OrderEvent(heard)))
}

/// Hears a bare event under the name that HTTP and files decide it under.
fn hear_on_the_road(
    warehouse: &mut Warehouse,
    kind: OrderEventKind,
    asked: &[(u8, u32)],
) -> (&'static str, Option<String>) {
    let event = OrderEvent { kind, order: order(1), lines: lines(asked), reason: None, is_bare: true };
    let key = Identity::of_bare(&event).command_key();
    let heard = warehouse.decide_all(&[Submission { key: Some(key), ..submission(Command::OrderEvent(event)) }]);
    let (outcome, code) = match heard.first().expect("a reply") {
        Reply::Decided(decision) => outcome_of(&kept_event(decision)),
        Reply::Kept { answer, .. } => outcome_of(answer),
        Reply::Replayed(answer) => heard_again(answer),
        Reply::KeyReused => panic!("the same event has the same name"),
    };
    (outcome.as_str(), code)
}
