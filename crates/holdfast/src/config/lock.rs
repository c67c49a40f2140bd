//! The settings of the lock by which replicas take turns.

use std::time::Duration;

use holdfast_application::admission::AdmissionRule;
use holdfast_infrastructure::redis::{AddressError, RedisAddress};

use super::reader::Reader;

/// The lock by which replicas take turns.
#[derive(Clone, Debug)]
pub(crate) struct LockSettings {
    /// Where it is.
    pub(crate) place: LockPlace,
    /// What it is asked for.
    pub(crate) rule: AdmissionRule,
    /// How long a lane waits for an answer.
    pub(crate) answer_max: Duration,
}

impl LockSettings {
    /// The lock, if an address is given.
    pub(super) fn read(from: &Reader<'_>, faults: &mut Vec<String>) -> Option<Self> {
        let url = from.filled("lock.redis_url")?;
        let place =
            LockPlace::parse(url.trim()).map_err(|fault| faults.push(format!("lock.redis_url: {fault}"))).ok()?;
        let rule = AdmissionRule { required: from.flag("lock.required"), ttl: from.time("lock.ttl") };
        Some(Self { place, rule, answer_max: from.time("lock.answer_max") })
    }
}

/// Where a lock is.
#[derive(Clone, Debug)]
pub(crate) enum LockPlace {
    /// In Redis.
    Redis(RedisAddress),
    /// Nowhere: it gives the same answer to everybody, for the stories that show that nothing depends on it.
    #[cfg(feature = "failpoints")]
    Lie(holdfast_application::ports::memory_lock::LyingLock),
}

impl LockPlace {
    fn parse(url: &str) -> Result<Self, AddressError> {
        #[cfg(feature = "failpoints")]
        {
            use holdfast_application::ports::memory_lock::LyingLock;
            match url {
                "test:everybody" => return Ok(Self::Lie(LyingLock::GrantsToEverybody)),
                "test:nobody" => return Ok(Self::Lie(LyingLock::GrantsToNobody)),
                _ => {}
            }
        }
        RedisAddress::parse(url).map(Self::Redis)
    }
}
