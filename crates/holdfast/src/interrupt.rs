//! Ctrl-C during long work: the command ends between two steps and says what was done and how to go on. A second one,
//! or a step that takes too long, ends it at once; every batch is whole or not there all the same.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Exit, Failure};

/// How long work that was interrupted may take to end by itself.
const END_WITHIN: Duration = Duration::from_secs(2);
/// How long a pause sleeps before it looks whether it was interrupted.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What the person who pressed Ctrl-C is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// What is counted and what became of it: `products were taken`.
    pub(crate) counted: Option<&'static str>,
    /// How to go on.
    pub(crate) go_on: &'static str,
    /// Whether the work looks for an interruption between its steps; else it is ended at once.
    pub(crate) looks: bool,
}

/// Whether somebody pressed Ctrl-C, and how far the work has come.
#[derive(Debug)]
pub(crate) struct Interrupt {
    work: Work,
    came: AtomicBool,
    done: AtomicU64,
}

impl Interrupt {
    /// Hears Ctrl-C from now on.
    pub(crate) fn hear(work: Work) -> Result<Arc<Self>, Failure> {
        let cannot = |error: std::io::Error| Failure::failed("signals cannot be heard", &error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let mut signals = {
            let _inside = runtime.enter();
            signal(SignalKind::interrupt()).map_err(cannot)?
        };
        let interrupt = Arc::new(Self { work, came: AtomicBool::new(false), done: AtomicU64::new(0) });
        let heard = interrupt.clone();
        let hear = move || runtime.block_on(heard.end_the_work(&mut signals));
        std::thread::Builder::new().name("interrupt".to_owned()).spawn(hear).map_err(cannot)?;
        Ok(interrupt)
    }

    async fn end_the_work(&self, signals: &mut Signal) {
        signals.recv().await;
        self.came.store(true, Ordering::Relaxed);
        if self.work.looks {
            // Either the process has ended by then, or a second Ctrl-C does not want to wait for it.
            let _ = tokio::time::timeout(END_WITHIN, signals.recv()).await;
        }
        // Nobody is left to tell when standard error is gone too.
        let _ = writeln!(std::io::stderr(), "holdfast: {}", self.failure());
        std::process::exit(Exit::Interrupted.code().into());
    }

    /// Notes that `more` were done for good.
    pub(crate) fn note(&self, more: u64) {
        self.done.fetch_add(more, Ordering::Relaxed);
    }

    /// Whether the work is to end.
    pub(crate) fn came(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }

    /// Ends the work here when it was interrupted.
    ///
    /// # Errors
    ///
    /// It was: what was done, and how to go on.
    pub(crate) fn look(&self) -> Result<(), Failure> {
        if self.came() { Err(self.failure()) } else { Ok(()) }
    }

    /// Sleeps, unless it is interrupted.
    pub(crate) fn pause(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() && !self.came() {
            let some = left.min(LOOK_EVERY);
            std::thread::sleep(some);
            left = left.saturating_sub(some);
        }
    }

    fn failure(&self) -> Failure {
        let go_on = self.work.go_on;
        let words = match self.work.counted {
            Some(counted) => format!("interrupted after {} {counted}; {go_on}", self.done.load(Ordering::Relaxed)),
            None => format!("interrupted; {go_on}"),
        };
        Failure::new(Exit::Interrupted, words)
    }
}
