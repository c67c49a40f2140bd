//! What one of several services does for all of them. Two that do it at once do no harm; that one does it only spares
//! work.

use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::Timestamp;

use crate::clock::Clock;
use crate::ports::StoreError;

/// What is to be done by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Ending orders whose time is over, and giving up payments that wait in vain.
    Sweep,
    /// Forgetting answers that were kept for long enough.
    Purge,
    /// Telling the world what waits in the outbox.
    Relay,
}

impl Duty {
    /// Its name in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Purge => "purge",
            Self::Relay => "relay",
        }
    }
}

/// Who does what, where several could.
pub trait Duties: Send + Sync {
    /// Takes a duty for some time, or keeps it for longer, and tells the store's time; `None` while another has it.
    fn take(&self, duty: Duty, lasts: Duration) -> Result<Option<Timestamp>, StoreError>;
    /// Leaves all duties to the others, at once.
    fn leave(&self);
}

/// All duties are this process's, by its own clock: nobody else writes to the store.
pub struct SoleDuties(Arc<dyn Clock>);

impl SoleDuties {
    /// Duties by this clock.
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

impl std::fmt::Debug for SoleDuties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SoleDuties").finish_non_exhaustive()
    }
}

impl Duties for SoleDuties {
    fn take(&self, _duty: Duty, _lasts: Duration) -> Result<Option<Timestamp>, StoreError> {
        Ok(Some(self.0.now()))
    }

    fn leave(&self) {}
}
