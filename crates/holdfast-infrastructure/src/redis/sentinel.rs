//! Sentinels: who of those they watch over has the locks at present.
//!
//! Asked by hand, because the driver's own client for Sentinels connects without a time-out and would hang with one
//! that is paused.

use redis::{ErrorKind, RedisError, RedisResult, Value};

use super::address::{Node, RedisAddress};
use super::connection;

/// The primary of `service`, by the first Sentinel that answers.
pub(super) fn primary(address: &RedisAddress, service: &str) -> RedisResult<Node> {
    let mut last = RedisError::from((ErrorKind::Client, "no Sentinel is named"));
    for sentinel in &address.nodes {
        match ask(address, sentinel, service) {
            Ok(node) => return Ok(node),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask(address: &RedisAddress, sentinel: &Node, service: &str) -> RedisResult<Node> {
    let mut connection = connection::open(&address.of_sentinel(sentinel)?)?;
    let answer: Value = redis::cmd("SENTINEL").arg("get-master-addr-by-name").arg(service).query(&mut connection)?;
    let unknown = || RedisError::from((ErrorKind::Client, "the Sentinel does not know the service"));
    let Value::Array(parts) = answer else { return Err(unknown()) };
    let [Value::BulkString(host), Value::BulkString(port)] = parts.as_slice() else { return Err(unknown()) };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| unknown());
    Ok(Node { host: text(host)?, port: text(port)?.parse().map_err(|_| unknown())? })
}
