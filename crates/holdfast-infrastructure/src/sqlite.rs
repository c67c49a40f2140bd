//! The embedded store: one SQLite file, one writer, readers beside it.
//!
//! Write-ahead log with `synchronous = FULL`, so what is acknowledged survives a power cut as far as the disk keeps
//! what it said it kept. The writer checkpoints by itself between two batches. A second process that wants to write is
//! turned away by a lock on a file of its own. An error at COMMIT, but for want of room, means that nobody knows
//! whether the batch is there (PROTOCOL, E13); the process must end and start anew, when what the file really holds is
//! read again.

#[cfg(test)]
mod backlog;
mod beacon;
mod cache;
mod filesystem;
mod filling;
mod no_room;
mod open;
mod order_index;
mod order_runs;
mod readers;
mod schema;
mod session;
mod steady_plans;
mod store;
mod together;

pub(crate) use filling::{EmptyStore, WholeStore};
pub use open::{OpenError, SqliteSettings, migrate, open, open_for_proof, open_reader};
pub use schema::version as schema_version;
pub use store::SqliteStore;
