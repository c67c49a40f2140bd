//! A database that is older than what was published: its lost products are left alone, all others go on.

use std::sync::Arc;
use std::time::Duration;

use holdfast_application::answer::{Fault, Reply};
use holdfast_application::batch::BatchLimits;
use holdfast_application::command::{Command, Remarks, StockChange};
use holdfast_application::events::read_back::stock_event;
use holdfast_application::frozen::FrozenProducts;
use holdfast_application::lane::Lane;
use holdfast_application::ports::contract::Warehouse;
use holdfast_application::ports::contract::warehouse::{
    change, confirm, event, expire, new_item, order, product, release, replace, reserve, sku, submission,
};
use holdfast_application::ports::{LatestEvents, PublishedEvent, PublishedEvents, Unreadable};
use holdfast_application::queries::{LedgerPlace, StockQueries};
use holdfast_application::queue::{Class, CommandQueue, QueueLimits};
use holdfast_application::rollback::RollbackWatch;
use holdfast_application::ticket::{Heard, Ticket};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::stocking::StockVerb::Add;
use holdfast_domain::order::OrderEventKind::{OrderCancelled, OrderCreated, PaymentCompleted};
use holdfast_domain::{OrderStatus, Timestamp};

/// A partition that holds these events.
struct Topic(Vec<PublishedEvent>);

impl PublishedEvents for Topic {
    fn latest(&mut self, least: usize, _: usize) -> Result<Vec<LatestEvents>, Unreadable> {
        let begin = self.0.len().saturating_sub(least);
        Ok(vec![LatestEvents { events: self.0[begin..].to_vec(), is_all: begin == 0 }])
    }
}

/// What a warehouse has published so far.
fn published(warehouse: &Warehouse) -> Vec<PublishedEvent> {
    let places = warehouse.queries.places_between(LedgerPlace::START, Timestamp::MAX, usize::MAX).expect("reads");
    let movements: Vec<_> = places.iter().map(|place| (place.item, place.sequence)).collect();
    let told = warehouse.queries.events_at(&movements).expect("reads");
    told.iter()
        .flat_map(|told| &told.events)
        .map(|event| stock_event(&event.data).expect("an event of stock"))
        .collect()
}

/// Looks once at what was published, and says which products are left alone since.
fn look(events: Vec<PublishedEvent>, queries: &Arc<dyn StockQueries>, since: Timestamp) -> FrozenProducts {
    let frozen = FrozenProducts::default();
    let mut watch = RollbackWatch::new(Box::new(Topic(events)), queries.clone(), frozen.clone(), since);
    watch.look().expect("both can be read");
    frozen
}

/// Three products; an order on the first two, one on the third.
fn sell(warehouse: &mut Warehouse) {
    (1..=3).for_each(|number| drop(warehouse.stock(number, 100)));
    warehouse.reserve(1, &[(1, 5), (2, 5)]).expect("enough");
    warehouse.reserve(3, &[(3, 5)]).expect("enough");
}

#[test]
fn what_was_published_and_is_there_freezes_nothing() {
    let mut warehouse = Warehouse::in_memory();
    sell(&mut warehouse);
    assert_eq!(look(published(&warehouse), &warehouse.queries, Timestamp::EPOCH).count(), 0);
    assert_eq!(look(Vec::new(), &warehouse.queries, Timestamp::EPOCH).count(), 0, "nothing was published");
}

#[test]
fn whatever_concerns_a_frozen_product_is_turned_away_and_all_else_goes_on() {
    let (mut lost, mut restored) = (Warehouse::in_memory(), Warehouse::in_memory());
    sell(&mut lost);
    sell(&mut restored);
    lost.decide(change(1, Add, 7)).expect("added");
    restored.wait(Duration::from_hours(1));
    let frozen = look(published(&lost), &restored.queries, Timestamp::EPOCH);
    assert_eq!(frozen.count(), 1);

    let by_sku = StockChange { product: ProductRef::Sku(sku(1)), ..stock_change() };
    let refused = [
        Command::ChangeStock(by_sku),
        Command::CreateItem(new_item(1, &[]), Remarks::default()),
        reserve(9, &[(2, 1), (1, 1)]),
        confirm(1),
        release(1),
        replace(1, &[(2, 1)]),
        expire(1),
        event(OrderCreated, 8, &[(1, 1)]),
        event(PaymentCompleted, 1, &[]),
        event(OrderCancelled, 1, &[]),
    ];
    let others = [reserve(7, &[(2, 95)]), confirm(3), change(2, Add, 1), event(PaymentCompleted, 99, &[])];
    let (heard, restored) = work_off(restored, frozen, refused.iter().chain(&others));
    let (of_refused, of_others) = heard.split_at(refused.len());
    for (command, heard) in refused.iter().zip(of_refused) {
        assert_eq!(heard, &Err(Fault::Frozen(product(1))), "{command:?}");
    }
    assert!(of_others.iter().all(|heard| matches!(heard, Ok(Reply::Decided(Ok(_))))), "{of_others:?}");
    let status = |number| restored.order(order(number)).expect("reads").map(|order| order.status);
    assert_eq!((status(3), status(7), status(9)), (Some(OrderStatus::Confirmed), Some(OrderStatus::Reserved), None));
    assert_eq!(status(1), Some(OrderStatus::Reserved), "its time is over, and it holds a frozen product");
}

#[test]
fn a_due_order_with_a_frozen_product_is_not_ended_to_serve_somebody_else() {
    let (mut lost, mut restored) = (Warehouse::in_memory(), Warehouse::in_memory());
    sell(&mut lost);
    sell(&mut restored);
    lost.decide(change(1, Add, 7)).expect("added");
    restored.wait(Duration::from_hours(1));
    let frozen = look(published(&lost), &restored.queries, Timestamp::EPOCH);
    let (heard, restored) = work_off(restored, frozen, &[reserve(7, &[(2, 100)])]);
    assert!(matches!(heard.as_slice(), [Ok(Reply::Decided(Err(_)))]), "{heard:?}");
    assert_eq!(restored.order(order(1)).expect("reads").map(|order| order.status), Some(OrderStatus::Reserved));
}

#[test]
fn another_movement_in_the_place_of_a_lost_one_is_noticed() {
    let (mut lost, mut restored) = (Warehouse::in_memory(), Warehouse::in_memory());
    sell(&mut lost);
    sell(&mut restored);
    lost.decide(change(1, Add, 7)).expect("added");
    restored.wait(Duration::from_secs(1));
    restored.decide(change(1, Add, 7)).expect("added, and it has the same sequence");
    assert_eq!(look(published(&lost), &restored.queries, Timestamp::EPOCH).count(), 1);
    let both = [published(&lost), published(&restored)].concat();
    assert_eq!(look(both, &restored.queries, Timestamp::EPOCH).count(), 1);
}

#[test]
fn what_somebody_has_looked_into_is_taken_as_it_is() {
    let mut lost = Warehouse::in_memory();
    sell(&mut lost);
    let empty = Warehouse::in_memory();
    let after = lost.now().after(Duration::from_micros(1));
    assert_eq!(look(published(&lost), &empty.queries, lost.now()).count(), 1, "the last movement alone");
    assert_eq!(look(published(&lost), &empty.queries, after).count(), 0);
    assert_eq!(look(published(&lost), &empty.queries, Timestamp::EPOCH).count(), 3, "whose products are not there");
}

#[test]
fn it_looks_back_as_far_as_something_is_missing() {
    let (mut lost, mut restored) = (Warehouse::in_memory(), Warehouse::in_memory());
    sell(&mut lost);
    sell(&mut restored);
    // Long before the end something about the first product is lost, then 5,000 times something about the third.
    lost.decide(change(1, Add, 1)).expect("added");
    let one_after_the_other: Vec<_> = (0..5_000).map(|_| submission(change(3, Add, 1))).collect();
    lost.decide_all(&one_after_the_other);
    assert_eq!(look(published(&lost), &restored.queries, Timestamp::EPOCH).count(), 2);
}

fn stock_change() -> StockChange {
    let Command::ChangeStock(change) = change(1, Add, 1) else { unreachable!("it changes stock") };
    change
}

/// A lane that leaves these products alone decides all commands; what each heard.
fn work_off<'a>(
    warehouse: Warehouse,
    frozen: FrozenProducts,
    commands: impl IntoIterator<Item = &'a Command>,
) -> (Vec<Heard>, Arc<dyn StockQueries>) {
    let Warehouse { store, queries, policy, .. } = warehouse;
    let queue = CommandQueue::new(QueueLimits::default());
    let ask = |command: &Command| queue.submit(submission(command.clone()), Class::Interactive, None);
    let tickets: Vec<Ticket> = commands.into_iter().map(|command| ask(command).expect("there is room")).collect();
    queue.close();
    let lane = Lane::new(store, queue.line(0), policy, BatchLimits::default());
    lane.that_leaves_alone(frozen, queries.clone()).run();
    (tickets.into_iter().map(Ticket::wait).collect(), queries)
}
