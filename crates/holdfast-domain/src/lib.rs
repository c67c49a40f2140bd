//! What stock is, and which changes of it are allowed.
//!
//! The centre of Holdfast: no I/O, no clock, no dependencies. Time is an argument everywhere, and every rule either
//! returns the movement it caused or a [`Refusal`] and changes nothing.
//!
//! Reading order: [`quantity`] and [`time`] (numbers), [`ids`] and [`text`] (names), [`movement`] and [`item`] (stock
//! and its rules), [`reservation`], [`allocation`] and [`order`] (promises), [`book`] (the pages a batch works on),
//! [`event`] and [`outcome`] (what the world is told).

pub mod allocation;
pub mod book;
pub mod event;
pub mod ids;
pub mod item;
pub mod location;
pub mod movement;
pub mod order;
pub mod outcome;
pub mod quantity;
pub mod refusal;
pub mod reservation;
pub mod text;
pub mod time;
mod words;

pub use allocation::Strategy;
pub use book::Book;
pub use ids::{
    DeadLetterId, ItemId, ItemNumber, LocationNumber, MovementId, OrderId, OrderNumber, ProductId, ReservationId,
};
pub use item::{InventoryItem, StockLevel};
pub use location::Location;
pub use movement::{StockMovement, StockMovementType};
pub use order::{AskedLine, Order, OrderStatus};
pub use quantity::{Count, Quantity};
pub use refusal::{Refusal, ShortLine};
pub use reservation::{ReservationStatus, StockReservation};
pub use text::{Actor, DiscardNote, LocationCode, Name, Notes, Reason, Reference, Sku};
pub use time::Timestamp;
