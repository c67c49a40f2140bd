//! Reads: a few connections beside the writer, each question at one moment.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::ReadError;

use crate::mysql::connect::{Address, Purpose};
use crate::mysql::fault::fault;
use crate::mysql::session::MysqlSession;
use crate::sql::due_holders::SharedHolders;
use crate::sql::lending::Lending;
use crate::sql::queries::{READ_MAX, Readers};
use crate::sql::session::SqlSession;

/// Connections that read a shared store.
pub(crate) struct MysqlReaders {
    address: Address,
    sessions: Lending<MysqlSession>,
    /// The connection of the sweep and of health: slow lists never keep them waiting.
    upkeep: Mutex<MysqlSession>,
}

impl MysqlReaders {
    pub(crate) fn open(address: Address, readers: usize) -> mysql::Result<Self> {
        let connect = || MysqlSession::connect(&address, Purpose::Reading);
        let sessions = (0..readers.max(1)).map(|_| connect()).collect::<Result<Vec<_>, _>>()?;
        let upkeep = Mutex::new(connect()?);
        Ok(Self { sessions: Lending::new(sessions), upkeep, address })
    }
}

/// Asks one question at one moment.
fn answer<T>(
    session: &mut MysqlSession,
    question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    session.begin()?;
    let answer = question(session);
    session.rollback();
    answer
}

/// The same, cut off by the database.
fn answer_in_time<T>(
    session: &mut MysqlSession,
    question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>,
) -> Result<T, ReadError> {
    let started = Instant::now();
    answer(session, question).map_err(|error| match error {
        StoreError::Unavailable(_) if started.elapsed() >= READ_MAX => ReadError::TooSlow(READ_MAX),
        other => ReadError::Unavailable(Box::new(other)),
    })
}

impl Readers for MysqlReaders {
    /// Others write too, so nobody could remember that.
    fn due(&self) -> Option<&SharedHolders> {
        None
    }

    fn ask<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        let mut session = self.sessions.lend(READ_MAX).ok_or(ReadError::TooSlow(READ_MAX))?;
        answer_in_time(&mut session, question)
    }

    /// On a connection of its own, whose statements are not cut off.
    fn walk<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        let session = MysqlSession::connect(&self.address, Purpose::Walking).map_err(fault);
        let answer = session.and_then(|mut session| answer(&mut session, question));
        answer.map_err(|error| ReadError::Unavailable(Box::new(error)))
    }

    fn keep_up<T>(&self, question: impl FnOnce(&mut dyn SqlSession) -> Result<T, StoreError>) -> Result<T, ReadError> {
        let mut session = self.upkeep.lock().unwrap_or_else(PoisonError::into_inner);
        answer_in_time(&mut session, question)
    }

    fn walk_together(
        &self,
        mut one: impl FnMut(&mut dyn SqlSession) -> Result<(), StoreError>,
        mut other: impl FnMut(&mut dyn SqlSession) -> Result<(), StoreError> + Send,
    ) -> Result<(), ReadError> {
        self.walk(|session| {
            one(session)?;
            other(session)
        })
    }
}
