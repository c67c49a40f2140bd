//! One stream: its pieces, one after the other.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_application::events::{EventKind, EventSet, PlaceInStream};
use holdfast_application::stream::{Listener, Passed, StreamPosition};
use tokio::time::{Instant, timeout_at};

use super::catching_up::{AlreadySent, CatchingUp, Page};
use crate::state::Service;

/// How long a stream says nothing.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// How many bytes of events are handed over at a time, roughly: what a connection holds of a reader that does not read.
const PIECE_BYTES: usize = 64 << 10;
/// What a stream begins with: after how many milliseconds a client that lost it comes back.
const WELCOME: &str = ": listening\nretry: 1000\n";

/// What somebody wants to hear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Only of this product.
    pub(super) product: Option<[u8; 16]>,
    /// Only these kinds.
    pub(super) kinds: EventSet,
}

impl Wanted {
    /// Whether this is wanted.
    pub(super) fn has(&self, kind: EventKind, at: &PlaceInStream) -> bool {
        self.kinds.has(kind) && self.product.is_none_or(|product| product == at.key)
    }
}

/// How far a stream is.
#[derive(Debug)]
enum Stage {
    /// Its first piece is ready.
    Welcome(String),
    /// It reads in the ledger what happened since.
    CatchingUp(Box<CatchingUp>),
    /// It hears what happens.
    Live,
    /// It has ended.
    Over,
}

/// One stream.
pub(super) struct Listening {
    service: Arc<Service>,
    listener: Listener,
    wanted: Wanted,
    stage: Stage,
    /// What comes after the first piece, for one who comes back.
    behind: Option<StreamPosition>,
    /// What was read in the ledger and may be heard once more.
    already: AlreadySent,
    /// Behind everything that was looked at, and what the client knows of that.
    passed: Option<StreamPosition>,
    told: Option<StreamPosition>,
    speaks_by: Instant,
}

impl Drop for Listening {
    fn drop(&mut self) {
        metrics::gauge!("holdfast_event_streams").decrement(1);
    }
}

impl Listening {
    /// A stream of what happens from now on, or since a position.
    pub(super) fn begin(
        service: Arc<Service>,
        mut listener: Listener,
        wanted: Wanted,
        after: Option<StreamPosition>,
    ) -> Self {
        metrics::gauge!("holdfast_event_streams").increment(1);
        let mut passed = None;
        let behind = after.filter(|position| !listener.go_on_behind(*position));
        let welcome = if after.is_none() {
            let mark = listener.mark();
            let now = listener.go_on_from(mark);
            passed = Some(now);
            // An id without data is no event: a client that is cut off before the first one knows where it was.
            format!("{WELCOME}id: {now}\n\n")
        } else {
            format!("{WELCOME}\n")
        };
        let stage = Stage::Welcome(welcome);
        let (already, told) = (AlreadySent::default(), passed);
        Self { service, listener, wanted, stage, behind, already, passed, told, speaks_by: in_a_while() }
    }

    /// The next piece, and the stream behind it; `None` when it has ended.
    pub(super) async fn go_on(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            let piece = match &mut self.stage {
                Stage::Over => return None,
                Stage::Welcome(_) => self.welcome(),
                Stage::CatchingUp(_) => self.catch_up().await,
                Stage::Live => self.hear().await,
            };
            if !piece.is_empty() {
                self.speaks_by = in_a_while();
                return Some((Ok(piece.into()), self));
            }
        }
    }

    fn welcome(&mut self) -> Vec<u8> {
        let next = match self.behind.take() {
            Some(position) => Stage::CatchingUp(Box::new(CatchingUp::behind(position))),
            None => Stage::Live,
        };
        let Stage::Welcome(words) = std::mem::replace(&mut self.stage, next) else { return Vec::new() };
        words.into_bytes()
    }

    async fn catch_up(&mut self) -> Vec<u8> {
        let Stage::CatchingUp(catching_up) = &mut self.stage else { return Vec::new() };
        let page = catching_up.next(&self.service, &self.listener, &self.wanted, &mut self.already).await;
        match page {
            Ok(Page::Read(texts)) => texts,
            Ok(Page::End(mark)) => {
                self.listener.go_on_from(mark);
                self.already.heard_from_now_on();
                self.stage = Stage::Live;
                Vec::new()
            }
            Err(problem) => self.end(Some(problem.code().as_str())),
        }
    }

    async fn hear(&mut self) -> Vec<u8> {
        let Self { listener, wanted, already, passed, .. } = self;
        let heard = poll_fn(|context| {
            listener.poll_events(context, PIECE_BYTES, passed, |kind, at| !already.has(at) && wanted.has(kind, at))
        });
        match timeout_at(self.speaks_by, heard).await {
            Ok(Passed::Events(texts)) => {
                self.told = self.passed;
                texts
            }
            Ok(Passed::TooSlow) => self.end(Some("too_slow")),
            Ok(Passed::Closed) => self.end(None),
            Err(_silent) => {
                let news = self.passed.filter(|_| self.passed != self.told);
                self.told = self.passed;
                let id = news.map_or_else(String::new, |position| format!("id: {position}\n"));
                format!(": still listening\n{id}\n").into_bytes()
            }
        }
    }

    /// Ends the stream: its client is told why, unless the service stops.
    fn end(&mut self, why: Option<&'static str>) -> Vec<u8> {
        self.stage = Stage::Over;
        let Some(reason) = why else { return b": the service stops\n\n".to_vec() };
        metrics::counter!("holdfast_event_streams_dropped_total", "reason" => reason).increment(1);
        format!("event: dropped\ndata: {{\"reason\":\"{reason}\"}}\n\n").into_bytes()
    }
}

fn in_a_while() -> Instant {
    let now = Instant::now();
    now.checked_add(SILENCE_MAX).unwrap_or(now)
}
