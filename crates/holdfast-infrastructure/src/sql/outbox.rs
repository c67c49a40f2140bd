//! Events that wait until their destination has heard them, and the lines that movements crossed.

use std::ops::ControlFlow;

use holdfast_application::events::{EventKind, OutgoingEvent, PlaceInStream, SentPlace, Stream, UnsentEvent};
use holdfast_application::ports::StoreError;
use holdfast_application::queries::{OutboxDepth, OutboxStep};
use holdfast_domain::Timestamp;
use holdfast_domain::event::Alert;

use crate::sql::codec::{self, broken};
use crate::sql::session::{Row, RowRemover, RowWriter, SqlSession, Upsert, Value};

pub(crate) static ALERTS: RowWriter = RowWriter {
    insert: "INSERT INTO alerts (item, sequence, crossing, available, reorder_level)",
    columns: 5,
    upsert: Upsert::Never,
};

pub(crate) static OUTBOX: RowWriter = RowWriter {
    insert: "INSERT INTO outbox (destination, stream, written_at, event_key, key_seq, part, kind, told_at, data)",
    columns: 9,
    upsert: Upsert::Never,
};

static SENT: RowRemover = RowRemover {
    table: "outbox",
    key: "destination = ? AND stream = ? AND written_at = ? AND event_key = ? AND key_seq = ? AND part = ?",
};

/// Appends the lines that were crossed.
pub(crate) fn append_alerts(session: &mut dyn SqlSession, alerts: &[Alert]) -> Result<(), StoreError> {
    let mut rows = alerts.iter().map(|alert| {
        vec![
            Value::Int(i64::from(alert.item.0)),
            Value::count(alert.sequence),
            Value::Int(i64::from(alert.crossing.code())),
            Value::count(alert.available.get()),
            Value::count(alert.reorder_level.get()),
        ]
    });
    session.write_rows(&ALERTS, &mut rows)
}

/// Appends events for a destination.
pub(crate) fn append(
    session: &mut dyn SqlSession,
    destination: &str,
    events: &[&OutgoingEvent],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut rows = events.iter().map(|event| {
        vec![
            Value::Text(destination),
            Value::Int(i64::from(event.place.stream.code())),
            Value::time(event.written_at(now)),
            Value::Blob(&event.place.key),
            Value::count(event.place.sequence),
            Value::Int(i64::from(event.place.part)),
            Value::Int(i64::from(event.kind.code())),
            Value::time(event.at),
            Value::Blob(&event.data),
        ]
    });
    session.write_rows(&OUTBOX, &mut rows)
}

/// A stretch of a destination's stream.
const STRETCH: &str = "FROM outbox WHERE destination = ? AND stream = ? \
     AND (written_at, event_key, key_seq, part) >= (?, ?, ?, ?) AND (written_at, event_key, key_seq, part) <= (?, ?, ?, ?)";

/// Removes events that a destination has heard: as a stretch where nothing else stands between them, which costs a third.
pub(crate) fn remove(session: &mut dyn SqlSession, destination: &str, sent: &[SentPlace]) -> Result<(), StoreError> {
    for stream in Stream::ALL {
        let mut places: Vec<&SentPlace> = sent.iter().filter(|(place, _)| place.stream == stream).collect();
        places.sort_unstable_by_key(|(place, written_at)| (*written_at, *place));
        let keys: Vec<Vec<Value<'_>>> = places.iter().map(|(place, at)| key(destination, place, *at)).collect();
        let is_removed = session.dialect().one_writes && remove_stretch(session, &keys)?;
        if !is_removed {
            session.remove_rows(&SENT, &keys)?;
        }
    }
    Ok(())
}

/// Removes rows by their first and their last, if there are no others between them. Says whether it did.
fn remove_stretch(session: &mut dyn SqlSession, keys: &[Vec<Value<'_>>]) -> Result<bool, StoreError> {
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(true) };
    let values: Vec<Value<'_>> = first.iter().chain(last.iter().skip(2)).copied().collect();
    let mut rows = 0_usize;
    session.query(&format!("SELECT COUNT(*) {STRETCH}"), &values, &mut |row| {
        rows = codec::number(row.int(0)?)?;
        Ok(ControlFlow::Break(()))
    })?;
    if rows != keys.len() {
        return Ok(false);
    }
    session.execute(&format!("DELETE {STRETCH}"), &values)?;
    Ok(true)
}

/// The values that name a row.
fn key<'a>(destination: &'a str, place: &'a PlaceInStream, written_at: Timestamp) -> Vec<Value<'a>> {
    vec![
        Value::Text(destination),
        Value::Int(i64::from(place.stream.code())),
        Value::time(written_at),
        Value::Blob(&place.key),
        Value::count(place.sequence),
        Value::Int(i64::from(place.part)),
    ]
}

/// What an event that waits is read from.
pub(crate) const UNSENT: &str = "written_at, event_key, key_seq, part, kind, told_at, data";

/// The oldest events that a destination has not heard. Those of one key come in their order, and none is left out: a later one
/// was never written before an earlier one ([`OutgoingEvent::written_at`]).
pub(crate) fn unsent(
    session: &mut dyn SqlSession,
    destination: &str,
    stream: Stream,
    step: OutboxStep,
) -> Result<Vec<UnsentEvent>, StoreError> {
    let sql = format!(
        "SELECT {UNSENT} FROM outbox WHERE destination = ? AND stream = ? \
         ORDER BY written_at, event_key, key_seq, part LIMIT ?"
    );
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    let most = Value::Int(i64::try_from(step.events_max).unwrap_or(i64::MAX));
    session.query(&sql, &[Value::Text(destination), Value::Int(i64::from(stream.code())), most], &mut |row| {
        let unsent = from_row(row, stream)?;
        let size = unsent.event.data.len();
        if !step.fits(found.len(), bytes, size) {
            return Ok(ControlFlow::Break(()));
        }
        bytes = bytes.saturating_add(size);
        found.push(unsent);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// An event of this stream, read from the columns of [`UNSENT`].
pub(crate) fn from_row(row: &dyn Row, stream: Stream) -> Result<UnsentEvent, StoreError> {
    let place = PlaceInStream {
        stream,
        key: codec::uuid(row.blob(1)?)?,
        sequence: codec::number(row.int(2)?)?,
        part: codec::number(row.int(3)?)?,
    };
    let code = row.int(4)?;
    let kind = u8::try_from(code).ok().and_then(EventKind::from_code);
    let kind = kind.ok_or_else(|| broken(format!("the kind of event {code}")))?;
    let event = OutgoingEvent { place, kind, at: codec::time(row.int(5)?), data: row.blob(6)?.to_vec() };
    Ok(UnsentEvent { event, written_at: codec::time(row.int(0)?) })
}

/// How many events of these destinations wait, counted up to `most`, and since when the oldest does.
pub(crate) fn depth(
    session: &mut dyn SqlSession,
    destinations: &[&str],
    most: usize,
) -> Result<OutboxDepth, StoreError> {
    let mut depth = OutboxDepth::default();
    let counted = "SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE destination = ? LIMIT ?) AS counted";
    for destination in destinations {
        let left = Value::count(u64::try_from(most.saturating_sub(depth.events)).unwrap_or(u64::MAX));
        session.query(counted, &[Value::Text(destination), left], &mut |row| {
            depth.events = depth.events.saturating_add(codec::number(row.int(0)?)?);
            Ok(ControlFlow::Break(()))
        })?;
    }
    let oldest = "SELECT MIN(written_at) FROM outbox WHERE destination = ? AND stream = ?";
    for (destination, stream) in destinations.iter().flat_map(|name| Stream::ALL.map(|stream| (*name, stream))) {
        let values = [Value::Text(destination), Value::Int(i64::from(stream.code()))];
        session.query(oldest, &values, &mut |row| {
            let first = row.int_or_null(0)?.map(codec::time);
            depth.oldest = [depth.oldest, first].into_iter().flatten().min();
            Ok(ControlFlow::Break(()))
        })?;
    }
    Ok(depth)
}
