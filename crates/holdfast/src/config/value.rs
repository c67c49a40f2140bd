//! The value of a setting, read by its kind.

use std::fmt;
use std::time::Duration;

use super::known::Kind;
use crate::duration_text;

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Words.
    Text(String),
    /// An address; what it says of a password is never shown.
    Url(String),
    /// Several words.
    List(Vec<String>),
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(u64),
    /// A duration; `None` is `never`.
    Time(Option<Duration>),
}

impl Value {
    /// Reads what the environment or the command line says.
    ///
    /// # Errors
    ///
    /// What the value should be.
    pub(super) fn from_text(kind: Kind, text: &str) -> Result<Self, String> {
        match kind {
            Kind::Text => Ok(Self::Text(text.to_owned())),
            Kind::Url => Ok(Self::Url(text.to_owned())),
            Kind::List => {
                let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
                Ok(Self::List(words.map(str::to_owned).collect()))
            }
            Kind::Flag => match text.trim() {
                "true" => Ok(Self::Flag(true)),
                "false" => Ok(Self::Flag(false)),
                _ => Err("is neither `true` nor `false`".to_owned()),
            },
            Kind::Whole { least, most } => {
                let number = text.trim().parse().ok().filter(|number| (least..=most).contains(number));
                number.map(Self::Whole).ok_or_else(|| format!("is no whole number from {least} to {most}"))
            }
            Kind::Time { least, most, never } => {
                let time = duration_text::parse_or_never(text).ok();
                let time = time.filter(|time| time.map_or(never, |time| (least..=most).contains(&time)));
                time.map(Self::Time).ok_or_else(|| {
                    let (least, most) = (duration_text::show(least), duration_text::show(most));
                    let or_never = if never { ", nor `never`" } else { "" };
                    format!("is no duration from {least} to {most}{or_never} (such as `500ms`, `30m`, `14d`)")
                })
            }
            Kind::OneOf(words) => match words.iter().find(|word| **word == text) {
                Some(word) => Ok(Self::Text((*word).to_owned())),
                None => Err(format!("is none of {}", words.join(", "))),
            },
        }
    }

    /// Reads what a file says.
    ///
    /// # Errors
    ///
    /// What the value should be.
    pub(super) fn from_toml(kind: Kind, value: &toml::Value) -> Result<Self, String> {
        match (kind, value) {
            (Kind::List, toml::Value::Array(values)) => {
                let words: Option<Vec<String>> = values.iter().map(|v| v.as_str().map(str::to_owned)).collect();
                words.map(Self::List).ok_or_else(|| "is no list of texts".to_owned())
            }
            (Kind::Flag, toml::Value::Boolean(flag)) => Ok(Self::Flag(*flag)),
            (Kind::Whole { .. }, toml::Value::Integer(number)) => Self::from_text(kind, &number.to_string()),
            (Kind::Flag, _) => Err("is neither `true` nor `false`".to_owned()),
            (Kind::Whole { least, most }, _) => Err(format!("is no whole number from {least} to {most}")),
            (_, toml::Value::String(text)) => Self::from_text(kind, text),
            (Kind::List, _) => Err("is no list of texts".to_owned()),
            _ => Err("is no text in quotation marks".to_owned()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Url(url) => f.write_str(&masked(url)),
            Self::List(words) => f.write_str(&words.join(",")),
            Self::Flag(flag) => flag.fmt(f),
            Self::Whole(number) => number.fmt(f),
            Self::Time(time) => f.write_str(&time.map_or_else(|| "never".to_owned(), duration_text::show)),
        }
    }
}

/// An address without its password: everything between the first `:` after the scheme and the last `@`.
pub(crate) fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let Some((credentials, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = credentials.split_once(':').map_or(credentials, |(user, _)| user);
    let password = if credentials.contains(':') { ":***" } else { "" };
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    format!("{scheme}{user}{password}@{place}")
}
