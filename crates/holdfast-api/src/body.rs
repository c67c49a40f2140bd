//! Takes in a body: its size, its media type, its JSON.

use std::error::Error;
use std::ops::Deref;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::code::ProblemCode;
use crate::problem::Problem;
use crate::strict_json;
use crate::timed_body::BodyTooSlow;

/// Whether a body may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It must be there.
    Required,
    /// None is as good as `{}`.
    Optional,
}

/// How much of a body that is too large is taken in and thrown away, so that its sender gets to read the answer.
const DISCARDED_MAX: usize = 32 << 20;

/// The bytes of the body.
///
/// # Errors
///
/// It has more than `most` bytes, or breaks off.
pub(crate) async fn bytes(headers: &HeaderMap, mut body: Body, most: usize) -> Result<Bytes, Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > most) {
        // Who waits to be told to go on hears the answer instead, and sends nothing.
        if !headers.contains_key(EXPECT) && announced.is_some_and(|announced| announced <= DISCARDED_MAX) {
            tokio::spawn(throw_away(body, 0));
        }
        return Err(too_large(most));
    }
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    let mut size = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken_off(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size > most {
            tokio::spawn(throw_away(body, size));
            return Err(too_large(most));
        }
        match (&first, all.is_empty()) {
            (None, true) => first = Some(data),
            _ => {
                if let Some(first) = first.take() {
                    all.extend_from_slice(&first);
                }
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| all.freeze()))
}

/// A body that did not come to its end. There is no code of its own for a client that is too slow.
fn broken_off(error: &(dyn Error + 'static)) -> Problem {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    let is_slow = causes.any(<dyn Error>::is::<BodyTooSlow>);
    let words = if is_slow { "The body did not arrive in time." } else { "The body broke off." };
    Problem::new(ProblemCode::MalformedJson, words)
}

fn too_large(most: usize) -> Problem {
    Problem::new(ProblemCode::BodyTooLarge, format!("The body has more than {most} bytes."))
}

/// Takes in the rest of a body of which `size` bytes were read, while its sender gets to read the answer.
async fn throw_away(mut body: Body, mut size: usize) {
    while let Some(Ok(frame)) = body.frame().await {
        size = size.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if size > DISCARDED_MAX {
            break;
        }
    }
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

/// How many long bodies are in memory as trees at a time; the others wait.
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

/// The JSON of a body that may be long.
///
/// # Errors
///
/// As [`json`].
pub(crate) async fn read(headers: &HeaderMap, bytes: Bytes, presence: Presence) -> Result<Tree, Problem> {
    if bytes.len() <= PARSED_AT_ONCE_MAX {
        return Ok(Tree { value: json(headers, &bytes, presence, JSON)?, _turn: None });
    }
    let turn = LONG_BODIES.acquire().await.ok();
    let headers = headers.clone();
    let parsed = tokio::task::spawn_blocking(move || json(&headers, &bytes, presence, JSON)).await;
    let parsed = parsed.unwrap_or_else(|_| Err(Problem::new(ProblemCode::Internal, "The body could not be read.")));
    Ok(Tree { value: parsed?, _turn: turn })
}

#[cfg(test)]
mod tests {
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
}
