//! Identifiers: what the world names things by, and the short numbers the ledger names them by.
//!
//! Ids of things Holdfast makes are UUIDs of version 7 (RFC 9562, section 5.7) whose last 62 bits are the ledger's own
//! short numbers. So an id is a calculation, unique because the numbers are; it costs no index and no randomness, any
//! store makes the same one from the same history, and it leads straight back to its row. Ids are names, not secrets.

use std::fmt;

use crate::time::Timestamp;

/// Reads a hyphenated UUID in either case. `None` when the text is not one.
fn parse_uuid(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let mut value: u128 = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = char::from(*byte).to_digit(16)?;
        value = (value << 4) | u128::from(digit);
    }
    Some(value)
}

/// The text of an id: 36 lower-case characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdText([u8; 36]);

impl IdText {
    /// Where the two digits of each byte stand.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    fn new(value: u128) -> Self {
        let mut text = [b'-'; 36];
        for (byte, place) in value.to_be_bytes().into_iter().zip(Self::PLACES) {
            if let Some([high, low]) = text.get_mut(place..).and_then(|rest| rest.first_chunk_mut()) {
                *high = Self::digit(byte >> 4);
                *low = Self::digit(byte & 15);
            }
        }
        Self(text)
    }

    fn digit(value: u8) -> u8 {
        Self::DIGITS.get(usize::from(value)).copied().unwrap_or(b'0')
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are text")
    }
}

macro_rules! uuid_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The id of these 16 bytes, most significant first.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(u128::from_be_bytes(bytes))
            }

            /// The 16 bytes, most significant first.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0.to_be_bytes()
            }

            /// Reads a hyphenated UUID in either case. `None` when the text is not one.
            pub fn parse(text: &str) -> Option<Self> {
                parse_uuid(text).map(Self)
            }

            /// Its text.
            pub fn text(self) -> IdText {
                IdText::new(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.text().as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

uuid_name! {
    /// A product, as its owner names it.
    ProductId
}
uuid_name! {
    /// An order, as the order service names it.
    OrderId
}
uuid_name! {
    /// A reservation: made from its order's number and its place among the order's reservations.
    ReservationId
}
uuid_name! {
    /// A movement: made from its time, its item's number and its sequence.
    MovementId
}
uuid_name! {
    /// An item: made from its creation and its number.
    ItemId
}
uuid_name! {
    /// A dead letter: made from the time at which it was put away and a hash of where it came from.
    DeadLetterId
}

/// An item's short number: 1, 2, 3 … in order of creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemNumber(pub u32);

/// A location's short number: 1, 2, 3 … in order of creation; `main` is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocationNumber(pub u16);

/// An order's short number: 1, 2, 3 … in the order in which orders were first seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNumber(pub u64);

impl ItemNumber {
    /// The largest item number: 28 bits, so that it fits an id beside a sequence.
    pub const MAX: u32 = (1 << 28) - 1;
}

const SEQUENCE_BITS: u32 = 34;
/// The bits of a reservation's place among those of its order, behind the order's number.
pub const PLACE_BITS: u32 = 20;
/// The largest sequence of a product: 34 bits.
pub const SEQUENCE_MAX: u64 = (1 << SEQUENCE_BITS) - 1;
/// The largest place that fits an id; an order is turned away long before (`book/reserving.rs`).
pub const PLACE_MAX: u32 = (1 << PLACE_BITS) - 1;

const KIND_DEAD_LETTER: u16 = 0;
const KIND_MOVEMENT: u16 = 1;
const KIND_RESERVATION: u16 = 2;
const KIND_ITEM: u16 = 3;

/// A UUID v7: 48 bits of milliseconds, 10 of microseconds, 2 that tell what it names, 62 of numbers.
fn version_7(at: Timestamp, kind: u16, numbers: u64) -> u128 {
    let millis = u128::from(at.millis()) & 0xFFFF_FFFF_FFFF;
    let fine = u128::from((at.submillis() << 2) | kind) & 0xFFF;
    let numbers = u128::from(numbers) & ((1 << 62) - 1);
    (millis << 80) | (7 << 76) | (fine << 64) | (2 << 62) | numbers
}

/// The numbers of a UUID that [`version_7`] made for `kind`.
fn numbers_of(id: u128, kind: u16) -> Option<u64> {
    let made_here = (id >> 76) & 15 == 7 && (id >> 62) & 3 == 2 && (id >> 64) & 3 == u128::from(kind);
    made_here.then(|| u64::try_from(id & ((1 << 62) - 1)).ok()).flatten()
}

impl MovementId {
    /// The id of an item's movement number `sequence`, decided `at`.
    pub fn new(at: Timestamp, item: ItemNumber, sequence: u64) -> Self {
        Self(version_7(at, KIND_MOVEMENT, (u64::from(item.0) << SEQUENCE_BITS) | sequence))
    }

    /// Which movement this id can name, or `None` when it was not made here.
    pub fn names(self) -> Option<(ItemNumber, u64)> {
        let numbers = numbers_of(self.0, KIND_MOVEMENT)?;
        Some((ItemNumber(u32::try_from(numbers >> SEQUENCE_BITS).ok()?), numbers & SEQUENCE_MAX))
    }

    /// When the movement was decided that this id can name, or `None` when it was not made here.
    pub fn created_at(self) -> Option<Timestamp> {
        self.names()?;
        let millis = i64::try_from(self.0 >> 80).ok()?;
        let fine = i64::try_from((self.0 >> 66) & 0x3FF).ok()?;
        Some(Timestamp::from_micros(millis.checked_mul(1_000)?.checked_add(fine)?))
    }
}

impl ReservationId {
    /// The id of an order's reservation number `line`, where the order got its number `at`.
    pub fn new(at: Timestamp, order: OrderNumber, line: u32) -> Self {
        Self(version_7(at, KIND_RESERVATION, (order.0 << PLACE_BITS) | u64::from(line)))
    }

    /// Which reservation this id can name, or `None` when it was not made here.
    pub fn names(self) -> Option<(OrderNumber, u32)> {
        let numbers = numbers_of(self.0, KIND_RESERVATION)?;
        Some((OrderNumber(numbers >> PLACE_BITS), u32::try_from(numbers & u64::from(PLACE_MAX)).ok()?))
    }
}

impl ItemId {
    /// The id of the item that got number `number` when it was created `at`.
    pub fn new(at: Timestamp, number: ItemNumber) -> Self {
        Self(version_7(at, KIND_ITEM, u64::from(number.0)))
    }
}

impl DeadLetterId {
    /// The id of the letter that was put away `at`, of a record whose origin has this hash.
    pub fn new(at: Timestamp, origin: [u8; 16]) -> Self {
        let last = origin.last_chunk().copied().expect("16 bytes are more than 8");
        Self(version_7(at, KIND_DEAD_LETTER, u64::from_be_bytes(last)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_either_case_and_writes_lower() {
        let id = ProductId::parse("3FA85F64-5717-4562-B3FC-2C963F66AFA6").expect("a UUID");
        assert_eq!(id.to_string(), "3fa85f64-5717-4562-b3fc-2c963f66afa6");
        assert_eq!(ProductId::from_bytes(id.to_bytes()), id);
    }

    #[test]
    fn refuses_what_is_no_uuid() {
        for text in [
            "",
            "3fa85f64",
            "3fa85f6457174562b3fc2c963f66afa6",
            "3fa85f64-5717-4562-b3fc-2c963f66afag",
            "3fa85f64-5717-4562-b3fc-2c963f66afa6 ",
            "{3fa85f64-5717-4562-b3fc-2c963f66afa6}",
            "3fa85f64-5717-4562-b3fc_2c963f66afa6",
            "٣fa85f64-5717-4562-b3fc-2c963f66afa",
        ] {
            assert_eq!(ProductId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn made_ids_are_version_7_and_lead_back() {
        let at = Timestamp::parse("2026-11-22T10:00:00.123456Z").expect("a time");
        let movement = MovementId::new(at, ItemNumber(ItemNumber::MAX), SEQUENCE_MAX);
        assert_eq!(movement.names(), Some((ItemNumber(ItemNumber::MAX), SEQUENCE_MAX)));
        assert_eq!(movement.created_at(), Some(at));
        assert_eq!(movement.to_string().as_bytes().get(14), Some(&b'7'));
        let reservation = ReservationId::new(at, OrderNumber(42), 7);
        assert_eq!(reservation.names(), Some((OrderNumber(42), 7)));
        assert_eq!(ReservationId::parse(&movement.to_string()).and_then(ReservationId::names), None);
        assert!(MovementId::new(at, ItemNumber(1), 2) > MovementId::new(at, ItemNumber(1), 1));
        let letters = [[7; 16], [8; 16]].map(|origin| DeadLetterId::new(at, origin));
        assert_eq!(letters.map(|letter| letter.to_string().as_bytes().get(14).copied()), [Some(b'7'); 2]);
        assert_ne!(letters[0], letters[1]);
    }
}
