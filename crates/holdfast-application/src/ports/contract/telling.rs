//! What the world is to be told waits in the outbox, in the order of each key and without a hole, until it is removed.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use holdfast_domain::OrderStatus;
use holdfast_domain::book::stocking::StockVerb;
use holdfast_domain::order::OrderEventKind;
use serde_json::Value;

use super::MakeStore;
use super::warehouse::{Warehouse, change, confirm, event, order, release, replace, reserve, submission};
use crate::command::{Command, Submission};
use crate::events::{
    Destination, EventKind, EventSet, OutgoingEvent, Parcel, PlaceInStream, Publishing, SentParcel, Stream, UnsentEvent,
};
use crate::queries::OutboxStep;

/// Who is told everything, in stories.
const BROKERS: &str = "brokers";
/// Who is only told of stock that is low.
const BUYERS: &str = "buyers";

/// Somebody who is told everything, and somebody who is told what matters to buyers.
pub fn everybody() -> Publishing {
    let low = EventSet::of(&[EventKind::LowStock, EventKind::OutOfStock]);
    Publishing {
        destinations: vec![
            Destination { name: BROKERS.into(), wants: EventSet::ALL },
            Destination { name: BUYERS.into(), wants: low },
        ],
    }
}

fn open(make: MakeStore<'_>) -> Warehouse {
    let mut warehouse = Warehouse::open(make);
    warehouse.policy.publishing = everybody();
    warehouse
}

/// All that waits for a destination.
pub(super) fn unsent(warehouse: &Warehouse, destination: &str, stream: Stream) -> Vec<UnsentEvent> {
    some_unsent(warehouse, destination, stream, OutboxStep::ALL)
}

fn some_unsent(warehouse: &Warehouse, destination: &str, stream: Stream, step: OutboxStep) -> Vec<UnsentEvent> {
    warehouse.queries.unsent(destination, stream, step, &HashSet::new()).expect("reads")
}

/// What waits for somebody who is told everything.
pub fn to_the_brokers(warehouse: &Warehouse, stream: Stream) -> impl Iterator<Item = OutgoingEvent> {
    unsent(warehouse, BROKERS, stream).into_iter().map(|unsent| unsent.event)
}

fn told(warehouse: &Warehouse, destination: &str, stream: Stream) -> Vec<(EventKind, u64, u32)> {
    let unsent = unsent(warehouse, destination, stream);
    unsent.iter().map(|unsent| (unsent.event.kind, unsent.event.place.sequence, unsent.event.place.part)).collect()
}

/// Every movement, every line that was crossed and every outcome of an order is told, to whoever wants to hear it.
pub fn everything_that_happens_is_told(make: MakeStore<'_>) {
    use EventKind as Kind;
    let mut warehouse = open(make);
    warehouse.stock(1, 12);
    warehouse.reserve(1, &[(1, 12)]).expect("enough");
    warehouse.reserve(2, &[(1, 1)]).expect_err("nothing is left");
    warehouse.decide(replace(1, &[(1, 3)])).expect("less");
    warehouse.decide(confirm(1)).expect("held");
    warehouse.decide(release(1)).expect_err("it has left the house");
    let stock = [
        (Kind::StockAdjusted, 1, 0),
        (Kind::StockReserved, 2, 0),
        (Kind::LowStock, 2, 1),
        (Kind::OutOfStock, 2, 2),
        (Kind::StockReleased, 3, 0),
        (Kind::BackInStock, 3, 1),
        (Kind::StockReserved, 4, 0),
        (Kind::LowStock, 4, 1),
        (Kind::StockConfirmed, 5, 0),
    ];
    assert_eq!(told(&warehouse, BROKERS, Stream::Stock), stock);
    let mut of_first: Vec<UnsentEvent> = unsent(&warehouse, BROKERS, Stream::Orders);
    of_first.retain(|unsent| unsent.event.place.key == order(1).to_bytes());
    let kinds: Vec<_> = of_first.iter().map(|unsent| (unsent.event.kind, unsent.event.place.sequence)).collect();
    assert_eq!(kinds, [(Kind::OrderReserved, 1), (Kind::OrderReserved, 2), (Kind::OrderConfirmed, 3)]);
    let low = [(Kind::LowStock, 2, 1), (Kind::OutOfStock, 2, 2), (Kind::LowStock, 4, 1)];
    assert_eq!(told(&warehouse, BUYERS, Stream::Stock), low);
    warehouse.must_be_clean();
    assert_eq!(told(&warehouse, BUYERS, Stream::Orders), []);
}

/// An event that was told goes, for whoever was told; the others wait on.
pub fn what_was_told_is_removed(make: MakeStore<'_>) {
    let mut warehouse = open(make);
    warehouse.stock(1, 12);
    warehouse.reserve(1, &[(1, 12)]).expect("enough");
    let all = unsent(&warehouse, BROKERS, Stream::Stock);
    let step =
        |events_max, bytes_max| some_unsent(&warehouse, BROKERS, Stream::Stock, OutboxStep { events_max, bytes_max });
    let first = step(2, usize::MAX);
    assert_eq!(first.as_slice(), &all[..2], "the oldest come first");
    assert_eq!(step(9, 0).as_slice(), &all[..1], "one always comes");
    let depth = warehouse.queries.outbox_depth(&[BROKERS, BUYERS], 1_000).expect("reads");
    assert_eq!((depth.events, depth.oldest), (7, all.first().map(|unsent| unsent.parcel.written_at)));
    assert_eq!(warehouse.queries.outbox_depth(&[BROKERS], 3).expect("reads").events, 3, "it counts no further");
    warehouse.decide(told_of(&[&all[0], &all[2]])).expect("removed");
    let left = [all[1].clone(), all[3].clone()];
    assert_eq!(unsent(&warehouse, BROKERS, Stream::Stock), left, "and nothing that stands between them");
    warehouse.decide(told_of(&[&all[0], &all[2]])).expect("what is gone already is no fault");
    assert_eq!(unsent(&warehouse, BROKERS, Stream::Stock), left);
    warehouse.decide(told_of(&[&left[0], &left[1]])).expect("removed");
    assert_eq!(unsent(&warehouse, BROKERS, Stream::Stock), []);
    assert_eq!(told(&warehouse, BUYERS, Stream::Stock).len(), 2, "another one waits on");
    assert_eq!(told(&warehouse, BROKERS, Stream::Orders).len(), 1, "and another stream");
}

/// What a batch tells comes and goes like anything else, however a store keeps it: event by event, and each once.
pub fn what_a_batch_tells_is_told_event_by_event(make: MakeStore<'_>) {
    let mut warehouse = open(make);
    for product in 1..=3 {
        warehouse.stock(product, 500);
    }
    for numbers in [1..=200, 201..=240] {
        let orders = numbers.map(|number| submission(reserve(number, &[(1, 1), (2, 1), (3, 1)])));
        warehouse.decide_all(&orders.collect::<Vec<Submission>>());
    }
    let all = unsent(&warehouse, BROKERS, Stream::Stock);
    assert_eq!(all.len(), 3 + 3 * 240);
    dense(&all);
    let depth = warehouse.queries.outbox_depth(&[BROKERS], 10_000).expect("reads");
    assert_eq!(depth.events, 3 + 4 * 240, "each product's and each order's");
    for events_max in [1, 7, 50, all.len()] {
        let step = OutboxStep { events_max, ..OutboxStep::ALL };
        let some = some_unsent(&warehouse, BROKERS, Stream::Stock, step);
        assert_eq!(some, all[..events_max], "the first {events_max}");
        // What was told as a whole and is not removed yet is passed over, and takes nothing of what is read behind it.
        let told: HashSet<Parcel> = some.iter().map(|unsent| unsent.parcel).collect();
        let read = warehouse.queries.unsent(BROKERS, Stream::Stock, step, &told).expect("reads");
        let next = all.iter().filter(|unsent| !told.contains(&unsent.parcel)).take(events_max);
        assert!(read.iter().eq(next), "those behind the first {events_max}");
    }
    // Every third is told first, and then again, as if that had not been heard of.
    let (some, others): (Vec<_>, Vec<_>) = all.iter().enumerate().partition(|(at, _)| at % 3 == 0);
    let [some, others] = [some, others].map(|events| events.into_iter().map(|(_, unsent)| unsent).collect::<Vec<_>>());
    let must_be_left = |warehouse: &Warehouse, events: &[&UnsentEvent]| {
        let left = unsent(warehouse, BROKERS, Stream::Stock);
        assert!(left.iter().map(|unsent| &unsent.event).eq(events.iter().map(|unsent| &unsent.event)), "the others");
        warehouse.must_be_clean();
    };
    for _ in 0..2 {
        warehouse.decide(told_of(&some)).expect("removed");
        must_be_left(&warehouse, &others);
    }
    // Half of the others were read before the first were removed, so where they stand has changed.
    let (some, others) = others.split_at(others.len() / 2);
    for _ in 0..2 {
        warehouse.decide(told_of(some)).expect("removed");
        must_be_left(&warehouse, others);
    }
    let left = unsent(&warehouse, BROKERS, Stream::Stock);
    warehouse.decide(told_of(&left.iter().collect::<Vec<_>>())).expect("removed");
    assert_eq!(unsent(&warehouse, BROKERS, Stream::Stock), []);
    let outcomes = unsent(&warehouse, BROKERS, Stream::Orders);
    assert_eq!(outcomes.len(), 240, "another stream waits on");
    warehouse.decide(told_of(&outcomes.iter().collect::<Vec<_>>())).expect("removed");
    assert_eq!(warehouse.queries.outbox_depth(&[BROKERS], 10_000).expect("reads").events, 0);
    warehouse.must_be_clean();
}

/// Events were told, each of them as if it had been told twice.
fn told_of(events: &[&UnsentEvent]) -> Command {
    let sent = SentParcel::of(events.iter().chain(events).copied());
    Command::RemoveEvents { destination: BROKERS.into(), sent: sent.into() }
}

/// Nobody to tell, nothing written down; but what happened is counted, so that whoever listens later can tell what was
/// before.
pub fn with_nobody_to_tell_nothing_is_written(make: MakeStore<'_>) {
    let mut warehouse = Warehouse::open(make);
    warehouse.stock(1, 12);
    warehouse.reserve(1, &[(1, 1)]).expect("enough");
    assert_eq!(told(&warehouse, BROKERS, Stream::Stock), []);
    assert_eq!(warehouse.queries.outbox_depth(&[BROKERS], 9).expect("reads").events, 0);
    warehouse.policy.publishing = everybody();
    warehouse.decide(release(1)).expect("held");
    assert_eq!(told(&warehouse, BROKERS, Stream::Stock), [(EventKind::StockReleased, 3, 0)]);
    assert_eq!(told(&warehouse, BROKERS, Stream::Orders), [(EventKind::OrderReleased, 2, 0)]);
}

/// Money that was taken for goods that are not held is told, once for each event, and the same whether the payment came
/// before or behind what says no.
pub fn a_payment_for_nothing_is_told(make: MakeStore<'_>) {
    use OrderEventKind::{OrderCancelled, OrderCreated, PaymentCompleted};
    let mut warehouse = open(make);
    warehouse.stock(1, 1);
    let cancelled = [("order_already_closed", true), ("order_already_closed", false)];
    let refused = [("insufficient_stock", false), ("order_state_conflict", true)];
    for (number, kinds, expected) in [
        (1, [OrderCancelled, PaymentCompleted, PaymentCompleted, OrderCreated], cancelled),
        (2, [PaymentCompleted, OrderCancelled, PaymentCompleted, OrderCreated], cancelled),
        (3, [OrderCreated, PaymentCompleted, PaymentCompleted, OrderCreated], refused),
        (4, [PaymentCompleted, OrderCreated, PaymentCompleted, OrderCreated], refused),
    ] {
        for kind in kinds {
            warehouse.hear(kind, number, if kind == OrderCreated { &[(1, 2)] } else { &[] });
        }
        let unsent = unsent(&warehouse, BROKERS, Stream::Orders);
        let of_order = unsent.iter().filter(|unsent| unsent.event.place.key == order(number).to_bytes());
        let told = of_order.map(|unsent| {
            let data: Value = serde_json::from_slice(&unsent.event.data).expect("JSON");
            (data["code"].as_str().unwrap_or_default().to_owned(), data["paid"] == true)
        });
        assert!(told.eq(expected.map(|(code, paid)| (code.to_owned(), paid))), "order {number}");
    }
    // An order that was refused may be served later, but not for the money that was turned away.
    for number in [3, 4] {
        warehouse.reserve(number, &[(1, 1)]).expect("enough");
        assert_eq!(warehouse.status(number), Some(OrderStatus::Reserved));
        warehouse.decide(release(number)).expect("held");
    }
    warehouse.must_be_clean();
}

/// However little is read at a time, of a key its first event comes first, whatever the clocks of its writers said.
pub fn a_clock_that_was_ahead_puts_no_event_before_an_earlier_one(make: MakeStore<'_>) {
    let mut warehouse = open(make);
    warehouse.stock(1, 12);
    let written = unsent(&warehouse, BROKERS, Stream::Stock).pop().expect("the first units").event;
    let ahead = written.at.after(Duration::from_secs(2));
    // The product's time does not run backwards, so the later movement has the time of the earlier one.
    let event = |key, sequence| {
        let place = PlaceInStream { key: [key; 16], sequence, ..written.place };
        OutgoingEvent { place, at: ahead, ..written.clone() }
    };
    let first: Vec<OutgoingEvent> = (0..20).map(|key| event(key, 1)).collect();
    let second = vec![event(0, 2), event(19, 2)];
    let batches = [(first, ahead), (second, ahead.before(Duration::from_secs(1)))];
    for (events, now) in &batches {
        let mut transaction = warehouse.store.begin().expect("a transaction");
        transaction.append_events(BUYERS, &events.iter().collect::<Vec<_>>(), *now).expect("appended");
        transaction.commit().expect("committed");
    }
    for events_max in 1..=22 {
        let step = OutboxStep { events_max, ..OutboxStep::ALL };
        let read = some_unsent(&warehouse, BUYERS, Stream::Stock, step);
        assert_eq!(read.len(), events_max);
        dense(&read);
    }
}

/// What a batch that was not committed would have told is not told.
pub fn nothing_is_told_of_what_did_not_happen(make: MakeStore<'_>) {
    let mut warehouse = open(make);
    warehouse.stock(1, 12);
    let before = unsent(&warehouse, BROKERS, Stream::Stock);
    let mut transaction = warehouse.store.begin().expect("a transaction");
    let now = transaction.now().expect("the time");
    let event = before.first().map(|unsent| unsent.event.clone()).expect("the first units");
    transaction.append_events(BUYERS, &[&event], now).expect("appended");
    drop(transaction);
    assert_eq!(unsent(&warehouse, BUYERS, Stream::Stock), []);
    let batch = [change(1, StockVerb::Remove, 1), event_of_nothing()].map(submission);
    warehouse.decide_all(&batch);
    let after = told(&warehouse, BROKERS, Stream::Stock);
    assert_eq!(after, [(EventKind::StockAdjusted, 1, 0), (EventKind::StockAdjusted, 2, 0)]);
}

fn event_of_nothing() -> Command {
    event(OrderEventKind::PaymentFailed, 9, &[])
}

/// Two stores that went through the same tell the same, and of no key is anything left out.
pub fn same_events(one: &Warehouse, other: &Warehouse) {
    for (destination, stream) in [BROKERS, BUYERS].into_iter().flat_map(|name| Stream::ALL.map(|stream| (name, stream)))
    {
        let [left, right] = [one, other].map(|warehouse| {
            let mut events = unsent(warehouse, destination, stream);
            if destination == BROKERS {
                dense(&events);
            }
            // Between keys the order is each store's own.
            events.sort_by_key(|unsent| unsent.event.place);
            events
        });
        for (at, (left, right)) in left.iter().zip(&right).enumerate() {
            let [left, right] = [left, right].map(|unsent| (&unsent.event, unsent.parcel.written_at));
            assert_eq!(left, right, "event {at} of {stream:?}");
        }
        assert_eq!(left.len(), right.len(), "as many events are told");
    }
}

/// Of every key the events are 1, 2, 3 … with their parts 0, 1, 2 …
fn dense(events: &[UnsentEvent]) {
    let mut last: BTreeMap<[u8; 16], (u64, u32)> = BTreeMap::new();
    for unsent in events {
        let place = unsent.event.place;
        let here = (place.sequence, place.part);
        let (sequence, part) = last.get(&place.key).copied().unwrap_or((0, 0));
        let follows = here == (sequence, part.saturating_add(1)) || here == (sequence.saturating_add(1), 0);
        assert!(follows, "{here:?} follows {sequence}, {part} of {}", place.key_text());
        last.insert(place.key, here);
    }
}
