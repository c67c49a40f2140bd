//! The whole ledger, for a proof: the side of the stock and the side of the promises, each in one pass.
//!
//! A row that nobody can have written is told as such and left out: the rest is proved all the same.

mod outbox;
mod promises;
mod question;
mod stock;

pub(crate) use promises::read_promises;
pub(crate) use question::unfit_rows;
pub(crate) use stock::read_stock;
