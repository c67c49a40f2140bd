//! Answers kept under the callers' keys.

use std::ops::ControlFlow;

use holdfast_application::KeptAnswer;
use holdfast_application::command::CommandKey;
use holdfast_application::ports::{LoggedAnswer, StoreError};
use holdfast_domain::Timestamp;

use crate::sql::codec::{self, broken};
use crate::sql::session::{RowWriter, SqlSession, Upsert, Value};

static ANSWERS: RowWriter = RowWriter {
    insert: "INSERT INTO answers (scope, key, position, fingerprint, status, body, location, etag, kept_at)",
    columns: 9,
    upsert: Upsert::Never,
};

pub(crate) fn find(
    session: &mut dyn SqlSession,
    keys: &[&CommandKey],
) -> Result<Vec<Option<LoggedAnswer>>, StoreError> {
    let sql =
        "SELECT fingerprint, status, body, location, etag FROM answers WHERE key = ? AND scope = ? AND position = ?";
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let values = [Value::Text(&key.key), Value::Text(&key.scope), Value::Int(i64::from(key.position))];
        let mut logged = None;
        session.query(sql, &values, &mut |row| {
            let fingerprint = row.blob(0)?.try_into().map_err(|_other| broken("a fingerprint of another size"))?;
            let answer = KeptAnswer {
                status: codec::number(row.int(1)?)?,
                body: row.blob(2)?.to_vec(),
                location: row.text_or_null(3)?.map(str::to_owned),
                etag: row.text_or_null(4)?.map(str::to_owned),
            };
            logged = Some(LoggedAnswer { fingerprint, answer });
            Ok(ControlFlow::Break(()))
        })?;
        found.push(logged);
    }
    Ok(found)
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
    let sql =
        "DELETE FROM answers WHERE kept_at < ? AND number IN (SELECT number FROM answers ORDER BY number LIMIT ?)";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let forgotten = session.execute(sql, &[Value::time(before), Value::Int(most)])?;
    Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
}
