//! Events that wait until their destination has heard them, and the lines that movements crossed.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use holdfast_application::events::{OutgoingEvent, Parcel, PlaceInStream, SentParcel, Stream, UnsentEvent};
use holdfast_application::ports::StoreError;
use holdfast_application::queries::{OutboxDepth, OutboxStep};
use holdfast_domain::Timestamp;
use holdfast_domain::event::Alert;

use crate::sql::codec::{self, broken};
use crate::sql::parcels;
use crate::sql::session::{Row, RowRemover, RowWriter, SqlSession, Upsert, Value};

pub(crate) static ALERTS: RowWriter = RowWriter {
    insert: "INSERT INTO alerts (item, sequence, crossing, available, reorder_level)",
    columns: 5,
    upsert: Upsert::Never,
};

pub(crate) static OUTBOX: RowWriter = RowWriter {
    insert: "INSERT INTO outbox (destination, stream, written_at, event_key, key_seq, part, kind, told_at, events, data)",
    columns: 10,
    upsert: Upsert::Never,
};

static SENT: RowRemover = RowRemover {
    table: "outbox",
    key: "destination = ? AND stream = ? AND written_at = ? AND event_key = ? AND key_seq = ? AND part = ? AND events = ?",
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

/// Appends events for a destination. Where one transaction writes at a time those of a batch stand together; where
/// several do, what comes first of a key is told by its own row, so each has one.
pub(crate) fn append(
    session: &mut dyn SqlSession,
    destination: &str,
    events: &[&OutgoingEvent],
    now: Timestamp,
) -> Result<(), StoreError> {
    if !session.dialect().one_writes {
        let mut rows = events.iter().map(|event| row_of(destination, event.written_at(now), event, 1, &event.data));
        return session.write_rows(&OUTBOX, &mut rows);
    }
    let mut events = events.to_vec();
    events.sort_unstable_by_key(|event| (event.place.stream, event.written_at(now), event.place));
    for together in events.chunk_by(|one, next| belong_together(one, next, now)) {
        for parcel in parcels::cut(together) {
            let Some(first) = parcel.first() else { continue };
            let packed = (parcel.len() > 1).then(|| parcels::pack(parcel));
            let data = packed.as_deref().unwrap_or(&first.data);
            let mut row = std::iter::once(row_of(destination, first.written_at(now), first, parcel.len(), data));
            session.write_rows(&OUTBOX, &mut row)?;
        }
    }
    Ok(())
}

/// Whether two events can stand in one row. Letters say what somebody else has said, however much that is.
fn belong_together(one: &OutgoingEvent, other: &OutgoingEvent, now: Timestamp) -> bool {
    let stream = one.place.stream;
    stream != Stream::DeadLetters && stream == other.place.stream && one.written_at(now) == other.written_at(now)
}

/// The row of so many events, the first of which is this.
pub(crate) fn row_of<'a>(
    destination: &'a str,
    at: Timestamp,
    first: &'a OutgoingEvent,
    events: usize,
    data: &'a [u8],
) -> Vec<Value<'a>> {
    let mut row = key(destination, at, &first.place).to_vec();
    row.extend([
        Value::Int(i64::from(first.kind.code())),
        Value::time(first.at),
        Value::count(events),
        Value::Blob(data),
    ]);
    row
}

/// Removes events that a destination has heard.
pub(crate) fn remove(session: &mut dyn SqlSession, destination: &str, sent: &[SentParcel]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(sent.len());
    let mut parts: BTreeMap<(Stream, Timestamp), HashSet<PlaceInStream>> = BTreeMap::new();
    for SentParcel { parcel, part } in sent {
        match part {
            None => rows.push(key_of_row(destination, parcel)),
            Some(part) => parts.entry((parcel.first.stream, parcel.written_at)).or_default().extend(part),
        }
    }
    session.remove_rows(&SENT, &rows)?;
    parts.iter().try_for_each(|((stream, at), sent)| split(session, destination, *stream, *at, sent))
}

/// Removes some events of the parcels that were written at a time, or of what is left of them. The others keep their
/// row, and so their position.
fn split(
    session: &mut dyn SqlSession,
    destination: &str,
    stream: Stream,
    at: Timestamp,
    sent: &HashSet<PlaceInStream>,
) -> Result<(), StoreError> {
    let moment = [Value::Text(destination), Value::Int(i64::from(stream.code())), Value::time(at)];
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE destination = ? AND stream = ? AND written_at = ?");
    let mut rows = Vec::new();
    session.query(&sql, &moment, &mut |row| {
        rows.push(from_row(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    let change = format!(
        "UPDATE outbox SET destination = ?, stream = ?, written_at = ?, event_key = ?, key_seq = ?, part = ?, kind = ?, \
         told_at = ?, events = ?, data = ? WHERE {}",
        SENT.key
    );
    for row in rows {
        let left: Vec<&OutgoingEvent> =
            row.iter().map(|unsent| &unsent.event).filter(|event| !sent.contains(&event.place)).collect();
        let Some(was) = row.first().map(|first| first.parcel) else { continue };
        let key = key_of_row(destination, &was);
        match left.first() {
            _ if left.len() == was.events => {}
            None => session.remove_rows(&SENT, &[key])?,
            Some(first) => {
                let packed = (left.len() > 1).then(|| parcels::pack(&left));
                let data = packed.as_deref().unwrap_or(&first.data);
                let values = row_of(destination, at, first, left.len(), data);
                session.execute(&change, &[values, key].concat())?;
            }
        }
    }
    Ok(())
}

/// The values that name an event, and a row with this one in front.
fn key<'a>(destination: &'a str, written_at: Timestamp, place: &'a PlaceInStream) -> [Value<'a>; 6] {
    [
        Value::Text(destination),
        Value::Int(i64::from(place.stream.code())),
        Value::time(written_at),
        Value::Blob(&place.key),
        Value::count(place.sequence),
        Value::Int(i64::from(place.part)),
    ]
}

/// The same of a row as it was read: one that was split meanwhile is another one.
fn key_of_row<'a>(destination: &'a str, row: &'a Parcel) -> Vec<Value<'a>> {
    key(destination, row.written_at, &row.first).into_iter().chain([Value::count(row.events)]).collect()
}

/// What events that wait are read from: the columns of [`OUTBOX`].
pub(crate) const COLUMNS: &str =
    "destination, stream, written_at, event_key, key_seq, part, kind, told_at, events, data";

/// The oldest events that a destination has not heard. Those of one key come in their order, and none is left out: a
/// later one was never written before an earlier one ([`OutgoingEvent::written_at`]).
pub(crate) fn unsent(
    session: &mut dyn SqlSession,
    destination: &str,
    stream: Stream,
    step: OutboxStep,
    told: &HashSet<Parcel>,
) -> Result<Vec<UnsentEvent>, StoreError> {
    let order = session.dialect().written_order;
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE destination = ? AND stream = ? ORDER BY {order} LIMIT ?");
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    let most = Value::count(step.events_max.saturating_add(told.len()));
    session.query(&sql, &[Value::Text(destination), Value::Int(i64::from(stream.code())), most], &mut |row| {
        let parcel = parcel_of(row)?;
        if told.contains(&parcel) {
            return Ok(ControlFlow::Continue(()));
        }
        for unsent in events_of(parcel, row)? {
            let size = unsent.event.data.len();
            if !step.fits(found.len(), bytes, size) {
                return Ok(ControlFlow::Break(()));
            }
            bytes = bytes.saturating_add(size);
            found.push(unsent);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// The events that a row with [`COLUMNS`] holds.
pub(crate) fn from_row(row: &dyn Row) -> Result<Vec<UnsentEvent>, StoreError> {
    events_of(parcel_of(row)?, row)
}

/// What names the row.
fn parcel_of(row: &dyn Row) -> Result<Parcel, StoreError> {
    let stream = u8::try_from(row.int(1)?).ok().and_then(Stream::from_code);
    let stream = stream.ok_or_else(|| broken("a stream that nobody reads"))?;
    let first = PlaceInStream {
        stream,
        key: codec::uuid(row.blob(3)?)?,
        sequence: codec::number(row.int(4)?)?,
        part: codec::number(row.int(5)?)?,
    };
    Ok(Parcel { written_at: codec::moment(row.int(2)?)?, first, events: codec::number(row.int(8)?)? })
}

fn events_of(parcel: Parcel, row: &dyn Row) -> Result<Vec<UnsentEvent>, StoreError> {
    let events = parcels::events(parcel, row.int(6)?, row.int(7)?, row.blob(9)?)?;
    Ok(events.into_iter().map(|event| UnsentEvent { event, parcel }).collect())
}

/// How many events of these destinations wait, counted up to `most`, and since when the oldest does.
pub(crate) fn depth(
    session: &mut dyn SqlSession,
    destinations: &[&str],
    most: usize,
) -> Result<OutboxDepth, StoreError> {
    let mut depth = OutboxDepth::default();
    let counted = "SELECT CAST(COALESCE(SUM(events), 0) AS SIGNED) FROM (SELECT events FROM outbox WHERE destination = ? LIMIT ?) AS counted";
    for destination in destinations {
        let left = Value::count(most.saturating_sub(depth.events));
        session.query(counted, &[Value::Text(destination), left], &mut |row| {
            depth.events = depth.events.saturating_add(codec::number(row.int(0)?)?).min(most);
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
