//! A place for each item and each stock level that is followed, found at once by its numbers.

use std::collections::HashMap;

use holdfast_domain::LocationNumber;

/// One item at one location, by their numbers.
pub(crate) type LevelKey = (u32, LocationNumber);

/// Something for each item. Items are numbered one after the other, so it stands in a row.
#[derive(Debug)]
pub(crate) struct ByItem<T> {
    row: Vec<T>,
    /// Those whose numbers lie far behind all others, which nobody can have given them: they must not cost memory.
    strays: HashMap<u32, T>,
}

/// How far behind the others a number may lie.
const GAP_MAX: usize = 65_536;

impl<T> Default for ByItem<T> {
    fn default() -> Self {
        Self { row: Vec::new(), strays: HashMap::new() }
    }
}

impl<T: Clone + Default> ByItem<T> {
    /// The item's place, made when it is the first to be asked for.
    pub(crate) fn at(&mut self, item: u32) -> &mut T {
        let place = usize::try_from(item).unwrap_or(usize::MAX);
        let is_far = place > self.row.len().saturating_add(GAP_MAX);
        if is_far || (!self.strays.is_empty() && self.strays.contains_key(&item)) {
            return self.strays.entry(item).or_default();
        }
        if place >= self.row.len() {
            self.row.resize(place.saturating_add(1), T::default());
        }
        self.row.get_mut(place).expect("it was made just now")
    }

    /// The item's place, if it was asked for.
    pub(crate) fn get(&self, item: u32) -> Option<&T> {
        let place = usize::try_from(item).ok();
        self.strays.get(&item).or_else(|| self.row.get(place?))
    }

    /// All places, those in between too that nobody asked for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(&self.row).chain(self.strays.iter().map(|(item, kept)| (*item, kept)))
    }
}

/// Something for each stock level.
#[derive(Debug)]
pub(crate) struct ByLevel<T> {
    /// At `main`, where nearly every item has a level.
    main: ByItem<T>,
    elsewhere: HashMap<LevelKey, T>,
}

impl<T> Default for ByLevel<T> {
    fn default() -> Self {
        Self { main: ByItem::default(), elsewhere: HashMap::new() }
    }
}

impl<T: Clone + Default> ByLevel<T> {
    /// The level's place, made when it is the first to be asked for.
    pub(crate) fn at(&mut self, (item, location): LevelKey) -> &mut T {
        if location == LocationNumber::MAIN {
            self.main.at(item)
        } else {
            self.elsewhere.entry((item, location)).or_default()
        }
    }

    /// The level's place, if it was asked for.
    pub(crate) fn get(&self, (item, location): LevelKey) -> Option<&T> {
        if location == LocationNumber::MAIN { self.main.get(item) } else { self.elsewhere.get(&(item, location)) }
    }

    /// All places, those in between too that nobody asked for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (LevelKey, &T)> {
        let at_main = self.main.iter().map(|(item, kept)| ((item, LocationNumber::MAIN), kept));
        at_main.chain(self.elsewhere.iter().map(|(key, kept)| (*key, kept)))
    }
}
