//! The latest events, kept for everybody who listens: a bounded buffer that each reads at a pace of their own. Whoever
//! is slower than what happens falls out at its end, and nobody else waits.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::position::{Sent, StreamPosition};
use crate::events::{EventKind, PlaceInStream};
use crate::queries::LedgerPlace;

/// How much is kept, and for how many.
#[derive(Clone, Copy, Debug)]
pub struct StreamLimits {
    /// The most who listen at a time.
    pub streams_max: usize,
    /// The most bytes of events that are kept.
    pub buffer_bytes: usize,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { streams_max: 256, buffer_bytes: 16 << 20 }
    }
}

/// An event as it is kept.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) kind: EventKind,
    pub(super) at: PlaceInStream,
    pub(super) position: StreamPosition,
    /// As it is sent.
    pub(super) text: String,
}

/// What is kept.
#[derive(Debug)]
struct Ring {
    kept: VecDeque<Told>,
    bytes: usize,
    /// The number of the event that comes next.
    next: u64,
    /// Behind the last event.
    tip: StreamPosition,
    /// Whether events arrive: whoever listens from now on misses none.
    is_fed: bool,
    is_closed: bool,
    listeners: usize,
    /// Since when nobody listens.
    left_at: Option<Instant>,
    waiting: HashMap<u64, Waker>,
    /// What the next listener is called.
    names: u64,
}

impl Ring {
    /// The number of the oldest event that is kept.
    fn first(&self) -> u64 {
        self.next.saturating_sub(u64::try_from(self.kept.len()).unwrap_or(u64::MAX))
    }

    fn wake(&mut self) -> Vec<Waker> {
        self.waiting.drain().map(|(_, waker)| waker).collect()
    }
}

/// The latest events.
#[derive(Debug)]
pub struct RecentEvents {
    ring: Mutex<Ring>,
    /// Somebody came to listen, or it was closed.
    called: Condvar,
    limits: StreamLimits,
    /// What tells this buffer from every other: no secret, only a different number every time.
    name: u64,
}

/// Somebody who listens; counted for as long as it lives.
#[derive(Debug)]
pub struct Listener {
    events: Arc<RecentEvents>,
    name: u64,
    /// The number of the event that is heard next.
    next: u64,
}

/// What a listener hears.
#[derive(Debug, PartialEq, Eq)]
pub enum Passed {
    /// Events, as they are sent.
    Events(Vec<u8>),
    /// Events that were not heard are not kept any more.
    TooSlow,
    /// The service stops.
    Closed,
}

impl RecentEvents {
    /// An empty buffer that nobody listens to.
    pub fn new(limits: StreamLimits) -> Arc<Self> {
        let ring = Ring {
            kept: VecDeque::new(),
            bytes: 0,
            next: 0,
            tip: StreamPosition::behind(LedgerPlace::START),
            is_fed: false,
            is_closed: false,
            listeners: 0,
            left_at: None,
            waiting: HashMap::new(),
            names: 0,
        };
        let name = RandomState::new().hash_one("events") >> 16;
        Arc::new(Self { ring: Mutex::new(ring), called: Condvar::new(), limits, name })
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody listens from now on, unless too many do already.
    pub fn listen(self: &Arc<Self>) -> Option<Listener> {
        let mut ring = self.ring();
        if ring.is_closed || ring.listeners >= self.limits.streams_max {
            return None;
        }
        ring.listeners = ring.listeners.saturating_add(1);
        ring.left_at = None;
        ring.names = ring.names.saturating_add(1);
        let (name, next) = (ring.names, ring.next);
        drop(ring);
        self.called.notify_all();
        Some(Listener { events: self.clone(), name, next })
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.ring().listeners
    }

    /// Ends every stream, and what feeds them.
    pub fn close(&self) {
        let mut ring = self.ring();
        ring.is_closed = true;
        let wakers = ring.wake();
        drop(ring);
        self.called.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Waits until somebody listens; `false` when the buffer was closed.
    pub(super) fn wait_for_listeners(&self) -> bool {
        let mut ring = self.ring();
        while ring.listeners == 0 && !ring.is_closed {
            ring = self.called.wait(ring).unwrap_or_else(PoisonError::into_inner);
        }
        !ring.is_closed
    }

    /// Whether the buffer was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.ring().is_closed
    }

    /// Whether to go on: not when it was closed, nor when nobody has listened for so long. Then nothing arrives any
    /// more until it begins anew, and nothing is kept: it would not be all that happened.
    pub(super) fn goes_on(&self, deserted_for: Duration) -> bool {
        let mut ring = self.ring();
        let is_deserted = ring.listeners == 0 && ring.left_at.is_none_or(|left| left.elapsed() >= deserted_for);
        if is_deserted || ring.is_closed {
            ring.kept.clear();
            ring.bytes = 0;
            ring.is_fed = false;
        }
        ring.is_fed
    }

    /// Events arrive from now on, behind this place.
    pub(super) fn begin(&self, tip: LedgerPlace) {
        let mut ring = self.ring();
        ring.kept.clear();
        ring.bytes = 0;
        (ring.tip, ring.is_fed) = (StreamPosition::behind(tip), true);
        let wakers = ring.wake();
        drop(ring);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// What the next event is numbered: only one thread appends.
    pub(super) fn next(&self) -> Sent {
        Sent { by: self.name, number: self.ring().next }
    }

    /// Keeps events, numbered one after the other.
    pub(super) fn append(&self, events: Vec<Told>) {
        let mut ring = self.ring();
        for told in events {
            ring.bytes = ring.bytes.saturating_add(told.text.len());
            ring.tip = told.position;
            ring.next = ring.next.saturating_add(1);
            ring.kept.push_back(told);
        }
        while ring.bytes > self.limits.buffer_bytes && ring.kept.len() > 1 {
            let Some(oldest) = ring.kept.pop_front() else { break };
            ring.bytes = ring.bytes.saturating_sub(oldest.text.len());
        }
        let wakers = ring.wake();
        drop(ring);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// Where a listener is, for whoever wants to go on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    next: u64,
    position: StreamPosition,
}

impl Listener {
    /// Waits until events arrive.
    pub fn poll_fed(&self, context: &Context<'_>) -> Poll<()> {
        let mut ring = self.events.ring();
        if ring.is_fed || ring.is_closed {
            return Poll::Ready(());
        }
        ring.waiting.insert(self.name, context.waker().clone());
        Poll::Pending
    }

    /// Where events arrive at present.
    pub fn mark(&self) -> Mark {
        let ring = self.events.ring();
        Mark { next: ring.next, position: ring.tip }
    }

    /// Goes on from there, and says where that is.
    pub fn go_on_from(&mut self, mark: Mark) -> StreamPosition {
        self.next = mark.next;
        mark.position
    }

    /// Goes on behind a position that this buffer has handed out, if everything since is still kept.
    pub fn go_on_behind(&mut self, position: StreamPosition) -> bool {
        let ring = self.events.ring();
        let Some(sent) = position.sent.filter(|sent| sent.by == self.events.name) else { return false };
        let next = sent.number.saturating_add(1);
        let is_kept = ring.is_fed && (ring.first()..=ring.next).contains(&next);
        drop(ring);
        if is_kept {
            self.next = next;
        }
        is_kept
    }

    /// The events behind those heard so far that are `wanted`, up to about `bytes_max` bytes of them, and in `passed`
    /// the position behind all that was looked at.
    pub fn poll_events(
        &mut self,
        context: &Context<'_>,
        bytes_max: usize,
        passed: &mut Option<StreamPosition>,
        mut wanted: impl FnMut(EventKind, &PlaceInStream) -> bool,
    ) -> Poll<Passed> {
        let mut ring = self.events.ring();
        if ring.is_closed {
            return Poll::Ready(Passed::Closed);
        }
        if self.next < ring.first() {
            return Poll::Ready(Passed::TooSlow);
        }
        let heard = usize::try_from(self.next.saturating_sub(ring.first())).unwrap_or(usize::MAX);
        let mut texts = Vec::new();
        for kept in ring.kept.iter().skip(heard) {
            if texts.len() >= bytes_max {
                break;
            }
            self.next = self.next.saturating_add(1);
            *passed = Some(kept.position);
            if wanted(kept.kind, &kept.at) {
                texts.extend_from_slice(kept.text.as_bytes());
            }
        }
        if texts.is_empty() {
            ring.waiting.insert(self.name, context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Passed::Events(texts))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut ring = self.events.ring();
        ring.listeners = ring.listeners.saturating_sub(1);
        ring.waiting.remove(&self.name);
        if ring.listeners == 0 {
            ring.left_at = Some(Instant::now());
        }
    }
}
