//! Waiting for an answer on this thread, and not for ever: for those who have something else to look after.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::ticket::{Heard, Ticket};

/// Wakes the thread that waits.
struct Waiter(Thread);

impl Wake for Waiter {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What is heard within `most`; `None` when nothing is. The command is then dropped, unless it is being decided
/// already.
pub fn hear_within(mut ticket: Ticket, most: Duration) -> Option<Heard> {
    let until = Instant::now().checked_add(most);
    let waker = Waker::from(Arc::new(Waiter(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(heard) = Pin::new(&mut ticket).poll(&mut context) {
            return Some(heard);
        }
        let left = until.map_or(most, |until| until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return None;
        }
        std::thread::park_timeout(left);
    }
}
