//! What a session is asked: rows by their keys, one statement after the other or several at a time.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::time::Instant;

use holdfast_application::ports::{Collision, StoreError};
use holdfast_application::queries::UnfitRow;
use mysql::prelude::Queryable as _;

use crate::mysql::connect::Purpose;
use crate::mysql::fault::{ends_connection, fault};
use crate::mysql::many_rows::{self, Frame, ROWS_MAX};
use crate::mysql::outgoing::{BETWEEN, Meaning};
use crate::mysql::rows::MysqlRow;
use crate::mysql::session::{Answered, BEGIN, MysqlSession, Transaction, gone, owned};
use crate::sql::codec::broken;
use crate::sql::dialect::{Dialect, MYSQL};
use crate::sql::session::{GuardedChange, RowFinder, RowGuard, RowRemover, RowVisitor, RowWriter, SqlSession, Value};

/// So many keys that a statement for that many is prepared once: how many, and their values.
fn filled_up(keys: &[Vec<Value<'_>>]) -> (usize, Vec<mysql::Value>) {
    let size = keys.len().next_power_of_two();
    let again = keys.last().into_iter().cycle().take(size.saturating_sub(keys.len()));
    (size, keys.iter().chain(again).flat_map(|key| owned(key)).collect())
}

/// Shows rows until the visitor has seen enough.
fn show(rows: Vec<mysql::Row>, visit: RowVisitor<'_>) -> Result<ControlFlow<()>, StoreError> {
    for row in rows {
        if visit(&MysqlRow(row))?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

impl MysqlSession {
    /// Asks a question, behind the beginning of the transaction if that is still to be said, and with it what is to be
    /// asked along, whose answers are kept: all in one round trip, on a new connection when the old one is gone from
    /// the beginning.
    fn ask_together(&mut self, question: &str) -> Result<Vec<mysql::Row>, StoreError> {
        self.flush()?;
        let begins = self.transaction == Transaction::Begins;
        let mut along = std::mem::take(&mut self.along);
        along.retain(|other| other != question);
        let said = begins.then_some(BEGIN).into_iter().chain([question]).chain(along.iter().map(|other| &**other));
        let text = said.collect::<Vec<_>>().join(BETWEEN);
        let mut heard = self.hear(&text);
        if begins && heard.as_ref().is_err_and(ends_connection) {
            self.make_connection().map_err(fault)?;
            if !self.takes_many {
                // Another server than before: the batch is tried again, one statement at a time.
                return Err(StoreError::Contention(Collision::Conflict, Box::new(gone())));
            }
            heard = self.hear(&text);
        }
        if begins {
            // Where it failed nobody knows how far it came, so it is to be undone.
            self.transaction = if self.connection.is_some() { Transaction::Open } else { Transaction::None };
        }
        let mut heard = heard.map_err(fault)?.into_iter().skip(usize::from(begins));
        match heard.next() {
            Some(rows) if heard.len() == along.len() => {
                let at = Instant::now();
                self.answered.extend(along.into_iter().zip(heard).map(|(question, rows)| Answered {
                    question,
                    rows,
                    at,
                }));
                Ok(rows)
            }
            _ => Err(broken("another number of answers than of questions")),
        }
    }

    /// Says several statements in one round trip, and hears the rows of each.
    fn hear(&mut self, text: &str) -> mysql::Result<Vec<Vec<mysql::Row>>> {
        let Some(connection) = &mut self.connection else { return Err(gone()) };
        let heard = connection.query_iter(text).and_then(|mut answers| {
            let mut heard = Vec::new();
            while let Some(answer) = answers.iter() {
                heard.push(answer.collect::<mysql::Result<_>>()?);
            }
            Ok(heard)
        });
        self.noting(heard)
    }

    /// Whether a question that is said as text takes something along that would be a round trip of its own.
    fn saves_a_trip(&self) -> bool {
        self.takes_many && (self.transaction == Transaction::Begins || !self.along.is_empty())
    }

    /// The rows of a question that was asked before its time.
    fn heard_already(&mut self, sql: &str) -> Option<Vec<mysql::Row>> {
        let at = self.answered.iter().position(|answered| answered.question == sql)?;
        Some(self.answered.swap_remove(at).rows)
    }

    /// When that answer came, if the question was asked before its time.
    pub(super) fn heard_at(&self, sql: &str) -> Option<Instant> {
        self.answered.iter().find(|answered| answered.question == sql).map(|answered| answered.at)
    }

    /// Asks a question along, unless its answer is there.
    fn ask_before_its_time(&mut self, question: Cow<'static, str>) {
        let mut known = self.answered.iter().map(|answered| &answered.question).chain(&self.along);
        if self.takes_many && !known.any(|known| *known == question) {
            self.along.push(question);
        }
    }

    /// How rows of `finder` are locked.
    fn lock_of(&self, finder: &RowFinder) -> &'static str {
        if finder.locks && self.purpose == Purpose::Writing { MYSQL.lock_rows } else { "" }
    }

    /// Rows by some keys from a question said as text: one whose answer is there, or one that saves a round trip.
    fn find_together(
        &mut self,
        finder: &RowFinder,
        keys: &[Vec<Value<'_>>],
    ) -> Result<Option<Vec<mysql::Row>>, StoreError> {
        let lock = self.lock_of(finder);
        let text = || many_rows::find_text(finder, keys, lock);
        if !self.answered.is_empty()
            && let Some(rows) = text().and_then(|sql| self.heard_already(&sql))
        {
            return Ok(Some(rows));
        }
        if !lock.is_empty() {
            // What was heard before these rows were locked is old by the time they are.
            self.answered.clear();
        }
        match self.saves_a_trip().then(text).flatten() {
            Some(sql) => self.ask_together(&sql).map(Some),
            None => Ok(None),
        }
    }
}

impl SqlSession for MysqlSession {
    fn dialect(&self) -> &'static Dialect {
        &MYSQL
    }

    fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.run(sql, owned(values), None)
    }

    fn query(&mut self, sql: &str, values: &[Value<'_>], visit: RowVisitor<'_>) -> Result<(), StoreError> {
        if values.is_empty()
            && let Some(rows) = self.heard_already(sql)
        {
            return show(rows, visit).map(|_| ());
        }
        self.run(sql, owned(values), Some(visit)).map(|_| ())
    }

    fn find_rows(
        &mut self,
        finder: &RowFinder,
        keys: &[Vec<Value<'_>>],
        visit: RowVisitor<'_>,
    ) -> Result<(), StoreError> {
        let mut ended = false;
        for some in keys.chunks(ROWS_MAX) {
            if let Some(rows) = self.find_together(finder, some)? {
                if show(rows, visit)?.is_break() {
                    break;
                }
                continue;
            }
            let (size, values) = filled_up(some);
            self.run(
                &many_rows::find_sql(finder, size, self.lock_of(finder)),
                values,
                Some(&mut |row| {
                    let flow = visit(row)?;
                    ended = flow.is_break();
                    Ok(flow)
                }),
            )?;
            if ended {
                break;
            }
        }
        Ok(())
    }

    fn ask_along(&mut self, question: &'static str) {
        self.ask_before_its_time(Cow::Borrowed(question));
    }

    fn find_along(&mut self, finder: &RowFinder, keys: &[Vec<Value<'_>>]) {
        if !self.takes_many {
            return;
        }
        let lock = self.lock_of(finder);
        for some in keys.chunks(ROWS_MAX) {
            if let Some(question) = many_rows::find_text(finder, some, lock) {
                self.ask_before_its_time(Cow::Owned(question));
            }
        }
    }

    fn write_rows(
        &mut self,
        writer: &'static RowWriter,
        rows: &mut dyn Iterator<Item = Vec<Value<'_>>>,
    ) -> Result<(), StoreError> {
        let mut rows: Vec<Vec<Value<'_>>> = rows.collect();
        let frame = Frame::of_rows(writer, &mut rows);
        frame.fill(&mut rows.into_iter(), &mut |sql| self.gather(sql, Meaning::Written(writer)))
    }

    fn remove_rows(&mut self, remover: &RowRemover, keys: &[Vec<Value<'_>>]) -> Result<(), StoreError> {
        for some in keys.chunks(ROWS_MAX) {
            let (size, values) = filled_up(some);
            self.run(&many_rows::remove_sql(remover, size), values, None)?;
        }
        Ok(())
    }

    /// The version of the schema is looked at when a store is opened, and there is nothing else.
    fn unfit_of_its_own(&mut self) -> Result<Vec<UnfitRow>, StoreError> {
        Ok(Vec::new())
    }

    fn damage(&mut self) -> Result<Vec<UnfitRow>, StoreError> {
        Ok(Vec::new())
    }

    /// Two steps: the guards of all rows rise while they are as they were read, and what is written then cannot be
    /// stale; where one did not rise, all of it is undone.
    fn change_rows(&mut self, guard: &'static RowGuard, changes: &[GuardedChange<'_>]) -> Result<(), StoreError> {
        for some in changes.chunks(ROWS_MAX) {
            let raised = u64::try_from(some.len()).unwrap_or(u64::MAX);
            self.gather(&many_rows::guard_sql(guard, some), Meaning::Raised(guard, raised))?;
        }
        let mut rows = changes.iter().map(|change| change.row.clone());
        Frame::of_guard(guard).fill(&mut rows, &mut |sql| self.gather(sql, Meaning::Done))
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let mut outgoing = std::mem::take(&mut self.outgoing);
        let (rows, ended) = self.say_gathered(&outgoing);
        let judged = outgoing.judge(&rows, ended.map_err(fault));
        outgoing.clear();
        self.outgoing = outgoing;
        judged
    }
}
