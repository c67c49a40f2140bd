//! The members of an event, by their names in any capitals.

use serde_json::{Map, Value};

use super::flaw::Flaw;

/// Every member that is read, of an event, its data, or a line; others may be there as they like.
const READ: [&str; 13] = [
    "specversion",
    "id",
    "source",
    "type",
    "data",
    "data_base64",
    "eventId",
    "orderId",
    "items",
    "reason",
    "productId",
    "sku",
    "quantity",
];

/// The members of one JSON object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members<'v>(&'v Map<String, Value>);

impl<'v> Members<'v> {
    /// The members of `value`.
    ///
    /// # Errors
    ///
    /// It is no object, or it says something twice in different capitals: two readers would choose differently.
    pub(super) fn of(value: &'v Value) -> Result<Self, Flaw> {
        let members = Self(value.as_object().ok_or(Flaw::NoObject)?);
        if members.is_clear() { Ok(members) } else { Err(Flaw::Twice) }
    }

    /// A member by its name, whatever its capitals. What is null is not there.
    pub(super) fn find(self, name: &str) -> Option<&'v Value> {
        let is_meant = |(known, value): &(&String, &Value)| !value.is_null() && known.eq_ignore_ascii_case(name);
        let very = self.0.get(name).filter(|value| !value.is_null());
        very.or_else(|| self.0.iter().find(is_meant).map(|(_, value)| value))
    }

    /// Whether no member that is read stands there twice.
    fn is_clear(self) -> bool {
        let mut seen = [false; READ.len()];
        self.0.iter().filter(|(_, value)| !value.is_null()).all(|(name, _)| {
            let place = READ.iter().position(|known| known.eq_ignore_ascii_case(name));
            place.and_then(|place| seen.get_mut(place)).is_none_or(|seen| !std::mem::replace(seen, true))
        })
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
