//! Relays take everything to where it goes, each key's events in order, whatever fails on the way and however many
//! relay.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use holdfast_application::Command;
use holdfast_application::batch::BatchLimits;
use holdfast_application::clock::ManualClock;
use holdfast_application::commit_bell::CommitBell;
use holdfast_application::duties::SoleDuties;
use holdfast_application::events::{Destination, EventSet, OutgoingEvent, PlaceInStream, Publishing};
use holdfast_application::lane::Lane;
use holdfast_application::policy::Policy;
use holdfast_application::ports::EventSink;
use holdfast_application::ports::contract::random::Random;
use holdfast_application::ports::contract::warehouse::{change, confirm, new_item, release, reserve, submission};
use holdfast_application::ports::memory::{MemoryQueries, MemoryStore};
use holdfast_application::queries::StockQueries;
use holdfast_application::queue::{Class, CommandQueue, QueueLimits};
use holdfast_application::relay::{Relay, RelayParts};
use holdfast_domain::book::stocking::StockVerb;

const BROKERS: &str = "brokers";

/// Who is told everything.
fn everything() -> Destination {
    Destination { name: BROKERS.into(), wants: EventSet::ALL }
}

/// What a topic holds: events as they came, repeats too.
type Topic = Arc<Mutex<Vec<PlaceInStream>>>;

/// Takes events, and fails now and then: before an event was taken, or behind it, so that nobody knows.
struct Unreliable {
    topic: Topic,
    random: Random,
    failing: u64,
}

impl EventSink for Unreliable {
    fn send(&mut self, events: &[&OutgoingEvent], _give_up: &dyn Fn() -> bool) -> Vec<bool> {
        let mut stopped = HashSet::new();
        let send = |event: &&OutgoingEvent| {
            if stopped.contains(&event.place.key) {
                return false;
            }
            let fails = self.random.chance(self.failing);
            if !fails || self.random.chance(50) {
                self.topic.lock().unwrap_or_else(PoisonError::into_inner).push(event.place);
            }
            if fails {
                stopped.insert(event.place.key);
            }
            !fails
        };
        events.iter().map(send).collect()
    }

    fn fault(&self) -> Option<String> {
        None
    }
}

/// Takes nothing of some keys, and says that others would be taken.
struct Choosy {
    asked: Arc<AtomicUsize>,
}

impl EventSink for Choosy {
    fn send(&mut self, events: &[&OutgoingEvent], _give_up: &dyn Fn() -> bool) -> Vec<bool> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        vec![false; events.len()]
    }

    fn fault(&self) -> Option<String> {
        Some("it is refused".to_owned())
    }

    fn takes_other_keys(&self) -> bool {
        true
    }
}

/// A lane on a store in memory, and what relays need.
struct House {
    parts: RelayParts,
    queries: Arc<MemoryQueries>,
    lane: std::thread::JoinHandle<()>,
}

impl House {
    fn open() -> Self {
        let clock = Arc::new(ManualClock::at(holdfast_domain::Timestamp::EPOCH.after(Duration::from_hours(9))));
        let (store, queries) = MemoryStore::new(clock.clone());
        let queue = CommandQueue::new(QueueLimits::default());
        let bell = Arc::new(CommitBell::default());
        let publishing = Publishing { destinations: vec![everything()] };
        let policy = Policy { publishing, ..Policy::default() };
        let lane = Lane::new(Box::new(store), queue.clone().line(0), policy, BatchLimits::EMBEDDED);
        let lane = lane.that_rings(bell.clone());
        let parts = RelayParts {
            queries: queries.clone(),
            queue,
            duties: Arc::new(SoleDuties::by(clock)),
            bell,
            stop: Arc::new(AtomicBool::new(false)),
        };
        let lane = std::thread::spawn(move || {
            lane.run();
        });
        Self { parts, queries, lane }
    }

    fn relay(&self, topic: &Topic, seed: u64, failing: u64) -> std::thread::JoinHandle<()> {
        let sink = Unreliable { topic: topic.clone(), random: Random::new(seed), failing };
        let relay = Relay::new(&everything(), Box::new(sink), self.parts.clone());
        std::thread::spawn(move || relay.run())
    }

    fn decide(&self, command: Command) {
        let ticket = self.parts.queue.submit(submission(command), Class::Interactive, None).expect("room");
        ticket.wait().expect("decided");
    }

    fn wait_until_told(&self) {
        let asked = Instant::now();
        while self.queries.outbox_depth(&[BROKERS], 1).expect("reads").events > 0 {
            assert!(asked.elapsed() < Duration::from_mins(1), "events are left");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn close(self) {
        self.parts.queue.close();
        self.lane.join().expect("the lane ends");
    }
}

/// Of each key the first occurrences are 1, 2, 3 … with their parts. How many there are.
fn first_occurrences(topic: &Topic, seed: u64) -> usize {
    let mut last: BTreeMap<[u8; 16], (u64, u32)> = BTreeMap::new();
    let mut first = 0_usize;
    for place in topic.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        let here = (place.sequence, place.part);
        let before = last.get(&place.key).copied().unwrap_or_default();
        if here <= before {
            continue;
        }
        let follows = here == (before.0, before.1.saturating_add(1)) || here == (before.0.saturating_add(1), 0);
        assert!(follows, "seed {seed}: {here:?} follows {before:?} of {}", place.key_text());
        last.insert(place.key, here);
        first = first.saturating_add(1);
    }
    first
}

#[test]
fn whatever_fails_on_the_way_each_key_is_told_in_order_and_whole() {
    let seed = RandomState::new().hash_one(0);
    eprintln!("seed {seed}");
    for relays in [1, 2, 3] {
        let house = House::open();
        let topic = Topic::default();
        let relays: Vec<_> = (0..relays).map(|relay| house.relay(&topic, seed ^ relay, 2)).collect();
        let mut random = Random::new(seed);
        for number in 1..=5 {
            let new = new_item(number, &[("main", 20)]);
            house.decide(Command::CreateItem(new, holdfast_application::command::Remarks::default()));
        }
        for order in 1..=200 {
            let (one, other) = (random.within(1, 5), random.within(1, 5));
            let lines = [(u8::try_from(one).expect("few"), 3), (u8::try_from(other).expect("few"), 2)];
            house.decide(reserve(order, &lines));
            match random.within(0, 3) {
                0 => house.decide(release(order)),
                1 => house.decide(confirm(order)),
                2 => house.decide(change(lines[0].0, StockVerb::Add, 4)),
                _ => {}
            }
        }
        house.wait_until_told();
        house.parts.stop.store(true, Ordering::Relaxed);
        for relay in relays {
            relay.join().expect("the relay ends");
        }
        let written = {
            let mut movements = 0;
            let counted = &mut |_| {
                movements = usize::saturating_add(movements, 1);
                std::ops::ControlFlow::Continue(())
            };
            house.queries.each_movement(counted).expect("reads");
            movements
        };
        let told = first_occurrences(&topic, seed);
        assert!(told >= written + 200, "seed {seed}: {told} events of {written} movements and 200 orders");
        house.close();
    }
}

#[test]
fn what_waits_when_a_service_stops_is_told_in_the_time_there_is() {
    let house = House::open();
    let topic = Topic::default();
    let new = new_item(1, &[("main", 20)]);
    house.decide(Command::CreateItem(new, holdfast_application::command::Remarks::default()));
    (0..50).for_each(|order| house.decide(reserve(order, &[(1, 1)])));
    house.parts.stop.store(true, Ordering::Relaxed);
    house.relay(&topic, 1, 0).join().expect("the relay ends");
    assert_eq!(house.queries.outbox_depth(&[BROKERS], 1).expect("reads").events, 0);
    house.close();
}

#[test]
fn what_cannot_be_removed_is_not_told_on_and_on() {
    let house = House::open();
    let topic = Topic::default();
    let new = new_item(1, &[("main", 1)]);
    house.decide(Command::CreateItem(new, holdfast_application::command::Remarks::default()));
    let add = |_| house.parts.queue.submit(submission(change(1, StockVerb::Add, 1)), Class::Interactive, None);
    for _ in 0..30 {
        let asked: Vec<_> = (0..1_000).map(add).collect();
        for asked in asked {
            asked.expect("room").wait().expect("decided");
        }
    }
    // Nobody removes anything any more.
    house.parts.queue.close();
    let told = || topic.lock().unwrap_or_else(PoisonError::into_inner).len();
    let relay = house.relay(&topic, 1, 0);
    let since = Instant::now();
    while told() <= 16_384 {
        assert!(since.elapsed() < Duration::from_mins(1), "{} are told", told());
        std::thread::sleep(Duration::from_millis(2));
    }
    house.parts.stop.store(true, Ordering::Relaxed);
    relay.join().expect("the relay ends");
    assert!(told() <= 16_384 + 4_096, "{} are told: so many again, should it crash", told());
    house.close();
}

#[test]
fn what_is_refused_of_one_key_keeps_no_other_waiting() {
    let house = House::open();
    let asked = Arc::new(AtomicUsize::new(0));
    let relay = Relay::new(&everything(), Box::new(Choosy { asked: asked.clone() }), house.parts.clone());
    let relay = std::thread::spawn(move || relay.run());
    let remarks = holdfast_application::command::Remarks::default();
    house.decide(Command::CreateItem(new_item(1, &[("main", 9)]), remarks));
    // Were the pauses longer each time, as for a destination that takes nothing at all, this would take most of a
    // minute.
    let began = Instant::now();
    while asked.load(Ordering::Relaxed) < 16 {
        assert!(began.elapsed() < Duration::from_secs(30), "others are looked for all the time");
        std::thread::sleep(Duration::from_millis(2));
    }
    house.parts.stop.store(true, Ordering::Relaxed);
    relay.join().expect("the relay ends");
    house.close();
}
