//! A question to a table of the ledger; rows that nobody can have written are told as unfit.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_application::queries::{UnfitReader, UnfitRow};
use holdfast_domain::ProductId;

use crate::sql::session::{Row, SqlSession, Value};

/// What a ledger is read of: everything, or one product.
pub(super) struct Asked {
    pub(super) product: Option<[u8; 16]>,
}

impl Asked {
    pub(super) fn of(product: Option<ProductId>) -> Self {
        Self { product: product.map(ProductId::to_bytes) }
    }

    /// The condition that a column with an item's number is asked for.
    pub(super) fn condition(&self, column: &str) -> String {
        match self.product {
            Some(_) => format!(" WHERE {column} = (SELECT number FROM items WHERE product = ?)"),
            None => String::new(),
        }
    }

    /// Its value.
    pub(super) fn values(&self) -> Vec<Value<'_>> {
        self.product.iter().map(|bytes| Value::Blob(bytes)).collect()
    }
}

/// A statement over a table, and how its rows are called.
pub(super) struct Question<'a> {
    pub(super) table: &'static str,
    pub(super) sql: &'a str,
    pub(super) values: &'a [Value<'a>],
    /// The key's columns and what each is called.
    pub(super) key: &'static [(usize, &'static str)],
}

impl Question<'_> {
    /// Tells every row; one that cannot be told is unfit, and so is a table whose rows do not come to an end.
    pub(super) fn ask<R: UnfitReader + ?Sized>(
        &self,
        session: &mut dyn SqlSession,
        reader: &mut R,
        mut tell: impl FnMut(&dyn Row, &mut R) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let read = session.query(self.sql, self.values, &mut |row| {
            if let Err(error) = tell(row, reader) {
                reader.unfit(self.unfit(name(row, self.key), &error));
            }
            Ok(ControlFlow::Continue(()))
        });
        match read {
            Err(error @ StoreError::Broken(_)) => {
                reader.unfit(self.unfit(String::new(), &error));
                Ok(())
            }
            read => read,
        }
    }

    pub(super) fn unfit(&self, row: String, error: &StoreError) -> UnfitRow {
        unfit(self.table, row, error)
    }
}

/// The rows of a table that `check` finds unfit; `key` names the key's columns.
pub(crate) fn unfit_rows(
    session: &mut dyn SqlSession,
    table: &'static str,
    sql: &str,
    key: &'static [(usize, &'static str)],
    mut check: impl FnMut(&dyn Row) -> Result<(), StoreError>,
) -> Result<Vec<UnfitRow>, StoreError> {
    struct Found(Vec<UnfitRow>);
    impl UnfitReader for Found {
        fn unfit(&mut self, row: UnfitRow) {
            self.0.push(row);
        }
    }
    let mut found = Found(Vec::new());
    Question { table, sql, values: &[], key }.ask(session, &mut found, |row, _| check(row))?;
    Ok(found.0)
}

/// A row that nobody can have written.
pub(super) fn unfit(table: &'static str, row: String, error: &StoreError) -> UnfitRow {
    let words = match error {
        StoreError::Broken(cause) => cause.to_string(),
        error => error.to_string(),
    };
    UnfitRow { table, row, words }
}

/// A row's key in words.
fn name(row: &dyn Row, key: &[(usize, &str)]) -> String {
    let member = |(column, what): &(usize, &str)| match row.int(*column) {
        Ok(number) => format!("{what} {number}"),
        Err(_) => match row.blob(*column) {
            Ok(bytes) => bytes.iter().fold(format!("{what} "), |words, byte| format!("{words}{byte:02x}")),
            Err(_) => format!("{what} unknown"),
        },
    };
    key.iter().map(member).collect::<Vec<String>>().join(", ")
}
