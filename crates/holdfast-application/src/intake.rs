//! Upstream events as they come in, whichever way: from bytes to what happened to which order, under which name it is
//! decided once, and what is kept of the decision. Pure functions, shared by HTTP, files of events and brokers.
//!
//! Reading order: [`strict_json`] (bytes to JSON), [`read_event`] (one event, bare or a `CloudEvent`),
//! [`upstream_event`] (what is read of it), [`Flaw`] (what is wrong with one), [`read_record`] (one of a broker),
//! [`identity`] (the key under which it is decided once), [`file_event`] (those of files), [`kept_outcome`] (what its
//! repeats hear).

mod bare_event;
mod broker_record;
mod cloud_event;
mod counting;
pub mod file_event;
mod flaw;
pub mod identity;
pub mod kept_outcome;
mod members;
mod order_fields;
mod reading;
pub mod strict_json;
pub mod upstream_event;

pub use broker_record::read_record;
pub use cloud_event::with_attributes;
pub use counting::count;
pub use file_event::{FILE_SOURCE, StockEventName, file_event_id};
pub use flaw::Flaw;
pub use identity::Identity;
pub(crate) use identity::hexadecimal;
pub use kept_outcome::{Outcome, again, heard, heard_again, kept_event, outcome_of};
pub use reading::read_event;
pub use upstream_event::{EventNames, ReadEvent, Unreadable, kind_of};
