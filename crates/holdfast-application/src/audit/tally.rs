//! Sums that two sides must agree on, whatever the order each tells its facts in.

/// A sum over facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally(u64);

impl Tally {
    /// Adds what happened to a reservation: its order's number and line, and two numbers more.
    pub(crate) fn add(&mut self, facts: [u64; 4]) {
        // SplitMix64 (Steele, Lea, Flood 2014) over each fact: equal sums of unequal facts do not happen by accident.
        let mut mixed = 0x9E37_79B9_7F4A_7C15_u64;
        for fact in facts {
            mixed = (mixed ^ fact).wrapping_add(0x9E37_79B9_7F4A_7C15);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^= mixed >> 31;
        }
        self.0 = self.0.wrapping_add(mixed);
    }
}
