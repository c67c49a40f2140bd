//! Places that keep stock.

use crate::ids::LocationNumber;
use crate::text::{LocationCode, Name};

/// A place that keeps stock. `main` always exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Its short number; `main` is 1.
    pub number: LocationNumber,
    /// The stable code the world knows it by.
    pub code: LocationCode,
    /// What people call it.
    pub name: Name,
    /// Lower is served first; ties go by code.
    pub priority: u32,
}

impl LocationNumber {
    /// The number of `main`.
    pub const MAIN: Self = Self(1);
}

impl Location {
    /// The location that always exists.
    pub fn main() -> Self {
        Self {
            number: LocationNumber::MAIN,
            code: LocationCode::main(),
            name: Name::new("Main").expect("a plain word is a name"),
            priority: 0,
        }
    }
}

/// All locations in the order in which they are served: by priority, then code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locations(Vec<Location>);

impl Locations {
    /// Puts `locations` in order.
    pub fn new(mut locations: Vec<Location>) -> Self {
        locations.sort_by(|a, b| (a.priority, &a.code).cmp(&(b.priority, &b.code)));
        Self(locations)
    }

    /// The locations, the first served first.
    pub fn iter(&self) -> std::slice::Iter<'_, Location> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none: never, once `main` is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The location with this code.
    pub fn by_code(&self, code: &LocationCode) -> Option<&Location> {
        self.0.iter().find(|location| location.code == *code)
    }

    /// The location with this number.
    pub fn by_number(&self, number: LocationNumber) -> Option<&Location> {
        self.0.iter().find(|location| location.number == number)
    }

    /// The code of a location that stock levels name.
    pub fn code(&self, number: LocationNumber) -> LocationCode {
        self.by_number(number).expect("a stock level names a known location").code.clone()
    }

    /// Adds a new location in its place.
    pub fn add(&mut self, location: Location) {
        let mut all = std::mem::take(&mut self.0);
        all.push(location);
        *self = Self::new(all);
    }
}

impl<'a> IntoIterator for &'a Locations {
    type Item = &'a Location;
    type IntoIter = std::slice::Iter<'a, Location>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
