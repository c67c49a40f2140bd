//! Versions of items as entity tags (RFC 9110, section 8.8.3): `"v17"`.

use http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::problem::Problem;

/// The tag of an item's version.
pub(crate) fn etag(version: u64) -> String {
    format!("\"v{version}\"")
}

/// Which version of an item the caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// The caller does not say.
    Absent,
    /// Any, as long as there is one.
    Any,
    /// One of these. Tags that no version ever has are left out, so this may be empty.
    Versions(Vec<u64>),
}

impl IfMatch {
    /// What the caller says.
    ///
    /// # Errors
    ///
    /// The header cannot be read.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(text) = list(headers, &IF_MATCH) else {
            let is_there = headers.contains_key(IF_MATCH);
            return if is_there { Err(unreadable()) } else { Ok(Self::Absent) };
        };
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let tags = tags(&text).ok_or_else(unreadable)?;
        let strong = tags.into_iter().filter(|tag| !tag.is_weak);
        Ok(Self::Versions(strong.filter_map(|tag| version(tag.opaque)).collect()))
    }
}

fn unreadable() -> Problem {
    Problem::fault("/header/If-Match", "must be an entity tag such as \"v17\", a list of them, or *")
}

/// Whether the caller's copy is the present one (`If-None-Match`). What cannot be read matches nothing.
pub(crate) fn is_known(headers: &HeaderMap, present: u64) -> bool {
    let Some(text) = list(headers, &IF_NONE_MATCH) else { return false };
    text.trim() == "*" || tags(&text).is_some_and(|tags| tags.iter().any(|tag| version(tag.opaque) == Some(present)))
}

/// All lines of a header as one list.
fn list(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Option<Vec<&str>> = headers.get_all(name).iter().map(|value| value.to_str().ok()).collect();
    lines.filter(|lines| !lines.is_empty()).map(|lines| lines.join(","))
}

struct Tag<'t> {
    is_weak: bool,
    opaque: &'t str,
}

fn tags(text: &str) -> Option<Vec<Tag<'_>>> {
    let mut tags = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let strong = rest.strip_prefix("W/");
        let (opaque, after) = strong.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { is_weak: strong.is_some(), opaque });
        rest = after.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }
    (!tags.is_empty()).then_some(tags)
}

fn version(opaque: &str) -> Option<u64> {
    let digits = opaque.strip_prefix('v')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !(digits.len() > 1 && digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn if_match_names_strong_tags() {
        assert_eq!(if_match("\"v3\"").expect("a tag"), IfMatch::Versions(vec![3]));
        assert_eq!(if_match("\"v3\" , W/\"v4\",\"x\",\"v03\"").expect("tags"), IfMatch::Versions(vec![3]));
        assert_eq!(if_match("*").expect("a star"), IfMatch::Any);
        for bad in ["", "v3", "\"v3", "W/v3", "\"v3\" \"v4\"", "3", "**"] {
            assert!(if_match(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn if_none_match_takes_weak_tags_too() {
        for (text, known) in [
            ("\"v3\"", true),
            ("W/\"v3\"", true),
            ("\"v2\", \"v3\"", true),
            ("*", true),
            ("\"v2\"", false),
            ("v3", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(text).expect("a header"));
            assert_eq!(is_known(&headers, 3), known, "{text}");
        }
    }

    fn if_match(text: &str) -> Result<IfMatch, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_str(text).expect("a header"));
        IfMatch::of(&headers)
    }
}
