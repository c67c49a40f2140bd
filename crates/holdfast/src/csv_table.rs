//! Tables as comma-separated values (RFC 4180): read record by record with the line each begins on, and written.
//!
//! Read are UTF-8 with or without a byte order mark, lines that end in LF or CRLF, quoted fields with commas, quotes
//! and line breaks. A record that cannot be read does not keep the next one from being read.

use std::io::{self, BufRead};

use crate::bounded_line::read_line;

/// The most bytes a record may have: beyond, a quotation mark was surely not closed.
const RECORD_MAX: usize = 1 << 20;

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    /// Its fields.
    pub(crate) fields: Vec<String>,
}

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRecord {
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    /// What is wrong with it.
    pub(crate) detail: String,
}

/// A table that is being read: its header, then record by record.
#[derive(Debug)]
pub(crate) struct CsvTable<R> {
    input: R,
    lines_read: u64,
    header: Vec<String>,
}

/// Where in a record the reading stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the beginning of a field.
    Start,
    /// In a field without quotes.
    Plain,
    /// Within quotes.
    Quoted,
    /// Behind a quotation mark within quotes: it ends the field, or is the first of two.
    Closed,
}

impl<R: BufRead> CsvTable<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// The input cannot be read, or has no header that can be.
    pub(crate) fn open(input: R) -> Result<Self, String> {
        let mut table = Self { input, lines_read: 0, header: Vec::new() };
        match table.next_record().map_err(|error| error.to_string())? {
            None => Err("it is empty".to_owned()),
            Some(Err(bad)) => Err(format!("its header cannot be read: {}", bad.detail)),
            Some(Ok(record)) => {
                table.header = record.fields.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
                Ok(table)
            }
        }
    }

    /// The place of a column, whatever the capitals of its name.
    ///
    /// # Errors
    ///
    /// The name stands twice in the header.
    pub(crate) fn column(&self, name: &str) -> Result<Option<usize>, String> {
        let mut places = (0..).zip(&self.header).filter(|(_, known)| known.eq_ignore_ascii_case(name));
        let first = places.next().map(|(place, _)| place);
        match places.next() {
            Some(_) => Err(format!("the column {name} stands twice in the header")),
            None => Ok(first),
        }
    }

    /// The next record; `None` at the end. Empty lines are no records.
    ///
    /// # Errors
    ///
    /// The input cannot be read.
    pub(crate) fn next_record(&mut self) -> io::Result<Option<Result<Record, BadRecord>>> {
        let mut bytes = Vec::new();
        loop {
            let line = self.lines_read.saturating_add(1);
            bytes.clear();
            if !self.next_line(&mut bytes)? {
                return Ok(None);
            }
            if bytes.is_empty() {
                continue;
            }
            return self.record(line, bytes).map(Some);
        }
    }

    /// Reads a line without its end, and without a byte order mark. `false` at the end of the input.
    fn next_line(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        if !read_line(&mut self.input, bytes, RECORD_MAX)? {
            return Ok(false);
        }
        self.lines_read = self.lines_read.saturating_add(1);
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        if self.lines_read == 1 && bytes.starts_with(b"\xEF\xBB\xBF") {
            bytes.drain(..3);
        }
        Ok(true)
    }

    /// Splits a line into fields, and reads on while a quoted field does.
    fn record(&mut self, line: u64, mut bytes: Vec<u8>) -> io::Result<Result<Record, BadRecord>> {
        let bad = |detail: &str| Ok(Err(BadRecord { line, detail: detail.to_owned() }));
        let (mut fields, mut field, mut place) = (Vec::new(), Vec::new(), Place::Start);
        let mut size = 0_usize;
        loop {
            size = size.saturating_add(bytes.len());
            if size > RECORD_MAX {
                return bad("the record is longer than a mebibyte; a quotation mark may be missing");
            }
            for byte in bytes.drain(..) {
                place = match (place, byte) {
                    (Place::Start | Place::Plain | Place::Closed, b',') => {
                        fields.push(std::mem::take(&mut field));
                        Place::Start
                    }
                    (Place::Start, b'"') => Place::Quoted,
                    (Place::Quoted, b'"') => Place::Closed,
                    (Place::Closed, b'"') => {
                        field.push(b'"');
                        Place::Quoted
                    }
                    (Place::Closed, _) => return bad("there is text behind a closing quotation mark"),
                    (Place::Start | Place::Plain, other) => {
                        field.push(other);
                        Place::Plain
                    }
                    (Place::Quoted, other) => {
                        field.push(other);
                        Place::Quoted
                    }
                };
            }
            if place != Place::Quoted {
                break;
            }
            field.push(b'\n');
            if !self.next_line(&mut bytes)? {
                return bad("a quotation mark is never closed");
            }
        }
        fields.push(field);
        let texts: Result<Vec<String>, _> = fields.into_iter().map(String::from_utf8).collect();
        match texts {
            Err(_) => bad("the record is not UTF-8"),
            Ok(fields) if !self.header.is_empty() && fields.len() != self.header.len() => {
                bad(&format!("the record has {} fields, the header {}", fields.len(), self.header.len()))
            }
            Ok(fields) => Ok(Ok(Record { line, fields })),
        }
    }
}

/// Writes a record, with quotes where a field needs them.
pub(crate) fn write_record<'a>(
    output: &mut impl io::Write,
    fields: impl IntoIterator<Item = &'a str>,
) -> io::Result<()> {
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            output.write_all(b",")?;
        }
        if field.contains([',', '"', '\n', '\r']) {
            write!(output, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            output.write_all(field.as_bytes())?;
        }
    }
    output.write_all(b"\n")
}

#[cfg(test)]
mod tests;
