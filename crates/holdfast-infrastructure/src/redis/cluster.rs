//! A cluster: which of its servers has a key.

use redis::{ErrorKind, RedisError, Value};

use super::address::Node;

/// How many slots the keys of a cluster are spread over.
const SLOTS: u16 = 16_384;

/// The slot of a key without braces (Redis cluster specification, "key distribution model").
pub(super) fn slot_of(key: &[u8]) -> u16 {
    crc16(key) % SLOTS
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc: u16, _| {
                if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
            },
        )
    })
}

/// Who has which slots: the primaries, and for each range its last slot and whose it is, in ascending order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SlotMap {
    pub(super) primaries: Vec<Node>,
    ranges: Vec<(u16, usize)>,
}

impl SlotMap {
    /// Reads the answer to `CLUSTER SLOTS` that `asked` gave.
    ///
    /// # Errors
    ///
    /// The answer is not one, or some slots have no owner.
    pub(super) fn read(answer: &Value, asked: &Node) -> Result<Self, RedisError> {
        let incomplete = || RedisError::from((ErrorKind::Client, "the cluster does not own every slot"));
        let mut ranges = ranges_of(answer, asked).ok_or_else(incomplete)?;
        ranges.sort_unstable_by_key(|(first, ..)| *first);
        let mut map = Self::default();
        let mut next = 0;
        for (first, last, owner) in ranges {
            if first != next || last < first {
                return Err(incomplete());
            }
            next = last.saturating_add(1);
            let place = map.primaries.iter().position(|known| *known == owner).unwrap_or_else(|| {
                map.primaries.push(owner);
                map.primaries.len().saturating_sub(1)
            });
            map.ranges.push((last, place));
        }
        if next == SLOTS { Ok(map) } else { Err(incomplete()) }
    }

    /// The place of the primary that has a key.
    pub(super) fn owner_of(&self, key: &[u8]) -> usize {
        let slot = slot_of(key);
        let range = self.ranges.partition_point(|(last, _)| *last < slot);
        self.ranges.get(range).map_or(0, |(_, place)| *place)
    }
}

/// First and last slot and primary of every range.
fn ranges_of(answer: &Value, asked: &Node) -> Option<Vec<(u16, u16, Node)>> {
    let Value::Array(ranges) = answer else { return None };
    ranges.iter().map(|range| range_of(range, asked)).collect()
}

fn range_of(range: &Value, asked: &Node) -> Option<(u16, u16, Node)> {
    let Value::Array(parts) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(primary), ..] = parts.as_slice() else { return None };
    let [host, Value::Int(port), ..] = primary.as_slice() else { return None };
    // A server that does not know its own name leaves it out: then it is the one that was asked.
    let host = match host {
        Value::BulkString(host) if !host.is_empty() => String::from_utf8(host.clone()).ok()?,
        _ => asked.host.clone(),
    };
    let owner = Node { host, port: u16::try_from(*port).ok()? };
    Some((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of(b"foo"), 12_182);
    }

    #[test]
    fn every_key_has_an_owner_or_the_cluster_is_not_used() {
        let asked = Node { host: "h".to_owned(), port: 1 };
        let range = |first, last, host: &[u8], port| {
            Value::Array(vec![
                Value::Int(first),
                Value::Int(last),
                Value::Array(vec![Value::BulkString(host.to_vec()), Value::Int(port)]),
            ])
        };
        let (low, high) = (range(0, 8_191, b"", 1), range(8_192, 16_383, b"b", 2));
        let map = SlotMap::read(&Value::Array(vec![high, low.clone()]), &asked).expect("every slot is owned");
        assert_eq!(map.primaries, [asked.clone(), Node { host: "b".to_owned(), port: 2 }]);
        assert_eq!(map.owner_of(b"foo"), 1);
        assert_eq!(map.owner_of(b"bar"), 0, "slot {}", slot_of(b"bar"));
        assert!(SlotMap::read(&Value::Array(vec![low]), &asked).is_err());
        assert!(SlotMap::read(&Value::Nil, &asked).is_err());
    }
}
