//! The distributed lock: replicas take turns on contended products before they touch the database.
//!
//! It is a hint that saves work, never a guarantee. Whatever an implementation grants, forgets or invents, the
//! transaction decides: (product, sequence) is unique in the store. So a lock that cannot be asked is gone without.

use std::time::Duration;

use holdfast_domain::ProductId;

/// Locks that are held for a while. Whoever has it may extend and release them, nobody else.
#[derive(Debug)]
pub struct Lease {
    /// What marks the locks as taken by this lease.
    pub token: String,
    /// The products whose locks it holds.
    pub products: Vec<ProductId>,
}

/// Why a lock could not be asked, in the word that the metrics show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockFault {
    /// It did not answer in time.
    #[error("it did not answer in time")]
    TimedOut,
    /// There is no connection at present; one is being made.
    #[error("there is no connection to it at present")]
    NotConnected,
    /// It failed too often lately and is left alone for a while.
    #[error("it failed too often lately")]
    LeftAlone,
    /// It answered with an error, or the connection broke.
    #[error("it failed")]
    Failed,
}

impl LockFault {
    /// Every one of them.
    pub const ALL: [Self; 4] = [Self::TimedOut, Self::NotConnected, Self::LeftAlone, Self::Failed];

    /// The label that the metrics show.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimedOut => "timed_out",
            Self::NotConnected => "not_connected",
            Self::LeftAlone => "left_alone",
            Self::Failed => "failed",
        }
    }
}

/// How a lock is, for those who watch over the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// It answers.
    Answers,
    /// It does not; everybody goes on without.
    GoneWithout,
}

/// A lock that all replicas share. Every call takes a bounded time, also where nobody answers.
pub trait DistributedLock: Send {
    /// Asks for the locks of `products`, which are sorted and named once, in one round trip. The lease holds those that
    /// were free, for `ttl` at most; the others are held by somebody else.
    ///
    /// # Errors
    ///
    /// [`LockFault`]: it cannot be asked, and nothing is held.
    fn acquire(&mut self, products: &[ProductId], ttl: Duration) -> Result<Lease, LockFault>;

    /// Holds the locks of a lease for `ttl` from now on; those that it has lost leave the lease.
    ///
    /// # Errors
    ///
    /// [`LockFault`]: it cannot be asked; the locks end when their time is over.
    fn extend(&mut self, lease: &mut Lease, ttl: Duration) -> Result<(), LockFault>;

    /// Gives the locks of a lease back, as far as it still holds them, in one round trip.
    ///
    /// # Errors
    ///
    /// [`LockFault`]: it cannot be asked; the locks end when their time is over.
    fn release(&mut self, lease: Lease) -> Result<(), LockFault>;
}
