//! The lane: it answers what it decided, tries again what may succeed, and isolates what cannot.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use holdfast_application::answer::{Fault, Reply};
use holdfast_application::batch::BatchLimits;
use holdfast_application::clock::ManualClock;
use holdfast_application::command::Submission;
use holdfast_application::lane::{Lane, LaneEnd, decide_at_once};
use holdfast_application::ports::contract::warehouse::{
    change, keyed, lines, new_item, order, product, reserve, submission,
};
use holdfast_application::ports::memory::MemoryQueries;
use holdfast_application::ports::{CommitError, StoreError};
use holdfast_application::queries::StockQueries;
use holdfast_application::queue::{Class, CommandQueue, QueueLimits};
use holdfast_application::succession::Succession;
use holdfast_application::ticket::Ticket;
use holdfast_application::{Command, Policy};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::stocking::StockVerb::{Add, Remove};
use holdfast_domain::{OrderId, Timestamp};

use crate::faulty_store::{Faults, FaultyStore, POISON, Poison};

#[test]
fn what_is_in_line_is_answered_before_the_lane_ends() {
    let house = House::open(Poison::Breaks);
    let tickets: Vec<Ticket> = (1..=30).map(|number| house.ask(submission(reserve(number, &[(1, 5)])))).collect();
    house.queue.close();
    let late = house.queue.submit(submission(reserve(99, &[(1, 1)])), Class::Interactive, None);
    assert_eq!(late.map(|_| ()).expect_err("closed"), Fault::ShuttingDown);
    let end = house.lane().run();
    assert!(matches!(end, LaneEnd::Drained), "{end:?}");
    let held = tickets.into_iter().map(Ticket::wait).filter(|heard| matches!(heard, Ok(Reply::Decided(Ok(_)))));
    assert_eq!(held.count(), 20);
    assert_eq!(house.levels(), (0, 100));
}

#[test]
fn a_batch_that_met_another_writer_is_tried_again_and_applied_once() {
    let house = House::open(Poison::Breaks);
    house.faults.contentions.store(5, Ordering::SeqCst);
    let ticket = house.ask(submission(change(1, Add, 7)));
    house.work_off();
    assert!(matches!(ticket.wait(), Ok(Reply::Decided(Ok(_)))));
    assert_eq!((house.levels(), house.begun()), ((107, 0), 6));
}

#[test]
fn a_poisonous_command_is_isolated_and_its_neighbours_are_carried_out() {
    for poison in [Poison::Breaks, Poison::Collides, Poison::Panics] {
        let house = House::open(poison);
        let numbers = [1, 2, 3, POISON, 5, 6, 7];
        let tickets: Vec<Ticket> =
            numbers.iter().map(|number| house.ask(submission(reserve(*number, &[(1, 1)])))).collect();
        let end = house.work_off();
        assert!(matches!(end, LaneEnd::Drained), "{poison:?}: {end:?}");
        for (number, ticket) in numbers.into_iter().zip(tickets) {
            let heard = ticket.wait();
            let is_poison = matches!(heard, Err(Fault::Failed(_) | Fault::StoreUnavailable(_)));
            assert_eq!(is_poison, number == POISON, "{poison:?}, order {number}: {heard:?}");
        }
        assert_eq!(house.levels(), (94, 6), "{poison:?}");
        assert_eq!(house.queries.order(order(POISON)).expect("reads"), None);
    }
}

#[test]
fn parts_of_a_batch_keep_the_commands_of_an_order_in_their_order() {
    let house = House::open(Poison::Collides);
    let numbers = [1, 2, POISON, 3, 4, 5, 6];
    let reserved: Vec<Ticket> = numbers.iter().map(|it| house.ask(submission(reserve(*it, &[(1, 1)])))).collect();
    let confirm = |number: &u8| Command::ConfirmOrder { order: order(*number), reacquire: false };
    let confirmed: Vec<Ticket> = numbers.iter().rev().map(|it| house.ask(submission(confirm(it)))).collect();
    house.work_off();
    for (number, ticket) in numbers.iter().zip(reserved).chain(numbers.iter().rev().zip(confirmed)) {
        let is_done = matches!(ticket.wait(), Ok(Reply::Decided(Ok(_))));
        assert_eq!(is_done, *number != POISON, "order {number}");
    }
    assert_eq!(house.levels(), (94, 0));
}

#[test]
fn commands_about_one_product_are_parted_in_their_order() {
    let house = House::open(Poison::Breaks);
    // Each part is told so twice, down to single commands.
    house.faults.contentions.store(8, Ordering::SeqCst);
    let asked = [(Add, 7), (Remove, 107), (Add, 5), (Remove, 5)];
    let tickets = asked.map(|(verb, quantity)| house.ask(submission(change(1, verb, quantity))));
    house.work_off();
    assert!(tickets.into_iter().all(|ticket| matches!(ticket.wait(), Ok(Reply::Decided(Ok(_))))));
    assert_eq!(house.levels(), (0, 0));
}

#[test]
fn a_store_that_cannot_write_is_said_so_and_recovers_by_itself() {
    let house = House::open(Poison::Breaks);
    house.faults.unavailable.store(true, Ordering::SeqCst);
    let (queue, faults, queries) = (house.queue.clone(), house.faults.clone(), house.queries.clone());
    let lane = house.lane();
    let status = lane.status();
    let thread = std::thread::spawn(move || lane.run());
    let ask = |asked: Submission| queue.submit(asked, Class::Interactive, None).expect("room").wait();
    let heard = ask(keyed("k", change(1, Add, 7)));
    assert_eq!(heard, Err(Fault::StoreUnavailable("the disk is full".to_owned())));
    assert!(status.cannot_write());
    assert_eq!(levels(&queries), (100, 0), "reads go on, nothing was done");
    faults.unavailable.store(false, Ordering::SeqCst);
    assert!(matches!(ask(keyed("k", change(1, Add, 7))), Ok(Reply::Kept { .. })));
    assert!(!status.cannot_write());
    queue.close();
    assert!(matches!(thread.join().expect("the lane ends"), LaneEnd::Drained));
    assert!(status.has_ended());
    assert_eq!((levels(&queries), status.batches()), ((107, 0), 1));
}

#[test]
fn a_command_that_breaks_alone_says_nothing_about_the_store_and_a_store_that_breaks_does() {
    let house = House::open(Poison::Breaks);
    let (queue, faults) = (house.queue.clone(), house.faults.clone());
    let lane = house.lane();
    let status = lane.status();
    let thread = std::thread::spawn(move || lane.run());
    let ask = |number: u8| {
        let heard =
            queue.submit(submission(reserve(number, &[(1, 1)])), Class::Interactive, None).expect("room").wait();
        // Behind what the lane looks at once it has answered.
        let nothing = submission(Command::ExpireOrder { order: order(99) });
        let _ = queue.submit(nothing, Class::Maintenance, None).expect("room").wait();
        heard
    };
    assert_eq!(ask(POISON), Err(Fault::Failed("no such column".to_owned())));
    assert!(!status.cannot_write());
    faults.broken.store(true, Ordering::SeqCst);
    assert_eq!(ask(1), Err(Fault::Failed("no such table".to_owned())));
    assert!(status.cannot_write());
    faults.broken.store(false, Ordering::SeqCst);
    assert!(matches!(ask(1), Ok(Reply::Decided(Ok(_)))));
    assert!(!status.cannot_write());
    queue.close();
    assert!(matches!(thread.join().expect("the lane ends"), LaneEnd::Drained));
}

#[test]
fn an_unknown_outcome_ends_the_lane_and_the_same_keys_tell_afterwards() {
    for happened in [true, false] {
        let mut house = House::open(Poison::Breaks);
        house.faults.unknown.store(true, Ordering::SeqCst);
        house.faults.happened.store(happened, Ordering::SeqCst);
        let asked = [keyed("a", change(1, Add, 7)), keyed("b", reserve(1, &[(1, 107)]))];
        let tickets = asked.clone().map(|asked| house.ask(asked));
        let end = house.lane().run();
        assert!(matches!(end, LaneEnd::Unknown(_)), "{end:?}");
        for ticket in tickets {
            assert!(matches!(ticket.wait(), Err(Fault::OutcomeUnknown(_))));
        }
        let left = house.ask(submission(change(1, Add, 1)));
        house.queue.turn_away();
        assert_eq!(left.wait(), Err(Fault::ShuttingDown));
        let replies = house.decide(&asked);
        let expected = |reply: &Reply| match reply {
            Reply::Replayed(_) => happened,
            Reply::Kept { .. } => !happened,
            _ => false,
        };
        assert!(replies.iter().all(expected), "happened {happened}: {replies:?}");
        assert_eq!(house.levels(), (0, 107));
    }
}

#[test]
fn a_store_that_can_be_asked_on_tells_by_the_same_keys_what_became_of_a_commit() {
    for happened in [true, false] {
        let house = House::open(Poison::Breaks);
        house.faults.unknown.store(true, Ordering::SeqCst);
        house.faults.happened.store(happened, Ordering::SeqCst);
        house.faults.outlives_unknown.store(true, Ordering::SeqCst);
        house.faults.away.store(2, Ordering::SeqCst);
        let known = house.ask(keyed("a", change(1, Add, 7)));
        let nameless = house.ask(submission(change(1, Add, 100)));
        let end = house.work_off();
        assert!(matches!(end, LaneEnd::Drained), "{end:?}");
        assert!(matches!(nameless.wait(), Err(Fault::OutcomeUnknown(_))), "nobody can tell without a key");
        match known.wait() {
            Ok(Reply::Replayed(_)) => assert!(happened),
            Ok(Reply::Kept { .. }) => assert!(!happened),
            heard => panic!("{heard:?}"),
        }
        assert_eq!(house.levels(), if happened { (207, 0) } else { (107, 0) });
    }
}

#[test]
fn whoever_waits_too_long_for_an_unknown_commit_is_not_told_that_nothing_was_done() {
    let limits = QueueLimits { wait_max: Duration::from_millis(200), ..QueueLimits::default() };
    let house = House::open_with(Poison::Breaks, limits);
    house.faults.unknown.store(true, Ordering::SeqCst);
    house.faults.outlives_unknown.store(true, Ordering::SeqCst);
    house.faults.away.store(u32::MAX, Ordering::SeqCst);
    let asked = house.ask(keyed("a", change(1, Add, 7)));
    let end = house.work_off();
    assert!(matches!(end, LaneEnd::Drained), "{end:?}");
    assert!(matches!(asked.wait(), Err(Fault::OutcomeUnknown(_))));
}

#[test]
fn many_who_fight_for_the_same_units_win_exactly_as_often_as_there_are() {
    let house = House::open(Poison::Breaks);
    let lane = house.lane();
    let lane = std::thread::spawn(move || lane.run());
    let clients: Vec<_> = (0..8_u8)
        .map(|client| {
            let queue = house.queue.clone();
            std::thread::spawn(move || {
                let orders = (1..=30_u8).map(|at| {
                    OrderId::from_bytes([client.wrapping_add(200), at].repeat(8).try_into().expect("16 bytes"))
                });
                let ask = |order: OrderId| {
                    let lines = lines(&[(1, 1)]);
                    let asked = submission(Command::ReserveOrder { order, lines, ttl: None, strategy: None });
                    queue.submit(asked, Class::Interactive, None).expect("room").wait()
                };
                orders.map(ask).filter(|heard| matches!(heard, Ok(Reply::Decided(Ok(_))))).count()
            })
        })
        .collect();
    let winners: usize = clients.into_iter().map(|client| client.join().expect("a client")).sum();
    house.queue.close();
    lane.join().expect("the lane ends");
    assert_eq!((winners, house.levels()), (100, (0, 100)));
}

#[test]
fn an_unknown_outcome_of_one_half_leaves_nobody_of_the_other_waiting() {
    let house = House::open(Poison::Breaks);
    house.faults.unknown.store(true, Ordering::SeqCst);
    let tickets = [1, 2, 3, POISON].map(|number| house.ask(submission(reserve(number, &[(1, 1)]))));
    let end = house.work_off();
    assert!(matches!(end, LaneEnd::Unknown(_)), "{end:?}");
    let [first, second, third, poison] = tickets.map(Ticket::wait);
    for heard in [first, second] {
        assert!(matches!(heard, Err(Fault::OutcomeUnknown(_))), "{heard:?}");
    }
    assert_eq!((third, poison), (Err(Fault::ShuttingDown), Err(Fault::ShuttingDown)));
}

#[test]
fn a_command_nobody_waits_for_any_more_is_not_carried_out() {
    let house = House::open(Poison::Breaks);
    drop(house.ask(submission(change(1, Add, 7))));
    let kept = house.ask(submission(change(1, Add, 1)));
    house.work_off();
    assert!(kept.wait().is_ok());
    assert_eq!(house.levels(), (101, 0));
}

#[test]
fn a_command_that_waited_too_long_is_told_so_and_not_carried_out() {
    let limits = QueueLimits { wait_max: Duration::ZERO, ..QueueLimits::default() };
    let house = House { queue: CommandQueue::new(limits), ..House::open(Poison::Breaks) };
    let ticket = house.ask(submission(change(1, Add, 7)));
    std::thread::sleep(Duration::from_millis(1));
    house.work_off();
    assert!(matches!(ticket.wait(), Err(Fault::TooLate(_))));
    assert_eq!((house.levels(), house.begun()), ((100, 0), 0));
}

#[test]
fn who_asks_before_the_lane_works_shares_one_transaction() {
    let house = House::open(Poison::Breaks);
    let tickets: Vec<Ticket> = (1..=60).map(|number| house.ask(submission(reserve(number, &[(1, 1)])))).collect();
    house.work_off();
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert_eq!((house.levels(), house.begun()), ((40, 60), 1));
}

#[test]
fn behind_a_command_that_could_not_be_decided_none_of_its_succession_is() {
    let house = House::open(Poison::Breaks);
    let limits = BatchLimits { commands_max: 2, ..BatchLimits::default() };
    let succession = Succession::default();
    let behind = |number| {
        let submission = submission(reserve(number, &[(1, 1)]));
        house.queue.submit_behind(&succession, submission, Class::Events).expect("room")
    };
    let tickets: Vec<Ticket> = [1, 2, POISON, 4, 5, 6].map(behind).into();
    let another = house.ask(submission(change(1, Add, 7)));
    house.queue.close();
    Lane::new(Box::new(house.store.clone()), house.queue.clone().line(0), Policy::default(), limits).run();
    let heard: Vec<bool> = tickets.into_iter().map(|ticket| ticket.wait().is_ok()).collect();
    assert_eq!(heard, [true, true, false, false, false, false]);
    assert!(another.wait().is_ok(), "it is in no succession");
    assert_eq!(house.levels(), (105, 2));
}

#[test]
fn who_decides_at_once_tries_again_and_gives_up_on_what_always_collides() {
    let mut house = House::open(Poison::Collides);
    house.faults.contentions.store(5, Ordering::SeqCst);
    let orders: Vec<Submission> = (1..=4).map(|number| submission(reserve(number, &[(1, 1)]))).collect();
    let replies = house.decide(&orders);
    assert!(replies.iter().all(|reply| matches!(reply, Reply::Decided(Ok(_)))), "{replies:?}");
    assert_eq!((house.levels(), house.begun()), ((96, 4), 8), "twice whole, halved, halved, and each is there once");

    let poisoned = [submission(reserve(5, &[(1, 1)])), submission(reserve(POISON, &[(1, 1)]))];
    let failed = decide_at_once(&mut house.store, &poisoned, &Policy::default()).expect_err("it collides for ever");
    assert!(matches!(failed, CommitError::NotApplied(StoreError::Contention(..))), "{failed:?}");
    assert_eq!(house.levels(), (95, 5), "the other one was decided");
}

#[test]
fn who_decides_at_once_asks_again_where_nobody_knows_and_the_store_goes_on() {
    for happened in [false, true] {
        let mut house = House::open(Poison::Breaks);
        house.faults.happened.store(happened, Ordering::SeqCst);
        house.faults.unknown.store(true, Ordering::SeqCst);
        let order = [submission(reserve(1, &[(1, 1)]))];
        let failed = decide_at_once(&mut house.store.clone(), &order, &Policy::default()).expect_err("the end");
        assert!(matches!(failed, CommitError::Unknown(_)), "{failed:?}");

        house.faults.unknown.store(true, Ordering::SeqCst);
        house.faults.outlives_unknown.store(true, Ordering::SeqCst);
        // The database starts anew meanwhile.
        house.faults.away.store(3, Ordering::SeqCst);
        assert_eq!(house.decide(&order).len(), 1);
        assert_eq!((house.levels(), house.faults.away.load(Ordering::SeqCst)), ((99, 1), 0));
    }
}

/// A queue in front of a store with 100 units of product 1.
struct House {
    store: FaultyStore,
    queue: CommandQueue,
    queries: Arc<MemoryQueries>,
    faults: Arc<Faults>,
}

impl House {
    fn open(poison: Poison) -> Self {
        Self::open_with(poison, QueueLimits::default())
    }

    fn open_with(poison: Poison, limits: QueueLimits) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-22T10:00:00Z").expect("a time")));
        let (store, queries, faults) = FaultyStore::new(clock, poison);
        let mut house = Self { store, queue: CommandQueue::new(limits), queries, faults };
        let made =
            Command::CreateItem(new_item(1, &[("main", 100)]), holdfast_application::command::Remarks::default());
        house.decide(&[submission(made)]);
        house.faults.begun.store(0, Ordering::SeqCst);
        house
    }

    fn ask(&self, asked: Submission) -> Ticket {
        self.queue.submit(asked, Class::Interactive, None).expect("there is room")
    }

    fn decide(&mut self, asked: &[Submission]) -> Vec<Reply> {
        decide_at_once(&mut self.store, asked, &Policy::default()).expect("the store takes it")
    }

    fn lane(&self) -> Lane {
        Lane::new(Box::new(self.store.clone()), self.queue.clone().line(0), Policy::default(), BatchLimits::default())
    }

    /// Turns new commands away and lets a lane work off what waits.
    fn work_off(&self) -> LaneEnd {
        self.queue.close();
        self.lane().run()
    }

    fn levels(&self) -> (u64, u64) {
        levels(&self.queries)
    }

    fn begun(&self) -> u32 {
        self.faults.begun.load(Ordering::SeqCst)
    }
}

fn levels(queries: &MemoryQueries) -> (u64, u64) {
    let found = queries.items(&[ProductRef::Id(product(1))]).expect("reads");
    let item = found.first().expect("the product");
    (item.available().get(), item.reserved().get())
}
