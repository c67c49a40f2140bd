//! Stock events for those who listen over HTTP: read from the ledger once for all of them, whether or not anything is
//! published elsewhere (PROTOCOL, section 3.10).
//!
//! Reading order: [`position`] (where somebody has got to), [`frame`] (an event as it is sent), [`ring`] (the latest
//! events, and who listens), [`tail`] (the end of the ledger as it grows) and [`reader`] (the thread that reads it).

pub mod frame;
pub mod position;
pub mod reader;
pub mod ring;
mod tail;

pub use position::StreamPosition;
pub use reader::StreamReader;
pub use ring::{Listener, Passed, RecentEvents, StreamLimits};
