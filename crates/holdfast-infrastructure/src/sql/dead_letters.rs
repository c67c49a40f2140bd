//! Dead letters: put away, listed, dealt with, forgotten.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use holdfast_application::dead_letters::{
    DeadLetter, LetterContent, LetterHead, LetterStatus, Provenance, RecordPlace,
};
use holdfast_application::order_event::EventOutcome;
use holdfast_application::ports::StoreError;
use holdfast_application::queries::LetterFilter;
use holdfast_domain::{Actor, DeadLetterId, DiscardNote, OrderId, Timestamp};

use crate::sql::codec::{self, broken};
use crate::sql::session::{Row, RowFinder, RowWriter, SqlSession, Upsert, Value};

pub(crate) static LETTERS: RowWriter = RowWriter {
    insert: "INSERT INTO dead_letters (id, origin, status, put_away_at, settled_at, topic, topic_partition, topic_offset, code, \
             cause, kind, order_id, note, settled_by, outcome, outcome_code, content)",
    columns: 17,
    upsert: Upsert::Never,
};

/// What a letter's head is read from.
pub(crate) const HEAD: &str = "d.id, d.origin, d.status, d.put_away_at, d.settled_at, d.topic, d.topic_partition, d.topic_offset, d.code, \
                    d.cause, d.kind, d.order_id, d.note, d.settled_by, d.outcome, d.outcome_code";

static BY_ORIGIN: LazyLock<RowFinder> =
    LazyLock::new(|| RowFinder::new("SELECT d.origin FROM dead_letters d", "d.origin = ?", "d.origin"));

static BY_ID: LazyLock<RowFinder> = LazyLock::new(|| {
    let select = format!("SELECT {HEAD} FROM dead_letters d");
    RowFinder::new(&select, "d.id = ?", "d.id").that_locks("dead_letters d", "PRIMARY")
});

/// Those of these origins that were put away.
pub(crate) fn known(session: &mut dyn SqlSession, origins: &[[u8; 16]]) -> Result<Vec<[u8; 16]>, StoreError> {
    let keys: Vec<Vec<Value<'_>>> = origins.iter().map(|origin| vec![Value::Blob(origin)]).collect();
    let mut known = Vec::new();
    session.find_rows(&BY_ORIGIN, &keys, &mut |row| {
        known.push(codec::uuid(row.blob(0)?)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(known)
}

/// Puts letters away.
pub(crate) fn put_away(session: &mut dyn SqlSession, letters: &[DeadLetter]) -> Result<(), StoreError> {
    // One after the other: each may be as large as a packet.
    for DeadLetter { head, content } in letters {
        let (id, order, content) =
            (head.id.to_bytes(), head.from.order.map(|order| order.to_string()), content.to_bytes());
        let place = head.from.place.as_ref();
        let row = vec![
            Value::Blob(&id),
            Value::Blob(&head.from.origin),
            Value::Int(i64::from(head.status.code())),
            Value::time(head.put_away_at),
            Value::time_or_null(head.settled_at),
            Value::text_or_null(place.map(|place| place.topic.as_str())),
            place.map_or(Value::Null, |place| Value::Int(i64::from(place.partition))),
            place.map_or(Value::Null, |place| Value::Int(place.offset)),
            Value::Text(&head.from.code),
            Value::Text(&head.from.cause),
            Value::text_or_null(head.from.kind.as_deref()),
            Value::text_or_null(order.as_deref()),
            Value::text_or_null(head.note.as_ref().map(DiscardNote::as_str)),
            Value::text_or_null(head.settled_by.as_ref().map(Actor::as_str)),
            outcome(head),
            outcome_code(head),
            Value::Blob(&content),
        ];
        session.write_rows(&LETTERS, &mut std::iter::once(row))?;
    }
    Ok(())
}

/// These letters without what they say, locked by a session that writes.
pub(crate) fn load(session: &mut dyn SqlSession, ids: &[DeadLetterId]) -> Result<Vec<LetterHead>, StoreError> {
    let ids: Vec<[u8; 16]> = ids.iter().map(|id| id.to_bytes()).collect();
    let keys: Vec<Vec<Value<'_>>> = ids.iter().map(|id| vec![Value::Blob(id)]).collect();
    let mut heads = Vec::new();
    session.find_rows(&BY_ID, &keys, &mut |row| {
        heads.push(head(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(heads)
}

/// Saves what became of a letter.
pub(crate) fn settle(session: &mut dyn SqlSession, letter: &LetterHead) -> Result<(), StoreError> {
    let sql = "UPDATE dead_letters SET status = ?, settled_at = ?, note = ?, settled_by = ?, outcome = ?, outcome_code = ? \
               WHERE id = ?";
    let values = [
        Value::Int(i64::from(letter.status.code())),
        Value::time_or_null(letter.settled_at),
        Value::text_or_null(letter.note.as_ref().map(DiscardNote::as_str)),
        Value::text_or_null(letter.settled_by.as_ref().map(Actor::as_str)),
        outcome(letter),
        outcome_code(letter),
        Value::Blob(&letter.id.to_bytes()),
    ];
    session.execute(sql, &values).map(|_| ())
}

/// Forgets up to `most` that were dealt with before `before`, and says how many.
pub(crate) fn forget(session: &mut dyn SqlSession, before: Timestamp, most: usize) -> Result<usize, StoreError> {
    let most = Value::count(most);
    let mut last = Vec::new();
    let sql = "SELECT MAX(oldest.id) FROM (SELECT id FROM dead_letters WHERE status IN (1, 2) AND settled_at < ? \
               ORDER BY id LIMIT ?) AS oldest";
    session.query(sql, &[Value::time(before), most], &mut |row| {
        last = row.blob(0)?.to_vec();
        Ok(ControlFlow::Break(()))
    })?;
    if last.is_empty() {
        return Ok(0);
    }
    let sql = "DELETE FROM dead_letters WHERE status IN (1, 2) AND settled_at < ? AND id <= ?";
    let forgotten = session.execute(sql, &[Value::time(before), Value::Blob(&last)])?;
    Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
}

/// A page of letters, newest first.
pub(crate) fn find(session: &mut dyn SqlSession, filter: &LetterFilter) -> Result<Vec<LetterHead>, StoreError> {
    let mut sql = format!("SELECT {HEAD} FROM dead_letters d WHERE 1 = 1");
    let mut values: Vec<Value<'_>> = Vec::new();
    if !filter.statuses.is_empty() {
        let _ = write!(sql, " AND d.status IN ({})", vec!["?"; filter.statuses.len()].join(", "));
        values.extend(filter.statuses.iter().map(|status| Value::Int(i64::from(status.code()))));
    }
    if let Some(topic) = &filter.topic {
        sql.push_str(" AND d.topic = ?");
        values.push(Value::Text(topic));
    }
    if let Some(code) = &filter.code {
        sql.push_str(" AND d.code = ?");
        values.push(Value::Text(code));
    }
    let after = filter.after.map(DeadLetterId::to_bytes);
    if let Some(after) = &after {
        sql.push_str(" AND d.id < ?");
        values.push(Value::Blob(after));
    }
    sql.push_str(" ORDER BY d.id DESC LIMIT ?");
    values.push(Value::count(filter.limit));
    let mut heads = Vec::new();
    session.query(&sql, &values, &mut |row| {
        heads.push(head(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(heads)
}

/// A letter.
pub(crate) fn load_one(session: &mut dyn SqlSession, id: DeadLetterId) -> Result<Option<DeadLetter>, StoreError> {
    let sql = format!("SELECT {HEAD}, d.content FROM dead_letters d WHERE d.id = ?");
    let mut letter = None;
    session.query(&sql, &[Value::Blob(&id.to_bytes())], &mut |row| {
        letter = Some(from_row(row)?);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(letter)
}

/// How many are open, counted up to `most`.
pub(crate) fn open(session: &mut dyn SqlSession, most: usize) -> Result<usize, StoreError> {
    let mut count = 0;
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM dead_letters WHERE status = 0 LIMIT ?) AS counted";
    session.query(sql, &[Value::count(most)], &mut |row| {
        count = codec::number(row.int(0)?)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(count)
}

/// A letter, read from the columns of [`HEAD`] and its content behind them.
pub(crate) fn from_row(row: &dyn Row) -> Result<DeadLetter, StoreError> {
    let content = LetterContent::from_bytes(row.blob(16)?).map_err(|unfit| broken(unfit.to_string()))?;
    Ok(DeadLetter { head: head(row)?, content })
}

fn head(row: &dyn Row) -> Result<LetterHead, StoreError> {
    let status = row.int(2)?;
    let found = u8::try_from(status).ok().and_then(LetterStatus::from_code);
    let status = found.ok_or_else(|| broken(format!("the status {status} of a dead letter")))?;
    let place = match (row.text_or_null(5)?, row.int_or_null(6)?, row.int_or_null(7)?) {
        (Some(topic), Some(partition), Some(offset)) => {
            Some(RecordPlace { topic: topic.to_owned(), partition: codec::number(partition)?, offset })
        }
        (None, None, None) => None,
        _ => return Err(broken("a record's place of which a part is missing")),
    };
    let order = row.text_or_null(11)?;
    let order = order.map(|text| OrderId::parse(text).ok_or_else(|| broken(format!("the order {text:?}"))));
    let from = Provenance {
        origin: codec::uuid(row.blob(1)?)?,
        place,
        code: row.text(8)?.to_owned(),
        cause: row.text(9)?.to_owned(),
        kind: row.text_or_null(10)?.map(str::to_owned),
        order: order.transpose()?,
    };
    Ok(LetterHead {
        id: DeadLetterId::from_bytes(codec::uuid(row.blob(0)?)?),
        from,
        put_away_at: codec::time(row.int(3)?),
        status,
        settled_at: row.int_or_null(4)?.map(codec::time),
        note: codec::text_or_null(row.text_or_null(12)?, DiscardNote::new)?,
        settled_by: codec::text_or_null(row.text_or_null(13)?, Actor::new)?,
        retried: row
            .text_or_null(14)?
            .map(|word| {
                let outcome = EventOutcome::parse(word).ok_or_else(|| broken(format!("the outcome {word:?}")))?;
                Ok((outcome, row.text_or_null(15)?.map(str::to_owned)))
            })
            .transpose()?,
    })
}

fn outcome(letter: &LetterHead) -> Value<'static> {
    Value::text_or_null(letter.retried.as_ref().map(|(outcome, _)| outcome.as_str()))
}

fn outcome_code(letter: &LetterHead) -> Value<'_> {
    Value::text_or_null(letter.retried.as_ref().and_then(|(_, code)| code.as_deref()))
}
