//! The bytes of a body, as they come in: bounded for each request, and for all of them together.

use std::error::Error;
use std::ops::Deref;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::code::ProblemCode;
use crate::problem::Problem;
use crate::timed_body::BodyTooSlow;

/// How much of a body that is too large is taken in and thrown away, so that its sender gets to read the answer.
const DISCARDED_MAX: usize = 32 << 20;

/// How many bytes of bodies that come in several pieces are in memory at a time, whoever sends them.
static ROOM: Semaphore = Semaphore::const_new(256 << 20);

/// The most bytes of one body that count: a larger one was allowed by whoever set the limits.
const COUNTED_MAX: usize = 16 << 20;

/// A body that has come in.
pub(crate) struct Received {
    bytes: Bytes,
    _room: Option<SemaphorePermit<'static>>,
}

impl Deref for Received {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Received {
    /// Takes in a body of up to `most` bytes.
    ///
    /// # Errors
    ///
    /// It has more, or breaks off; or there is no room for it beside all others.
    pub(crate) async fn take(headers: &HeaderMap, mut body: Body, most: usize) -> Result<Self, Problem> {
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
        let mut room = None;
        let mut size = 0_usize;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken_off(&error))?;
            let Ok(data) = frame.into_data() else { continue };
            size = size.saturating_add(data.len());
            if size > most {
                tokio::spawn(throw_away(body, size));
                return Err(too_large(most));
            }
            if first.is_none() && all.is_empty() {
                first = Some(data);
                continue;
            }
            let Some(enough) = room_for(size, room) else {
                tokio::spawn(throw_away(body, size));
                return Err(too_many_long_bodies());
            };
            room = Some(enough);
            if let Some(first) = first.take() {
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&data);
        }
        Ok(Self { bytes: first.unwrap_or_else(|| all.freeze()), _room: room })
    }
}

/// Room for a body that has grown to `size` bytes, with what it has already.
fn room_for(size: usize, had: Option<SemaphorePermit<'static>>) -> Option<SemaphorePermit<'static>> {
    let held = had.as_ref().map_or(0, SemaphorePermit::num_permits);
    let more = size.min(COUNTED_MAX).saturating_sub(held);
    let mut room = ROOM.try_acquire_many(u32::try_from(more).unwrap_or(u32::MAX)).ok()?;
    if let Some(had) = had {
        room.merge(had);
    }
    Some(room)
}

/// There is no room for a body, or no turn to be parsed, beside all others.
pub(crate) fn too_many_long_bodies() -> Problem {
    Problem::new(ProblemCode::Overloaded, "There are too many long bodies; nothing was done.")
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    fn in_pieces(pieces: usize) -> Body {
        let piece = || Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1_000]));
        Body::from_stream(stream::iter((0..pieces).map(move |_| piece())))
    }

    async fn take(body: Body, most: usize) -> Result<usize, ProblemCode> {
        let taken = Received::take(&HeaderMap::new(), body, most).await;
        taken.map(|received| received.len()).map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn bodies_in_pieces_are_taken_while_there_is_room_for_them() {
        let all = ROOM.available_permits();
        let others = ROOM.try_acquire_many(u32::try_from(all).expect("fits") - 2_500).expect("nobody else is here");
        assert_eq!(take(in_pieces(2), 9_000).await, Ok(2_000));
        assert_eq!(take(in_pieces(3), 9_000).await, Err(ProblemCode::Overloaded));
        assert_eq!(take(in_pieces(1), 9_000).await, Ok(1_000), "one that came in one piece takes no room");
        drop(others);
        assert_eq!(take(in_pieces(3), 9_000).await, Ok(3_000));
        assert_eq!(take(in_pieces(3), 2_000).await, Err(ProblemCode::BodyTooLarge));
        assert_eq!(ROOM.available_permits(), all, "what was taken is given back");
    }
}
