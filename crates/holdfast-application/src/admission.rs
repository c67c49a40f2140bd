//! Admission: before its transaction a lane asks for the locks of the contended products of its batch, so that replicas
//! take turns there instead of waiting for each other's rows.
//!
//! It only ever decides who goes now and who waits for the next batch. What is decided about stock does not depend on
//! it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use holdfast_domain::book::ProductRef;
use holdfast_domain::{OrderId, ProductId};

use crate::batch::BatchLimits;
use crate::command::Needs;
use crate::ports::{DistributedLock, Lease};
use crate::queries::StockQueries;
use crate::queue::Waiting;

mod contended;
mod room;
mod sku_book;

use contended::Contended;
use room::Room;
use sku_book::SkuBook;

/// The most products whose locks are asked for at a time, but for those of one command that names more.
const ASKED_MAX: usize = 4_096;

/// What a lock is asked for, and what its answer means.
#[derive(Clone, Copy, Debug)]
pub struct AdmissionRule {
    /// Whether every product a command names is locked, and a lock that another holds is waited for until the command's
    /// deadline. Else contended products are, and a command goes on without a lock once it has waited for `ttl`; for
    /// some time after that nobody asks for it.
    pub required: bool,
    /// How long a lock is held at most.
    pub ttl: Duration,
}

/// A lane's way to the lock.
pub struct Admission {
    lock: Box<dyn DistributedLock>,
    rule: AdmissionRule,
    skus: SkuBook,
    contended: Contended,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    lease: Lease,
    since: Instant,
}

/// Who goes and who waits, each in the order of arrival.
#[derive(Debug, Default)]
pub struct Admitted {
    /// Those whose locks are held, or need none.
    pub admitted: Vec<Waiting>,
    /// Those that need a lock which another holds, and what is asked of their orders after them.
    pub held_back: Vec<Waiting>,
}

/// What a command needs before it may go.
#[derive(Debug, Default)]
struct Claim {
    /// Sorted, each once.
    products: Vec<ProductId>,
    orders: Vec<OrderId>,
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission").field("rule", &self.rule).finish_non_exhaustive()
    }
}

impl Admission {
    /// Admission by `lock`; `queries` tell which product has a SKU, for locks are named by the product's id.
    pub fn new(lock: Box<dyn DistributedLock>, rule: AdmissionRule, queries: Arc<dyn StockQueries>) -> Self {
        Self { lock, rule, skus: SkuBook::new(queries), contended: Contended::default(), held: None }
    }

    /// Takes the locks that the batch needs, in one round trip, and says whose could be had. What could be had of a
    /// command that has to wait is given back at once, unless another one needs it too. Of those that were set aside
    /// before, so many go as a batch may hold, the first ones first.
    pub fn admit(&mut self, batch: Vec<Waiting>, limits: &BatchLimits) -> Admitted {
        let claims = self.claims(&batch, limits);
        let (asked, of) = asked_of(&claims);
        let fits = of == claims.len() && !batch.first().is_some_and(Waiting::is_set_aside);
        if asked.is_empty() && fits {
            return Admitted { admitted: batch, held_back: Vec::new() };
        }
        let since = Instant::now();
        if asked.is_empty() {
            return self.split(batch, claims, None, limits, since);
        }
        match self.lock.acquire(&asked, self.rule.ttl) {
            Err(fault) => {
                gone_without(fault.as_str());
                self.split(batch, claims, None, limits, since)
            }
            Ok(lease) if lease.products.len() == asked.len() && fits => {
                self.held = Some(Held { lease, since });
                waited(&batch, &claims, since);
                Admitted { admitted: batch, held_back: Vec::new() }
            }
            Ok(lease) => self.split(batch, claims, Some(lease), limits, since),
        }
    }

    /// Lets those go whose locks were granted, or everybody where nobody grants any, while there is room.
    fn split(
        &mut self,
        batch: Vec<Waiting>,
        claims: Vec<Claim>,
        lease: Option<Lease>,
        limits: &BatchLimits,
        since: Instant,
    ) -> Admitted {
        let granted: Option<HashSet<ProductId>> = lease.as_ref().map(|lease| lease.products.iter().copied().collect());
        let is_granted = |product: &ProductId| granted.as_ref().is_none_or(|granted| granted.contains(product));
        let mut room = Room::of(limits);
        let mut waiting_orders: HashSet<OrderId> = HashSet::new();
        let mut used: HashSet<ProductId> = HashSet::new();
        let (mut split, mut admitted_claims) = (Admitted::default(), Vec::new());
        for (mut command, claim) in batch.into_iter().zip(claims) {
            let has_all = claim.products.iter().all(is_granted);
            let is_behind = claim.orders.iter().any(|order| waiting_orders.contains(order));
            let held_since = if has_all { since } else { *command.held_back_since.get_or_insert(since) };
            let may_go = has_all || (!self.rule.required && held_since.elapsed() >= self.rule.ttl);
            if may_go && !is_behind && room.take(&command) {
                if !has_all {
                    gone_without("waited");
                    for product in claim.products.iter().filter(|product| !is_granted(product)) {
                        self.contended.give_up(*product);
                    }
                }
                used.extend(claim.products.iter().copied().filter(is_granted));
                split.admitted.push(command);
                admitted_claims.push(claim);
            } else {
                waiting_orders.extend(claim.orders);
                split.held_back.push(command);
            }
        }
        let Some(Lease { token, products }) = lease else { return split };
        waited(&split.admitted, &admitted_claims, since);
        let (kept, unused): (Vec<_>, Vec<_>) = products.into_iter().partition(|product| used.contains(product));
        if !unused.is_empty() {
            self.give_back(Lease { token: token.clone(), products: unused });
        }
        if !kept.is_empty() {
            self.held = Some(Held { lease: Lease { token, products: kept }, since });
        }
        split
    }

    /// The batch met another writer and is tried again: its locks must not end meanwhile, and its products are
    /// contended.
    pub fn met_another_writer(&mut self, batch: &[Waiting]) {
        let mut needs = Needs::default();
        for command in batch {
            command.submission.command.needs(&mut needs);
        }
        self.contended.met(needs.products);
        if let Some(Held { lease, since }) = &mut self.held
            && since.elapsed().saturating_mul(2) > self.rule.ttl
        {
            *since = Instant::now();
            // A lock that is lost is gone without.
            let _ = self.lock.extend(lease, self.rule.ttl);
        }
    }

    /// The batch is done: gives its locks back, in one round trip.
    pub fn finish(&mut self) {
        if let Some(Held { lease, .. }) = self.held.take() {
            self.give_back(lease);
        }
    }

    fn give_back(&mut self, lease: Lease) {
        if let Err(fault) = self.lock.release(lease) {
            tracing::debug!(error = %fault, "locks end by themselves");
        }
    }

    fn claims(&mut self, batch: &[Waiting], limits: &BatchLimits) -> Vec<Claim> {
        let needs: Vec<Needs> = batch
            .iter()
            .map(|command| {
                let mut needs = Needs::default();
                command.submission.command.needs(&mut needs);
                needs
            })
            .collect();
        if !self.rule.required {
            let mut asked: HashMap<&ProductRef, usize> = HashMap::new();
            for product in needs.iter().flat_map(|needs| &needs.products) {
                let count = asked.entry(product).or_default();
                *count = count.saturating_add(1);
            }
            self.contended.crowded(asked, batch.len().min(limits.commands_max));
        }
        let is_wanted = |product: &&ProductRef| self.rule.required || self.contended.has(product);
        let wanted: Vec<Vec<&ProductRef>> =
            needs.iter().map(|needs| needs.products.iter().filter(is_wanted).collect()).collect();
        self.skus.learn(wanted.iter().flatten().copied());
        let ids = |products: Vec<&ProductRef>| {
            let is_worth_asking = |id: &ProductId| self.rule.required || !self.contended.is_out_of_reach(*id);
            let ids = products.into_iter().filter_map(|product| self.skus.id(product));
            let mut ids: Vec<ProductId> = ids.filter(is_worth_asking).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let products: Vec<Vec<ProductId>> = wanted.into_iter().map(ids).collect();
        needs.into_iter().zip(products).map(|(needs, products)| Claim { products, orders: needs.orders }).collect()
    }
}

/// What is asked for: each product once, those of the first commands rather than all; and of how many commands.
fn asked_of(claims: &[Claim]) -> (Vec<ProductId>, usize) {
    let (mut asked, mut of) = (HashSet::new(), 0_usize);
    for claim in claims {
        if asked.len() >= ASKED_MAX && !claim.products.is_empty() {
            break;
        }
        asked.extend(claim.products.iter().copied());
        of = of.saturating_add(1);
    }
    let mut asked: Vec<ProductId> = asked.into_iter().collect();
    asked.sort_unstable();
    (asked, of)
}

/// Counts a batch, or a command of it, that goes on without a lock.
fn gone_without(reason: &'static str) {
    metrics::counter!("holdfast_lock_bypassed_total", "reason" => reason).increment(1);
}

/// Notes how long the one that waited longest has waited for its locks.
fn waited(admitted: &[Waiting], claims: &[Claim], since: Instant) {
    let with_locks = admitted.iter().zip(claims).filter(|(_, claim)| !claim.products.is_empty());
    let first = with_locks.map(|(command, _)| command.held_back_since.unwrap_or(since)).min();
    if let Some(first) = first {
        metrics::histogram!("holdfast_lock_wait_seconds").record(first.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_asked_for_of_the_first_commands_and_the_others_are_not_called_asked() {
        let of = |products: std::ops::Range<u32>| {
            let id = |number: u32| ProductId::from_bytes(u128::from(number).to_be_bytes());
            Claim { products: products.map(id).collect(), orders: Vec::new() }
        };
        let few = [of(0..2), of(1..3), of(0..0)];
        assert_eq!((asked_of(&few).0.len(), asked_of(&few).1), (3, 3));
        let many = [of(0..5_000), of(0..0), of(4_999..5_001), of(0..0)];
        assert_eq!((asked_of(&many).0.len(), asked_of(&many).1), (5_000, 2));
    }
}
