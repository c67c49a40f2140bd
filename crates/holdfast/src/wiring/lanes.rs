//! The lanes of a service: one for each store that can be written to at the same time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use holdfast_application::CommandQueue;
use holdfast_application::commit_bell::CommitBell;
use holdfast_application::frozen::FrozenProducts;
use holdfast_application::lane::{Lane, LaneEnd, LaneStatus};
use holdfast_application::ports::Store;
use holdfast_application::queries::StockQueries;

use super::lock::SharedLock;
use super::threads::BoundedThread;
use crate::config::Settings;
use crate::exit::Failure;

/// What answers take to leave a process that ends.
const LAST_ANSWERS: Duration = Duration::from_millis(250);

/// Lanes that have not begun to work.
pub(super) struct Lanes(Vec<Lane>);

impl Lanes {
    /// A lane for each store, which rings the bell after each commit and, where there is a lock, asks it first.
    pub(super) fn over(
        stores: Vec<Box<dyn Store>>,
        queue: &CommandQueue,
        settings: &Settings,
        bell: &Arc<CommitBell>,
        lock: Option<(&SharedLock, &Arc<dyn StockQueries>)>,
    ) -> Self {
        let on_line = |(line, store)| {
            let lane = Lane::new(store, queue.clone().line(line), settings.policy.clone(), settings.batch);
            let lane = lane.that_rings(bell.clone());
            match lock {
                Some((lock, queries)) => lane.admitted_by(lock.admission(queries.clone())),
                None => lane,
            }
        };
        Self(stores.into_iter().enumerate().map(on_line).collect())
    }

    /// The same lanes, which leave these products alone.
    pub(super) fn that_leave_alone(self, frozen: &FrozenProducts, queries: &Arc<dyn StockQueries>) -> Self {
        let leaves_alone = |lane: Lane| lane.that_leaves_alone(frozen.clone(), queries.clone());
        Self(self.0.into_iter().map(leaves_alone).collect())
    }

    /// What others may know about each.
    pub(super) fn statuses(&self) -> Vec<Arc<LaneStatus>> {
        self.0.iter().map(Lane::status).collect()
    }

    /// Works from now on, each on a thread of its own.
    pub(super) fn start(self, queue: &CommandQueue) -> Result<Vec<BoundedThread>, Failure> {
        let start = |lane| {
            let queue = queue.clone();
            BoundedThread::start("lane", move || work_off(lane, &queue))
        };
        self.0.into_iter().map(start).collect()
    }
}

/// Runs a lane. Where it ends for another reason than a shutdown, so does the process: nobody knows what the store
/// holds until it is read anew. Who waits hears so before.
fn work_off(lane: Lane, queue: &CommandQueue) {
    let why = match catch_unwind(AssertUnwindSafe(|| lane.run())) {
        Ok(LaneEnd::Drained) => return,
        Ok(LaneEnd::Unknown(words)) => words,
        Err(_) => "the writer has died".to_owned(),
    };
    tracing::error!(error = %why, "what the store holds is not known: start again, and it will be read");
    queue.turn_away();
    std::thread::sleep(LAST_ANSWERS);
    std::process::exit(1);
}
