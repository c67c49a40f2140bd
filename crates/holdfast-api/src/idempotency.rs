//! The `Idempotency-Key` of a write, and the fingerprint of what came with it.

use holdfast_application::{CommandKey, Decision, KeptAnswer};
use http::{HeaderMap, Method};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::code::ProblemCode;
use crate::problem::Problem;

/// The header.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Whose keys they are: without access keys all callers share one scope.
const SCOPE: &str = "http";
/// The longest key.
const KEY_CHARACTERS_MAX: usize = 255;

/// The key the caller gave, as it stands or as a structured-field string (RFC 9651, section 3.3.3).
///
/// # Errors
///
/// It cannot be read, or it is missing where `is_required`.
pub(crate) fn key_of(headers: &HeaderMap, is_required: bool) -> Result<Option<String>, Problem> {
    let mut lines = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(line) = lines.next() else {
        return if is_required {
            Err(Problem::new(ProblemCode::IdempotencyKeyRequired, "The header Idempotency-Key is missing."))
        } else {
            Ok(None)
        };
    };
    let key = line.to_str().ok().map(str::trim).and_then(unquoted);
    let key = key.filter(|key| (1..=KEY_CHARACTERS_MAX).contains(&key.len()) && lines.next().is_none());
    key.map(Some)
        .ok_or_else(|| Problem::fault("/header/Idempotency-Key", "must be 1 to 255 printable ASCII characters"))
}

fn unquoted(text: &str) -> Option<String> {
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return None;
    }
    let Some(quoted) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let mut letters = quoted.strip_suffix('"')?.chars();
    let mut key = String::with_capacity(quoted.len());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => key.push(letters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            '"' => return None,
            _ => key.push(letter),
        }
    }
    Some(key)
}

/// The name of a command at `position` among those of its request.
pub(crate) fn command_key(
    key: &str,
    position: u32,
    fingerprint: [u8; 32],
    render: fn(&Decision) -> KeptAnswer,
) -> CommandKey {
    CommandKey { scope: SCOPE.to_owned(), key: key.to_owned(), position, fingerprint, render }
}

/// SHA-256 over method, path and the request as parsed: white space, the order of members, and members that are null do
/// not count.
pub(crate) fn fingerprint(method: &Method, path: &str, body: &Value) -> [u8; 32] {
    let mut text = format!("{method} {path}\n");
    canonical(body, &mut text);
    Sha256::digest(text.as_bytes()).into()
}

fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(elements) => {
            text.push('[');
            for element in elements {
                canonical(element, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().filter(|(_, value)| !value.is_null()).collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (name, value) in members {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        _ => text.push_str(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_read_plain_or_quoted() {
        assert_eq!(key("abc-1"), Some("abc-1".to_owned()));
        assert_eq!(key("\"abc-1\""), Some("abc-1".to_owned()));
        assert_eq!(key("\"a \\\"b\\\" \\\\\""), Some("a \"b\" \\".to_owned()));
        assert_eq!(key(&"k".repeat(255)), Some("k".repeat(255)));
        for bad in ["", "\"\"", "\"abc", "\"a\"b\"", "\"a\\n\"", &"k".repeat(256), "schlüssel", "a\tb"] {
            assert_eq!(key(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_what_was_asked_counts() {
        let of = |path: &str, body: Value| fingerprint(&Method::POST, path, &body);
        assert_eq!(
            of("/a", json!({"a": 1, "b": {"c": [1, 2]}})),
            of("/a", json!({"b": {"c": [1, 2]}, "a": 1, "n": null}))
        );
        assert_ne!(of("/a", json!({"a": 1})), of("/b", json!({"a": 1})));
        assert_ne!(of("/a", json!({"a": 1})), of("/a", json!({"a": 2})));
        assert_ne!(of("/a", json!({"a": "1"})), of("/a", json!({"a": 1})));
        assert_ne!(of("/a", json!([1, 2])), of("/a", json!([2, 1])));
    }

    fn key(text: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_str(text).ok()?);
        key_of(&headers, true).ok().flatten()
    }
}
