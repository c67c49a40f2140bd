//! What crosses the boundary to a database.

mod simulation;
mod store_contract;
