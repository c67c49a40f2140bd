//! Random histories on the reference store: every number is explained at every moment, and the same again is the same.

use std::time::Duration;

use holdfast_application::command::{Command, Submission};
use holdfast_application::ports::contract::random::Random;
use holdfast_application::ports::contract::{Warehouse, plays_the_same, random_history, random_policy, same_ledger};
use holdfast_domain::Timestamp;

#[test]
fn a_random_history_leads_to_the_same_ledger_every_time() {
    let seed = seed();
    let history = random_history(seed, 20_000);
    plays_the_same(&mut Warehouse::in_memory(), &mut Warehouse::in_memory(), &history, seed);
}

#[test]
fn the_ledger_is_explained_after_every_batch() {
    for seed in seed()..seed().saturating_add(20) {
        let mut warehouse = Warehouse::in_memory();
        warehouse.policy = random_policy(seed);
        for (at, step) in random_history(seed, 300).iter().enumerate() {
            warehouse.wait(step.pause);
            warehouse.decide_all(&step.batch);
            assert_eq!(warehouse.audit().faults, [], "seed {seed}, after batch {at}");
        }
    }
}

#[test]
fn on_the_events_clock_it_does_not_matter_where_batches_begin() {
    for seed in seed()..seed().saturating_add(10) {
        let events = on_the_events_clock(seed);
        let [mut one, mut other] = [Warehouse::in_memory(), Warehouse::in_memory()];
        (one.policy, other.policy) = (random_policy(seed), random_policy(seed));
        for (at, event) in events.iter().enumerate() {
            let replies = one.decide_all(std::slice::from_ref(event));
            assert_eq!(replies.len(), 1, "seed {seed}, event {at}");
        }
        for batch in events.chunks(97) {
            other.decide_all(batch);
        }
        eprintln!("seed {seed}");
        same_ledger(&*one.queries, &*other.queries);
        assert_eq!(one.audit().faults, []);
    }
}

/// A history whose every command says when it is decided, so that only their order counts.
fn on_the_events_clock(seed: u64) -> Vec<Submission> {
    let start = Timestamp::parse("2027-01-01T00:00:00Z").expect("a time");
    let mut random = Random::new(seed);
    let mut ts = start;
    let history = random_history(seed, 2_000).into_iter().flat_map(|step| step.batch);
    let lasting = history.filter(|asked| !matches!(asked.command, Command::ForgetAnswers { .. }));
    lasting
        .map(|asked| {
            ts = ts.after(Duration::from_secs(random.pick(&[0, 0, 1, 60, 300])));
            Submission { key: None, decided_at: Some(ts), ..asked }
        })
        .collect()
}

/// `HOLDFAST_SEED`, or one that is said here so that a failure can be repeated.
fn seed() -> u64 {
    let given = std::env::var("HOLDFAST_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or(2_026)
}
