//! The distributed lock in Redis: one server, the primary that Sentinels name, or a cluster.
//!
//! Reading order: [`address`](RedisAddress) (what a URL says), `question` (what is asked, of a key each), `link`
//! (asking many in one round trip), `connection`, `sentinel` and `cluster` (whom to ask), `keeper` (the thread that
//! connects and looks whether the lock answers), `breaker` (when it is left alone), `lock` (the port).
//!
//! A lane never waits for a connection: names are looked up, connections are made and TLS shakes hands on the keeper's
//! thread. What is left for the lane is one exchange on a connection that is there, bounded by a time that is given.

mod address;
mod breaker;
mod cluster;
mod connection;
mod keeper;
mod link;
mod lock;
mod question;
mod sentinel;

pub use address::{AddressError, RedisAddress};
pub use keeper::RedisKeeper;
pub use lock::RedisDistributedLock;
