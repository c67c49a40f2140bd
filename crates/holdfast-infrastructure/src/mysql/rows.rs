//! Rows that came back from MySQL.

use holdfast_application::ports::StoreError;
use mysql::consts::ColumnType;

use crate::sql::codec::broken;
use crate::sql::session::Row;

/// A row, of a prepared statement or of one that was said as text: then numbers come as their digits.
pub(crate) struct MysqlRow(pub(crate) mysql::Row);

impl MysqlRow {
    fn value(&self, column: usize) -> Result<&mysql::Value, StoreError> {
        self.0.as_ref(column).ok_or_else(|| broken(format!("no column {column}")))
    }

    /// Whether a column keeps whole numbers.
    fn is_number(&self, column: usize) -> bool {
        use ColumnType as Type;
        self.0.columns_ref().get(column).is_some_and(|column| {
            matches!(
                column.column_type(),
                Type::MYSQL_TYPE_TINY
                    | Type::MYSQL_TYPE_SHORT
                    | Type::MYSQL_TYPE_INT24
                    | Type::MYSQL_TYPE_LONG
                    | Type::MYSQL_TYPE_LONGLONG
            )
        })
    }
}

fn other_type(column: usize) -> StoreError {
    broken(format!("a value of another type in column {column}"))
}

impl Row for MysqlRow {
    fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.int_or_null(column)?.ok_or_else(|| other_type(column))
    }

    fn int_or_null(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.value(column)? {
            mysql::Value::NULL => Ok(None),
            mysql::Value::Int(number) => Ok(Some(*number)),
            mysql::Value::UInt(number) => i64::try_from(*number).map(Some).map_err(|_too_large| other_type(column)),
            mysql::Value::Bytes(digits) if self.is_number(column) => {
                let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
                number.map(Some).ok_or_else(|| other_type(column))
            }
            _ => Err(other_type(column)),
        }
    }

    fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.text_or_null(column)?.ok_or_else(|| other_type(column))
    }

    fn text_or_null(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.value(column)? {
            mysql::Value::NULL => Ok(None),
            mysql::Value::Bytes(bytes) if !self.is_number(column) => {
                std::str::from_utf8(bytes).map(Some).map_err(|_not_text| broken("bytes that are no text"))
            }
            _ => Err(other_type(column)),
        }
    }

    fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.value(column)? {
            mysql::Value::NULL => Ok(&[]),
            mysql::Value::Bytes(bytes) if !self.is_number(column) => Ok(bytes),
            _ => Err(other_type(column)),
        }
    }
}
