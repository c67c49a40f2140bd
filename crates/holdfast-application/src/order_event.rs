//! The upstream events about orders, and what each does to an order in each state (PROTOCOL, section 3.11).

use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::{Effect, Hold};
use holdfast_domain::order::OrderEventKind;
use holdfast_domain::{Actor, Book, OrderId, OrderStatus, Reason, Refusal};

use crate::policy::{LatePayment, Policy};

/// An upstream event about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// What happened.
    pub kind: OrderEventKind,
    /// To which order.
    pub order: OrderId,
    /// What the order asks for, of an `OrderCreated`.
    pub lines: Vec<OrderLine>,
    /// Why, of a `PaymentFailed` or `OrderCancelled`.
    pub reason: Option<Reason>,
    /// Whether type and order are its identity; else its submission carries the key.
    pub is_bare: bool,
}

/// What became of an upstream event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    /// It changed something.
    Applied,
    /// It was known.
    Replayed,
    /// The rules said no.
    Refused,
    /// There was nothing to do.
    Ignored,
    /// A payment waits for its order.
    Waiting,
    /// It can never be applied.
    Rejected,
}

impl EventOutcome {
    /// Every one of them.
    pub const ALL: [Self; 6] =
        [Self::Applied, Self::Replayed, Self::Refused, Self::Ignored, Self::Waiting, Self::Rejected];

    /// The outcome a word means.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// The word the world reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Replayed => "replayed",
            Self::Refused => "refused",
            Self::Ignored => "ignored",
            Self::Waiting => "waiting",
            Self::Rejected => "rejected",
        }
    }
}

/// What became of an upstream event, and why not more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventAnswer {
    /// What became of it.
    pub outcome: EventOutcome,
    /// The code of the rule that said no.
    pub code: Option<&'static str>,
}

impl EventAnswer {
    const fn plain(outcome: EventOutcome) -> Self {
        Self { outcome, code: None }
    }

    const fn coded(outcome: EventOutcome, code: &'static str) -> Self {
        Self { outcome, code: Some(code) }
    }

    fn of(result: Result<Effect, Refusal>) -> Self {
        match result {
            Ok(Effect::Applied) => Self::plain(EventOutcome::Applied),
            Ok(Effect::Replayed) => Self::plain(EventOutcome::Replayed),
            Err(refusal @ (Refusal::OrderAlreadyReserved(_) | Refusal::OutOfRange { .. })) => {
                Self::coded(EventOutcome::Rejected, refusal.code())
            }
            Err(refusal) => Self::coded(EventOutcome::Refused, refusal.code()),
        }
    }
}

impl OrderEvent {
    /// Decides the event on the book's pages.
    pub fn apply(&self, book: &mut Book, policy: &Policy, actor: &Actor) -> EventAnswer {
        if self.is_bare && book.order(self.order).is_some_and(|order| order.has_seen(self.kind)) {
            return self.known(book, policy, actor);
        }
        if self.is_bare && self.kind == OrderEventKind::PaymentCompleted && book.waiting.was_given_up(self.order) {
            return EventAnswer::coded(EventOutcome::Rejected, Refusal::OrderNotFound.code());
        }
        let answer = match self.kind {
            OrderEventKind::OrderCreated => self.created(book, policy, actor),
            OrderEventKind::PaymentCompleted => self.paid(book, policy, actor),
            OrderEventKind::PaymentFailed | OrderEventKind::OrderCancelled => self.ended(book, actor),
        };
        if self.is_bare {
            book.note_event(self.order, self.kind, answer.outcome == EventOutcome::Refused);
        }
        answer
    }

    /// An event that the order remembers. A no is heard again. While the order holds what it was made with, the same
    /// lines are a repeat, and others are another order's.
    fn known(&self, book: &mut Book, policy: &Policy, actor: &Actor) -> EventAnswer {
        let Some(order) = book.order(self.order) else { return EventAnswer::plain(EventOutcome::Replayed) };
        if order.has_refused(self.kind) {
            let code = self.code_of_no(order.status, book, policy);
            return EventAnswer { outcome: EventOutcome::Refused, code };
        }
        if self.kind == OrderEventKind::OrderCreated && order.status == OrderStatus::Reserved && order.event_seq == 1 {
            return self.created(book, policy, actor);
        }
        EventAnswer::plain(EventOutcome::Replayed)
    }

    /// The code of a no as the order's present state tells it; none where a later attempt has gone another way.
    fn code_of_no(&self, status: OrderStatus, book: &Book, policy: &Policy) -> Option<&'static str> {
        use OrderEventKind::{OrderCancelled, OrderCreated, PaymentCompleted, PaymentFailed};
        match (self.kind, status) {
            (OrderCancelled | PaymentFailed, _) | (PaymentCompleted, OrderStatus::Refused) => {
                Some(Refusal::OrderStateConflict(status).code())
            }
            (OrderCreated, OrderStatus::Refused) => Some(refusal_code(book, self.order)),
            (OrderCreated, OrderStatus::Closed) | (PaymentCompleted, OrderStatus::Closed | OrderStatus::Released) => {
                Some(Refusal::OrderAlreadyClosed(status).code())
            }
            (PaymentCompleted, OrderStatus::Expired) => Some(match policy.late_payment {
                LatePayment::Refuse => Refusal::ReservationExpired.code(),
                LatePayment::Reacquire => Refusal::InsufficientStock(Vec::new()).code(),
            }),
            (OrderCreated | PaymentCompleted, _) => None,
        }
    }

    /// Tells the world of an order that is not served, and answers the event.
    fn turned_away(&self, book: &mut Book, refusal: &Refusal, is_paid: bool) -> EventAnswer {
        book.tell_turned_away(self.order, refusal, is_paid);
        EventAnswer::coded(EventOutcome::Refused, refusal.code())
    }

    fn created(&self, book: &mut Book, policy: &Policy, actor: &Actor) -> EventAnswer {
        match book.order(self.order).map(|order| order.status) {
            Some(status @ OrderStatus::Closed) => self.turned_away(book, &Refusal::OrderAlreadyClosed(status), false),
            None | Some(OrderStatus::Reserved) => {
                let hold = policy.ttl_default.map_or(Hold::Forever, Hold::For);
                EventAnswer::of(book.reserve_order(self.order, &self.lines, hold, policy.strategy, actor))
            }
            // It was refused in another way, such as over HTTP. The world was told then.
            Some(OrderStatus::Refused) => EventAnswer::coded(EventOutcome::Refused, refusal_code(book, self.order)),
            Some(OrderStatus::Confirmed | OrderStatus::Released | OrderStatus::Expired) => {
                EventAnswer::plain(EventOutcome::Replayed)
            }
        }
    }

    fn paid(&self, book: &mut Book, policy: &Policy, actor: &Actor) -> EventAnswer {
        match book.order(self.order).map(|order| order.status) {
            None if book.waiting.waits(self.order) => EventAnswer::plain(EventOutcome::Replayed),
            None => {
                book.waiting.wait(self.order, book.now.after(policy.payment_wait));
                EventAnswer::plain(EventOutcome::Waiting)
            }
            Some(status @ (OrderStatus::Released | OrderStatus::Closed)) => {
                self.turned_away(book, &Refusal::OrderAlreadyClosed(status), true)
            }
            Some(_) => {
                let reacquire = (policy.late_payment == LatePayment::Reacquire).then_some(policy.strategy);
                match book.confirm_order(self.order, reacquire, actor) {
                    Err(refusal) => self.turned_away(book, &refusal, true),
                    Ok(effect) => EventAnswer::of(Ok(effect)),
                }
            }
        }
    }

    fn ended(&self, book: &mut Book, actor: &Actor) -> EventAnswer {
        match book.order(self.order).map(|order| order.status) {
            None => {
                book.close_unseen_order(self.order, self.reason());
                EventAnswer::plain(EventOutcome::Applied)
            }
            Some(OrderStatus::Reserved | OrderStatus::Confirmed) => {
                EventAnswer::of(book.release_order(self.order, self.reason(), actor))
            }
            Some(OrderStatus::Refused | OrderStatus::Released | OrderStatus::Expired | OrderStatus::Closed) => {
                EventAnswer::plain(EventOutcome::Ignored)
            }
        }
    }

    /// The reason it gives, else what it is.
    fn reason(&self) -> Option<Reason> {
        let kind = if self.kind == OrderEventKind::PaymentFailed { "payment_failed" } else { "order_cancelled" };
        self.reason.clone().or_else(|| Reason::new(kind).ok())
    }
}

/// The code under which an order was refused: its reason.
fn refusal_code(book: &Book, order: OrderId) -> &'static str {
    let reason = book.order(order).and_then(|order| order.reason.as_ref()).map(Reason::as_str);
    let unknown = [Refusal::ProductNotFound(Vec::new()), Refusal::LocationNotFound(Vec::new())];
    let code = unknown.iter().map(Refusal::code).find(|code| Some(*code) == reason);
    code.unwrap_or_else(|| Refusal::InsufficientStock(Vec::new()).code())
}
