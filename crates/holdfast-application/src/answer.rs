//! What became of a command.

use std::sync::Arc;
use std::time::Duration;

use holdfast_domain::book::Effect;
use holdfast_domain::location::Locations;
use holdfast_domain::{InventoryItem, Location, MovementId, Order, ProductId, Refusal};

use crate::dead_letters::LetterHead;
use crate::order_event::EventAnswer;

/// Something the caller should know about a change that was made all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// More is on hand than the item's maximum.
    AboveMaximum,
}

impl Warning {
    /// The word the world reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AboveMaximum => "above_max_stock_level",
        }
    }
}

/// The item after a change of stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemAnswer {
    /// Whether something changed.
    pub effect: Effect,
    /// The item as the decision left it.
    pub item: InventoryItem,
    /// The last movement written; `None` where nothing moved.
    pub movement: Option<MovementId>,
    /// Something to know about it.
    pub warning: Option<Warning>,
    /// The locations its levels name.
    pub locations: Arc<Locations>,
}

/// What a command that was not refused leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An item changed.
    Item(Box<ItemAnswer>),
    /// An order changed, or was so already.
    Order {
        /// Whether something changed.
        effect: Effect,
        /// The order as the decision left it, shared by all answers of the batch that tell the same of it.
        order: Arc<Order>,
        /// The locations its reservations name.
        locations: Arc<Locations>,
    },
    /// A location was made.
    Location(Location),
    /// An upstream event was decided.
    Event(EventAnswer),
    /// A dead letter was dealt with, or was so already.
    DeadLetter {
        /// Whether something changed.
        effect: Effect,
        /// The letter as the decision left it.
        letter: Box<LetterHead>,
    },
    /// A step of maintenance was done.
    Swept {
        /// Whether there was something to do.
        ended: bool,
    },
}

/// What the rules said.
pub type Decision = Result<Answer, Refusal>;

/// The word for a decision (CONTRACT, section 6): `applied`, `replayed` or `refused`, of events their own.
pub fn outcome_word(decision: &Decision) -> &'static str {
    let effect = match decision {
        Ok(Answer::Event(event)) => return event.outcome.as_str(),
        Err(_) => return "refused",
        Ok(Answer::Item(item)) => item.effect,
        Ok(Answer::Order { effect, .. } | Answer::DeadLetter { effect, .. }) => *effect,
        Ok(Answer::Location(_) | Answer::Swept { .. }) => Effect::Applied,
    };
    match effect {
        Effect::Applied => "applied",
        Effect::Replayed => "replayed",
    }
}

/// An answer as it was first given, kept under its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, as it was sent.
    pub body: Vec<u8>,
    /// The `Location` of what was made.
    pub location: Option<String>,
    /// The `ETag` of the item.
    pub etag: Option<String>,
}

/// What the caller of a command hears once it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It was decided just now.
    Decided(Decision),
    /// It was decided just now, and the answer is kept under its key.
    Kept {
        /// The answer.
        answer: KeptAnswer,
        /// The word for what was decided: see [`outcome_word`].
        outcome: &'static str,
    },
    /// It was decided before, under the same key.
    Replayed(KeptAnswer),
    /// The key was used before for something else.
    KeyReused,
}

/// Why a command was not decided, or why nobody knows. Cloneable, because a whole batch shares it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The queue is full; nothing was done.
    #[error("the service is busy")]
    Overloaded,
    /// The service is shutting down; nothing was done.
    #[error("the service is shutting down")]
    ShuttingDown,
    /// The command waited too long and was dropped; nothing was done.
    #[error("the command waited {0:?} and was dropped")]
    TooLate(Duration),
    /// Another replica held the lock of a product until the command's deadline; nothing was done.
    #[error("the lock of a product was held by another for {0:?}")]
    LockTimeout(Duration),
    /// The store cannot write at present; nothing was done.
    #[error("the store cannot write: {0}")]
    StoreUnavailable(String),
    /// The books of this product are older than what was published, so nothing is decided about it; nothing was done.
    #[error("product {0} is frozen")]
    Frozen(ProductId),
    /// The command cannot be carried out, however often it is tried: a fault of ours; nothing was done.
    #[error("the command failed: {0}")]
    Failed(String),
    /// The commit was sent and its result is not known: the same command under the same key will tell.
    #[error("the outcome is not known: {0}")]
    OutcomeUnknown(String),
}
