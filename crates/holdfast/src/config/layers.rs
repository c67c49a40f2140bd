//! Where the values of settings come from, lowest first.

use std::path::Path;

use super::known::{self, KNOWN};
use super::origin::{Given, Origin};
use super::value::Value;
use super::{DEFAULTS, FromCommandLine, connection_strings, read_text, secret_files};
use crate::nearest::nearest;

/// The defaults.
pub(super) fn defaults(faults: &mut Vec<String>) -> Vec<Given> {
    from_toml(DEFAULTS, &Origin::Default, faults)
}

/// The file, if there is one.
pub(super) fn file(path: Option<&Path>, faults: &mut Vec<String>) -> Vec<Given> {
    let Some(path) = path else { return Vec::new() };
    match read_text(path) {
        Ok(text) => from_toml(&text, &Origin::File(path.to_owned()), faults),
        Err(fault) => {
            faults.push(fault);
            Vec::new()
        }
    }
}

/// The environment: `HOLDFAST_SECTION__KEY`, for secrets `HOLDFAST_SECTION__KEY_FILE` too, and the connection strings
/// of the service that Holdfast replaces, which those beat. Names without `__` are no settings, unless they are one's but
/// for that: container platforms make up many that begin with a service's name.
pub(super) fn environment(
    variables: impl IntoIterator<Item = (String, String)>,
    faults: &mut Vec<String>,
) -> Vec<Given> {
    let (mut older, mut secrets, mut given) = (Vec::new(), Vec::new(), Vec::new());
    for (name, text) in variables {
        let origin = Origin::Environment(name.clone());
        match name.as_str() {
            "ConnectionStrings__DefaultConnection" => match connection_strings::mysql_url(&text) {
                Ok(url) => older.push(("store.database_url", origin, Value::Url(url))),
                Err(fault) => faults.push(format!("{name} {fault}")),
            },
            "ConnectionStrings__Redis" => {
                older.push(("lock.redis_url", origin, Value::Url(connection_strings::redis_url(&text))));
            }
            _ => {
                let Some(rest) = name.strip_prefix("HOLDFAST_") else { continue };
                let Some((section, key)) = rest.split_once("__") else {
                    faults.extend(with_one_underscore(&name, rest));
                    continue;
                };
                let key = format!("{}.{}", section.to_ascii_lowercase(), key.to_ascii_lowercase());
                match secret_files::named_by(&key) {
                    Some(known) => secrets.extend(secret_files::read(known, &name, &text, faults)),
                    None => given.extend(from_text(&key, &text, origin, faults)),
                }
            }
        }
    }
    secret_files::refuse_doubles(&secrets, &given, faults);
    older.into_iter().chain(secrets).chain(given).collect()
}

/// What to say of a name that is a setting's, or that of a file with one, but for an underscore.
fn with_one_underscore(name: &str, rest: &str) -> Option<String> {
    let known = |rest: &str| KNOWN.iter().find(|known| known.key.replace('.', "_").eq_ignore_ascii_case(rest));
    let of_file = || Some((known(rest.strip_suffix("_FILE")?)?, "_FILE"));
    let (meant, file) = known(rest).map(|known| (known, "")).or_else(of_file)?;
    let right = meant.key.replace('.', "__").to_ascii_uppercase();
    Some(format!("there is no setting {name} (environment {name}); did you mean HOLDFAST_{right}{file}?"))
}

/// The command line: `--set`, and the flags that settings have of their own, which beat it.
pub(super) fn command_line(command_line: &FromCommandLine, faults: &mut Vec<String>) -> Vec<Given> {
    let mut given = Vec::new();
    for pair in &command_line.set {
        match pair.split_once('=') {
            Some((key, text)) => given.extend(from_text(key.trim(), text, Origin::CommandLine("--set"), faults)),
            None => faults.push(format!("--set {pair} has no `=`: it takes section.key=value")),
        }
    }
    for (key, flag, text) in &command_line.flags {
        given.extend(from_text(key, text, Origin::CommandLine(flag), faults));
    }
    given
}

fn from_text(key: &str, text: &str, origin: Origin, faults: &mut Vec<String>) -> Option<Given> {
    let Some(known) = known::find(key) else {
        faults.push(unknown(key, &origin));
        return None;
    };
    match Value::from_text(known.kind, text) {
        Ok(value) => Some((known.key, origin, value)),
        Err(fault) => {
            faults.push(format!("{key} = {} ({origin}) {fault}", super::value::masked(text)));
            None
        }
    }
}

fn from_toml(text: &str, origin: &Origin, faults: &mut Vec<String>) -> Vec<Given> {
    let table: toml::Table = match toml::from_str(text) {
        Ok(table) => table,
        Err(error) => {
            // Without the line itself: there may be a password in it.
            let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.split('\n').count());
            let place = line.map_or_else(String::new, |line| format!(", line {line},"));
            faults.push(format!("{origin}{place} is not understood: {}", error.message()));
            return Vec::new();
        }
    };
    let mut given = Vec::new();
    for (section, content) in &table {
        let Some(entries) = content.as_table() else {
            faults.push(unknown(section, origin));
            continue;
        };
        for (name, value) in entries {
            let key = format!("{section}.{name}");
            let Some(known) = known::find(&key) else {
                faults.push(unknown(&key, origin));
                continue;
            };
            match Value::from_toml(known.kind, value) {
                Ok(value) => given.push((known.key, origin.clone(), value)),
                Err(fault) => faults.push(format!("{key} ({origin}) {fault}")),
            }
        }
    }
    given
}

fn unknown(key: &str, origin: &Origin) -> String {
    let meant = nearest(key, KNOWN.iter().map(|known| known.key));
    let hint = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
    format!("there is no setting {key} ({origin}){hint}")
}
