//! What a body says: its media type, its JSON.

use std::ops::Deref;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::code::ProblemCode;
use crate::problem::Problem;
use crate::received::{Received, too_many_long_bodies};
use crate::strict_json;

/// Whether a body may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It must be there.
    Required,
    /// None is as good as `{}`.
    Optional,
}

/// The JSON of a body.
///
/// # Errors
///
/// Its media type is not one of `types`, or it is not one clean JSON text.
pub(crate) fn json(headers: &HeaderMap, bytes: &[u8], presence: Presence, types: &[&str]) -> Result<Value, Problem> {
    if bytes.is_empty() {
        return match presence {
            Presence::Optional => Ok(Value::Object(serde_json::Map::new())),
            Presence::Required => Err(Problem::new(ProblemCode::MalformedJson, "The body is empty.")),
        };
    }
    check_type(headers, types)?;
    strict_json::parse(bytes)
        .map_err(|words| Problem::new(ProblemCode::MalformedJson, format!("The body is not JSON: {words}.")))
}

/// Refuses a body of a media type that is not one of `types`, in another charset than UTF-8, or compressed.
pub(crate) fn check_type(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
        let detail = "The body must be sent as it is: no Content-Encoding but identity is read.";
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, detail));
    }
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let line = lines.next().and_then(|line| line.to_str().ok()).unwrap_or_default();
    if lines.next().is_none() && is_one_of(line, types) {
        return Ok(());
    }
    let types = types.join(" or ");
    Err(Problem::new(ProblemCode::UnsupportedMediaType, format!("The body must be {types} in UTF-8.")))
}

fn is_plain(encodings: &HeaderValue) -> bool {
    let mut names = encodings.to_str().into_iter().flat_map(|names| names.split(',')).map(str::trim).peekable();
    names.peek().is_some() && names.all(|name| name.is_empty() || name.eq_ignore_ascii_case("identity"))
}

fn is_one_of(line: &str, types: &[&str]) -> bool {
    let mut parts = line.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let charset_fits = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        }
        _ => true,
    };
    types.iter().any(|known| known.eq_ignore_ascii_case(essence)) && parts.all(charset_fits)
}

/// The media type of every body but that of an event.
pub(crate) const JSON: &[&str] = &["application/json"];

/// A body of more bytes is parsed on a thread apart, so that it does not keep its neighbours waiting.
pub(crate) const PARSED_AT_ONCE_MAX: usize = 256 << 10;

/// How many long bodies are in memory as trees at a time; the others wait. A tree is gone before its command is
/// decided.
static LONG_BODIES: Semaphore = Semaphore::const_new(2);

/// A body as a tree of values, and its turn to be one where it is long.
pub(crate) struct Tree {
    value: Value,
    _turn: Option<SemaphorePermit<'static>>,
}

impl Deref for Tree {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

/// The JSON of a body that may be long; it waits for its turn until `deadline`.
///
/// # Errors
///
/// As [`json`]; or its turn does not come.
pub(crate) async fn read(
    headers: &HeaderMap,
    bytes: Received,
    presence: Presence,
    deadline: Instant,
) -> Result<Tree, Problem> {
    if bytes.len() <= PARSED_AT_ONCE_MAX {
        return Ok(Tree { value: json(headers, &bytes, presence, JSON)?, _turn: None });
    }
    let Ok(turn) = tokio::time::timeout_at(deadline, LONG_BODIES.acquire()).await else {
        return Err(too_many_long_bodies());
    };
    let headers = headers.clone();
    // The turn goes along: it is over with the tree, also where the caller has gone meanwhile.
    let parse = move || Ok(Tree { value: json(&headers, &bytes, presence, JSON)?, _turn: turn.ok() });
    let parsed = tokio::task::spawn_blocking(parse).await;
    parsed.unwrap_or_else(|_| Err(Problem::new(ProblemCode::Internal, "The body could not be read.")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn json_in_utf_8_is_taken_and_nothing_else() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=\"UTF-8\"; x=y"] {
            assert!(is_one_of(good, JSON), "{good}");
        }
        for bad in
            ["", "text/json", "application/problem+json", "application/json; charset=utf-16", "application/jsonx"]
        {
            assert!(!is_one_of(bad, JSON), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_long_body_that_has_no_turn_in_time_is_turned_away() {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let long = format!("[{}1]", "1,".repeat(PARSED_AT_ONCE_MAX));
        let outcome = async || {
            let bytes = Received::take(&headers, long.clone().into(), long.len()).await.expect("taken");
            let deadline = Instant::now().checked_add(Duration::from_secs(1)).expect("a time");
            read(&headers, bytes, Presence::Required, deadline).await.map(|_| ()).map_err(|problem| problem.code())
        };
        let turns = LONG_BODIES.acquire_many(2).await.expect("open");
        assert_eq!(outcome().await, Err(ProblemCode::Overloaded));
        drop(turns);
        assert_eq!(outcome().await, Ok(()));
        assert_eq!(LONG_BODIES.available_permits(), 2);
    }
}
