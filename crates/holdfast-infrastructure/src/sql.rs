//! The books in SQL: statements and row mapping, for every database alike.

pub(crate) mod codec;
pub(crate) mod command_log;
pub(crate) mod copying;
pub(crate) mod dead_letters;
pub(crate) mod dialect;
pub(crate) mod due_holders;
pub(crate) mod due_orders;
pub(crate) mod item_queries;
pub(crate) mod items;
pub(crate) mod ledger;
pub(crate) mod lending;
pub(crate) mod locations;
pub(crate) mod movement_queries;
pub(crate) mod movements;
pub(crate) mod order_index;
pub(crate) mod order_queries;
pub(crate) mod orders;
pub(crate) mod outbox;
mod parcels;
pub(crate) mod queries;
pub(crate) mod reservations;
pub(crate) mod retelling;
pub(crate) mod session;
pub(crate) mod transaction;
pub(crate) mod waiting_payments;
