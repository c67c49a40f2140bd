//! What crosses the boundary to a database.

mod shared_store;
mod simulation;
mod store_contract;
