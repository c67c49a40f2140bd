//! The distributed lock that the settings name.

use std::sync::Arc;

use holdfast_application::admission::{Admission, AdmissionRule};
use holdfast_application::ports::{DistributedLock, LockState};
use holdfast_application::queries::StockQueries;
use holdfast_infrastructure::redis::{RedisDistributedLock, RedisKeeper};

use crate::config::{LockPlace, LockSettings};
use crate::exit::Failure;

/// A lock that all lanes of this process share with other processes.
pub(crate) struct SharedLock {
    rule: AdmissionRule,
    way: Way,
}

/// The way to it.
enum Way {
    Redis(RedisKeeper),
    #[cfg(feature = "failpoints")]
    Lie(holdfast_application::ports::memory_lock::LyingLock),
}

impl SharedLock {
    /// The lock of the settings. Whether it answers shows later: nothing waits for it.
    pub(crate) fn of(settings: &LockSettings) -> Result<Self, Failure> {
        let way = match &settings.place {
            LockPlace::Redis(address) => Way::Redis(
                RedisKeeper::start(address.clone(), settings.answer_max)
                    .map_err(|error| Failure::failed("the thread of the lock cannot be started", &error))?,
            ),
            #[cfg(feature = "failpoints")]
            LockPlace::Lie(lie) => Way::Lie(*lie),
        };
        Ok(Self { rule: settings.rule, way })
    }

    /// Admission by it, for one lane.
    pub(crate) fn admission(&self, queries: Arc<dyn StockQueries>) -> Admission {
        let lock: Box<dyn DistributedLock> = match &self.way {
            Way::Redis(keeper) => Box::new(RedisDistributedLock::of(keeper)),
            #[cfg(feature = "failpoints")]
            Way::Lie(lie) => Box::new(*lie),
        };
        Admission::new(lock, self.rule, queries)
    }

    /// How it is.
    pub(crate) fn state(&self) -> LockState {
        match &self.way {
            Way::Redis(keeper) => keeper.state(),
            #[cfg(feature = "failpoints")]
            Way::Lie(_) => LockState::Answers,
        }
    }
}
