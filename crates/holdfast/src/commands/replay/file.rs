//! A file of events: one JSON object a line, plain or gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use flate2::read::MultiGzDecoder;

use super::event::{Event, Reading};
use crate::bounded_line::read_line;
use crate::exit::{Exit, Failure};

/// The longest line, in bytes: many times an order with all the lines it may have.
const LINE_MAX: usize = 16 << 20;
/// Chunks that are read ahead.
const READ_AHEAD: usize = 4;

/// Events read ahead, and lines that are none.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// The events.
    pub(super) events: Vec<Event>,
    /// Lines that are none, and why.
    pub(super) unreadable: Vec<(u64, String)>,
}

/// Opens a file, or standard input for `-`; gzip is told by its first bytes.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, Failure> {
    let unreadable =
        |error: io::Error| Failure::new(Exit::of_input(&error), format!("{} cannot be read: {error}", path.display()));
    let input: Box<dyn Read + Send> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(unreadable)?) };
    let mut input = BufReader::with_capacity(1 << 16, input);
    let is_gzip = input.fill_buf().map_err(unreadable)?.starts_with(&[0x1F, 0x8B]);
    if is_gzip {
        return Ok(Box::new(BufReader::with_capacity(1 << 17, MultiGzDecoder::new(input))));
    }
    Ok(Box::new(input))
}

/// Hands over all events in chunks of `size`, some of them read ahead. Where the work fails nobody waits for the reader:
/// it may wait for a line that does not come.
pub(super) fn each_chunk(
    lines: Box<dyn BufRead + Send>,
    reading: Reading,
    size: usize,
    work: &mut dyn FnMut(Chunk) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (sender, receiver) = sync_channel(READ_AHEAD);
    let reader = std::thread::spawn(move || read(lines, &reading, size, &sender));
    receiver.into_iter().try_for_each(|chunk| work(chunk?))?;
    reader.join().map_err(|_panic| Failure::new(Exit::Failed, "the events were not read to their end"))
}

/// Reads all events and sends them in chunks, until the end, an error, or nobody listens any more.
fn read(
    mut lines: Box<dyn BufRead + Send>,
    reading: &Reading,
    size: usize,
    chunks: &SyncSender<Result<Chunk, Failure>>,
) {
    let (mut line, mut number) = (Vec::new(), 0_u64);
    let mut chunk = Chunk::default();
    loop {
        line.clear();
        match read_line(&mut lines, &mut line, LINE_MAX) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                let words = format!("the events cannot be read beyond line {number}: {error}");
                // Whoever does not listen any more has a failure of its own.
                let _ = chunks.send(Ok(chunk));
                let _ = chunks.send(Err(Failure::new(Exit::Invalid, words)));
                return;
            }
        }
        number = number.saturating_add(1);
        let line = if number == 1 { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line) } else { &line };
        if line.trim_ascii().is_empty() {
            continue;
        }
        if line.len() > LINE_MAX {
            chunk.unreadable.push((number, format!("the line is longer than {} MiB", LINE_MAX >> 20)));
            continue;
        }
        match reading.decode(number, line) {
            Ok(Some(event)) => chunk.events.push(event),
            Ok(None) => {}
            Err(detail) => chunk.unreadable.push((number, detail)),
        }
        if chunk.events.len().saturating_add(chunk.unreadable.len()) >= size
            && chunks.send(Ok(std::mem::take(&mut chunk))).is_err()
        {
            return;
        }
    }
    let _ = chunks.send(Ok(chunk));
}
