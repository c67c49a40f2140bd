//! What two databases spell differently, as data.

use std::time::Duration;

/// What one database spells in its own way.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// How the fence of the movements is laid out in stages, if it is.
    pub(crate) stages: Option<Stages>,
    /// What a `SELECT` ends with that locks its rows until the transaction ends.
    pub(crate) lock_rows: &'static str,
    /// Joins `reservations` as `r` to the `orders` as `o` in front of them: an order's number stands before the place,
    /// which has 20 bits.
    pub(crate) reservations_of_order: &'static str,
    /// Whether one transaction writes at a time, so that rows stand in the order in which transactions were decided.
    pub(crate) one_writes: bool,
    /// Puts movements in an order in which each item's sequences rise, the cheapest there is.
    pub(crate) commit_order: &'static str,
    /// Puts what waits in the outbox, of a destination's stream, in an order in which each key's events come in theirs.
    /// Times alone do not tell: a product's time never runs backwards, so that of two batches can be the same.
    pub(crate) written_order: &'static str,
    /// Tells up to when batches were decided: the last one, of a single writer; of several, the time on the clock they
    /// share.
    pub(crate) decided_up_to: &'static str,
    /// How long a transaction may stay under way after its time was read.
    pub(crate) unsettled_max: Duration,
    /// How far a batch may be decided ahead of that clock: nodes of a cluster have one each.
    pub(crate) ahead_max: Duration,
}

/// How long a transaction of a shared store may stay under way after its time was read: a writer gives up before half
/// of this (`mysql/store.rs`), and the rest is for a commit that a cluster holds up (PROTOCOL, E7: 17 s).
const SHARED_UNSETTLED_MAX: Duration = Duration::from_secs(30);

/// A fence that stands stage by stage: each holds a stretch of sequences of every item.
#[derive(Debug)]
pub(crate) struct Stages {
    /// The stage of a sequence is the sequence shifted right by this.
    pub(crate) bits: u32,
    /// Picks the movements of one stage, of `movements` as `m`: one value.
    pub(crate) condition: &'static str,
}

/// What the clock of a shared database says; `NOW()` would tell when the statement's transaction began to wait.
pub(crate) const DATABASE_TIME: &str = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)";

/// `SQLite`, with the fence that its first migration makes.
pub(crate) static SQLITE: Dialect = Dialect {
    stages: Some(Stages { bits: 4, condition: "(m.sequence >> 4) = ?" }),
    lock_rows: "",
    reservations_of_order: "r.number BETWEEN (o.number << 20) AND ((o.number << 20) | 1048575)",
    one_writes: true,
    commit_order: "rowid",
    written_order: "rowid",
    decided_up_to: "SELECT decided_at FROM books WHERE id = 1",
    unsettled_max: Duration::ZERO,
    ahead_max: Duration::ZERO,
};

/// MySQL 8, MariaDB 10.6 and later, and TiDB.
pub(crate) static MYSQL: Dialect = Dialect {
    stages: None,
    lock_rows: " FOR UPDATE",
    reservations_of_order: "r.order_number = o.number",
    one_writes: false,
    commit_order: "item, sequence",
    written_order: "written_at, event_key, key_seq, part",
    decided_up_to: DATABASE_TIME,
    unsettled_max: SHARED_UNSETTLED_MAX,
    ahead_max: Duration::from_secs(10),
};
