//! How Holdfast reaches the world: SQL stores, the way from one to another, the lock in Redis, Kafka and webhooks.
//!
//! Statements and row mapping are written once ([`sql`]); a driver sends them, and what two databases spell differently
//! is data (`sql::dialect`). SQL only loads and saves; it never decides.

pub mod copying;
pub mod kafka;
pub mod mysql;
pub mod redis;
mod sql;
pub mod sqlite;
pub mod webhook;
