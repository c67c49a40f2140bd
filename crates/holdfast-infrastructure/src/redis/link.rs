//! Connections to those that have the locks, and questions about many keys in one round trip.

use std::time::{Duration, Instant};

use redis::{Connection, ErrorKind, RedisError, RedisResult, Value};

use super::address::{Kind, Node, RedisAddress};
use super::cluster::SlotMap;
use super::connection::{CONNECT_WITHIN, open};
use super::question::Question;
use super::sentinel;

/// A connection to every server that has locks.
pub(super) struct Link {
    servers: Vec<Connection>,
    /// Who has which key, where there are several.
    slots: Option<SlotMap>,
    /// How long an exchange may take.
    patience: Duration,
}

impl Link {
    /// Connects to those that have the locks at present.
    pub(super) fn connect(address: &RedisAddress) -> RedisResult<Self> {
        match &address.kind {
            Kind::Single => Ok(Self::to(servers(address, &address.nodes)?, None)),
            Kind::Sentinels(service) => {
                let primary = sentinel::primary(address, service)?;
                Ok(Self::to(vec![open(&address.of_server(&primary)?)?], None))
            }
            Kind::Cluster => Self::connect_cluster(address),
        }
    }

    fn connect_cluster(address: &RedisAddress) -> RedisResult<Self> {
        let mut last = RedisError::from((ErrorKind::Client, "no server is named"));
        for node in &address.nodes {
            match slots(address, node) {
                Ok(slots) => {
                    return Ok(Self::to(servers(address, &slots.primaries)?, Some(slots)));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    const fn to(servers: Vec<Connection>, slots: Option<SlotMap>) -> Self {
        Self { servers, slots, patience: CONNECT_WITHIN }
    }

    /// From now on an exchange may take so long.
    pub(super) fn hurry(&mut self, patience: Duration) -> RedisResult<()> {
        self.patience = patience;
        for server in &self.servers {
            server.set_read_timeout(Some(patience))?;
            server.set_write_timeout(Some(patience))?;
        }
        Ok(())
    }

    /// Asks all questions in one round trip and returns the answers in their order. After an error the link must not be
    /// used any more: late answers would be taken for those to the next questions.
    pub(super) fn exchange(&mut self, questions: &[Question]) -> RedisResult<Vec<Value>> {
        let started = Instant::now();
        let mut packets = vec![Vec::new(); self.servers.len()];
        let mut asked = Vec::with_capacity(questions.len());
        for Question { key, command } in questions {
            let place = self.slots.as_ref().map_or(0, |slots| slots.owner_of(key.as_bytes()));
            let packet: &mut Vec<u8> = packets.get_mut(place).ok_or_else(no_server)?;
            command.write_packed_command(packet);
            asked.push(place);
        }
        for (server, packet) in self.servers.iter_mut().zip(&packets) {
            if !packet.is_empty() {
                server.send_packed_command(packet)?;
            }
        }
        let mut answers = Vec::with_capacity(asked.len());
        for place in asked {
            let server = self.servers.get_mut(place).ok_or_else(no_server)?;
            answers.push(server.recv_response()?.extract_error()?);
            // Each wait is bounded by the socket; that many of them do not add up is checked here.
            if started.elapsed() > self.patience {
                return Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
            }
        }
        Ok(answers)
    }
}

fn servers(address: &RedisAddress, nodes: &[Node]) -> RedisResult<Vec<Connection>> {
    nodes.iter().map(|node| open(&address.of_server(node)?)).collect()
}

fn slots(address: &RedisAddress, node: &Node) -> RedisResult<SlotMap> {
    let mut connection = open(&address.of_server(node)?)?;
    let answer: Value = redis::cmd("CLUSTER").arg("SLOTS").query(&mut connection)?;
    SlotMap::read(&answer, node)
}

fn no_server() -> RedisError {
    RedisError::from((ErrorKind::Client, "no server has this key"))
}
