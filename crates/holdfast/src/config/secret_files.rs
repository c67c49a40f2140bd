//! Secrets in files, as container platforms hand them out: `HOLDFAST_SECTION__KEY_FILE` names the file that holds the
//! value.

use std::path::PathBuf;

use super::known::{self, Known};
use super::origin::{Given, Origin};
use super::read_text;
use super::value::Value;

/// What the name of a setting ends with when its value is a file that holds the value.
const SUFFIX: &str = "_file";

/// The secret whose file `key` names, such as `store.database_url` for `store.database_url_file`.
pub(super) fn named_by(key: &str) -> Option<&'static Known> {
    key.strip_suffix(SUFFIX).and_then(known::find).filter(|known| known.is_secret())
}

/// Reads the file at `path`, which the variable `name` gives. The line break at its end is not part of the secret.
pub(super) fn read(known: &'static Known, name: &str, path: &str, faults: &mut Vec<String>) -> Option<Given> {
    let path = PathBuf::from(path);
    let read = read_text(&path).and_then(|text| {
        let line = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
        // An empty secret would be as good as none, and whoever mounts a file means one.
        if line.trim().is_empty() {
            return Err(format!("{} is empty", path.display()));
        }
        Value::from_text(known.kind, line)
    });
    match read {
        Ok(value) => Some((known.key, Origin::SecretFile(name.to_owned(), path), value)),
        Err(fault) => {
            faults.push(format!("{} ({name}): {fault}", known.key));
            None
        }
    }
}

/// A secret given both ways is a mistake that nobody should have to find out about later.
pub(super) fn refuse_doubles(secrets: &[Given], given: &[Given], faults: &mut Vec<String>) {
    for (key, origin, _) in secrets {
        if let (Origin::SecretFile(file, _), Some((_, Origin::Environment(name), _))) =
            (origin, given.iter().find(|(other, ..)| other == key))
        {
            faults.push(format!("{key} is given twice, by {name} and by {file}: unset one of them"));
        }
    }
}
