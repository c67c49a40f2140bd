//! Values that are written as text, in answers and in events.

use std::fmt::Display;

use serde::{Serialize, Serializer};

/// Something that is written as the text it shows itself as: an id, a time, a name.
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(pub T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
