//! The MySQL driver: a connection with its prepared statements.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::time::Instant;

use holdfast_application::ports::{CommitError, StoreError};
use mysql::prelude::Queryable as _;
use mysql::{Conn, Params};

use crate::mysql::connect::{Address, Purpose};
use crate::mysql::fault::{commit_fault, ends_connection, fault, is_key_there};
use crate::mysql::outgoing::{Meaning, Outgoing};
use crate::mysql::rows::MysqlRow;
use crate::sql::session::{RowVisitor, SqlSession as _, Value};

/// How a writer's transaction begins.
pub(super) const BEGIN: &str = "START TRANSACTION";

/// Where a session is with its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transaction {
    /// There is none, or it has ended.
    None,
    /// It begins with the first statement.
    Begins,
    /// It was begun.
    Open,
}

/// What was asked before its time.
pub(super) struct Answered {
    pub(super) question: Cow<'static, str>,
    pub(super) rows: Vec<mysql::Row>,
    /// When the answer came.
    pub(super) at: Instant,
}

/// A connection, made anew when it was lost.
pub(crate) struct MysqlSession {
    address: Address,
    pub(super) purpose: Purpose,
    pub(super) connection: Option<Conn>,
    /// How many connections it has made.
    connections: u64,
    pub(super) transaction: Transaction,
    /// Whether a row met another one with its key since a transaction was begun last.
    met_key: bool,
    /// What is to be written, and was not sent yet.
    pub(super) outgoing: Outgoing,
    /// Questions that are sent along with the next one.
    pub(super) along: Vec<Cow<'static, str>>,
    /// Their answers, until somebody asks.
    pub(super) answered: Vec<Answered>,
    /// Whether the server takes several statements at a time.
    pub(super) takes_many: bool,
}

impl MysqlSession {
    /// A session with a connection.
    pub(crate) fn connect(address: &Address, purpose: Purpose) -> mysql::Result<Self> {
        let mut session = Self::unconnected(address, purpose);
        session.make_connection()?;
        Ok(session)
    }

    /// Another session to the same place, which connects when it begins its first transaction.
    pub(crate) fn another(&self, purpose: Purpose) -> Self {
        Self::unconnected(&self.address, purpose)
    }

    fn unconnected(address: &Address, purpose: Purpose) -> Self {
        Self {
            address: address.clone(),
            purpose,
            connection: None,
            connections: 0,
            transaction: Transaction::None,
            met_key: false,
            outgoing: Outgoing::default(),
            along: Vec::new(),
            answered: Vec::new(),
            takes_many: false,
        }
    }

    /// Connects, and asks whether several statements may come at a time: something between here and the database may
    /// refuse them.
    pub(super) fn make_connection(&mut self) -> mysql::Result<()> {
        let mut connection = self.address.connect(self.purpose)?;
        self.takes_many = match self.purpose {
            Purpose::Writing | Purpose::Filling => takes_many(&mut connection),
            Purpose::Reading | Purpose::Walking => Ok(false),
        }
        .or_else(|error| {
            if ends_connection(&error) {
                connection = self.address.connect(self.purpose)?;
            }
            Ok::<bool, mysql::Error>(false)
        })?;
        self.connection = Some(connection);
        self.connections = self.connections.saturating_add(1);
        Ok(())
    }

    /// Begins a transaction, on a new connection when the old one is gone. A writer's begins with its first statement.
    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        self.rollback();
        self.met_key = false;
        if self.connection.is_none() {
            self.make_connection().map_err(fault)?;
        }
        self.transaction = Transaction::Begins;
        match self.purpose {
            Purpose::Writing | Purpose::Filling => Ok(()),
            Purpose::Reading | Purpose::Walking => self.begin_now().map_err(fault),
        }
    }

    /// Begins the transaction that is to begin by itself, on a new connection when the old one is gone.
    fn begin_now(&mut self) -> mysql::Result<()> {
        if self.transaction != Transaction::Begins {
            return Ok(());
        }
        self.transaction = Transaction::None;
        let sql = match self.purpose {
            Purpose::Writing | Purpose::Filling => BEGIN,
            Purpose::Reading | Purpose::Walking => "START TRANSACTION WITH CONSISTENT SNAPSHOT",
        };
        if self.say(sql).is_err() {
            self.make_connection()?;
            self.say(sql)?;
        }
        self.transaction = Transaction::Open;
        Ok(())
    }

    /// Runs a statement that is a transaction of its own. It may run twice: again on a new connection where the one
    /// that was kept turns out to be gone, as after a while of silence.
    pub(crate) fn execute_alone(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        if self.connection.is_some() {
            let done = self.run(sql, owned(values), None);
            if done.is_ok() || self.connection.is_some() {
                return done;
            }
        }
        self.make_connection().map_err(fault)?;
        self.run(sql, owned(values), None)
    }

    /// Makes the transaction durable. COMMIT is said by itself, once everything before it was answered.
    pub(crate) fn commit(&mut self) -> Result<(), CommitError> {
        if let Err(error) = self.flush().and_then(|()| self.begin_now().map_err(fault)) {
            self.rollback();
            return Err(error.into());
        }
        let committed = self.say("COMMIT").map(|_| ()).map_err(commit_fault);
        if committed.is_ok() {
            self.transaction = Transaction::None;
        } else if matches!(committed, Err(CommitError::Unknown(_))) {
            self.leave();
        } else {
            self.rollback();
        }
        committed
    }

    /// Undoes the transaction. Where that fails the connection is left, and the database undoes it.
    pub(crate) fn rollback(&mut self) {
        self.outgoing.clear();
        self.forget_questions();
        if self.transaction == Transaction::Open && self.connection.is_some() && self.say("ROLLBACK").is_err() {
            self.leave();
        }
        self.transaction = Transaction::None;
    }

    /// Forgets what was to be asked along, and what was answered before somebody asked.
    fn forget_questions(&mut self) {
        self.along.clear();
        self.answered.clear();
    }

    /// Whether a row met another one with its key since a transaction was begun last.
    pub(crate) const fn met_key(&self) -> bool {
        self.met_key
    }

    /// How many connections it has made: a number for the present one.
    pub(crate) const fn connections(&self) -> u64 {
        self.connections
    }

    fn leave(&mut self) {
        self.connection = None;
        self.transaction = Transaction::None;
    }

    /// Says something that has neither values nor rows; how many rows it concerned.
    fn say(&mut self, sql: &str) -> mysql::Result<u64> {
        let Some(connection) = &mut self.connection else { return Err(gone()) };
        let said = connection.query_iter(sql).map(|result| result.affected_rows());
        self.noting(said)
    }

    /// Says statements without rows in one round trip: how many rows each concerned, up to the one that failed. The
    /// database carries out none behind it.
    fn say_together(&mut self, text: &str) -> (Vec<u64>, mysql::Result<()>) {
        let mut concerned = Vec::new();
        let Some(connection) = &mut self.connection else { return (concerned, Err(gone())) };
        let said = connection.query_iter(text).and_then(|mut answers| {
            while let Some(mut answer) = answers.iter() {
                let rows = answer.affected_rows();
                answer.try_for_each(|row| row.map(|_| ()))?;
                concerned.push(rows);
            }
            Ok(())
        });
        (concerned, self.noting(said))
    }

    /// Says what was gathered.
    pub(super) fn say_gathered(&mut self, outgoing: &Outgoing) -> (Vec<u64>, mysql::Result<()>) {
        if let Err(error) = self.begin_now() {
            return (Vec::new(), Err(error));
        }
        if self.takes_many {
            return self.say_together(outgoing.text());
        }
        let mut concerned = Vec::new();
        for sql in outgoing.each() {
            match self.say(sql) {
                Ok(rows) => concerned.push(rows),
                Err(error) => return (concerned, Err(error)),
            }
        }
        (concerned, Ok(()))
    }

    /// Gathers a statement that writes, to be sent with others.
    pub(super) fn gather(&mut self, sql: &str, meaning: Meaning) -> Result<(), StoreError> {
        self.forget_questions();
        if !self.outgoing.has_room_for(sql) {
            self.flush()?;
        }
        self.outgoing.push(sql, meaning);
        Ok(())
    }

    /// Leaves the connection after an error that ended it.
    pub(super) fn noting<T>(&mut self, result: mysql::Result<T>) -> mysql::Result<T> {
        if result.as_ref().is_err_and(ends_connection) {
            self.leave();
        }
        self.met_key |= result.as_ref().is_err_and(is_key_there);
        result
    }

    /// Runs a statement behind all that was gathered, and visits its rows; says how many rows it concerned.
    pub(super) fn run(
        &mut self,
        sql: &str,
        values: Vec<mysql::Value>,
        visit: Option<RowVisitor<'_>>,
    ) -> Result<u64, StoreError> {
        self.flush()?;
        self.begin_now().map_err(fault)?;
        let Some(connection) = &mut self.connection else { return Err(fault(gone())) };
        let parameters = if values.is_empty() { Params::Empty } else { Params::Positional(values) };
        let mut fallen: Option<StoreError> = None;
        let done = connection.exec_iter(sql, parameters).and_then(|mut rows| {
            let concerned = rows.affected_rows();
            if let Some(visit) = visit {
                for row in rows.by_ref() {
                    match visit(&MysqlRow(row?)) {
                        Ok(ControlFlow::Continue(())) => {}
                        Ok(ControlFlow::Break(())) => break,
                        Err(error) => {
                            fallen = Some(error);
                            break;
                        }
                    }
                }
            }
            Ok(concerned)
        });
        let done = self.noting(done).map_err(fault);
        match fallen {
            Some(error) => Err(error),
            None => done,
        }
    }
}

/// Whether several statements may be said at a time. To a node of a Galera cluster none are: where another node's
/// writes undo the transaction between two of them, MariaDB 10.11 goes on with the second one outside of it, and COMMIT
/// keeps the half.
fn takes_many(connection: &mut Conn) -> mysql::Result<bool> {
    let mut answers =
        connection.query_iter("DO 0; SHOW VARIABLES WHERE Variable_name = 'wsrep_on' AND Value = 'ON'")?;
    let (mut number, mut is_of_cluster) = (0_usize, false);
    while let Some(mut answer) = answers.iter() {
        answer.try_for_each(|row| row.map(|_| is_of_cluster = true))?;
        number = number.saturating_add(1);
    }
    Ok(number == 2 && !is_of_cluster)
}

/// What is said to a connection that is not there.
pub(super) fn gone() -> mysql::Error {
    mysql::Error::IoError(std::io::ErrorKind::NotConnected.into())
}

/// Values as the driver wants them.
pub(super) fn owned(values: &[Value<'_>]) -> Vec<mysql::Value> {
    let of = |value: &Value<'_>| match value {
        Value::Null => mysql::Value::NULL,
        Value::Int(number) => mysql::Value::Int(*number),
        Value::Text(text) => mysql::Value::Bytes(text.as_bytes().to_vec()),
        Value::Blob(bytes) => mysql::Value::Bytes(bytes.to_vec()),
    };
    values.iter().map(of).collect()
}
