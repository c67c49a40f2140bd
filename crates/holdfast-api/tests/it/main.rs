//! Stories over the whole router, on the in-memory store with a lane of its own. Every answer is held against the
//! OpenAPI document.
#![expect(clippy::arithmetic_side_effects, reason = "tests may overflow loudly")]

mod batches;
mod dead_letters;
mod document;
mod event_schemas;
mod events;
mod examples;
mod hostile;
mod house;
mod items;
mod keys;
mod lists;
mod orders;
mod quotes;
mod rim;
mod stock;
mod streams;
