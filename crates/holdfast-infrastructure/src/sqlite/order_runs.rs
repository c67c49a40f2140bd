//! Which runs of orders can hold an id: filters in memory, so that a random id costs no look-up per run.
//!
//! Orders are indexed run by run (see the first migration). Two layers of Bloom filters (B. Bloom, 1970) tell which
//! runs can hold an id: one filter for each era of a million orders, which says at once that an id is new, and one for
//! each run, of which 64 lie bit by bit beside each other in words, so that one look-up asks 64 runs. They may name a
//! run that does not hold the id, never miss one that does.

use holdfast_domain::OrderId;

/// An order's run is its number shifted right by this.
pub(crate) const RUN_BITS: u32 = 10;
/// Bits of a run's filter: 16 an order, for a false answer in a thousandth of the look-ups.
const RUN_FILTER_BITS: u64 = 16 << RUN_BITS;
/// Bits set for an id in its run's filter.
const RUN_PROBES: u64 = 7;
/// Runs whose filters share words.
const GROUP: u64 = 64;

/// An order's era is its number shifted right by this.
const ERA_BITS: u32 = 20;
/// Bits of an era's filter: 12 an order, for a false answer in a two-hundredth of the look-ups.
const ERA_FILTER_BITS: u64 = 12 << ERA_BITS;
/// Bits set for an id in its era's filter.
const ERA_PROBES: u64 = 6;
/// Groups of runs in an era.
const ERA_GROUPS: usize = 1 << (ERA_BITS - RUN_BITS - 6);

/// The filters of all runs.
#[derive(Debug, Default)]
pub(crate) struct OrderRuns {
    eras: Vec<Vec<u64>>,
    groups: Vec<Vec<u64>>,
}

impl OrderRuns {
    /// Notes that the order with this number has this id.
    pub(crate) fn add(&mut self, number: u64, id: OrderId) {
        let run = number >> RUN_BITS;
        let words = filter(&mut self.groups, run / GROUP, RUN_FILTER_BITS);
        for place in places(id, RUN_PROBES, RUN_FILTER_BITS) {
            set(words, place, run % GROUP);
        }
        let words = filter(&mut self.eras, number >> ERA_BITS, ERA_FILTER_BITS / 64);
        for bit in places(id, ERA_PROBES, ERA_FILTER_BITS) {
            set(words, bit / 64, bit % 64);
        }
    }

    /// The runs that may hold `id`, the newest first.
    pub(crate) fn that_may_hold(&self, id: OrderId) -> Vec<i64> {
        let mut found = Vec::new();
        for (era, bits) in self.eras.iter().enumerate().rev() {
            if places(id, ERA_PROBES, ERA_FILTER_BITS).all(|bit| word(bits, bit / 64) >> (bit % 64) & 1 == 1) {
                self.look_into(era, id, &mut found);
            }
        }
        found
    }

    /// Adds the runs of an era that may hold `id`, the newest first.
    fn look_into(&self, era: usize, id: OrderId, found: &mut Vec<i64>) {
        let first = era.saturating_mul(ERA_GROUPS);
        let groups = self.groups.iter().enumerate().skip(first).take(ERA_GROUPS);
        for (group, words) in groups.rev() {
            let mut runs = u64::MAX;
            for place in places(id, RUN_PROBES, RUN_FILTER_BITS) {
                runs &= word(words, place);
                if runs == 0 {
                    break;
                }
            }
            while runs != 0 {
                let newest = 63_u32.saturating_sub(runs.leading_zeros());
                runs ^= 1 << newest;
                let group = i64::try_from(group).unwrap_or(i64::MAX);
                found.push((group << 6) | i64::from(newest));
            }
        }
    }
}

/// The filter at `place`, made when it is the first to be asked for.
fn filter(filters: &mut Vec<Vec<u64>>, place: u64, words: u64) -> &mut [u64] {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    while filters.len() <= place {
        filters.push(vec![0; usize::try_from(words).unwrap_or(usize::MAX)]);
    }
    filters.get_mut(place).expect("it was made just now")
}

fn word(words: &[u64], place: u64) -> u64 {
    usize::try_from(place).ok().and_then(|place| words.get(place)).copied().unwrap_or(0)
}

fn set(words: &mut [u64], place: u64, bit: u64) {
    if let Some(word) = usize::try_from(place).ok().and_then(|place| words.get_mut(place)) {
        *word |= 1 << bit;
    }
}

/// The bits of an id, by double hashing (Kirsch, Mitzenmacher 2006) over its two halves, mixed so that ids which are
/// not random spread as well.
fn places(id: OrderId, probes: u64, bits: u64) -> impl Iterator<Item = u64> {
    let (high, low) = halves(id);
    let first = mix(high ^ low.rotate_left(32));
    let step = mix(low) | 1;
    (0..probes).map(move |probe| {
        let place = first.wrapping_add(probe.wrapping_mul(step)) >> 20;
        place.checked_rem(bits).unwrap_or(0)
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
        let orders = 150_u64 << RUN_BITS;
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
        assert!(named < asked + asked / 4, "{named} runs were named for {asked} ids");
        let strangers = (orders..orders * 2).filter(|number| !runs.that_may_hold(id(*number)).is_empty());
        assert!(strangers.count() < 1_500, "a new id is told at once, but for one in a hundred");
    }
}
