//! The keeper: the one thread of a process that connects to the lock, and looks once a second whether it answers.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use holdfast_application::ports::LockState;
use redis::{RedisError, RedisResult};

use super::address::RedisAddress;
use super::breaker::Breaker;
use super::link::Link;
use super::question::{self, Question};

/// How often the lock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the lock that a look takes may stay, should the look not get to give it back.
const LOOK_TTL: Duration = Duration::from_secs(1);
/// Leases that were given up without an answer, and are remembered until they can be given back; those beyond end by
/// themselves.
const FORSAKEN_MAX: usize = 16_384;

/// A process's way to the lock. Clones share it; the last one ends the thread.
#[derive(Clone)]
pub struct RedisKeeper(Arc<Handle>);

struct Handle(Arc<Shared>);

/// What lanes and the thread share.
pub(super) struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    address: RedisAddress,
    /// How long a lane waits for an answer.
    answer_max: Duration,
    /// Marks the leases of this process.
    process: u128,
    leases: AtomicU64,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    /// Whether the last look was answered; none yet.
    answers: Option<bool>,
    /// Connections that lanes may take, and how many are still wanted.
    spare: Vec<Link>,
    wanted: usize,
    /// Locks that were perhaps taken, and that nobody uses: key and token.
    forsaken: Vec<(String, String)>,
    ended: bool,
}

impl State {
    /// Whether somebody wants something that can be had now.
    fn has_work(&self) -> bool {
        self.ended || (self.wanted > 0 && self.answers == Some(true) && !self.breaker.is_open())
    }
}

impl std::fmt::Debug for RedisKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisKeeper").finish_non_exhaustive()
    }
}

impl RedisKeeper {
    /// Starts the thread; a lane will wait for an answer no longer than `answer_max`. Whether somebody answers at the
    /// address shows in [`Self::state`]; nobody waits for it here.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn start(address: RedisAddress, answer_max: Duration) -> std::io::Result<Self> {
        if address.has_tls() {
            // A second one is refused, which means that one is there already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let random = || u128::from(RandomState::new().build_hasher().finish());
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            address,
            answer_max,
            process: (random() << 64) | random(),
            leases: AtomicU64::new(0),
        });
        let kept = shared.clone();
        std::thread::Builder::new().name("lock".to_owned()).spawn(move || keep(&kept))?;
        Ok(Self(Arc::new(Handle(shared))))
    }

    /// What lanes and the thread share.
    pub(super) fn shared(&self) -> Arc<Shared> {
        self.0.0.clone()
    }

    /// How the lock is.
    pub fn state(&self) -> LockState {
        let state = self.0.0.state();
        if state.answers == Some(false) || state.breaker.is_open() {
            LockState::GoneWithout
        } else {
            LockState::Answers
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.wake.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token that no lease has had.
    pub(super) fn token(&self) -> String {
        format!("{:032x}-{}", self.process, self.leases.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether the lock is left alone at present.
    pub(super) fn is_left_alone(&self) -> bool {
        self.state().breaker.is_open()
    }

    /// A connection, if one is there; `wanting` says whether this lane has asked for one before.
    pub(super) fn take_link(&self, wanting: &mut bool) -> Option<Link> {
        let mut state = self.state();
        let link = state.spare.pop();
        if link.is_some() {
            *wanting = false;
        } else if !*wanting {
            *wanting = true;
            state.wanted = state.wanted.saturating_add(1);
            self.wake.notify_all();
        }
        link
    }

    /// An exchange has failed.
    pub(super) fn failed(&self, error: &RedisError) {
        tracing::debug!(error = %error, "the lock was asked in vain");
        self.state().breaker.failed(Instant::now());
    }

    /// An exchange was answered.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        if !state.breaker.is_open() {
            state.breaker.answered();
        }
    }

    /// Locks that were perhaps taken although no answer came, each with its token: given back as soon as that can be.
    pub(super) fn forsake(&self, leases: impl Iterator<Item = (String, String)>) {
        let mut state = self.state();
        let room = FORSAKEN_MAX.saturating_sub(state.forsaken.len());
        state.forsaken.extend(leases.take(room));
    }

    /// Waits until a look is due, or somebody wants something.
    fn pause(&self, since: Instant) {
        let mut state = self.state();
        loop {
            let rest = LOOK_EVERY.saturating_sub(since.elapsed());
            if state.has_work() || (rest.is_zero() && state.breaker.may_try(Instant::now())) {
                return;
            }
            let rest = if rest.is_zero() { LOOK_EVERY } else { rest };
            (state, _) = self.wake.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Notes what a look has shown.
    fn seen(&self, looked: Result<(), &RedisError>) {
        let mut state = self.state();
        let before = state.answers.replace(looked.is_ok());
        match looked {
            Ok(()) => state.breaker.answered(),
            Err(_) => {
                state.breaker.failed(Instant::now());
                // Those for whom they were made wait still.
                state.wanted = state.wanted.saturating_add(state.spare.len());
                state.spare.clear();
            }
        }
        drop(state);
        match (before, looked) {
            (Some(true) | None, Err(error)) => {
                tracing::warn!(error = %error, "the lock does not answer; lanes go on with row locks alone");
            }
            (Some(false), Ok(())) => tracing::info!("the lock answers again"),
            _ => {}
        }
    }
}

/// Runs until nobody has the keeper any more.
fn keep(shared: &Shared) {
    let mut own: Option<Link> = None;
    loop {
        let looked_at = Instant::now();
        let looked = look(shared, &mut own);
        shared.seen(looked.as_ref().copied());
        if looked.is_ok()
            && let Err(error) = serve(shared, own.as_mut())
        {
            own = None;
            shared.seen(Err(&error));
        }
        shared.pause(looked_at);
        if shared.state().ended {
            return;
        }
    }
}

/// Takes a lock of its own and gives it back, as lanes do and as fast as they must have it.
fn look(shared: &Shared, own: &mut Option<Link>) -> RedisResult<()> {
    if let Some(link) = own {
        if probe(shared, link).is_ok() {
            return Ok(());
        }
        // It may be the connection alone that is gone.
        *own = None;
    }
    *own = Some(connect(shared)?);
    Ok(())
}

/// A connection that has shown that it is fast enough.
fn connect(shared: &Shared) -> RedisResult<Link> {
    let mut link = Link::connect(&shared.address)?;
    // The first words may take longer: with TLS they carry the handshake.
    probe(shared, &mut link)?;
    link.hurry(shared.answer_max)?;
    probe(shared, &mut link)?;
    Ok(link)
}

fn probe(shared: &Shared, link: &mut Link) -> RedisResult<()> {
    let (key, token) = (question::key("probe"), shared.token());
    link.exchange(&[question::take(key.clone(), &token, LOOK_TTL), question::give_back(key, &token)]).map(drop)
}

/// Gives back what was forsaken, and connects for those who want that.
fn serve(shared: &Shared, own: Option<&mut Link>) -> RedisResult<()> {
    let forsaken = std::mem::take(&mut shared.state().forsaken);
    if let Some(link) = own {
        let mut done = 0_usize;
        for some in forsaken.chunks(512) {
            let questions: Vec<Question> =
                some.iter().map(|(key, token)| question::give_back(key.clone(), token)).collect();
            if let Err(error) = link.exchange(&questions) {
                // Giving back twice is harmless, and not giving back keeps others waiting: the next look tries again.
                shared.forsake(forsaken.into_iter().skip(done));
                return Err(error);
            }
            done = done.saturating_add(some.len());
        }
    }
    while shared.state().wanted > 0 {
        let link = connect(shared)?;
        let mut state = shared.state();
        state.wanted = state.wanted.saturating_sub(1);
        state.spare.push(link);
    }
    Ok(())
}
