//! The distributed lock of one lane.

use std::time::Duration;

use holdfast_application::ports::{DistributedLock, Lease, LockFault};
use holdfast_domain::ProductId;
use redis::Value;
use std::sync::Arc;

use super::keeper::{RedisKeeper, Shared};
use super::link::Link;
use super::question::{Question, extend, give_back, key_of, take};

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

impl RedisDistributedLock {
    /// One more owner of locks, for a lane of its own.
    pub fn of(keeper: &RedisKeeper) -> Self {
        Self { keeper: keeper.shared(), link: None, wanting: false }
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
