//! Admission: replicas take turns on contended products, and whoever cannot have the lock waits for the next batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use holdfast_application::admission::{Admission, AdmissionRule};
use holdfast_application::answer::{Answer, Fault, Reply};
use holdfast_application::batch::BatchLimits;
use holdfast_application::clock::ManualClock;
use holdfast_application::command::Remarks;
use holdfast_application::lane::{Lane, LaneEnd, decide_at_once};
use holdfast_application::ports::contract::warehouse::{
    confirm, lines, new_item, order, product, reserve, sku, submission,
};
use holdfast_application::ports::memory_lock::{LyingLock, MemoryLock};
use holdfast_application::ports::{DistributedLock, Lease, LockFault, Store};
use holdfast_application::queries::{MovementFilter, StockQueries};
use holdfast_application::queue::{Class, CommandQueue, QueueLimits};
use holdfast_application::ticket::{Heard, Ticket};
use holdfast_application::{Command, Policy};
use holdfast_domain::book::ProductRef;
use holdfast_domain::{OrderStatus, ProductId, StockMovement, StockMovementType, Timestamp};

use crate::faulty_store::{Faults, FaultyStore, Poison};

/// Longer than any story takes.
const LONG: Duration = Duration::from_mins(5);
/// So short that a story can wait for its end.
const SHORT: Duration = Duration::from_millis(100);
const REQUIRED: AdmissionRule = AdmissionRule { required: true, ttl: LONG };
const HINT: AdmissionRule = AdmissionRule { required: false, ttl: LONG };

#[test]
fn a_command_whose_lock_another_holds_waits_and_its_neighbours_go() {
    let lock = MemoryLock::default();
    let (mut stranger, lease) = held_by_a_stranger(&lock, &[1]);
    let house = House::open();
    let held_back = house.ask(reserve(1, &[(1, 1)]));
    let neighbour = house.ask(reserve(2, &[(2, 1)]));
    let lane = house.run(Box::new(lock), REQUIRED);
    assert!(is_applied(&neighbour.wait()));
    assert_eq!(house.reserved(1), 0);
    stranger.release(lease).expect("the lock answers");
    assert!(is_applied(&held_back.wait()));
    house.close(lane);
}

#[test]
fn commands_that_wait_for_a_lock_leave_room_for_others_however_many_they_are() {
    let lock = MemoryLock::default();
    let (mut stranger, lease) = held_by_a_stranger(&lock, &[1]);
    let house = House::open();
    let limits = BatchLimits { commands_max: 4, ..BatchLimits::default() };
    // More than two batches could hold, and what is asked of one of their orders later.
    let held_back: Vec<Ticket> = (1..=9).map(|number| house.ask(reserve(number, &[(1, 1)]))).collect();
    let later = house.ask(confirm(9));
    let lane = house.run_with(Box::new(lock), REQUIRED, limits);
    for number in 101..=120 {
        assert!(is_applied(&house.ask(reserve(number, &[(2, 1)])).wait()));
    }
    assert_eq!(house.reserved(1), 0);
    stranger.release(lease).expect("the lock answers");
    for ticket in held_back {
        assert!(is_applied(&ticket.wait()));
    }
    assert!(is_applied(&later.wait()), "a confirm without an order would be refused");
    house.close(lane);
    let served: Vec<_> = house.movements(1).into_iter().filter(|it| it.kind == StockMovementType::Reserved).collect();
    let served: Vec<String> = served.into_iter().map(|it| it.cause.reference.to_string()).collect();
    let expected: Vec<String> = (1..=9).map(|number| order(number).to_string()).collect();
    assert_eq!(served, expected, "in the order in which they came");
}

#[test]
fn a_lock_that_another_holds_until_the_deadline_is_a_time_out_and_nothing_was_done() {
    let lock = MemoryLock::default();
    let _held = held_by_a_stranger(&lock, &[1]);
    let house = House::open_with(SHORT);
    let lane = house.run(Box::new(lock), REQUIRED);
    let heard = house.ask(reserve(1, &[(1, 1)])).wait();
    assert!(matches!(heard, Err(Fault::LockTimeout(_))), "{heard:?}");
    assert!(is_applied(&house.ask(reserve(2, &[(2, 1)])).wait()), "the lane goes on");
    house.close(lane);
    assert_eq!(house.queries.order(order(1)).expect("reads"), None);
}

#[test]
fn locks_that_were_had_in_part_are_given_back_at_once() {
    let lock = MemoryLock::default();
    let (mut stranger, lease) = held_by_a_stranger(&lock, &[2]);
    let house = House::open();
    let both = house.ask(reserve(1, &[(1, 1), (2, 1)]));
    let lane = house.run(Box::new(lock.clone()), REQUIRED);
    // The lane takes and returns the first one again and again, so it can be had in between.
    eventually(|| {
        let lease = lock.clone().acquire(&[product(1)], LONG).expect("the lock answers");
        let had = !lease.products.is_empty();
        lock.clone().release(lease).expect("the lock answers");
        had
    });
    stranger.release(lease).expect("the lock answers");
    assert!(is_applied(&both.wait()));
    house.close(lane);
}

#[test]
fn what_is_asked_of_an_order_later_does_not_overtake_what_was_asked_before() {
    let lock = MemoryLock::default();
    let (mut stranger, lease) = held_by_a_stranger(&lock, &[1]);
    let house = House::open();
    let first = house.ask(reserve(1, &[(1, 1)]));
    let second = house.ask(confirm(1));
    let other = house.ask(reserve(2, &[(2, 1)]));
    let lane = house.run(Box::new(lock), REQUIRED);
    assert!(is_applied(&other.wait()));
    stranger.release(lease).expect("the lock answers");
    assert!(is_applied(&first.wait()));
    assert!(is_applied(&second.wait()), "a confirm without an order would be refused");
    house.close(lane);
    let order = house.queries.order(order(1)).expect("reads").expect("the order");
    assert_eq!(order.status, OrderStatus::Confirmed);
}

#[test]
fn a_product_that_nobody_fights_for_is_not_locked() {
    let lock = MemoryLock::default();
    let _held = held_by_a_stranger(&lock, &[1]);
    let house = House::open();
    let lane = house.run(Box::new(lock), HINT);
    assert!(is_applied(&house.ask(reserve(1, &[(1, 1)])).wait()));
    house.close(lane);
}

#[test]
fn a_crowd_waits_for_its_turn_but_not_for_ever() {
    let lock = MemoryLock::default();
    let _held = held_by_a_stranger(&lock, &[1]);
    let house = House::open();
    let crowd: Vec<Ticket> = (1..=8).map(|number| house.ask(reserve(number, &[(1, 1)]))).collect();
    let started = Instant::now();
    let lane = house.run(Box::new(lock), AdmissionRule { ttl: SHORT, ..HINT });
    assert!(crowd.into_iter().all(|ticket| is_applied(&ticket.wait())));
    assert!(started.elapsed() >= SHORT, "they have waited");
    house.close(lane);
}

#[test]
fn a_product_named_by_its_sku_is_the_same_lock() {
    let lock = MemoryLock::default();
    let _held = held_by_a_stranger(&lock, &[1]);
    let house = House::open_with(SHORT);
    let lane = house.run(Box::new(lock), REQUIRED);
    let mut lines = lines(&[(1, 1)]);
    lines[0].product = ProductRef::Sku(sku(1));
    let heard = house.ask(Command::ReserveOrder { order: order(1), lines, ttl: None, strategy: None }).wait();
    assert!(matches!(heard, Err(Fault::LockTimeout(_))), "{heard:?}");
    house.close(lane);
}

#[test]
fn locks_are_free_again_when_the_batch_is_done() {
    let lock = MemoryLock::default();
    let house = House::open();
    let lane = house.run(Box::new(lock.clone()), REQUIRED);
    assert!(is_applied(&house.ask(reserve(1, &[(1, 1), (2, 1)])).wait()));
    eventually(|| {
        let lease = lock.clone().acquire(&[product(1), product(2)], LONG).expect("the lock answers");
        lease.products.len() == 2 || lock.clone().release(lease).is_err()
    });
    house.close(lane);
}

#[test]
fn a_lock_that_cannot_be_asked_is_gone_without_even_where_it_is_required() {
    let house = House::open();
    let lane = house.run(Box::new(DeadLock), REQUIRED);
    assert!(is_applied(&house.ask(reserve(1, &[(1, 1)])).wait()));
    house.close(lane);
}

#[test]
fn a_lock_that_lies_changes_nothing_about_what_is_decided() {
    for lie in [LyingLock::GrantsToEverybody, LyingLock::GrantsToNobody] {
        let house = House::open_with(SHORT);
        let lane = house.run(Box::new(lie), REQUIRED);
        let heard = house.ask(reserve(1, &[(1, 1)])).wait();
        match lie {
            LyingLock::GrantsToEverybody => assert!(is_applied(&heard), "{heard:?}"),
            LyingLock::GrantsToNobody => assert!(matches!(heard, Err(Fault::LockTimeout(_))), "{heard:?}"),
        }
        house.close(lane);
    }
}

#[test]
fn nobody_waits_for_a_lock_of_a_service_that_leaves() {
    let house = House::open();
    let ticket = house.ask(reserve(1, &[(1, 1)]));
    let lane = house.run(Box::new(LyingLock::GrantsToNobody), REQUIRED);
    house.close(lane);
    assert_eq!(ticket.wait(), Err(Fault::ShuttingDown));
}

#[test]
fn a_lock_that_was_waited_for_in_vain_is_not_asked_for_all_the_time() {
    let asked = Arc::new(AtomicU32::new(0));
    let house = House::open();
    let crowd = |numbers: std::ops::RangeInclusive<u8>| -> Vec<Ticket> {
        numbers.map(|number| house.ask(reserve(number, &[(1, 1)]))).collect()
    };
    let first = crowd(1..=8);
    let lock = Counted { asked: asked.clone(), lock: LyingLock::GrantsToNobody };
    let lane = house.run(Box::new(lock), AdmissionRule { ttl: SHORT, ..HINT });
    assert!(first.into_iter().all(|ticket| is_applied(&ticket.wait())));
    let before = asked.load(Ordering::SeqCst);
    assert!(before > 1, "the first ones have asked and waited");
    assert!(crowd(9..=16).into_iter().all(|ticket| is_applied(&ticket.wait())));
    assert_eq!(asked.load(Ordering::SeqCst), before);
    house.close(lane);
}

#[test]
fn no_lock_is_asked_for_or_given_back_while_rows_are_locked() {
    let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-22T10:00:00Z").expect("a time")));
    let (mut store, queries, faults) = FaultyStore::new(clock, Poison::Breaks);
    let made = submission(Command::CreateItem(new_item(1, &[("main", 100)]), Remarks::default()));
    decide_at_once(&mut store, &[made], &Policy::default()).expect("the store takes it");
    faults.contentions.store(5, Ordering::SeqCst);
    let calls = Arc::new(AtomicU32::new(0));
    let lock = Watching { lock: MemoryLock::default(), faults, calls: calls.clone() };
    let queue = CommandQueue::new(QueueLimits::default());
    let asked = submission(reserve(1, &[(1, 1)]));
    let ticket = queue.submit(asked, Class::Interactive, None).expect("there is room");
    // So short that it has to be extended between the tries.
    let admission = Admission::new(Box::new(lock), AdmissionRule { required: true, ttl: Duration::ZERO }, queries);
    let waiting = queue.clone().line(0);
    let lane = Lane::new(Box::new(store), waiting, Policy::default(), BatchLimits::default()).admitted_by(admission);
    queue.close();
    assert!(matches!(lane.run(), LaneEnd::Drained));
    assert!(is_applied(&ticket.wait()));
    assert_eq!(calls.load(Ordering::SeqCst), 7, "taken, extended five times, given back");
}

/// A lock that must not be called while a transaction is open.
struct Watching {
    lock: MemoryLock,
    faults: Arc<Faults>,
    calls: Arc<AtomicU32>,
}

impl Watching {
    fn called(&self) {
        assert_eq!(self.faults.open.load(Ordering::SeqCst), 0, "rows are locked");
        self.calls.fetch_add(1, Ordering::SeqCst);
    }
}

impl DistributedLock for Watching {
    fn acquire(&mut self, products: &[ProductId], ttl: Duration) -> Result<Lease, LockFault> {
        self.called();
        self.lock.acquire(products, ttl)
    }

    fn extend(&mut self, lease: &mut Lease, ttl: Duration) -> Result<(), LockFault> {
        self.called();
        self.lock.extend(lease, ttl)
    }

    fn release(&mut self, lease: Lease) -> Result<(), LockFault> {
        self.called();
        self.lock.release(lease)
    }
}

/// A lock that counts how often it is asked.
struct Counted {
    asked: Arc<AtomicU32>,
    lock: LyingLock,
}

impl DistributedLock for Counted {
    fn acquire(&mut self, products: &[ProductId], ttl: Duration) -> Result<Lease, LockFault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.lock.acquire(products, ttl)
    }

    fn extend(&mut self, lease: &mut Lease, ttl: Duration) -> Result<(), LockFault> {
        self.lock.extend(lease, ttl)
    }

    fn release(&mut self, lease: Lease) -> Result<(), LockFault> {
        self.lock.release(lease)
    }
}

/// A lock that is away.
struct DeadLock;

impl DistributedLock for DeadLock {
    fn acquire(&mut self, _products: &[ProductId], _ttl: Duration) -> Result<Lease, LockFault> {
        Err(LockFault::TimedOut)
    }

    fn extend(&mut self, _lease: &mut Lease, _ttl: Duration) -> Result<(), LockFault> {
        Err(LockFault::TimedOut)
    }

    fn release(&mut self, _lease: Lease) -> Result<(), LockFault> {
        Err(LockFault::TimedOut)
    }
}

fn held_by_a_stranger(lock: &MemoryLock, numbers: &[u8]) -> (MemoryLock, Lease) {
    let mut stranger = lock.clone();
    let products: Vec<ProductId> = numbers.iter().map(|number| product(*number)).collect();
    let lease = stranger.acquire(&products, LONG).expect("the lock answers");
    assert_eq!(lease.products, products);
    (stranger, lease)
}

fn is_applied(heard: &Heard) -> bool {
    matches!(heard, Ok(Reply::Decided(Ok(Answer::Order { .. }))))
}

fn eventually(mut is_so: impl FnMut() -> bool) {
    let asked = Instant::now();
    while !is_so() {
        assert!(asked.elapsed() < Duration::from_secs(30), "waited in vain");
        std::thread::yield_now();
    }
}

/// A store with two products, and commands in line before its lane.
struct House {
    store: Box<dyn Fn() -> Box<dyn Store>>,
    queries: Arc<dyn StockQueries>,
    queue: CommandQueue,
}

impl House {
    fn open() -> Self {
        Self::open_with(LONG)
    }

    /// Where a command waits so long at most.
    fn open_with(wait_max: Duration) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::parse("2026-11-22T10:00:00Z").expect("a time")));
        let (store, queries) = holdfast_application::ports::memory::MemoryStore::new(clock);
        let made = [1, 2]
            .map(|number| submission(Command::CreateItem(new_item(number, &[("main", 100)]), Remarks::default())));
        decide_at_once(&mut store.clone(), &made, &Policy::default()).expect("the store takes it");
        let queue = CommandQueue::new(QueueLimits { wait_max, ..QueueLimits::default() });
        Self { store: Box::new(move || Box::new(store.clone())), queries, queue }
    }

    fn ask(&self, command: Command) -> Ticket {
        self.queue.submit(submission(command), Class::Interactive, None).expect("there is room")
    }

    fn run(&self, lock: Box<dyn DistributedLock>, rule: AdmissionRule) -> JoinHandle<LaneEnd> {
        self.run_with(lock, rule, BatchLimits::default())
    }

    fn run_with(
        &self,
        lock: Box<dyn DistributedLock>,
        rule: AdmissionRule,
        limits: BatchLimits,
    ) -> JoinHandle<LaneEnd> {
        let admission = Admission::new(lock, rule, self.queries.clone());
        let waiting = self.queue.clone().line(0);
        let lane = Lane::new((self.store)(), waiting, Policy::default(), limits).admitted_by(admission);
        std::thread::spawn(move || lane.run())
    }

    /// The movements of a product, oldest first.
    fn movements(&self, number: u8) -> Vec<StockMovement> {
        let filter = MovementFilter {
            product: Some(product(number)),
            ascending: true,
            limit: usize::MAX,
            ..MovementFilter::default()
        };
        self.queries.movements(&filter).expect("reads")
    }

    fn close(&self, lane: JoinHandle<LaneEnd>) {
        self.queue.close();
        let end = lane.join().expect("the lane ends");
        assert!(matches!(end, LaneEnd::Drained), "{end:?}");
    }

    fn reserved(&self, number: u8) -> u64 {
        let found = self.queries.items(&[ProductRef::Id(product(number))]).expect("reads");
        found.first().expect("the product").reserved().get()
    }
}
