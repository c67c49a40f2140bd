//! Which locations serve a line that names none.
//!
//! Named lines are served first; what they leave is shared out by the strategy. Ties go by the locations' order. What
//! `check` and `availability` quote follows from the same rule: a line without a location may use all of them.

use crate::ids::LocationNumber;
use crate::item::InventoryItem;
use crate::location::Locations;
use crate::quantity::{Count, Quantity};
use crate::words::words;

words! {
    /// How locations are picked for a line that names none.
    Strategy {
        /// The locations in their order.
        Priority = 1,
        /// Where most units are available first.
        MostAvailable = 2,
        /// As few locations as possible.
        FewestSplits = 3,
    }
}

/// Units of one product to take from one location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// From where.
    pub location: LocationNumber,
    /// How many.
    pub quantity: Quantity,
}

/// What one product's lines ask for: at most one line per location, and at most one that names none.
pub type Ask = (Option<LocationNumber>, Quantity);

/// A line that cannot be served: which of the asks, and how many units are available to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// The place among the asks.
    pub ask: usize,
    /// Units available to it.
    pub available: Count,
}

/// Picks locations for one product's `asks`, of which each location names at most one. `own` units at a location count
/// as available besides those of the item (an order's own units never count against it).
///
/// # Errors
///
/// Every ask that is short.
pub fn allocate(
    item: &InventoryItem,
    own: &[Part],
    locations: &Locations,
    strategy: Strategy,
    asks: &[Ask],
) -> Result<Vec<Part>, Vec<Short>> {
    if let ([(None, quantity)], [], 1) = (asks, own, locations.len()) {
        return at_the_only_location(item, locations, *quantity);
    }
    let mut free = Free::of(item, own, locations);
    let available = free.serve_named(asks);
    let is_short = |(ask, available): (usize, Count)| {
        let (_, quantity) = asks.get(ask)?;
        (!available.covers(*quantity)).then_some(Short { ask, available })
    };
    let short: Vec<Short> = available.into_iter().enumerate().filter_map(is_short).collect();
    if !short.is_empty() {
        return Err(short);
    }
    let named = asks.iter().filter_map(|(named, quantity)| Some(Part { location: (*named)?, quantity: *quantity }));
    let mut parts: Vec<Part> = named.collect();
    for (_, quantity) in asks.iter().filter(|(named, _)| named.is_none()) {
        share_out(&mut free.0, strategy, *quantity, &mut parts);
    }
    Ok(parts)
}

/// How many units are available to each of one product's `asks`, by the same rule as [`allocate`]: to one that names
/// its location those that are there, to the other those of all locations that the named ones are not served with.
pub fn available_to(item: &InventoryItem, own: &[Part], locations: &Locations, asks: &[Ask]) -> Vec<Count> {
    Free::of(item, own, locations).serve_named(asks)
}

/// The units of one product that are free at each location, in the locations' order.
struct Free(Vec<(LocationNumber, Count)>);

impl Free {
    fn of(item: &InventoryItem, own: &[Part], locations: &Locations) -> Self {
        Self(locations.iter().map(|location| (location.number, free_at(item, own, location.number))).collect())
    }

    /// Takes what the asks with a location can be served with, and says how many units are available to each ask. One
    /// that is short takes nothing.
    fn serve_named(&mut self, asks: &[Ask]) -> Vec<Count> {
        let mut available = vec![Count::ZERO; asks.len()];
        for ((named, quantity), available) in asks.iter().zip(&mut available) {
            let place = self.0.iter_mut().find(|(location, _)| Some(*location) == *named);
            let Some((_, free)) = place else { continue };
            *available = *free;
            *free = free.minus(*quantity).unwrap_or(*free);
        }
        let left: Count = self.0.iter().map(|(_, free)| *free).sum();
        for ((named, _), available) in asks.iter().zip(&mut available) {
            if named.is_none() {
                *available = left;
            }
        }
        available
    }
}

fn at_the_only_location(
    item: &InventoryItem,
    locations: &Locations,
    quantity: Quantity,
) -> Result<Vec<Part>, Vec<Short>> {
    let location = locations.iter().next().map_or(LocationNumber::MAIN, |location| location.number);
    let available = item.balance(location).available;
    if available.covers(quantity) {
        Ok(vec![Part { location, quantity }])
    } else {
        Err(vec![Short { ask: 0, available }])
    }
}

fn free_at(item: &InventoryItem, own: &[Part], location: LocationNumber) -> Count {
    let own = own.iter().filter(|part| part.location == location).map(|part| Count::from(part.quantity));
    own.chain([item.balance(location).available]).sum()
}

/// Takes `quantity` from what is `left`, in the locations' order and enough of it, and joins it to `parts`.
fn share_out(left: &mut [(LocationNumber, Count)], strategy: Strategy, quantity: Quantity, parts: &mut Vec<Part>) {
    let mut rest = Count::from(quantity);
    if strategy == Strategy::FewestSplits {
        // The largest first needs the fewest parts; the last part comes from the first location that covers the rest.
        while rest > Count::ZERO {
            let fitting = left.iter().position(|(_, free)| *free >= rest);
            let most = left.iter().map(|(_, free)| *free).max();
            let place = fitting.or_else(|| left.iter().position(|(_, free)| Some(*free) == most));
            let place = place.and_then(|place| left.get_mut(place));
            rest = take(place.expect("there is a location"), rest, parts);
        }
        return;
    }
    if strategy == Strategy::MostAvailable {
        left.sort_by_key(|(_, free)| std::cmp::Reverse(*free)); // stable: ties keep the locations' order
    }
    for place in left.iter_mut() {
        if rest == Count::ZERO {
            break;
        }
        rest = take(place, rest, parts);
    }
}

/// Takes up to `wanted` units from one place and says how many are still wanted.
fn take(place: &mut (LocationNumber, Count), wanted: Count, parts: &mut Vec<Part>) -> Count {
    let (location, free) = place;
    let taken = wanted.min(*free);
    let Some(quantity) = Quantity::from_u64(taken.get()) else { return wanted };
    *free = free.without(taken).unwrap_or(Count::ZERO);
    match parts.iter_mut().find(|part| part.location == *location) {
        Some(part) => part.quantity = part.quantity.plus(quantity).expect("an order's sum is within the limits"),
        None => parts.push(Part { location: *location, quantity }),
    }
    wanted.without(taken).unwrap_or(Count::ZERO)
}

#[cfg(test)]
mod tests;
