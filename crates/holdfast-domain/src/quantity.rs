//! Numbers of units: how many move, and how many there are.

use std::fmt;

/// How many units one operation moves: 1 … 1 000 000 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

impl Quantity {
    /// The most units one operation moves.
    pub const MAX: u32 = 1_000_000_000;
    /// One unit.
    pub const ONE: Self = Self(1);

    /// A quantity of `units`, or `None` when `units` is 0 or more than [`Self::MAX`].
    pub const fn new(units: u32) -> Option<Self> {
        if units == 0 || units > Self::MAX { None } else { Some(Self(units)) }
    }

    /// A quantity of `units`, or `None` outside 1 … [`Self::MAX`].
    pub fn from_u64(units: u64) -> Option<Self> {
        u32::try_from(units).ok().and_then(Self::new)
    }

    /// The number of units.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Both together, or `None` when that is more than [`Self::MAX`].
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::new)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many units there are: 0 … 2^53 − 1, so that every reader of JSON can hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count(u64);

impl Count {
    /// The largest count: 2^53 − 1, the largest integer a JSON number carries safely (RFC 8259, section 6).
    pub const MAX: u64 = 9_007_199_254_740_991;
    /// No units.
    pub const ZERO: Self = Self(0);

    /// A count of `units`, or `None` above [`Self::MAX`].
    pub const fn new(units: u64) -> Option<Self> {
        if units > Self::MAX { None } else { Some(Self(units)) }
    }

    /// The number of units.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// `quantity` more, or `None` above [`Self::MAX`].
    pub fn plus(self, quantity: Quantity) -> Option<Self> {
        self.0.checked_add(u64::from(quantity.get())).and_then(Self::new)
    }

    /// `quantity` fewer, or `None` when there are not that many.
    pub fn minus(self, quantity: Quantity) -> Option<Self> {
        self.0.checked_sub(u64::from(quantity.get())).map(Self)
    }

    /// Both together, or `None` above [`Self::MAX`].
    pub fn with(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::new)
    }

    /// What is left without `other`, or `None` when `other` is more.
    pub fn without(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Whether `quantity` can be taken from here.
    pub fn covers(self, quantity: Quantity) -> bool {
        self.0 >= u64::from(quantity.get())
    }
}

impl From<Quantity> for Count {
    fn from(quantity: Quantity) -> Self {
        Self(u64::from(quantity.get()))
    }
}

impl std::iter::Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        Self(counts.fold(0, |sum, count| sum.saturating_add(count.0)))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_one_to_a_thousand_million() {
        assert_eq!(Quantity::new(0), None);
        assert_eq!(Quantity::new(1).map(Quantity::get), Some(1));
        assert_eq!(Quantity::new(1_000_000_000).map(Quantity::get), Some(1_000_000_000));
        assert_eq!(Quantity::new(1_000_000_001), None);
        assert_eq!(Quantity::from_u64(u64::from(u32::MAX) + 2), None);
    }

    #[test]
    fn a_count_ends_where_json_numbers_end() {
        let full = Count::new(Count::MAX).expect("the largest count");
        assert_eq!(Count::new(Count::MAX + 1), None);
        assert_eq!(full.plus(Quantity::ONE), None);
        assert_eq!(Count::ZERO.minus(Quantity::ONE), None);
    }
}
