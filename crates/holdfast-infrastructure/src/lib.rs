//! How Holdfast reaches the world: SQL stores, and the way from one to another.
//!
//! Statements and row mapping are written once ([`sql`]); a driver sends them, and what two databases spell differently is
//! data (`sql::dialect`). SQL only loads and saves; it never decides.

pub mod copying;
pub mod mysql;
mod sql;
pub mod sqlite;
