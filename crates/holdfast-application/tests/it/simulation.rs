//! Random histories on the reference store: every number is explained at every moment, and the same again is the same.

use holdfast_application::ports::contract::{Warehouse, plays_the_same, random_history, random_policy};

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

/// `HOLDFAST_SEED`, or one that is said here so that a failure can be repeated.
fn seed() -> u64 {
    let given = std::env::var("HOLDFAST_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or(2_026)
}
