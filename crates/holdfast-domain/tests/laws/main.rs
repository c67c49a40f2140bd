//! The laws of stock on seeded random histories: units are conserved, release undoes reserve, replay gives the balance,
//! one end per reservation, a refusal changes nothing, and allocation takes what was asked from where there is some.
//!
//! `HOLDFAST_SEED` starts from another seed; a failure names the one that led to it.

#![expect(clippy::arithmetic_side_effects, reason = "tests may overflow loudly")]

mod allocating;
mod histories;
mod household;
mod random;

/// The seeds of one run: `count` of them, from `HOLDFAST_SEED` on.
fn seeds(count: u64) -> std::ops::Range<u64> {
    let given = std::env::var("HOLDFAST_SEED").ok().and_then(|seed| seed.parse().ok());
    let first: u64 = given.unwrap_or(1_000);
    first..first.saturating_add(count)
}
