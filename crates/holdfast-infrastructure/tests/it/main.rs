//! What crosses the boundary to a database or to the lock.

mod between;
mod failed_over;
mod kafka_source;
mod late_commits;
mod lock_order;
mod own_redis;
mod redis_lock;
mod round_trips;
mod shared_payments;
mod shared_store;
mod simulation;
mod slow_proxy;
mod startup;
mod statement_proxy;
mod statements;
mod store_contract;
