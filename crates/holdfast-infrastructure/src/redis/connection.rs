//! A connection to one server.

use std::time::Duration;

use redis::{Client, Connection, ConnectionInfo, RedisResult};

/// How long a connection may take that nobody waits for.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_millis(500);

/// A connection that is ready for commands, whose answers may take as long as it took itself.
pub(super) fn open(info: &ConnectionInfo) -> RedisResult<Connection> {
    let connection = Client::open(info.clone())?.get_connection_with_timeout(CONNECT_WITHIN)?;
    connection.set_read_timeout(Some(CONNECT_WITHIN))?;
    connection.set_write_timeout(Some(CONNECT_WITHIN))?;
    Ok(connection)
}
