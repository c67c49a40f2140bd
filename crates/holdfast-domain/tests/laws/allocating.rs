//! Where units are taken from: never more than there is, exactly what was asked, by the strategy's rule.

use holdfast_domain::allocation::{Ask, Part, Short, allocate};
use holdfast_domain::location::Locations;
use holdfast_domain::movement::Balance;
use holdfast_domain::{
    Count, InventoryItem, ItemNumber, Location, LocationCode, LocationNumber, Name, Quantity, Sku, StockLevel,
    Strategy, Timestamp,
};

use crate::household::product;
use crate::random::Random;
use crate::seeds;

/// A random question.
#[derive(Debug)]
struct Case {
    item: InventoryItem,
    own: Vec<Part>,
    locations: Locations,
    strategy: Strategy,
    asks: Vec<Ask>,
}

impl Case {
    fn new(random: &mut Random) -> Self {
        let count = u16::try_from(random.within(1, 6)).expect("small");
        let location = |number: u16, random: &mut Random| Location {
            number: LocationNumber(number),
            code: LocationCode::new(&format!("place-{}", 9 - number)).expect("a code"),
            name: Name::new("a place").expect("a name"),
            priority: u32::try_from(random.within(0, 2)).expect("small"),
        };
        let locations = Locations::new((1..=count).map(|number| location(number, random)).collect());
        let mut levels = Vec::new();
        let mut own = Vec::new();
        let mut asks: Vec<Ask> = Vec::new();
        for number in 1..=count {
            let location = LocationNumber(number);
            let units = |units: u64| Count::new(units).expect("a count");
            if random.chance(80) {
                let balance = Balance { available: units(random.within(0, 6)), reserved: units(random.within(0, 9)) };
                levels.push(StockLevel { location, balance });
            }
            if random.chance(10) {
                own.push(Part { location, quantity: quantity(random.within(1, 3)) });
            }
            if random.chance(20) {
                asks.push((Some(location), quantity(random.within(1, 4))));
            }
        }
        if random.chance(80) || asks.is_empty() {
            asks.insert(0, (None, quantity(random.within(1, 12))));
        }
        let item = InventoryItem::new(
            ItemNumber(1),
            product(1),
            Name::new("a thing").expect("a name"),
            Sku::new("thing").expect("a sku"),
            Count::ZERO,
            Count::ZERO,
            Timestamp::EPOCH,
        );
        let strategy = random.pick(Strategy::ALL);
        Self { item: item.with_levels(levels), own, locations, strategy, asks }
    }

    fn answer(&self) -> Result<Vec<Part>, Vec<Short>> {
        allocate(&self.item, &self.own, &self.locations, self.strategy, &self.asks)
    }

    /// Units that can be taken at a location.
    fn free(&self, location: LocationNumber) -> u64 {
        let own = self.own.iter().filter(|part| part.location == location);
        let own: u64 = own.map(|part| u64::from(part.quantity.get())).sum();
        self.item.balance(location).available.get() + own
    }

    fn named(&self, location: LocationNumber) -> u64 {
        let there = self.asks.iter().filter(|(named, _)| *named == Some(location));
        there.map(|(_, quantity)| u64::from(quantity.get())).sum()
    }

    /// Of a line without a location: how many units it asks for.
    fn open(&self) -> u64 {
        let open = self.asks.iter().filter(|(named, _)| named.is_none());
        open.map(|(_, quantity)| u64::from(quantity.get())).sum()
    }

    /// What is left for a line without a location, in the locations' order, and what it took there.
    fn left_and_taken(&self, parts: &[Part]) -> Vec<(u64, u64)> {
        let taken = |location: LocationNumber| {
            let there = parts.iter().filter(|part| part.location == location);
            let units: u64 = there.map(|part| u64::from(part.quantity.get())).sum();
            units - self.named(location)
        };
        self.locations.iter().map(|it| (self.free(it.number) - self.named(it.number), taken(it.number))).collect()
    }
}

fn each_case(check: impl Fn(&Case, &Result<Vec<Part>, Vec<Short>>)) {
    for seed in seeds(3) {
        let mut random = Random(seed);
        for at in 0..3_000 {
            let case = Case::new(&mut random);
            let answer = case.answer();
            let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&case, &answer)));
            assert!(checked.is_ok(), "seed {seed}, case {at}: {case:?} → {answer:?}");
        }
    }
}

fn each_success(strategy: Strategy, check: impl Fn(&Case, &[Part])) {
    each_case(|case, answer| {
        if let Ok(parts) = answer
            && case.strategy == strategy
            && case.open() > 0
        {
            check(case, parts);
        }
    });
}

#[test]
fn exactly_what_was_asked_is_taken_and_never_more_than_there_is() {
    each_case(|case, answer| {
        let Ok(parts) = answer else { return };
        let taken: u64 = parts.iter().map(|part| u64::from(part.quantity.get())).sum();
        let asked: u64 = case.asks.iter().map(|(_, quantity)| u64::from(quantity.get())).sum();
        assert_eq!(taken, asked);
        for part in parts {
            assert!(u64::from(part.quantity.get()) <= case.free(part.location));
        }
        let mut places: Vec<_> = parts.iter().map(|part| part.location).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), parts.len(), "parts at one level are one");
    });
}

#[test]
fn named_lines_are_served_first_where_they_named() {
    each_case(|case, answer| {
        let Ok(parts) = answer else { return };
        for location in case.locations.iter().map(|location| location.number) {
            let there = parts.iter().find(|part| part.location == location);
            assert!(there.map_or(0, |part| u64::from(part.quantity.get())) >= case.named(location));
        }
    });
}

#[test]
fn every_short_line_is_named_with_what_it_could_have() {
    each_case(|case, answer| {
        let fits = |location: LocationNumber| case.free(location) >= case.named(location);
        let numbers = || case.locations.iter().map(|location| location.number);
        let left =
            |location| if fits(location) { case.free(location) - case.named(location) } else { case.free(location) };
        let open_left: u64 = numbers().map(left).sum();
        let mut expected = Vec::new();
        for (ask, (named, quantity)) in case.asks.iter().enumerate() {
            let available = named.map_or(open_left, |location| case.free(location));
            if available < u64::from(quantity.get()) {
                expected.push(Short { ask, available: Count::new(available).expect("a count") });
            }
        }
        let mut found = answer.as_ref().err().cloned().unwrap_or_default();
        found.sort_by_key(|short| short.ask);
        assert_eq!(found, expected);
    });
}

#[test]
fn priority_empties_the_locations_in_their_order() {
    each_success(Strategy::Priority, |case, parts| {
        let places = case.left_and_taken(parts);
        let last = places.iter().rposition(|(_, taken)| *taken > 0).expect("something was taken");
        assert!(places.iter().take(last).all(|(left, taken)| left == taken), "{places:?}");
    });
}

#[test]
fn most_available_takes_from_where_there_is_most_and_ties_go_by_order() {
    each_success(Strategy::MostAvailable, |case, parts| {
        let mut places = case.left_and_taken(parts);
        places.sort_by_key(|(left, _)| std::cmp::Reverse(*left)); // stable
        let last = places.iter().rposition(|(_, taken)| *taken > 0).expect("something was taken");
        assert!(places.iter().take(last).all(|(left, taken)| left == taken), "{places:?}");
    });
}

#[test]
fn fewest_splits_takes_from_as_few_locations_as_there_can_be() {
    each_success(Strategy::FewestSplits, |case, parts| {
        let places = case.left_and_taken(parts);
        let used = places.iter().filter(|(_, taken)| *taken > 0).count();
        // Every choice of locations, tried: the smallest that holds enough.
        let enough = |choice: &u32| {
            let chosen = places.iter().enumerate().filter(|(at, _)| (choice >> at) & 1 == 1);
            chosen.map(|(_, (left, _))| *left).sum::<u64>() >= case.open()
        };
        let choices = (0..1_u32 << places.len()).filter(enough);
        let fewest = choices.map(u32::count_ones).min().expect("there is enough");
        assert_eq!(u32::try_from(used).expect("small"), fewest, "{places:?}");
    });
}

#[test]
fn fewest_splits_takes_the_first_location_that_has_all() {
    each_success(Strategy::FewestSplits, |case, parts| {
        let places = case.left_and_taken(parts);
        if let Some(first) = places.iter().position(|(left, _)| *left >= case.open()) {
            assert_eq!(places.get(first).map(|(_, taken)| *taken), Some(case.open()), "{places:?}");
        }
    });
}

fn quantity(units: u64) -> Quantity {
    Quantity::from_u64(units).expect("a quantity")
}
