//! A few things that are lent one at a time, such as connections.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Things that are lent.
#[derive(Debug)]
pub(crate) struct Lending<T> {
    idle: Mutex<Vec<T>>,
    freed: Condvar,
    /// How many there are.
    count: usize,
}

/// A thing that goes back to the others, whatever happens to its borrower.
pub(crate) struct Lent<'a, T> {
    lending: &'a Lending<T>,
    thing: Option<T>,
}

impl<T> Lending<T> {
    pub(crate) fn new(things: Vec<T>) -> Self {
        Self { count: things.len(), idle: Mutex::new(things), freed: Condvar::new() }
    }

    /// One of them as soon as one is free; `None` when none was within `most`.
    pub(crate) fn lend(&self, most: Duration) -> Option<Lent<'_, T>> {
        let until = Instant::now().checked_add(most);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(thing) = idle.pop() {
                return Some(Lent { lending: self, thing: Some(thing) });
            }
            let left = until.map_or(most, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return None;
            }
            (idle, _) = self.freed.wait_timeout(idle, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One of them, if one is free now.
    pub(crate) fn lend_now(&self) -> Option<Lent<'_, T>> {
        let thing = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Lent { lending: self, thing: Some(thing) })
    }

    /// Does something while nothing is lent, if that comes about within `most`; meanwhile nobody is lent anything. Says
    /// whether it was done.
    pub(crate) fn while_idle(&self, most: Duration, work: impl FnOnce()) -> bool {
        let until = Instant::now().checked_add(most);
        let mut held: Vec<T> = Vec::new();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            held.append(&mut idle);
            let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            if held.len() >= self.count || left.is_zero() {
                break;
            }
            (idle, _) = self.freed.wait_timeout(idle, left).unwrap_or_else(PoisonError::into_inner);
        }
        let alone = held.len() >= self.count;
        if alone {
            work();
        }
        idle.append(&mut held);
        drop(idle);
        self.freed.notify_all();
        alone
    }
}

impl<T> std::ops::Deref for Lent<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.thing.as_ref().expect("it is lent until it is dropped")
    }
}

impl<T> std::ops::DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.thing.as_mut().expect("it is lent until it is dropped")
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        self.lending.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.thing.take());
        self.lending.freed.notify_one();
    }
}
