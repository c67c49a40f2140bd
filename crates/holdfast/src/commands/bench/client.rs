//! Connections that cost little: prepared requests, and of an answer only status and length are read.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::Tally;
use crate::exit::{Exit, Failure};

/// What one connection asks, one request after the other.
pub(super) trait Script: Send {
    /// Prepares the next request and says when it is due; `None` at the end.
    fn next(&mut self, request: &mut Vec<u8>) -> Option<Instant>;
    /// Notes an answer.
    fn heard(&mut self, status: u16, body: &[u8], tally: &mut Tally);
}

/// A script among others.
pub(super) fn boxed(script: impl Script + 'static) -> Box<dyn Script> {
    Box::new(script)
}

/// A `POST` with a JSON body.
pub(super) fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: holdfast\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A `GET`.
pub(super) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: holdfast\r\n\r\n").into_bytes()
}

/// Lets every script run over a connection of its own, to each of `addresses` in turn; all of them share one thread, so
/// that the load costs little of what it measures.
pub(super) fn drive(addresses: &[SocketAddr], scripts: Vec<Box<dyn Script>>) -> Result<Tally, Failure> {
    let cannot = |error: io::Error| Failure::failed("the load cannot be made", &error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for (script, address) in scripts.into_iter().zip(addresses.iter().copied().cycle()) {
            let connection = Connection::open(address).await.map_err(|error| away(address, &error))?;
            tasks.push((address, tokio::spawn(follow(connection, script))));
        }
        let mut all = Tally::default();
        for (address, task) in tasks {
            let followed = task.await.map_err(|error| Failure::failed("a connection died", &error))?;
            all.join(followed.map_err(|error| away(address, &error))?);
        }
        Ok(all)
    })
}

/// Sends one request and returns status and body.
pub(super) fn ask_once(address: SocketAddr, requests: &[Vec<u8>]) -> Result<Vec<(u16, Vec<u8>)>, Failure> {
    let cannot = |error: io::Error| away(address, &error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let asked = runtime.block_on(async {
        let mut connection = Connection::open(address).await?;
        let mut answers = Vec::new();
        for request in requests {
            let (status, body) = connection.ask(request).await?;
            answers.push((status, body.to_vec()));
        }
        Ok(answers)
    });
    asked.map_err(cannot)
}

fn away(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::new(Exit::Later, format!("{address} does not answer: {error}"))
}

async fn follow(mut connection: Connection, mut script: Box<dyn Script>) -> io::Result<Tally> {
    let (mut tally, mut request) = (Tally::default(), Vec::new());
    while let Some(due) = script.next(&mut request) {
        if due > Instant::now() {
            tokio::time::sleep_until(due.into()).await;
        }
        let (status, body) = connection.ask(&request).await?;
        // From when it was due, not from when it was sent: a service that stalls does not get fewer questions.
        tally.took(due.elapsed());
        script.heard(status, body, &mut tally);
    }
    Ok(tally)
}

/// A connection that is kept alive.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    piece: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let mut tries = 0_u32;
        let stream = loop {
            match TcpStream::connect(address).await {
                Ok(stream) => break stream,
                // Many connections at once may be more than the backlog holds.
                Err(_) if tries < 10 => {
                    tries = tries.saturating_add(1);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error),
            }
        };
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4_096), piece: vec![0; 16_384] })
    }

    async fn ask(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.send(request).await?;
        self.buffer.clear();
        let mut wanted = None;
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.piece) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.buffer.extend_from_slice(self.piece.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            let (status, start, end) = match wanted {
                Some(known) => known,
                None => match read_head(&self.buffer)? {
                    Some(head) => *wanted.insert(head),
                    None => continue,
                },
            };
            if self.buffer.len() >= end {
                return Ok((status, self.buffer.get(start..end).unwrap_or_default()));
            }
        }
    }

    async fn send(&self, mut rest: &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Status, and where the body starts and ends; `None` while the head is not complete.
fn read_head(bytes: &[u8]) -> io::Result<Option<(u16, usize, usize)>> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let odd = || io::Error::new(io::ErrorKind::InvalidData, "an answer that is not understood");
    let text = bytes.get(..head).and_then(|head| std::str::from_utf8(head).ok()).ok_or_else(odd)?;
    let status = text.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(odd)?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    let start = head.saturating_add(4);
    Ok(Some((status, start, start.saturating_add(length.ok_or_else(odd)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_answer_status_and_length_are_read() {
        let answer = b"HTTP/1.1 409 Conflict\r\nX: y\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(read_head(answer).expect("understood"), Some((409, 50, 52)));
        assert_eq!(read_head(b"HTTP/1.1 409 Con").expect("understood"), None);
        assert!(read_head(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
