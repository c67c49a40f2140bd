//! What can be asked of the service. One `match` leads from a command to its rule.

use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::stocking::{CardChange, NewItem, StockVerb};
use holdfast_domain::book::{Effect, Hold, ProductRef};
use holdfast_domain::movement::{Cause, MovementReference};
use holdfast_domain::{
    Actor, Book, Count, DeadLetterId, LocationCode, MovementId, Name, Notes, OrderId, ProductId, Quantity, Reason,
    Reference, Refusal, Strategy, Timestamp,
};

use crate::answer::{Answer, Decision, ItemAnswer, KeptAnswer, Warning};
use crate::dead_letters::{LetterEnd, NewLetter};
use crate::imported::ImportedItem;
use crate::order_event::OrderEvent;
use crate::policy::Policy;
use crate::ports::SentPlace;

/// The words a caller gives with a change of stock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remarks {
    /// A document number.
    pub reference: Option<Reference>,
    /// Why, as a code.
    pub reason: Option<Reason>,
    /// Why, in words.
    pub notes: Option<Notes>,
}

/// A change of one stock level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockChange {
    /// The product.
    pub product: ProductRef,
    /// Where.
    pub location: LocationCode,
    /// What happens to it.
    pub verb: StockVerb,
    /// How many units.
    pub quantity: Quantity,
    /// The version of the item the caller knows, when that matters.
    pub version: Option<u64>,
    /// The caller's words.
    pub remarks: Remarks,
}

/// A change asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make an item.
    CreateItem(NewItem, Remarks),
    /// Make an item, or let name and limits of the one that exists follow; its stock stays.
    ImportItem(Box<ImportedItem>),
    /// Change name, SKU or limits.
    ChangeCard {
        /// The product.
        product: ProductId,
        /// What is to change.
        change: CardChange,
        /// The version of the item the caller knows, when that matters.
        version: Option<u64>,
    },
    /// Add, remove, write off or take back units.
    ChangeStock(StockChange),
    /// Take over a count of the shelf.
    AdjustStock {
        /// The product.
        product: ProductId,
        /// Where.
        location: LocationCode,
        /// Units on hand, those promised included.
        counted: Count,
        /// Units on hand the caller expects the books to show.
        expected: Option<Count>,
        /// The version of the item the caller knows, when that matters.
        version: Option<u64>,
        /// The caller's words.
        remarks: Remarks,
    },
    /// Move units to another location.
    TransferStock {
        /// The product.
        product: ProductId,
        /// From where.
        from: LocationCode,
        /// To where.
        to: LocationCode,
        /// How many units.
        quantity: Quantity,
        /// The version of the item the caller knows, when that matters.
        version: Option<u64>,
        /// The caller's words.
        remarks: Remarks,
    },
    /// Make a location.
    CreateLocation {
        /// Its code.
        code: LocationCode,
        /// What people call it.
        name: Name,
        /// Lower is served first.
        priority: u32,
    },
    /// Set stock aside for a whole order.
    ReserveOrder {
        /// The order.
        order: OrderId,
        /// What it asks for.
        lines: Vec<OrderLine>,
        /// For how long; the default where the caller does not say.
        ttl: Option<Duration>,
        /// From where; the default where the caller does not say.
        strategy: Option<Strategy>,
    },
    /// Replace the lines of a reserved order.
    ReplaceLines {
        /// The order.
        order: OrderId,
        /// What it asks for now.
        lines: Vec<OrderLine>,
        /// For how long from now; as before where the caller does not say.
        ttl: Option<Duration>,
        /// From where; the default where the caller does not say.
        strategy: Option<Strategy>,
    },
    /// Let a reserved order's units leave the house.
    ConfirmOrder {
        /// The order.
        order: OrderId,
        /// Whether an expired order is reserved anew.
        reacquire: bool,
    },
    /// Give a reserved order's units back.
    ReleaseOrder {
        /// The order.
        order: OrderId,
        /// Why.
        reason: Option<Reason>,
    },
    /// Hold a reserved order longer.
    ExtendOrder {
        /// The order.
        order: OrderId,
        /// For how long from now.
        ttl: Duration,
    },
    /// End an order whose time is over.
    ExpireOrder {
        /// The order.
        order: OrderId,
    },
    /// An upstream event about an order.
    OrderEvent(OrderEvent),
    /// Let the payment that waits for an order find it: one that was decided elsewhere at the same moment did not.
    MatchPayment {
        /// The order.
        order: OrderId,
    },
    /// Give up waiting for the order of a payment.
    DropPayment {
        /// The order.
        order: OrderId,
    },
    /// Change nothing: its key belongs from now on to the request it came with.
    ClaimKey,
    /// Forget events that a destination was told.
    RemoveEvents {
        /// The destination.
        destination: Arc<str>,
        /// Where they stand in the outbox.
        sent: Arc<[SentPlace]>,
    },
    /// Put a record away that can never be applied.
    PutAway(Arc<NewLetter>),
    /// Deal with a dead letter.
    SettleLetter {
        /// The letter.
        letter: DeadLetterId,
        /// How.
        end: LetterEnd,
    },
    /// Forget dead letters that were dealt with before this time, some at a time.
    ForgetLetters {
        /// The time.
        before: Timestamp,
        /// The most to forget in one step.
        most: usize,
    },
    /// Forget answers kept, and payments given up, before this time, some at a time.
    ForgetAnswers {
        /// The time.
        before: Timestamp,
        /// The most to forget in one step.
        most: usize,
    },
}

/// The name a caller gave a command, so that it is carried out once however often it is sent.
#[derive(Clone, Debug)]
pub struct CommandKey {
    /// Whose name it is: callers do not share names.
    pub scope: String,
    /// The name: 1–255 printable ASCII characters over HTTP.
    pub key: String,
    /// The command's place among those of one request.
    pub position: u32,
    /// SHA-256 over what was asked; another body under the same name is refused.
    pub fingerprint: [u8; 32],
    /// How the answer that is kept is written down.
    pub render: fn(&Decision) -> KeptAnswer,
}

/// A command with what surrounds it.
#[derive(Clone, Debug)]
pub struct Submission {
    /// What is asked.
    pub command: Command,
    /// Who asks.
    pub actor: Actor,
    /// The name the caller gave it.
    pub key: Option<CommandKey>,
    /// The time to decide it by instead of the store's: a replay on the events' clock.
    pub decided_at: Option<Timestamp>,
}

/// The pages a batch's commands can touch.
#[derive(Debug, Default)]
pub struct Needs {
    /// Orders, with all that their reservations hold.
    pub orders: Vec<OrderId>,
    /// Products.
    pub products: Vec<ProductRef>,
}

impl Command {
    /// Adds the pages this command can touch.
    pub fn needs(&self, needs: &mut Needs) {
        let mut order_lines = |order: &OrderId, lines: &[OrderLine]| {
            needs.orders.push(*order);
            needs.products.extend(lines.iter().map(|line| line.product.clone()));
        };
        match self {
            Self::CreateItem(new, _) => needs.products.extend(names_of(new)),
            Self::ImportItem(item) => needs.products.extend(names_of(&item.new)),
            Self::ChangeCard { product, change, .. } => {
                needs.products.push(ProductRef::Id(*product));
                needs.products.extend(change.sku.clone().map(ProductRef::Sku));
            }
            Self::ChangeStock(change) => needs.products.push(change.product.clone()),
            Self::AdjustStock { product, .. } | Self::TransferStock { product, .. } => {
                needs.products.push(ProductRef::Id(*product));
            }
            Self::ReserveOrder { order, lines, .. } | Self::ReplaceLines { order, lines, .. } => {
                order_lines(order, lines);
            }
            Self::OrderEvent(event) => order_lines(&event.order, &event.lines),
            Self::ConfirmOrder { order, .. }
            | Self::ReleaseOrder { order, .. }
            | Self::ExtendOrder { order, .. }
            | Self::ExpireOrder { order }
            | Self::MatchPayment { order }
            | Self::DropPayment { order } => needs.orders.push(*order),
            Self::CreateLocation { .. }
            | Self::ClaimKey
            | Self::RemoveEvents { .. }
            | Self::PutAway(_)
            | Self::SettleLetter { .. }
            | Self::ForgetLetters { .. }
            | Self::ForgetAnswers { .. } => {}
        }
    }

    /// The order it is about, if it is about one.
    pub const fn order(&self) -> Option<OrderId> {
        match self {
            Self::ReserveOrder { order, .. }
            | Self::ReplaceLines { order, .. }
            | Self::ConfirmOrder { order, .. }
            | Self::ReleaseOrder { order, .. }
            | Self::ExtendOrder { order, .. }
            | Self::ExpireOrder { order }
            | Self::MatchPayment { order }
            | Self::DropPayment { order } => Some(*order),
            Self::OrderEvent(event) => Some(event.order),
            Self::CreateItem(..)
            | Self::ImportItem(_)
            | Self::ChangeCard { .. }
            | Self::ChangeStock(_)
            | Self::AdjustStock { .. }
            | Self::TransferStock { .. }
            | Self::CreateLocation { .. }
            | Self::ClaimKey
            | Self::RemoveEvents { .. }
            | Self::PutAway(_)
            | Self::SettleLetter { .. }
            | Self::ForgetLetters { .. }
            | Self::ForgetAnswers { .. } => None,
        }
    }

    /// The product it names; of several the first in their order, so that it does not matter in which order they stand.
    pub fn product(&self) -> Option<ProductRef> {
        match self {
            Self::CreateItem(new, _) => Some(ProductRef::Id(new.product)),
            Self::ImportItem(item) => Some(ProductRef::Id(item.new.product)),
            Self::ChangeStock(change) => Some(change.product.clone()),
            Self::ChangeCard { product, .. }
            | Self::AdjustStock { product, .. }
            | Self::TransferStock { product, .. } => Some(ProductRef::Id(*product)),
            _ => self.lines().iter().map(|line| &line.product).min().cloned(),
        }
    }

    /// How many products it touches, roughly: a batch is bounded by products too.
    pub fn products(&self) -> usize {
        self.lines().len().max(1)
    }

    fn lines(&self) -> &[OrderLine] {
        match self {
            Self::ReserveOrder { lines, .. } | Self::ReplaceLines { lines, .. } => lines,
            Self::OrderEvent(event) => &event.lines,
            _ => &[],
        }
    }

    /// What the metrics call it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreateItem(..) => "create_item",
            Self::ImportItem(_) => "import_item",
            Self::ChangeCard { .. } => "change_card",
            Self::ChangeStock(change) => match change.verb {
                StockVerb::Add => "add_stock",
                StockVerb::Remove => "remove_stock",
                StockVerb::Damage => "damage",
                StockVerb::Return => "return",
                StockVerb::AdjustUp | StockVerb::AdjustDown => "correct_stock",
            },
            Self::AdjustStock { .. } => "adjust_stock",
            Self::TransferStock { .. } => "transfer",
            Self::CreateLocation { .. } => "create_location",
            Self::ReserveOrder { .. } => "reserve_order",
            Self::ReplaceLines { .. } => "replace_lines",
            Self::ConfirmOrder { .. } => "confirm_order",
            Self::ReleaseOrder { .. } => "release_order",
            Self::ExtendOrder { .. } => "extend_order",
            Self::ExpireOrder { .. } => "expire_order",
            Self::OrderEvent(event) => event.kind.as_str(),
            Self::MatchPayment { .. } => "match_payment",
            Self::DropPayment { .. } => "drop_payment",
            Self::ClaimKey => "claim_key",
            Self::RemoveEvents { .. } => "remove_events",
            Self::PutAway(_) => "put_away",
            Self::SettleLetter { .. } => "settle_letter",
            Self::ForgetLetters { .. } => "forget_letters",
            Self::ForgetAnswers { .. } => "forget_answers",
        }
    }

    /// How many bytes it takes in the queue, roughly: the queue is bounded by bytes too.
    pub fn weight(&self) -> usize {
        let carried = match self {
            Self::RemoveEvents { sent, .. } => size_of_val(&**sent),
            Self::PutAway(letter) => letter.weight(),
            _ => 0,
        };
        let lines = self.lines().len().saturating_mul(size_of::<OrderLine>());
        lines.saturating_add(carried).saturating_add(size_of::<Submission>())
    }

    /// Decides the command on the book's pages.
    ///
    /// # Errors
    ///
    /// The rules refused it.
    pub fn apply(&self, book: &mut Book, policy: &Policy, actor: &Actor) -> Decision {
        match self {
            Self::CreateItem(new, remarks) => {
                book.create_item(new, &remarks.cause(actor))?;
                Ok(item_answer(book, &ProductRef::Id(new.product), Effect::Applied, true))
            }
            Self::ImportItem(item) => import(book, item, actor),
            Self::ChangeCard { product, change, version } => {
                let effect = book.change_card(*product, change, *version)?;
                Ok(item_answer(book, &ProductRef::Id(*product), effect, false))
            }
            Self::ChangeStock(StockChange { product, location, verb, quantity, version, remarks }) => {
                book.change_stock(product, location, *verb, *quantity, *version, remarks.cause(actor))?;
                Ok(item_answer(book, product, Effect::Applied, true))
            }
            Self::AdjustStock { product, location, counted, expected, version, remarks } => {
                let cause = remarks.cause(actor);
                let moved = book.adjust_stock(*product, location, *counted, *expected, *version, cause)?;
                let effect = if moved.is_some() { Effect::Applied } else { Effect::Replayed };
                Ok(item_answer(book, &ProductRef::Id(*product), effect, moved.is_some()))
            }
            Self::TransferStock { product, from, to, quantity, version, remarks } => {
                book.transfer_stock(*product, from, to, *quantity, *version, remarks.cause(actor))?;
                Ok(item_answer(book, &ProductRef::Id(*product), Effect::Applied, true))
            }
            Self::CreateLocation { code, name, priority } => {
                book.create_location(code, name, *priority).map(Answer::Location)
            }
            Self::ReserveOrder { order, lines, ttl, strategy } => {
                let hold = ttl.or(policy.ttl_default).map_or(Hold::Forever, Hold::For);
                let strategy = strategy.unwrap_or(policy.strategy);
                let effect = book.reserve_order(*order, lines, hold, strategy, actor)?;
                order_answer(book, *order, effect)
            }
            Self::ReplaceLines { order, lines, ttl, strategy } => {
                let strategy = strategy.unwrap_or(policy.strategy);
                let effect = book.replace_lines(*order, lines, *ttl, strategy, actor)?;
                order_answer(book, *order, effect)
            }
            Self::ConfirmOrder { order, reacquire } => {
                let strategy = reacquire.then_some(policy.strategy);
                let effect = book.confirm_order(*order, strategy, actor)?;
                order_answer(book, *order, effect)
            }
            Self::ReleaseOrder { order, reason } => {
                let effect = book.release_order(*order, reason.clone(), actor)?;
                order_answer(book, *order, effect)
            }
            Self::ExtendOrder { order, ttl } => {
                let effect = book.extend_order(*order, *ttl)?;
                order_answer(book, *order, effect)
            }
            Self::ExpireOrder { order } => {
                Ok(Answer::Swept { ended: book.expire_order(*order, policy.sweep_grace, actor) })
            }
            Self::OrderEvent(event) => Ok(Answer::Event(event.apply(book, policy, actor))),
            Self::MatchPayment { order } => Ok(Answer::Swept { ended: book.match_payment(*order, actor) }),
            Self::DropPayment { order } => Ok(Answer::Swept { ended: book.give_up_payment(*order, actor) }),
            // Nothing in the book changes; dead letters have their shelf.
            Self::ClaimKey
            | Self::RemoveEvents { .. }
            | Self::PutAway(_)
            | Self::SettleLetter { .. }
            | Self::ForgetLetters { .. }
            | Self::ForgetAnswers { .. } => Ok(Answer::Swept { ended: true }),
        }
    }
}

impl Remarks {
    fn cause(&self, actor: &Actor) -> Cause {
        Cause {
            reference: self.reference.clone().map_or(MovementReference::None, MovementReference::Document),
            reason: self.reason.clone(),
            notes: self.notes.clone(),
            ..Cause::by(actor.clone())
        }
    }
}

/// What a new item is known by.
fn names_of(new: &NewItem) -> [ProductRef; 2] {
    [ProductRef::Id(new.product), ProductRef::Sku(new.sku.clone())]
}

/// Makes the item, or lets its card follow when the product is there.
fn import(book: &mut Book, ImportedItem { new, follows }: &ImportedItem, actor: &Actor) -> Decision {
    let product = ProductRef::Id(new.product);
    if book.item(new.product).is_none() {
        book.create_item(new, &Cause::by(actor.clone()))?;
        return Ok(item_answer(book, &product, Effect::Applied, true));
    }
    let effect = book.change_card(new.product, follows, None)?;
    Ok(item_answer(book, &product, effect, false))
}

fn item_answer(book: &Book, product: &ProductRef, effect: Effect, moved: bool) -> Answer {
    let item = book.find(product).expect("the command touched the item").clone();
    let movement = (moved && item.sequence > 0).then(|| MovementId::new(item.updated_at, item.number, item.sequence));
    let above_maximum = moved && item.on_hand() > item.max_stock_level;
    let warning = above_maximum.then_some(Warning::AboveMaximum);
    Answer::Item(Box::new(ItemAnswer { effect, item, movement, warning, locations: book.locations.clone() }))
}

fn order_answer(book: &mut Book, order: OrderId, effect: Effect) -> Result<Answer, Refusal> {
    let order = book.tell_order(order).ok_or(Refusal::OrderNotFound)?;
    Ok(Answer::Order { effect, order, locations: book.locations.clone() })
}
