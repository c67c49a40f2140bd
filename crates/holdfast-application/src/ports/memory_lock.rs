//! The reference lock: what [`DistributedLock`] means, within one process. And two that lie, because the service must
//! not depend on the truth.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use holdfast_domain::ProductId;

use crate::ports::{DistributedLock, Lease, LockFault};

/// A lock in memory. Clones share it, as connections to one server do.
#[derive(Clone, Debug, Default)]
pub struct MemoryLock(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// Whose it is, and until when.
    by_product: HashMap<ProductId, (String, Instant)>,
    leases: u64,
}

impl MemoryLock {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn is_of(&self, product: ProductId, token: &str) -> bool {
        self.by_product.get(&product).is_some_and(|(owner, until)| owner == token && Instant::now() < *until)
    }
}

/// The end of a time that begins now.
fn until(ttl: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(ttl).unwrap_or(now)
}

impl DistributedLock for MemoryLock {
    fn acquire(&mut self, products: &[ProductId], ttl: Duration) -> Result<Lease, LockFault> {
        let mut held = self.held();
        held.leases = held.leases.saturating_add(1);
        let mut lease = Lease { token: held.leases.to_string(), products: Vec::new() };
        for product in products {
            let taken = held.by_product.get(product).is_some_and(|(_, until)| Instant::now() < *until);
            if !taken {
                held.by_product.insert(*product, (lease.token.clone(), until(ttl)));
                lease.products.push(*product);
            }
        }
        Ok(lease)
    }

    fn extend(&mut self, lease: &mut Lease, ttl: Duration) -> Result<(), LockFault> {
        let mut held = self.held();
        lease.products.retain(|product| held.is_of(*product, &lease.token));
        for product in &lease.products {
            held.by_product.insert(*product, (lease.token.clone(), until(ttl)));
        }
        Ok(())
    }

    fn release(&mut self, lease: Lease) -> Result<(), LockFault> {
        let mut held = self.held();
        for product in lease.products {
            if held.is_of(product, &lease.token) {
                held.by_product.remove(&product);
            }
        }
        Ok(())
    }
}

/// A lock that gives the same answer whatever is asked: everybody gets it at once, or nobody ever.
#[cfg(any(feature = "contract", feature = "failpoints"))]
#[derive(Clone, Copy, Debug)]
pub enum LyingLock {
    /// Everybody holds every lock.
    GrantsToEverybody,
    /// Somebody else holds every lock.
    GrantsToNobody,
}

#[cfg(any(feature = "contract", feature = "failpoints"))]
impl DistributedLock for LyingLock {
    fn acquire(&mut self, products: &[ProductId], _ttl: Duration) -> Result<Lease, LockFault> {
        let products = match self {
            Self::GrantsToEverybody => products.to_vec(),
            Self::GrantsToNobody => Vec::new(),
        };
        Ok(Lease { token: String::new(), products })
    }

    fn extend(&mut self, _lease: &mut Lease, _ttl: Duration) -> Result<(), LockFault> {
        Ok(())
    }

    fn release(&mut self, _lease: Lease) -> Result<(), LockFault> {
        Ok(())
    }
}
