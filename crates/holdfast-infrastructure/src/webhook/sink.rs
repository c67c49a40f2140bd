//! An endpoint as a place where events go: one after the other, of each key in order.
//!
//! What fails is remembered here with a time before which it is not tried again: a key whose event is refused, and the
//! whole endpoint when it is away or refuses one key after another.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use holdfast_application::events::{OutgoingEvent, Stream, cloud_event};
use holdfast_application::ports::EventSink;
use holdfast_domain::Timestamp;

use super::endpoint::Endpoint;
use super::pauses::Pause;
use super::post::{Message, Outcome, Poster};
use super::signature;

/// How long events are posted before those that were taken are told of: a crash then repeats no more than this.
const STEP: Duration = Duration::from_millis(500);
/// When so many keys were refused one after the other, the endpoint is taken to be ill.
const REFUSED_KEYS_MAX: usize = 5;

/// Tells the time that endpoints compare with their own.
pub type WallClock = Box<dyn Fn() -> Timestamp + Send>;

type Key = (Stream, [u8; 16]);

const fn key_of(event: &OutgoingEvent) -> Key {
    (event.place.stream, event.place.key)
}

/// An endpoint as a place where events go.
pub struct WebhookSink {
    endpoint: Endpoint,
    wall_clock: WallClock,
    /// None at first, and where an answer may still come that nobody waits for.
    poster: Option<Poster>,
    /// It wants no more events.
    is_gone: bool,
    /// The pause of the whole endpoint.
    pause: Pause,
    /// The pauses of keys whose next event was refused.
    keys: HashMap<Key, Pause>,
    /// Keys that were refused since something was taken, or the endpoint paused.
    refused: HashSet<Key>,
    /// The key that was posted last: the next ones come after it, so that all have their turn.
    last: Option<Key>,
    /// Why something is not taken at present.
    fault: Option<String>,
}

impl std::fmt::Debug for WebhookSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookSink").field("endpoint", &self.endpoint.name).finish_non_exhaustive()
    }
}

impl WebhookSink {
    /// A sink with no connection yet.
    pub fn new(endpoint: Endpoint, wall_clock: WallClock) -> Self {
        Self {
            endpoint,
            wall_clock,
            poster: None,
            is_gone: false,
            pause: Pause::default(),
            keys: HashMap::new(),
            refused: HashSet::new(),
            last: None,
            fault: None,
        }
    }

    /// Posts an event.
    fn post(&mut self, event: &OutgoingEvent, give_up: &dyn Fn() -> bool) -> Outcome {
        let Ok(body) = cloud_event::structured(event, &self.endpoint.source) else {
            return Outcome::Unfit;
        };
        let id = event.place.event_id();
        let seconds = (self.wall_clock)().since(Timestamp::EPOCH).as_secs().to_string();
        let signatures = signature::signatures(&self.endpoint.secrets, &id, &seconds, &body);
        let poster = match self.poster.take().map_or_else(|| Poster::start(&self.endpoint), Ok) {
            Ok(poster) => poster,
            Err(error) => return Outcome::Away { fault: error.to_string(), asked: None },
        };
        let outcome = poster.post(Message { id, seconds, signatures, body }, give_up);
        if outcome != Outcome::Unknown {
            self.poster = Some(poster);
        }
        outcome
    }

    /// Remembers what became of an event of `key`; says whether it was taken.
    fn note(&mut self, key: Key, outcome: Outcome) -> bool {
        let fault = match outcome {
            Outcome::Taken => {
                self.pause = Pause::default();
                self.refused.clear();
                self.keys.remove(&key);
                return true;
            }
            Outcome::Unknown => return false,
            Outcome::Gone => {
                self.is_gone = true;
                "it answers 410 and is not asked again before a restart".to_owned()
            }
            Outcome::Away { fault, asked } => {
                self.pause.fail(asked, Instant::now());
                fault
            }
            Outcome::Refused { status } => {
                self.refuse(key);
                format!("it answers {status}")
            }
            Outcome::Unfit => {
                self.refuse(key);
                "an event in the outbox is no JSON".to_owned()
            }
        };
        self.fault = Some(fault);
        false
    }

    fn refuse(&mut self, key: Key) {
        let now = Instant::now();
        self.keys.entry(key).or_default().fail(None, now);
        self.refused.insert(key);
        if self.refused.len() >= REFUSED_KEYS_MAX {
            self.refused.clear();
            self.pause.fail(None, now);
        }
    }

    /// Whether nothing is posted at present.
    fn rests(&self) -> bool {
        self.is_gone || self.pause.lasts(Instant::now())
    }
}

impl EventSink for WebhookSink {
    fn send(&mut self, events: &[&OutgoingEvent], give_up: &dyn Fn() -> bool) -> Vec<bool> {
        let mut taken = vec![false; events.len()];
        if self.rests() {
            return taken;
        }
        if !self.keys.is_empty() {
            // Another service may have told what was refused here.
            let waiting: HashSet<Key> = events.iter().map(|event| key_of(event)).collect();
            self.keys.retain(|key, _| waiting.contains(key));
        }
        let (began, mut stopped) = (Instant::now(), HashSet::new());
        let is_next = |at: &usize| events.get(*at).map(|event| key_of(event)) > self.last;
        let (next, later): (Vec<usize>, Vec<usize>) = (0..events.len()).partition(is_next);
        for at in next.into_iter().chain(later) {
            let (Some(event), Some(taken)) = (events.get(at), taken.get_mut(at)) else { continue };
            let key = key_of(event);
            if stopped.contains(&key) || self.keys.get(&key).is_some_and(|pause| pause.lasts(began)) {
                continue;
            }
            self.last = Some(key);
            let outcome = self.post(event, give_up);
            let is_unknown = outcome == Outcome::Unknown;
            *taken = self.note(key, outcome);
            if !*taken {
                stopped.insert(key);
            }
            if is_unknown || self.rests() || began.elapsed() >= STEP || give_up() {
                break;
            }
        }
        if stopped.is_empty() && self.keys.is_empty() {
            self.fault = None;
        }
        taken
    }

    fn fault(&self) -> Option<String> {
        self.fault.as_ref().map(|fault| format!("webhook {}: {fault}", self.endpoint.name))
    }

    fn takes_other_keys(&self) -> bool {
        !self.rests()
    }
}
