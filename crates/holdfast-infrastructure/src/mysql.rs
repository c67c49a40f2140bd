//! The shared store: MySQL 8 or MariaDB, which several services may write to.
//!
//! Row locks make writers wait for one another; that nothing is promised twice rests on what the tables keep unique (an
//! item's sequences, orders, keys) and on guarded changes (PROTOCOL, section 3.7). After a fault the transaction is
//! rolled back; after one of the connection's, a new connection is made for the next batch.

mod asking;
mod connect;
mod fault;
mod filling;
mod leases;
mod literals;
mod many_rows;
mod naive_orders;
mod numbered_items;
mod numbers;
mod open;
mod order_index;
mod outgoing;
mod own_database;
mod privileges;
mod readers;
mod risks;
mod rows;
mod schema;
mod session;
mod startup_checks;
mod store;
mod tls;

pub use connect::MysqlSettings;
pub(crate) use filling::{EmptyStore, WholeStore};
pub use leases::MysqlLeases;
pub use naive_orders::{NaiveClient, NaiveOrders};
pub use open::{OpenError, migrate, open, open_reader, time_of};
pub use own_database::OwnDatabase;
pub use risks::Risk;
pub use schema::version as schema_version;
pub use store::{MysqlStore, TimeSource};
