//! What crosses the application's boundaries: its commands on the reference store, its queue and its lane.

mod simulation;
mod store_contract;
