//! Which runs of orders can hold an id: a filter in memory, so that a random id costs no look-up per run.
//!
//! Orders are indexed run by run (see the first migration). For each run there is a Bloom filter (B. Bloom, 1970)
//! over its ids, and 64 filters lie bit by bit beside each other in words, so that one look-up asks 64 runs at once. It
//! may name a run that does not hold the id, never miss one that does.

use holdfast_domain::OrderId;

/// An order's run is its number shifted right by this.
pub(crate) const RUN_BITS: u32 = 14;
/// Bits of one filter: 16 an order, for false answers in a thousandth of the look-ups.
const FILTER_BITS: u64 = 16 << RUN_BITS;
/// Bits set for an id.
const PROBES: u64 = 7;
/// Runs whose filters share words.
const GROUP: u64 = 64;

/// The filters of all runs.
#[derive(Debug, Default)]
pub(crate) struct OrderRuns {
    groups: Vec<Vec<u64>>,
}

impl OrderRuns {
    /// Notes that the order with this number has this id.
    pub(crate) fn add(&mut self, number: u64, id: OrderId) {
        let run = number >> RUN_BITS;
        let group = usize::try_from(run / GROUP).unwrap_or(usize::MAX);
        while self.groups.len() <= group {
            self.groups.push(vec![0; usize::try_from(FILTER_BITS).unwrap_or(usize::MAX)]);
        }
        let Some(words) = self.groups.get_mut(group) else { return };
        for place in places(id) {
            if let Some(word) = words.get_mut(place) {
                *word |= 1 << (run % GROUP);
            }
        }
    }

    /// The runs that may hold `id`, the newest first.
    pub(crate) fn that_may_hold(&self, id: OrderId) -> Vec<i64> {
        let mut found = Vec::new();
        for (group, words) in self.groups.iter().enumerate().rev() {
            let group = i64::try_from(group).unwrap_or(i64::MAX);
            let mut runs = u64::MAX;
            for place in places(id) {
                runs &= words.get(place).copied().unwrap_or(0);
                if runs == 0 {
                    break;
                }
            }
            while runs != 0 {
                let newest = 63_u32.saturating_sub(runs.leading_zeros());
                runs ^= 1 << newest;
                found.push((group << 6) | i64::from(newest));
            }
        }
        found
    }
}

/// The bits of an id, by double hashing (Kirsch, Mitzenmacher 2006) over its two halves, mixed so that ids which are not
/// random spread as well.
fn places(id: OrderId) -> impl Iterator<Item = usize> {
    let (high, low) = halves(id);
    let first = mix(high ^ low.rotate_left(32));
    let step = mix(low) | 1;
    (0..PROBES).map(move |probe| {
        let place = first.wrapping_add(probe.wrapping_mul(step)) >> 20;
        usize::try_from(place % FILTER_BITS).unwrap_or(0)
    })
}

fn halves(id: OrderId) -> (u64, u64) {
    let value = u128::from_be_bytes(id.to_bytes());
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
    (half(value >> 64), half(value))
}

/// The finaliser of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_found_in_its_run_and_seldom_elsewhere() {
        let id = |number: u64| {
            let noise = u128::from(mix(number)) << 64 | u128::from(mix(!number));
            OrderId::from_bytes(noise.to_be_bytes())
        };
        let orders = 5_u64 << RUN_BITS;
        let mut runs = OrderRuns::default();
        for number in 0..orders {
            runs.add(number, id(number));
        }
        let mut named = 0;
        for number in (0..orders).step_by(7) {
            let found = runs.that_may_hold(id(number));
            assert!(found.contains(&i64::try_from(number >> RUN_BITS).expect("small")));
            named += found.len();
        }
        let asked = usize::try_from(orders.div_ceil(7)).expect("small");
        assert!(named < asked + asked / 50, "{named} runs were named for {asked} ids");
        assert!(runs.that_may_hold(id(orders * 3)).len() <= 1);
    }
}
