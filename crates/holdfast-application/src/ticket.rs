//! Waiting for an answer: one slot per command, filled by the lane, awaited by the caller.
//!
//! No runtime is named here. A lane answers a whole batch with one wake-up per [`Landing`]: the wakers of callers that
//! live on the same thread are handed over together, and that thread wakes its own tasks, which costs no system call.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::answer::{Fault, Reply};
use crate::succession::Succession;

/// What a caller hears in the end.
pub type Heard = Result<Reply, Fault>;

#[derive(Debug, Default)]
struct Slot {
    state: Mutex<SlotState>,
    filled: Condvar,
    gone: AtomicBool,
}

#[derive(Debug, Default)]
struct SlotState {
    heard: Option<Heard>,
    waker: Option<Waker>,
}

/// The caller's end: a future, or a blocking wait.
#[derive(Debug)]
pub struct Ticket(Arc<Slot>);

/// The lane's end.
#[derive(Debug)]
pub struct Promise {
    slot: Arc<Slot>,
    landing: Option<Arc<Landing>>,
    succession: Option<Succession>,
}

/// A caller's end and a lane's end that belong together, of a command in `succession` if it is in one.
pub fn ticket(landing: Option<Arc<Landing>>, succession: Option<Succession>) -> (Ticket, Promise) {
    let slot = Arc::new(Slot::default());
    (Ticket(slot.clone()), Promise { slot, landing, succession })
}

impl Ticket {
    /// Waits on this thread.
    pub fn wait(self) -> Heard {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(heard) = state.heard.take() {
                return heard;
            }
            state = self.0.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What was heard, if something was by now.
    pub fn heard(&self) -> Option<Heard> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).heard.take()
    }
}

impl Future for Ticket {
    type Output = Heard;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Heard> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(heard) = state.heard.take() {
            return Poll::Ready(heard);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Release);
    }
}

impl Promise {
    /// Whether nobody waits any more.
    pub fn is_abandoned(&self) -> bool {
        self.slot.gone.load(Ordering::Acquire)
    }

    /// Whether a command before it, in its succession, could not be decided, so that this one must not be.
    pub fn is_out_of_turn(&self) -> bool {
        self.succession.as_ref().is_some_and(Succession::is_broken_off)
    }

    /// Answers, and leaves the wake-up to `owed`.
    pub fn keep(self, heard: Heard, owed: &mut Wakes) {
        if let (Some(succession), Err(_)) = (&self.succession, &heard) {
            succession.break_off();
        }
        let waker = {
            let mut state = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.heard = Some(heard);
            state.waker.take()
        };
        match waker {
            Some(waker) => owed.add(self.landing, waker),
            None => self.slot.filled.notify_all(),
        }
    }
}

/// The wake-ups a batch owes.
#[derive(Debug, Default)]
pub struct Wakes {
    landings: Vec<(Arc<Landing>, Vec<Waker>)>,
}

impl Wakes {
    fn add(&mut self, landing: Option<Arc<Landing>>, waker: Waker) {
        let Some(landing) = landing else { return waker.wake() };
        match self.landings.iter_mut().find(|(known, _)| Arc::ptr_eq(known, &landing)) {
            Some((_, wakers)) => wakers.push(waker),
            None => self.landings.push((landing, vec![waker])),
        }
    }

    /// Wakes everybody: one wake-up per thread that callers live on.
    pub fn wake(self) {
        for (landing, wakers) in self.landings {
            landing.take(wakers);
        }
    }
}

/// Where wake-ups for the tasks of one thread arrive; [`Landing::serve`] runs there.
#[derive(Debug, Default)]
pub struct Landing(Mutex<LandingState>);

#[derive(Debug, Default)]
struct LandingState {
    arrived: Vec<Waker>,
    server: Option<Waker>,
}

impl Landing {
    fn take(&self, wakers: Vec<Waker>) {
        let server = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.arrived.is_empty() {
                state.arrived = wakers;
            } else {
                state.arrived.extend(wakers);
            }
            state.server.take()
        };
        if let Some(server) = server {
            server.wake();
        }
    }

    /// Wakes the tasks of this thread for ever.
    pub async fn serve(self: Arc<Self>) {
        std::future::poll_fn(|context| {
            let arrived = {
                let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                state.server = Some(context.waker().clone());
                std::mem::take(&mut state.arrived)
            };
            arrived.into_iter().for_each(Waker::wake);
            Poll::<()>::Pending
        })
        .await;
    }
}
