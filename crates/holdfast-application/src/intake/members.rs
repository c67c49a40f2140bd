//! The members of an event, by their names in any capitals.

use serde_json::{Map, Value};

/// The members of one JSON object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members<'v>(&'v Map<String, Value>);

impl<'v> Members<'v> {
    /// The members of `value`; `None` when it is no object.
    pub(super) fn of(value: &'v Value) -> Option<Self> {
        value.as_object().map(Self)
    }

    /// A member by its name, whatever its capitals; the very name wins. What is null is not there.
    pub(super) fn find(self, name: &str) -> Option<&'v Value> {
        let other = || self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        self.0.get(name).or_else(other).filter(|value| !value.is_null())
    }

    /// A member that is a text.
    pub(super) fn text(self, name: &str) -> Option<&'v str> {
        self.find(name)?.as_str()
    }

    /// A member that is a text with something in it.
    pub(super) fn filled(self, name: &str) -> Option<&'v str> {
        self.text(name).filter(|text| !text.is_empty())
    }
}
