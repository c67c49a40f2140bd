//! The settings: layered, checked together, handed on as values.
//!
//! Default < file < environment < command line. The values of every layer are kept, so that `config show` can tell
//! where one comes from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

mod connection_strings;
mod kafka;
mod known;
mod layers;
mod lock;
mod origin;
mod reader;
mod secret_files;
mod typed;
mod value;
mod webhooks;

pub(crate) use kafka::{DESTINATION, kafka_destinations};
pub(crate) use lock::{LockPlace, LockSettings};
pub(crate) use origin::Origin;
pub(crate) use typed::{LogFormat, Settings};
pub(crate) use value::Value;

/// The page that explains every setting and gives its default.
pub(crate) const DEFAULTS: &str = include_str!("config.default.toml");

/// What the command line says about settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct FromCommandLine {
    /// The file to read.
    pub(crate) file: Option<PathBuf>,
    /// `section.key=value`, as given with `--set`.
    pub(crate) set: Vec<String>,
    /// Settings that have a flag of their own: the key, the flag, the value.
    pub(crate) flags: Vec<(&'static str, &'static str, String)>,
}

/// Every setting with the values that the layers gave it.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    values: BTreeMap<&'static str, Vec<(Origin, Value)>>,
}

impl Configuration {
    /// Reads all layers.
    ///
    /// # Errors
    ///
    /// All faults at once: unknown names (with the nearest known one), values that are none, an unreadable file.
    pub(crate) fn load(
        command_line: &FromCommandLine,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let mut faults = Vec::new();
        let mut values = BTreeMap::new();
        let given = layers::defaults(&mut faults)
            .into_iter()
            .chain(layers::file(command_line.file.as_deref(), &mut faults))
            .chain(layers::environment(environment, &mut faults))
            .chain(layers::command_line(command_line, &mut faults));
        for (key, origin, value) in given {
            values.entry(key).or_insert_with(Vec::new).push((origin, value));
        }
        if faults.is_empty() { Ok(Self { values }) } else { Err(Failure::usage(faults.join("\n"))) }
    }

    /// The same for a service that a command starts for itself: of databases, locks, brokers and endpoints only those
    /// that its command line names, so that a variable or file of another service does not lead it to that one's.
    pub(crate) fn kept_to_itself(mut self) -> Self {
        for (key, given) in &mut self.values {
            if known::find(key).is_some_and(|known| known.is_elsewhere()) {
                given.retain(|(origin, _)| matches!(origin, Origin::Default | Origin::CommandLine(_)));
            }
        }
        self
    }

    /// The value that counts, and where it comes from.
    pub(crate) fn get(&self, key: &str) -> &(Origin, Value) {
        self.values.get(key).and_then(|given| given.last()).expect("a known setting has a default")
    }

    /// Every setting with the value that counts and where it comes from, in the order of the page.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &(Origin, Value))> {
        known::KNOWN.iter().map(|known| (known.key, self.get(known.key)))
    }

    /// The settings as values.
    ///
    /// # Errors
    ///
    /// All faults at once: values that are out of range or do not go together.
    pub(crate) fn typed(&self) -> Result<Settings, Failure> {
        Settings::from_configuration(self)
    }
}

/// Reads a file that a setting or flag names.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests;
