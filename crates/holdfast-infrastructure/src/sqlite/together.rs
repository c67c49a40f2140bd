//! Two readers at one moment, so that two threads can read parts of the same books.
//!
//! Each connection sees one moment from its first read on. Every commit raises the number of the batch, so two
//! connections that read the same number see the same books.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;

use crate::sql::session::SqlSession;
use crate::sqlite::session::SqliteSession;

/// How often two readers are tried to begin between the same two batches. A batch takes longer than two reads of one
/// row, so already the second try seldom fails.
const TRIES_MAX: u32 = 100;

/// A connection, and what it is asked.
pub(crate) type Question<'a, F> = (&'a mut SqliteSession, F);

/// Asks both at one moment, each on a thread of its own. `None` when a writer got in between at every try: nobody was
/// asked.
pub(crate) fn at_one_moment<A, B>(one: Question<'_, A>, other: Question<'_, B>) -> Option<Result<(), StoreError>>
where
    A: FnOnce(&mut SqliteSession) -> Result<(), StoreError>,
    B: FnOnce(&mut SqliteSession) -> Result<(), StoreError> + Send,
{
    let ((one, ask_one), (other, ask_other)) = (one, other);
    match begin(one, other) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(error) => return Some(Err(error)),
    }
    let (first, second) = std::thread::scope(|threads| {
        let second = threads.spawn(|| ask_other(other));
        let first = ask_one(one);
        (first, second.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let ended = end(one).and(end(other));
    Some(first.and(second).and(ended))
}

/// Begins on both between the same two batches. Says whether that came about.
fn begin(one: &mut SqliteSession, other: &mut SqliteSession) -> Result<bool, StoreError> {
    for _ in 0..TRIES_MAX {
        end(one)?;
        end(other)?;
        one.execute("BEGIN", &[])?;
        other.execute("BEGIN", &[])?;
        if batch(one)? == batch(other)? {
            return Ok(true);
        }
    }
    end(one)?;
    end(other)?;
    Ok(false)
}

/// Ends what was begun, also by a question that ended in a panic.
fn end(session: &mut SqliteSession) -> Result<(), StoreError> {
    if session.connection().is_autocommit() {
        return Ok(());
    }
    session.execute("ROLLBACK", &[]).map(|_| ())
}

/// The number of the last batch.
fn batch(session: &mut SqliteSession) -> Result<i64, StoreError> {
    let mut batch = 0;
    session.query("SELECT batch FROM books WHERE id = 1", &[], &mut |row| {
        batch = row.int(0)?;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(batch)
}
