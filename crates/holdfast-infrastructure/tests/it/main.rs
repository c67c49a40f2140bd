//! What crosses the boundary to a database or to the lock.

mod failed_over;
mod kafka_source;
mod late_commits;
mod own_redis;
mod redis_lock;
mod shared_payments;
mod shared_store;
mod simulation;
mod slow_proxy;
mod startup;
mod statements;
mod store_contract;
