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
    let mut left: Vec<(LocationNumber, Count)> =
        locations.iter().map(|location| (location.number, free_at(item, own, location.number))).collect();
    let mut parts: Vec<Part> = Vec::new();
    let mut short = Vec::new();

    for (ask, (named, quantity)) in asks.iter().enumerate() {
        let Some(named) = named else { continue };
        let place = left.iter_mut().find(|(location, _)| location == named);
        let available = place.as_ref().map_or(Count::ZERO, |(_, available)| *available);
        match (place, available.minus(*quantity)) {
            (Some((_, free)), Some(rest)) => {
                *free = rest;
                parts.push(Part { location: *named, quantity: *quantity });
            }
            _ => short.push(Short { ask, available }),
        }
    }
    for (ask, (named, quantity)) in asks.iter().enumerate() {
        if named.is_some() {
            continue;
        }
        let available: Count = left.iter().map(|(_, free)| *free).sum();
        if available.covers(*quantity) {
            share_out(&mut left, strategy, *quantity, &mut parts);
        } else {
            short.push(Short { ask, available });
        }
    }
    if short.is_empty() { Ok(parts) } else { Err(short) }
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
