//! Somebody who receives webhooks: answers as a story wants, and checks signatures by the book (RFC 2104, Standard
//! Webhooks).

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::broker::Published;

/// How long events may take on their way.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Answers with this status.
    Status(u16),
    /// Answers with this status and asks to be left alone for some seconds.
    After(u16, u32),
    /// Sends elsewhere.
    Redirect,
    /// Hangs up without an answer.
    HangUp,
    /// Never answers.
    Silence,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
    pub(crate) reply: Reply,
}

impl Received {
    /// The event in it.
    pub(crate) fn event(&self) -> Published {
        let event: Value = serde_json::from_str(&self.body).expect("an event is JSON");
        let headers = [("ce_type".to_owned(), event["type"].as_str().expect("a type").to_owned())];
        let key = event["partitionkey"].as_str().expect("a key").to_owned();
        Published { key, headers: headers.into(), value: event["data"].clone() }
    }

    /// The signature that a secret gives, worked out by hand.
    pub(crate) fn signature(&self, secret: &str) -> String {
        let mut key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a prefix")).expect("base64");
        assert!(key.len() <= 64, "longer keys would be hashed first");
        key.resize(64, 0);
        let padded = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
        let signed = format!("{}.{}.{}", self.headers["webhook-id"], self.headers["webhook-timestamp"], self.body);
        let inner = Sha256::new().chain_update(padded(0x36)).chain_update(signed).finalize();
        let outer = Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize();
        format!("v1,{}", STANDARD.encode(outer))
    }
}

/// An HTTP server that receives webhooks.
pub(crate) struct Receiver {
    port: u16,
    is_encrypted: bool,
    came: Arc<Mutex<Vec<Received>>>,
    connections: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Receiver {
    /// One that replies to the nth request, counted from 0, as `reply` says.
    pub(crate) fn start(reply: impl Fn(usize, &Value) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_over(None, reply)
    }

    /// One over TLS, for `localhost`, with the server's certificate and key that stand in a folder.
    pub(crate) fn start_encrypted(
        folder: &Path,
        reply: impl Fn(usize, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
        Self::start_over(Some(Arc::new(config.expect("they belong together"))), reply)
    }

    fn start_over(
        tls: Option<Arc<ServerConfig>>,
        reply: impl Fn(usize, &Value) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let is_encrypted = tls.is_some();
        let receiver =
            Self { port, is_encrypted, came: Arc::default(), connections: Arc::default(), is_over: Arc::default() };
        let (came, connections, is_over) =
            (receiver.came.clone(), receiver.connections.clone(), receiver.is_over.clone());
        let reply = Arc::new(reply);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                connections.fetch_add(1, Ordering::Relaxed);
                let (stream, came, reply) = (stream.expect("a connection"), came.clone(), reply.clone());
                // A client that is killed breaks off.
                let tls = tls.clone();
                std::thread::spawn(move || match tls {
                    Some(tls) => {
                        let session = ServerConnection::new(tls).expect("a session");
                        serve(StreamOwned::new(session, stream), &came, &*reply)
                    }
                    None => serve(stream, &came, &*reply),
                });
            }
        });
        receiver
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let start = if self.is_encrypted { "https://localhost" } else { "http://127.0.0.1" };
        format!("{start}:{}/hooks", self.port)
    }

    /// Its port.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// How often somebody has connected.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Everything that came so far.
    pub(crate) fn came(&self) -> Vec<Received> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The events that were taken so far, as they came.
    pub(crate) fn taken(&self) -> Vec<Published> {
        self.came().iter().filter(|came| came.reply == Reply::Status(200)).map(Received::event).collect()
    }

    /// Waits until something holds of what came.
    pub(crate) fn wait_until(&self, holds: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let asked = Instant::now();
        loop {
            let came = self.came();
            if holds(&came) {
                return came;
            }
            assert!(asked.elapsed() < PATIENCE, "{} requests came", came.len());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the listener, which may be gone.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Takes requests from one connection until it ends.
fn serve<S: Read + Write>(
    stream: S,
    came: &Mutex<Vec<Received>>,
    reply: &dyn Fn(usize, &Value) -> Reply,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (headers, body) = request(&mut reader)?;
        let event: Value = serde_json::from_str(&body).expect("an event is JSON");
        let said = {
            let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
            let said = reply(came.len(), &event);
            came.push(Received { headers, body, reply: said });
            said
        };
        let stream = reader.get_mut();
        match said {
            Reply::HangUp => return None,
            Reply::Silence => std::thread::sleep(Duration::from_hours(1)),
            Reply::Status(status) => write!(stream, "HTTP/1.1 {status} So\r\nContent-Length: 2\r\n\r\nok").ok()?,
            Reply::After(status, seconds) => {
                write!(stream, "HTTP/1.1 {status} So\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n").ok()?;
            }
            Reply::Redirect => {
                write!(stream, "HTTP/1.1 307 So\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n").ok()?;
            }
        }
    }
}

/// Reads one request: its headers by their names in small letters, and its body.
fn request(reader: &mut BufReader<impl Read>) -> Option<(HashMap<String, String>, String)> {
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        match line.split_once(": ") {
            Some((name, value)) => {
                headers.insert(name.to_lowercase(), value.to_owned());
            }
            None => assert_eq!(line, "POST /hooks HTTP/1.1"),
        }
    }
    let mut body = vec![0; headers["content-length"].parse().expect("a length")];
    reader.read_exact(&mut body).ok()?;
    Some((headers, String::from_utf8(body).expect("text")))
}
