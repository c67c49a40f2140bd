//! Threads of a service, and waiting for them no longer than agreed.

use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::exit::Failure;

/// Starts a thread.
pub(super) fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Failure> {
    let started = Builder::new().name(name.to_owned()).spawn(run);
    started.map_err(|error| Failure::failed(&format!("the thread {name} cannot be started"), &error))
}

/// A thread that depends on others, who may not answer: it is waited for, but not for ever.
pub(super) struct BoundedThread {
    thread: JoinHandle<()>,
    /// Hears when it has ended, in whichever way.
    ended: mpsc::Receiver<()>,
}

impl BoundedThread {
    /// Starts one.
    pub(super) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<Self, Failure> {
        let (alive, ended) = mpsc::channel();
        let run = move || {
            let _alive: mpsc::Sender<()> = alive;
            run();
        };
        Ok(Self { thread: thread(name, run)?, ended })
    }

    /// Waits until it has ended, in whichever way; says whether it has within that time. If not it is left to itself.
    pub(super) fn ends_within(self, most: Duration) -> bool {
        if self.ended.recv_timeout(most) == Err(mpsc::RecvTimeoutError::Timeout) {
            return false;
        }
        if self.thread.join().is_err() {
            tracing::error!("a thread of the service has died");
        }
        true
    }
}
