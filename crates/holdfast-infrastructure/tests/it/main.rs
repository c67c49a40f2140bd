//! What crosses the boundary to a database.

mod store_contract;
