//! What crosses the application's boundaries: its commands on the reference store, its queue and its lane.

mod admission;
mod audit;
mod audited_outbox;
mod consumer;
mod expiry;
mod faulty_store;
mod idempotency;
mod intake;
mod lane;
mod memory_lock;
mod order_events;
mod queue;
mod recorded_ledger;
mod relay;
mod replacing_lines;
mod reserving;
mod rollback;
mod simulation;
mod store_contract;
mod sweep;
mod times;
