//! The routes: decode, ask, answer. One file per subject.

pub(crate) mod availability;
pub(crate) mod batch;
pub(crate) mod dead_letters;
pub(crate) mod event_stream;
pub(crate) mod events;
pub(crate) mod items;
pub(crate) mod locations;
pub(crate) mod movements;
pub(crate) mod orders;
pub(crate) mod problems;
pub(crate) mod reservations;
pub(crate) mod status;
pub(crate) mod stock;
