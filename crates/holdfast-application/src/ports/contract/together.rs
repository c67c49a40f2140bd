//! What a store shows under the committer: answers that stand, holds that are reclaimed, histories that agree.

use std::time::Duration;

use holdfast_domain::book::stocking::StockVerb;
use holdfast_domain::order::OrderEventKind;
use holdfast_domain::{OrderStatus, StockMovementType as Kind};

use super::MakeStore;
use super::history::{plays_the_same, random_history};
use super::warehouse::{Warehouse, change, confirm, event, keyed, order, reserve, submission};
use crate::answer::Reply;
use crate::audit;
use crate::command::Submission;

/// The same command under the same key changes stock once.
pub fn a_repeat_hears_the_first_answer(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let asked = keyed("k", change(1, StockVerb::Add, 5));
    let first = warehouse.decide_all(std::slice::from_ref(&asked));
    let [Reply::Kept { answer, .. }] = first.as_slice() else { panic!("{first:?} is not kept") };
    warehouse.decide(change(1, StockVerb::Remove, 15)).expect("there are 15");
    warehouse.wait(Duration::from_mins(1));
    assert_eq!(warehouse.decide_all(&[asked]), [Reply::Replayed(answer.clone())]);
    assert_eq!(warehouse.levels(1), (0, 0));
    warehouse.must_be_clean();
}

/// A key is a name for one request.
pub fn another_request_under_the_same_key_is_told_so(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    warehouse.decide_all(&[keyed("k", change(1, StockVerb::Add, 5))]);
    assert_eq!(warehouse.decide_all(&[keyed("k", change(1, StockVerb::Add, 6))]), [Reply::KeyReused]);
    assert_eq!(warehouse.levels(1), (15, 0));
}

/// A repeat need not wait for the next batch to be known.
pub fn a_key_that_stands_twice_in_one_batch_is_carried_out_once(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let add = |units: u32| keyed("k", change(1, StockVerb::Add, units));
    let replies = warehouse.decide_all(&[add(5), submission(change(1, StockVerb::Remove, 1)), add(5), add(6)]);
    let [Reply::Kept { answer: first, .. }, Reply::Decided(Ok(_)), Reply::Replayed(again), Reply::KeyReused] =
        replies.as_slice()
    else {
        panic!("{replies:?}")
    };
    assert_eq!(first, again);
    assert_eq!(warehouse.levels(1), (14, 0));
    assert_eq!(warehouse.decide_all(&[add(5)]), [Reply::Replayed(first.clone())]);
}

/// The first answer stands, a refusal too: what would succeed later does not.
pub fn a_refusal_is_kept_too(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let asked = keyed("k", reserve(1, &[(1, 11)]));
    let refused = warehouse.decide_all(std::slice::from_ref(&asked));
    warehouse.decide(change(1, StockVerb::Add, 5)).expect("room");
    let again = warehouse.decide_all(&[asked]);
    let ([Reply::Kept { answer: first, .. }], [Reply::Replayed(second)]) = (refused.as_slice(), again.as_slice())
    else {
        panic!("{refused:?} {again:?}")
    };
    assert_eq!((first, first.status), (second, 409));
    assert_eq!((warehouse.status(1), warehouse.levels(1)), (Some(OrderStatus::Refused), (15, 0)));
}

/// A short attempt ends the due orders in its way in the same transaction, each as a whole, and no others.
pub fn a_dead_hold_never_costs_a_sale(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    for number in [1, 2, 3] {
        warehouse.stock(number, 10);
    }
    warehouse.reserve(1, &[(1, 10), (2, 4)]).expect("enough");
    warehouse.reserve(2, &[(3, 1)]).expect("enough");
    warehouse.wait(Duration::from_mins(30));
    // The grace of the sweep does not count here, and what is in nobody's way is left to it.
    warehouse.reserve(3, &[(1, 3)]).expect("the dead hold gives way");
    assert_eq!(warehouse.status(1), Some(OrderStatus::Expired));
    assert_eq!(warehouse.status(2), Some(OrderStatus::Reserved));
    assert_eq!((warehouse.levels(1), warehouse.levels(2), warehouse.levels(3)), ((7, 3), (10, 0), (9, 1)));
    let kinds: Vec<Kind> = warehouse.movements(1).iter().map(|movement| movement.kind).collect();
    assert_eq!(kinds, [Kind::StockIn, Kind::Reserved, Kind::Released, Kind::Reserved]);
    warehouse.must_be_clean();
}

/// A replay gives the same result whenever it runs: what is due by an event's time ends before it.
pub fn the_events_clock_ends_what_is_due_first(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    let start = warehouse.now().after(Duration::from_hours(1));
    let at = |seconds: u64, submission: Submission| Submission {
        decided_at: Some(start.after(Duration::from_secs(seconds))),
        ..submission
    };
    let half_an_hour = 30 * 60;
    let replies = warehouse.decide_all(&[
        at(0, submission(event(OrderEventKind::OrderCreated, 1, &[(1, 6)]))),
        at(10, submission(event(OrderEventKind::OrderCreated, 2, &[(1, 4)]))),
        at(half_an_hour, submission(confirm(2))),
        at(half_an_hour, submission(event(OrderEventKind::OrderCreated, 3, &[(1, 6)]))),
    ]);
    assert!(replies.iter().all(|reply| matches!(reply, Reply::Decided(Ok(_)))), "{replies:?}");
    assert_eq!(warehouse.status(1), Some(OrderStatus::Expired));
    assert_eq!(
        warehouse.order(1).and_then(|order| order.ended_at),
        Some(start.after(Duration::from_secs(half_an_hour)))
    );
    assert_eq!((warehouse.status(2), warehouse.status(3)), (Some(OrderStatus::Confirmed), Some(OrderStatus::Reserved)));
    let late = at(3 * half_an_hour, submission(event(OrderEventKind::OrderCreated, 4, &[(1, 6)])));
    warehouse.decide_all(&[late]);
    assert_eq!((warehouse.status(3), warehouse.status(4)), (Some(OrderStatus::Expired), Some(OrderStatus::Reserved)));
    assert_eq!(warehouse.order(4).map(|read| (read.id, read.number.0)), Some((order(4), 4)));
    warehouse.must_be_clean();
}

/// A short history of everything.
pub fn a_random_history_is_the_same_as_in_memory(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    plays_the_same(&mut Warehouse::in_memory(), &mut warehouse, &random_history(3, 3_000), 3);
}

/// The proof of one product reads that product only.
pub fn one_product_is_audited_by_itself(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 10);
    warehouse.stock(2, 10);
    warehouse.reserve(1, &[(1, 2), (2, 3)]).expect("enough");
    let report = audit::prove(&*warehouse.queries, Some(super::warehouse::product(2))).expect("reads");
    assert_eq!((report.products, report.movements, report.reservations), (1, 2, 1));
    assert_eq!(report.faults, []);
}
