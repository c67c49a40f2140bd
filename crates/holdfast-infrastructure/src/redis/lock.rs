//! The distributed lock of one lane: `SET key token NX PX ttl`, given back and extended by scripts that compare the token.

use std::time::Duration;

use holdfast_application::ports::{DistributedLock, Lease, LockFault};
use holdfast_domain::ProductId;
use redis::Value;
use std::sync::Arc;

use super::keeper::Shared;
use super::link::{Link, Question};

/// Deletes the key only of whoever has this token.
const GIVE_BACK: &str = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end";
/// Extends the key only of whoever has this token.
const EXTEND: &str =
    "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('pexpire',KEYS[1],ARGV[2]) else return 0 end";

/// One owner of locks in Redis. It belongs to a lane; the connections come from the keeper.
pub struct RedisDistributedLock {
    keeper: Arc<Shared>,
    link: Option<Link>,
    /// Whether the keeper was asked for a connection that has not come yet.
    wanting: bool,
}

impl std::fmt::Debug for RedisDistributedLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisDistributedLock").field("connected", &self.link.is_some()).finish_non_exhaustive()
    }
}

/// The key of the lock of something.
pub(super) fn key(name: &str) -> String {
    format!("inventory:lock:{name}")
}

fn key_of(product: ProductId) -> String {
    key(product.text().as_str())
}

/// The time in whole milliseconds, at least one.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// Takes the lock if it is free: `OK`, else nothing.
pub(super) fn take(key: String, token: &str, ttl: Duration) -> Question {
    let mut command = redis::cmd("SET");
    command.arg(&key).arg(token).arg("NX").arg("PX").arg(milliseconds(ttl));
    Question { key, command }
}

/// Gives the lock back if it is ours: 1, else 0.
pub(super) fn give_back(key: String, token: &str) -> Question {
    // As a text each time: it is short, one key a script suits a cluster, and no server that has forgotten it matters.
    let mut command = redis::cmd("EVAL");
    command.arg(GIVE_BACK).arg(1).arg(&key).arg(token);
    Question { key, command }
}

/// Extends the lock if it is ours: 1, else 0.
fn extend(key: String, token: &str, ttl: Duration) -> Question {
    let mut command = redis::cmd("EVAL");
    command.arg(EXTEND).arg(1).arg(&key).arg(token).arg(milliseconds(ttl));
    Question { key, command }
}

impl RedisDistributedLock {
    pub(super) const fn new(keeper: Arc<Shared>) -> Self {
        Self { keeper, link: None, wanting: false }
    }

    fn exchange(&mut self, questions: &[Question]) -> Result<Vec<Value>, LockFault> {
        if self.keeper.is_left_alone() {
            self.link = None;
            return Err(LockFault::LeftAlone);
        }
        let link = self.link.take().or_else(|| self.keeper.take_link(&mut self.wanting));
        let mut link = link.ok_or(LockFault::NotConnected)?;
        match link.exchange(questions) {
            Ok(answers) => {
                self.link = Some(link);
                self.keeper.answered();
                Ok(answers)
            }
            Err(error) => {
                self.keeper.failed(&error);
                // Asked for at once, so that the next batch may find it.
                self.link = self.keeper.take_link(&mut self.wanting);
                Err(if error.is_timeout() { LockFault::TimedOut } else { LockFault::Failed })
            }
        }
    }
}

impl DistributedLock for RedisDistributedLock {
    fn acquire(&mut self, products: &[ProductId], ttl: Duration) -> Result<Lease, LockFault> {
        let token = self.keeper.token();
        let questions: Vec<Question> = products.iter().map(|product| take(key_of(*product), &token, ttl)).collect();
        match self.exchange(&questions) {
            Ok(answers) => {
                let granted = products.iter().zip(answers).filter(|(_, answer)| *answer == Value::Okay);
                Ok(Lease { token, products: granted.map(|(product, _)| *product).collect() })
            }
            Err(fault) => {
                if matches!(fault, LockFault::TimedOut | LockFault::Failed) {
                    self.keeper.forsake(questions.into_iter().map(|question| (question.key, token.clone())));
                }
                Err(fault)
            }
        }
    }

    fn extend(&mut self, lease: &mut Lease, ttl: Duration) -> Result<(), LockFault> {
        let questions: Vec<Question> =
            lease.products.iter().map(|product| extend(key_of(*product), &lease.token, ttl)).collect();
        let mut answers = self.exchange(&questions)?.into_iter();
        lease.products.retain(|_| answers.next() == Some(Value::Int(1)));
        Ok(())
    }

    fn release(&mut self, lease: Lease) -> Result<(), LockFault> {
        let questions: Vec<Question> =
            lease.products.iter().map(|product| give_back(key_of(*product), &lease.token)).collect();
        self.exchange(&questions).map(drop).inspect_err(|_| {
            self.keeper.forsake(questions.into_iter().map(|question| (question.key, lease.token.clone())));
        })
    }
}
