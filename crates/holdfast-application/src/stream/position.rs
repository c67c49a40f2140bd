//! How far somebody has listened: the id of each event that is sent.

use std::fmt;

use holdfast_domain::MovementId;

use crate::queries::LedgerPlace;

/// Where an event stood among those that one service sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which service it was, since its last start.
    pub by: u64,
    /// 0, 1, 2 … among the events it sent.
    pub number: u64,
}

/// How far somebody has listened: up to and with this part of this movement. The service that sent it knows exactly
/// what came next; every other one, and the same one later, goes by the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPosition {
    /// The movement's place.
    pub place: LedgerPlace,
    /// The part of its events.
    pub part: u32,
    /// By whom it was sent, where that is known.
    pub sent: Option<Sent>,
}

impl StreamPosition {
    /// Behind everything up to this place.
    pub const fn behind(place: LedgerPlace) -> Self {
        Self { place, part: u32::MAX, sent: None }
    }

    /// What [`Self`] shows itself as. `None` when the text is none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let mut pieces = text.split('.');
        let place = LedgerPlace::of(MovementId::parse(pieces.next()?)?)?;
        let part = digits(pieces.next()?)?;
        let sent = match (pieces.next(), pieces.next()) {
            (None, _) => None,
            (Some(by), Some(number)) => Some(Sent { by: digits(by)?, number: digits(number)? }),
            (Some(_), None) => return None,
        };
        pieces.next().is_none().then_some(Self { place, part, sent })
    }
}

/// A number in plain digits.
fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl fmt::Display for StreamPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.place.movement(), self.part)?;
        self.sent.map_or(Ok(()), |sent| write!(f, ".{}.{}", sent.by, sent.number))
    }
}

#[cfg(test)]
mod tests {
    use holdfast_domain::{ItemNumber, Timestamp};

    use super::*;

    #[test]
    fn a_position_is_read_back_as_it_was_written() {
        let created_at = Timestamp::parse("2026-11-22T10:00:00.123456Z").expect("a time");
        let place = LedgerPlace { created_at, item: ItemNumber(7), sequence: 42 };
        let sent = Some(Sent { by: u64::MAX, number: 3 });
        for position in [StreamPosition { place, part: 2, sent }, StreamPosition::behind(LedgerPlace::START)] {
            assert_eq!(StreamPosition::parse(&position.to_string()), Some(position), "{position}");
        }
    }

    #[test]
    fn what_is_no_position_is_told_apart() {
        let id = LedgerPlace::START.movement();
        for text in ["", "7", &id.to_string(), &format!("{id}.+1"), &format!("{id}.1.2"), &format!("{id}.1.2.3.4")] {
            assert_eq!(StreamPosition::parse(text), None, "{text}");
        }
        assert_eq!(StreamPosition::parse("3fa85f64-5717-4562-b3fc-2c963f66afa6.0"), None, "an id of somebody else's");
    }
}
