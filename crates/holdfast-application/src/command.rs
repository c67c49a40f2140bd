//! What can be asked of the service.

use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::book::ProductRef;
use holdfast_domain::book::reserving::OrderLine;
use holdfast_domain::book::stocking::{CardChange, NewItem, StockVerb};
use holdfast_domain::{
    Actor, Count, DeadLetterId, LocationCode, Name, Notes, OrderId, ProductId, Quantity, Reason, Reference, Strategy,
    Timestamp,
};

use crate::answer::{Decision, KeptAnswer};
use crate::dead_letters::{LetterEnd, NewLetter};
use crate::events::SentParcel;
use crate::imported::ImportedItem;
use crate::order_event::OrderEvent;

mod carrying_out;
mod facts;

pub use facts::Needs;

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
        sent: Arc<[SentParcel]>,
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

impl Submission {
    /// A write that changes nothing: whether it is committed tells whether the store can write at all.
    pub fn of_nothing() -> Self {
        let command = Command::ForgetAnswers { before: Timestamp::EPOCH, most: 1 };
        let actor = Actor::new("health").expect("a plain word is an actor");
        Self { command, actor, key: None, decided_at: None }
    }
}
