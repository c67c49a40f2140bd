//! What crosses the boundary to a database.

mod shared_store;
mod simulation;
mod startup;
mod store_contract;
