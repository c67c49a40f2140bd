//! Answers kept under the callers' keys.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use holdfast_application::KeptAnswer;
use holdfast_application::command::CommandKey;
use holdfast_application::ports::{LoggedAnswer, StoreError};
use holdfast_domain::Timestamp;

use crate::sql::codec::{self, broken};
use crate::sql::session::{RowFinder, RowWriter, SqlSession, Upsert, Value};

pub(crate) static ANSWERS: RowWriter = RowWriter {
    insert: "INSERT INTO answers (scope, `key`, position, fingerprint, status, body, location, etag, kept_at)",
    columns: 9,
    upsert: Upsert::Never,
};

/// `key` is a word of its own to some databases; all of them read the grave accents.
static BY_KEY: LazyLock<RowFinder> = LazyLock::new(|| {
    let select =
        "SELECT a.`key`, a.scope, a.position, a.fingerprint, a.status, a.body, a.location, a.etag FROM answers a";
    RowFinder::new(select, "(a.`key` = ? AND a.scope = ? AND a.position = ?)", "a.`key`, a.scope, a.position")
});

pub(crate) fn find(
    session: &mut dyn SqlSession,
    keys: &[&CommandKey],
) -> Result<Vec<Option<LoggedAnswer>>, StoreError> {
    let mut found: HashMap<(String, String, i64), LoggedAnswer> = HashMap::new();
    let place = |key: &CommandKey| (key.key.clone(), key.scope.clone(), i64::from(key.position));
    let asked: Vec<Vec<Value<'_>>> = keys
        .iter()
        .map(|key| vec![Value::Text(&key.key), Value::Text(&key.scope), Value::Int(i64::from(key.position))])
        .collect();
    session.find_rows(&BY_KEY, &asked, &mut |row| {
        let fingerprint = row.blob(3)?.try_into().map_err(|_other| broken("a fingerprint of another size"))?;
        let answer = KeptAnswer {
            status: codec::number(row.int(4)?)?,
            body: row.blob(5)?.to_vec(),
            location: row.text_or_null(6)?.map(str::to_owned),
            etag: row.text_or_null(7)?.map(str::to_owned),
        };
        let key = (row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.int(2)?);
        found.insert(key, LoggedAnswer { fingerprint, answer });
        Ok(ControlFlow::Continue(()))
    })?;
    if found.is_empty() {
        return Ok(vec![None; keys.len()]);
    }
    Ok(keys.iter().map(|key| found.get(&place(key)).cloned()).collect())
}

pub(crate) fn keep(
    session: &mut dyn SqlSession,
    answers: &[(&CommandKey, &KeptAnswer)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut rows = answers.iter().map(|(key, answer)| {
        vec![
            Value::Text(&key.scope),
            Value::Text(&key.key),
            Value::Int(i64::from(key.position)),
            Value::Blob(&key.fingerprint),
            Value::Int(i64::from(answer.status)),
            Value::Blob(&answer.body),
            Value::text_or_null(answer.location.as_deref()),
            Value::text_or_null(answer.etag.as_deref()),
            Value::time(now),
        ]
    });
    session.write_rows(&ANSWERS, &mut rows)
}

pub(crate) fn forget(session: &mut dyn SqlSession, before: Timestamp, most: usize) -> Result<usize, StoreError> {
    // The oldest have the lowest numbers; those of a replay may bear an older time and wait for their turn.
    let most = Value::count(most);
    let mut last = None;
    let sql = "SELECT MAX(oldest.number) FROM (SELECT number FROM answers ORDER BY number LIMIT ?) AS oldest";
    session.query(sql, &[most], &mut |row| {
        last = row.int_or_null(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    let Some(last) = last else { return Ok(0) };
    let sql = "DELETE FROM answers WHERE kept_at < ? AND number <= ?";
    let forgotten = session.execute(sql, &[Value::time(before), Value::Int(last)])?;
    Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
}
