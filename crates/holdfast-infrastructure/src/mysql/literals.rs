//! Values as they stand in the text of a statement.
//!
//! Rows are written by statements of their exact number, hardly two of them alike, so preparing each would cost more
//! than it saves. Text stands between quotation marks only while it holds nothing that a mode of the session could read
//! otherwise; whatever else is written as hexadecimal digits, which all these databases put into any column as the
//! bytes they are.

use std::fmt::Write as _;

use crate::sql::session::Value;

/// Appends the values of one row: `(1, 'two', x'03', NULL)`.
pub(crate) fn push_row(sql: &mut String, row: &[Value<'_>]) {
    for (at, value) in row.iter().enumerate() {
        sql.push_str(if at == 0 { "(" } else { ", " });
        push(sql, value);
    }
    sql.push(')');
}

/// Appends one value.
pub(crate) fn push(sql: &mut String, value: &Value<'_>) {
    match value {
        Value::Null => sql.push_str("NULL"),
        Value::Int(number) => {
            let _ = write!(sql, "{number}"); // writing to a string does not fail
        }
        Value::Text(text) => push_text(sql, text),
        Value::Blob(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if is_plain(text) => push_text(sql, text),
            _ => push_hex(sql, bytes),
        },
    }
}

fn push_text(sql: &mut String, text: &str) {
    if !is_plain(text) {
        return push_hex(sql, text.as_bytes());
    }
    sql.push('\'');
    sql.push_str(text);
    sql.push('\'');
}

/// Whether text means itself between quotation marks, whatever the session's mode.
fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, b'\'' | b'\\') || byte.is_ascii_control())
}

/// Appends bytes as their digits.
pub(crate) fn push_hex(sql: &mut String, bytes: &[u8]) {
    sql.push_str("x'");
    for byte in bytes {
        for half in [byte >> 4, byte & 0xF] {
            sql.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    sql.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[Value<'_>]) -> String {
        let mut sql = String::new();
        push_row(&mut sql, values);
        sql
    }

    #[test]
    fn numbers_and_plain_text_stand_as_they_are() {
        assert_eq!(row(&[Value::Int(-7), Value::Null, Value::Text("größer; --")]), "(-7, NULL, 'größer; --')");
        assert_eq!(row(&[Value::Blob(b"{\"a\":1}"), Value::Text("")]), "('{\"a\":1}', '')");
    }

    #[test]
    fn what_could_be_read_otherwise_stands_as_digits() {
        assert_eq!(row(&[Value::Text("O'Neil")]), "(x'4f274e65696c')");
        assert_eq!(row(&[Value::Text("a\\")]), "(x'615c')");
        assert_eq!(row(&[Value::Text("a\0\n")]), "(x'61000a')");
        assert_eq!(row(&[Value::Blob(&[0xFF, 0x00])]), "(x'ff00')");
    }
}
