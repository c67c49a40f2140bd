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
    /// Several properties, `name=value`; no value is ever shown.
    Properties(Vec<String>),
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
            Kind::List => Ok(Self::List(words(text))),
            Kind::Properties => Ok(Self::Properties(words(text))),
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
            (Kind::List | Kind::Properties, toml::Value::Array(values)) => {
                let words: Option<Vec<String>> = values.iter().map(|v| v.as_str().map(str::to_owned)).collect();
                let value = if matches!(kind, Kind::List) { Self::List } else { Self::Properties };
                words.map(value).ok_or_else(|| "is no list of texts".to_owned())
            }
            (Kind::Flag, toml::Value::Boolean(flag)) => Ok(Self::Flag(*flag)),
            (Kind::Whole { .. }, toml::Value::Integer(number)) => Self::from_text(kind, &number.to_string()),
            (Kind::Flag, _) => Err("is neither `true` nor `false`".to_owned()),
            (Kind::Whole { least, most }, _) => Err(format!("is no whole number from {least} to {most}")),
            (_, toml::Value::String(text)) => Self::from_text(kind, text),
            (Kind::List | Kind::Properties, _) => Err("is no list of texts".to_owned()),
            _ => Err("is no text in quotation marks".to_owned()),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Url(url) => f.write_str(&masked(url)),
            Self::List(words) => f.write_str(&words.iter().map(|word| masked(word)).collect::<Vec<_>>().join(",")),
            Self::Properties(properties) => {
                let shown: Vec<String> = properties.iter().map(|property| without_value(property)).collect();
                f.write_str(&shown.join(","))
            }
            Self::Flag(flag) => flag.fmt(f),
            Self::Whole(number) => number.fmt(f),
            Self::Time(time) => f.write_str(&time.map_or_else(|| "never".to_owned(), duration_text::show)),
        }
    }
}

/// The words of a text, which commas separate.
fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A property without its value, which may be a password in any characters; one without a name may be the rest of one.
fn without_value(property: &str) -> String {
    property.split_once('=').map_or_else(|| "***".to_owned(), |(name, _)| format!("{name}=***"))
}

/// Words in the names of parameters whose values are secrets.
const SECRET_WORDS: [&str; 7] = ["pass", "pwd", "secret", "token", "key", "auth", "cred"];

/// An address without its passwords: everything between the first `:` after the scheme and the last `@`, and the values
/// of parameters whose names tell of a secret, or are not written plainly.
pub(crate) fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    let Some((credentials, place)) = rest.rsplit_once('@') else { return format!("{scheme}{}", without_secrets(rest)) };
    if credentials.contains('?') || (scheme.is_empty() && credentials.contains('=')) {
        // The `@` may belong to a parameter or the `?` to a password: nobody can tell what is which.
        return format!("{scheme}***");
    }
    let user = credentials.split_once(':').map_or(credentials, |(user, _)| user);
    let password = if credentials.contains(':') { ":***" } else { "" };
    format!("{scheme}{}{password}@{}", without_secrets(user), without_secrets(place))
}

/// A place with its parameters, `?name=value&…` or as in connection strings `;name=value,…`, less the values that are
/// secrets.
fn without_secrets(place: &str) -> String {
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains('%') || SECRET_WORDS.iter().any(|word| name.contains(word))
    };
    place
        .split_inclusive(['?', '&', ';', ',', '#'])
        .map(|part| match part.split_once('=') {
            Some((name, value)) if is_secret(name) => {
                let end = value.chars().last().filter(|last| "?&;,#".contains(*last));
                format!("{name}=***{}", end.map_or_else(String::new, String::from))
            }
            _ => part.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown_wherever_an_address_has_it() {
        for (url, shown) in [
            ("mysql://u:geheim@h/d", "mysql://u:***@h/d"),
            ("mysql://u:ge@heim@h/d", "mysql://u:***@h/d"),
            ("mysql://u@h/d", "mysql://u@h/d"),
            ("mysql://u:geheim@h/d?password=geheim", "mysql://u:***@h/d?password=***"),
            ("mysql://h/d?ssl-mode=REQUIRED&PassWord=geheim&x=1", "mysql://h/d?ssl-mode=REQUIRED&PassWord=***&x=1"),
            ("redis://h:6379/0?token=geheim;x=1#y", "redis://h:6379/0?token=***;x=1#y"),
            ("redis://h?p%61ssword=geheim", "redis://h?p%61ssword=***"),
            ("redis://:geheim@h/?pwd=ge=heim", "redis://:***@h/?pwd=***"),
            ("redis://h/?pwd=ge@heim", "redis://***"),
            ("redis://u:ge?heim@h/0", "redis://***"),
            ("h:6379,password=geheim,ssl=true", "h:6379,password=***,ssl=true"),
            ("server=h;password=geheim", "server=h;password=***"),
            ("https://shop.example", "https://shop.example"),
        ] {
            assert_eq!(masked(url), shown);
        }
    }

    #[test]
    fn no_value_of_a_property_is_shown() {
        for (property, shown) in [
            ("sasl.password=geheim", "sasl.password=***"),
            ("sasl.password=ge&heim", "sasl.password=***"),
            ("sasl.password=ge=heim;x=1", "sasl.password=***"),
            ("sasl.password=ge@heim", "sasl.password=***"),
            ("sasl.password=ge,heim", "sasl.password=***,***"),
            ("sasl.jaas.config=user=\"u\" password=\"geheim\"", "sasl.jaas.config=***"),
        ] {
            let read = Value::from_text(Kind::Properties, property).expect("a property");
            assert_eq!(read.to_string(), shown);
        }
    }
}
