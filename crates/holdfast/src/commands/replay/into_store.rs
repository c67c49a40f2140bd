//! Events go into a store of one's own, a batch a transaction.

use std::collections::HashSet;
use std::ops::ControlFlow;

use holdfast_application::intake::outcome_of;
use holdfast_application::lane::decide_at_once;
use holdfast_application::order_event::EventOutcome;
use holdfast_application::policy::LatePayment;
use holdfast_application::{Clock, Command, Policy, Reply, Submission};
use holdfast_domain::{Actor, OrderId};

use super::super::not_taken;
use super::event::Event;
use super::{BATCH, Statuses, Target};
use crate::cli::{LatePaymentArg, ReplayArgs, ReplayClock};
use crate::config::Settings;
use crate::exit::Failure;
use crate::wiring::{self, Books};

/// A store that takes events.
pub(super) struct IntoStore {
    books: Books,
    policy: Policy,
    sweeps: bool,
}

impl IntoStore {
    /// Opens the store that the settings name.
    pub(super) fn open(settings: &Settings, args: &ReplayArgs) -> Result<Self, Failure> {
        let policy = Policy {
            ttl_default: args.ttl.and_then(|ttl| ttl.0),
            late_payment: match args.late_payment {
                Some(LatePaymentArg::Reacquire) => LatePayment::Reacquire,
                Some(LatePaymentArg::Refuse) | None => LatePayment::Refuse,
            },
            ..settings.policy.clone()
        };
        let sweeps = args.clock == Some(ReplayClock::Wall);
        Ok(Self { books: wiring::open_books(settings)?, policy, sweeps })
    }

    fn decide(&mut self, submissions: &[Submission]) -> Result<Vec<Reply>, Failure> {
        let replies = decide_at_once(&mut *self.books.store, submissions, &self.policy)
            .map_err(|error| not_taken("events", &error))?;
        self.books.store.rest().map_err(|error| Failure::failed("housekeeping of the store failed", &error))?;
        Ok(replies)
    }

    /// Ends what is due by the wall clock, as the service's sweep does.
    fn sweep(&mut self) -> Result<(), Failure> {
        let due = self.books.clock.now().before(self.policy.sweep_grace);
        let due = self.books.queries.due_orders(due, BATCH).map_err(|error| unreadable(&error))?;
        let actor = Actor::new("sweep").expect("a plain word is an actor");
        let ends: Vec<Submission> = due
            .into_iter()
            .map(|order| Submission {
                command: Command::ExpireOrder { order },
                actor: actor.clone(),
                key: None,
                decided_at: None,
            })
            .collect();
        if ends.is_empty() { Ok(()) } else { self.decide(&ends).map(|_| ()) }
    }
}

impl Target for IntoStore {
    fn take(&mut self, events: Vec<Event>) -> Result<Vec<EventOutcome>, Failure> {
        if self.sweeps {
            self.sweep()?;
        }
        let submissions: Vec<Submission> = events.into_iter().map(|event| event.submission).collect();
        Ok(self.decide(&submissions)?.iter().map(outcome).collect())
    }

    fn statuses(&mut self, orders: &HashSet<OrderId>) -> Result<Statuses, Failure> {
        let mut statuses = Statuses::default();
        let mut visit = |order: holdfast_domain::Order| {
            if orders.contains(&order.id) {
                statuses.add(order.status);
            }
            ControlFlow::Continue(())
        };
        self.books.queries.each_order(&mut visit).map_err(|error| unreadable(&error))?;
        Ok(statuses)
    }
}

/// What became of an event.
fn outcome(reply: &Reply) -> EventOutcome {
    match reply {
        Reply::Kept { answer, .. } => outcome_of(answer).0,
        // What was known counts as known, also when it was refused the first time, but a rejected event was never
        // taken.
        Reply::Replayed(answer) => match outcome_of(answer).0 {
            EventOutcome::Rejected => EventOutcome::Rejected,
            _ => EventOutcome::Replayed,
        },
        // Decided, but not kept: a number beyond a limit. Reused: the name stands for another event.
        Reply::Decided(_) | Reply::KeyReused => EventOutcome::Rejected,
    }
}

fn unreadable(error: &holdfast_application::queries::ReadError) -> Failure {
    Failure::failed("the store cannot be read", error)
}
