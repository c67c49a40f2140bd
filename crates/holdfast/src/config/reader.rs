//! Settings read by name.

use std::time::Duration;

use super::{Configuration, Value};

/// Values by name; their kinds are known, so a wrong one is a mistake of the program.
pub(super) struct Reader<'a>(pub(super) &'a Configuration);

impl Reader<'_> {
    fn value(&self, key: &str) -> &Value {
        &self.0.get(key).1
    }

    pub(super) fn text(&self, key: &str) -> String {
        match self.value(key) {
            Value::Text(text) | Value::Url(text) => text.clone(),
            other => unreachable!("{key} is a text, not {other:?}"),
        }
    }

    pub(super) fn filled(&self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.trim().is_empty())
    }

    pub(super) fn list(&self, key: &str) -> Vec<String> {
        match self.value(key) {
            Value::List(words) | Value::Properties(words) => words.clone(),
            other => unreachable!("{key} is a list, not {other:?}"),
        }
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        match self.value(key) {
            Value::Flag(flag) => *flag,
            other => unreachable!("{key} is yes or no, not {other:?}"),
        }
    }

    pub(super) fn size(&self, key: &str) -> usize {
        match self.value(key) {
            Value::Whole(number) => usize::try_from(*number).unwrap_or(usize::MAX),
            other => unreachable!("{key} is a number, not {other:?}"),
        }
    }

    /// The number, or what suits where it is 0.
    pub(super) fn size_or(&self, key: &str, suited: usize) -> usize {
        match self.size(key) {
            0 => suited,
            size => size,
        }
    }

    pub(super) fn kib(&self, key: &str) -> usize {
        self.size(key).saturating_mul(1_024)
    }

    pub(super) fn time_or_never(&self, key: &str) -> Option<Duration> {
        match self.value(key) {
            Value::Time(time) => *time,
            other => unreachable!("{key} is a duration, not {other:?}"),
        }
    }

    pub(super) fn time(&self, key: &str) -> Duration {
        self.time_or_never(key).unwrap_or(Duration::MAX)
    }
}
