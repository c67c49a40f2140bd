//! Numbers without a pattern, cheaply made.

use std::hash::{BuildHasher, Hasher, RandomState};

use holdfast_domain::{OrderId, ProductId};

/// `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Another stream every time.
    pub(crate) fn new() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    /// The next number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `most`; 0 when there is none.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.next().checked_rem(most).unwrap_or(0)
    }

    /// One of `all`.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let place = self.below(crate::numbers::count(all.len()));
        all.get(usize::try_from(place).ok()?)
    }

    fn uuid(&mut self) -> [u8; 16] {
        let random = (u128::from(self.next()) << 64) | u128::from(self.next());
        // Version 4, variant 10 (RFC 9562, section 5.4).
        let uuid = (random & !(0xF << 76) & !(0x3 << 62)) | (4 << 76) | (2 << 62);
        uuid.to_be_bytes()
    }

    /// An order's id.
    pub(crate) fn order(&mut self) -> OrderId {
        OrderId::from_bytes(self.uuid())
    }

    /// A product's id.
    pub(crate) fn product(&mut self) -> ProductId {
        ProductId::from_bytes(self.uuid())
    }
}
