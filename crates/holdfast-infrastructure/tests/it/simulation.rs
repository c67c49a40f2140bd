//! A long random history leads to the same replies and the same ledger in memory and on the embedded store.

use std::hash::{BuildHasher, RandomState};

use holdfast_application::ports::contract::{Warehouse, plays_the_same, random_history, same_ledger};

use crate::shared_store::{is_there, shared};
use crate::store_contract::embedded;

#[test]
fn a_hundred_thousand_random_commands_are_the_same_in_memory_and_embedded() {
    let seed = seed();
    eprintln!("HOLDFAST_SEED={seed} plays this history again");
    let (mut memory, mut embedded) = (Warehouse::in_memory(), Warehouse::open(&mut embedded));
    plays_the_same(&mut memory, &mut embedded, &random_history(seed, 100_000), seed);
}

#[test]
fn five_thousand_random_commands_are_the_same_in_memory_embedded_and_shared() {
    if !is_there() {
        eprintln!("the same on a shared store is left out: there is none");
        return;
    }
    let seed = seed();
    eprintln!("HOLDFAST_SEED={seed} plays this history again");
    let history = random_history(seed, 5_000);
    let mut shared = Warehouse::open(&mut shared);
    plays_the_same(&mut Warehouse::in_memory(), &mut shared, &history, seed);
    let mut other = Warehouse::open(&mut embedded);
    plays_the_same(&mut Warehouse::in_memory(), &mut other, &history, seed);
    same_ledger(&*shared.queries, &*other.queries);
}

/// `HOLDFAST_SEED`, or a fresh one.
fn seed() -> u64 {
    let given = std::env::var("HOLDFAST_SEED").ok();
    given.map_or_else(|| RandomState::new().hash_one(0), |seed| seed.parse().expect("HOLDFAST_SEED is a number"))
}
