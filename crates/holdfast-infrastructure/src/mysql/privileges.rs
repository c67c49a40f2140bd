//! What a user who writes must be granted: one who lacks it is told at the start, not by the first request.

use mysql::prelude::Queryable as _;
use mysql::{Conn, Error};

use crate::mysql::connect::Address;
use crate::mysql::schema;

/// Where rows are added.
const ADDED_TO: &[&str] = &[
    "alerts",
    "answers",
    "dead_letters",
    "items",
    "levels",
    "locations",
    "movements",
    "orders",
    "outbox",
    "reservations",
    "stock",
    "waiting_payments",
];

/// Where rows are changed, and one of their columns.
const CHANGED: &[(&str, &str)] = &[
    ("dead_letters", "status"),
    ("items", "name"),
    ("leases", "holder"),
    ("levels", "available"),
    ("numbers", "next_free"),
    ("orders", "status"),
    ("reservations", "status"),
    ("stock", "version"),
    ("waiting_payments", "`until`"),
];

/// Where rows are removed.
const REMOVED_FROM: &[&str] = &["answers", "dead_letters", "outbox", "waiting_payments"];

/// A statement that is explained and never run, for which the user must have this privilege on this table.
struct Trial {
    privilege: &'static str,
    table: &'static str,
    statement: String,
}

fn trials() -> impl Iterator<Item = Trial> {
    let trial = |privilege, table, statement| Trial { privilege, table, statement };
    let read = schema::tables().into_iter();
    let read = read.map(move |table| trial("SELECT", table, format!("SELECT 1 FROM {table} WHERE 1 = 0")));
    let added = ADDED_TO.iter();
    let added = added.map(move |table| trial("INSERT", table, format!("INSERT INTO {table} () VALUES ()")));
    let changed = CHANGED.iter().map(move |(table, column)| {
        trial("UPDATE", table, format!("UPDATE {table} SET {column} = {column} WHERE 1 = 0"))
    });
    let removed = REMOVED_FROM.iter();
    let removed = removed.map(move |table| trial("DELETE", table, format!("DELETE FROM {table} WHERE 1 = 0")));
    read.chain(added).chain(changed).chain(removed)
}

/// What the user of `address`, whose connection this is, may not do and must: a sentence for each privilege.
pub(crate) fn lacking(connection: &mut Conn, address: &Address) -> mysql::Result<Vec<String>> {
    let mut lacking: Vec<(&str, Vec<&str>)> = Vec::new();
    for Trial { privilege, table, statement } in trials() {
        if !is_denied(connection.query_drop(format!("EXPLAIN {statement}")))? {
            continue;
        }
        match lacking.last_mut().filter(|(last, _)| *last == privilege) {
            Some((_, tables)) => tables.push(table),
            None => lacking.push((privilege, vec![table])),
        }
    }
    let sentence = |(privilege, tables): (&str, Vec<&str>)| {
        format!("the user {:?} lacks the privilege {privilege} on {}", address.user(), tables.join(", "))
    };
    Ok(lacking.into_iter().map(sentence).collect())
}

/// Whether a privilege is missing, on a table or on a column of it. What else a server says of such a statement is of
/// no interest.
fn is_denied(explained: mysql::Result<()>) -> mysql::Result<bool> {
    match explained {
        Ok(()) => Ok(false),
        Err(Error::MySqlError(told)) => Ok(matches!(told.code, 1142 | 1143)),
        Err(other) => Err(other),
    }
}
