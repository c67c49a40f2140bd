//! What is asked of those who have the locks, a key each: `SET key token NX PX ttl`, given back and extended by scripts
//! that compare the token.

use std::time::Duration;

use holdfast_domain::ProductId;
use redis::Cmd;

/// Deletes the key only of whoever has this token.
const GIVE_BACK: &str = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end";
/// Extends the key only of whoever has this token.
const EXTEND: &str =
    "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('pexpire',KEYS[1],ARGV[2]) else return 0 end";

/// A question about one key.
pub(super) struct Question {
    pub(super) key: String,
    pub(super) command: Cmd,
}

/// The key of the lock of something.
pub(super) fn key(name: &str) -> String {
    format!("inventory:lock:{name}")
}

/// The key of the lock of a product.
pub(super) fn key_of(product: ProductId) -> String {
    key(product.text().as_str())
}

/// The time in whole milliseconds, at least one.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// Takes the lock if it is free: `OK`, else nothing.
pub(super) fn take(key: String, token: &str, ttl: Duration) -> Question {
    let mut command = redis::cmd("SET");
    command.arg(&key).arg(token).arg("NX").arg("PX").arg(milliseconds(ttl));
    Question { key, command }
}

/// Gives the lock back if it is ours: 1, else 0.
pub(super) fn give_back(key: String, token: &str) -> Question {
    // As a text each time: it is short, one key a script suits a cluster, and no server that has forgotten it matters.
    let mut command = redis::cmd("EVAL");
    command.arg(GIVE_BACK).arg(1).arg(&key).arg(token);
    Question { key, command }
}

/// Extends the lock if it is ours: 1, else 0.
pub(super) fn extend(key: String, token: &str, ttl: Duration) -> Question {
    let mut command = redis::cmd("EVAL");
    command.arg(EXTEND).arg(1).arg(&key).arg(token).arg(milliseconds(ttl));
    Question { key, command }
}
