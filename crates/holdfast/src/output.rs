//! What a command says on standard output: tables on a terminal, JSON lines when piped or asked for.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::exit::Failure;

/// The results of a command on their way to standard output.
pub(crate) struct Output {
    writer: BufWriter<StdoutLock<'static>>,
    for_people: bool,
}

impl Output {
    /// Standard output: for people on a terminal (or with `HOLDFAST_OUTPUT=table`), unless `json` is wanted.
    pub(crate) fn new(json: bool) -> Self {
        let stdout = io::stdout();
        let asked = std::env::var("HOLDFAST_OUTPUT").is_ok_and(|wanted| wanted == "table");
        let for_people = !json && (asked || stdout.is_terminal());
        Self { writer: BufWriter::new(stdout.lock()), for_people }
    }

    /// Whether a person reads it.
    pub(crate) const fn is_for_people(&self) -> bool {
        self.for_people
    }

    /// One thing: a line of JSON, or a block of names and values.
    pub(crate) fn object(&mut self, object: &Value) -> Result<(), Failure> {
        if !self.for_people {
            return self.json(object);
        }
        let mut table = plain_table();
        for (name, value) in object.as_object().into_iter().flatten() {
            table.add_row([name.clone(), plain(value)]);
        }
        self.text(&table.to_string())
    }

    /// A list: a line of JSON per row, or a table. `columns` picks and orders the members that people see.
    pub(crate) fn rows(&mut self, columns: &[&str], rows: &[Value]) -> Result<(), Failure> {
        if !self.for_people {
            return rows.iter().try_for_each(|row| self.json(row));
        }
        let mut table = plain_table();
        table.set_header(columns);
        for row in rows {
            table.add_row(columns.iter().map(|column| row.get(column).map_or_else(String::new, plain)));
        }
        self.text(&table.to_string())
    }

    /// A line of JSON.
    pub(crate) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.text(&value.to_string())
    }

    /// A line of text.
    pub(crate) fn text(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.writer, "{line}").and_then(|()| self.writer.flush()).map_err(|error| Failure::output(&error))
    }
}

/// How wide a table is on a terminal that does not tell its size.
const COLUMNS_UNTOLD: u16 = 100;

fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if io::stdout().is_terminal() {
        table.set_width(columns(table.width()));
    }
    table
}

/// The columns of a terminal: what it tells, unless that is nothing.
fn columns(told: Option<u16>) -> u16 {
    told.filter(|columns| *columns > 0).unwrap_or(COLUMNS_UNTOLD)
}

/// A value as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let members: Vec<String> = members.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect();
            members.join(", ")
        }
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_tells_no_size_gets_tables_of_a_hundred_columns() {
        assert_eq!([Some(80), Some(0), None].map(columns), [80, 100, 100]);
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(columns(Some(0)));
        table.add_row(["reservation.ttl_default".to_owned(), "a word and ".repeat(20)]);
        let longest = table.to_string().lines().map(str::len).max();
        assert!(longest.is_some_and(|longest| (80..=100).contains(&longest)), "{table}");
    }
}
