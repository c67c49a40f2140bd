//! The commands of one request that has many: put in line one behind the other, and heard in their order.
//!
//! A request may have more commands than the queue has places. When there is no room, the sender first hears those of
//! its own that are in line; it is turned away only when none of them is.

use std::collections::VecDeque;

use holdfast_application::ticket::Ticket;
use holdfast_application::{Class, Reply, Submission};
use tokio::time::Instant;

use crate::problem::Problem;
use crate::state::Service;

/// The commands of one request.
pub(crate) struct Convoy<'s> {
    service: &'s Service,
    class: Class,
    deadline: Instant,
    heard: Vec<Result<Reply, Problem>>,
    sent: VecDeque<Result<Ticket, Problem>>,
    turned_away: Option<Problem>,
}

impl<'s> Convoy<'s> {
    /// A request whose commands must all have their answers at `deadline`.
    pub(crate) const fn new(service: &'s Service, class: Class, deadline: Instant) -> Self {
        Self { service, class, deadline, heard: Vec::new(), sent: VecDeque::new(), turned_away: None }
    }

    /// Puts one more command in line, behind those before it. Once one was turned away, those behind it are turned away
    /// too: they are decided in their order.
    pub(crate) async fn send(&mut self, submission: Submission) {
        if let Some(problem) = &self.turned_away {
            return self.sent.push_back(Err(problem.clone()));
        }
        let queue = &self.service.commands;
        while !queue.has_room_for(&submission.command)
            && let Some(first) = self.sent.pop_front()
        {
            self.heard.push(hear(self.service, self.deadline, first).await);
        }
        let ticket = queue.submit(submission, self.class, self.service.landing.clone()).map_err(Problem::from);
        self.turned_away = ticket.as_ref().err().cloned();
        self.sent.push_back(ticket);
    }

    /// The answers to all of them, in their order.
    pub(crate) async fn answers(mut self) -> Vec<Result<Reply, Problem>> {
        for sent in self.sent {
            self.heard.push(hear(self.service, self.deadline, sent).await);
        }
        self.heard
    }
}

async fn hear(service: &Service, deadline: Instant, sent: Result<Ticket, Problem>) -> Result<Reply, Problem> {
    service.hear_until(deadline, sent?).await
}
