//! What an event is known by, so that it is decided once however often it is delivered.

use std::fmt::Write;

use holdfast_domain::book::ProductRef;
use sha2::{Digest, Sha256};

use super::kept_outcome::kept_event;
use crate::command::CommandKey;
use crate::order_event::OrderEvent;

/// The scope of the names that events bring along, whichever way they come.
const EVENT_SCOPE: &str = "event";
/// The scope of bare events, which are known by their type and order.
const BARE_SCOPE: &str = "bare event";
/// The longest name that is kept as it stands; longer ones are kept as their hash.
const KEY_BYTES_MAX: usize = 255;

/// What an event is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    scope: &'static str,
    name: String,
    fingerprint: [u8; 32],
}

impl Identity {
    /// Of a `CloudEvent`: source and id. Another content under the same name is another event, and refused.
    pub fn of_cloud_event(source: &str, id: &str, event: &OrderEvent) -> Self {
        Self { scope: EVENT_SCOPE, name: named(source, id), fingerprint: fingerprint(event) }
    }

    /// Of an event about stock: source and id too, so that no event about an order has the same name.
    pub(super) fn of_stock_event(source: &str, id: &str, fingerprint: [u8; 32]) -> Self {
        Self { scope: EVENT_SCOPE, name: named(source, id), fingerprint }
    }

    /// Of a bare event: its type and order, whatever else it says.
    pub fn of_bare(event: &OrderEvent) -> Self {
        let name = format!("{}\n{}", event.kind, event.order);
        Self { scope: BARE_SCOPE, fingerprint: Sha256::digest(name.as_bytes()).into(), name }
    }

    /// The key under which its answer is kept.
    pub fn command_key(&self) -> CommandKey {
        let key = if self.name.len() > KEY_BYTES_MAX {
            hexadecimal(&Sha256::digest(self.name.as_bytes()))
        } else {
            self.name.clone()
        };
        let scope = self.scope.to_owned();
        CommandKey { scope, key, position: 0, fingerprint: self.fingerprint, render: kept_event }
    }
}

/// One name of two texts, whatever stands in them: how long the first one is says where it ends.
fn named(source: &str, id: &str) -> String {
    format!("{} {source} {id}", source.len())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a string does not fail
        text
    })
}

/// SHA-256 over what an event says.
fn fingerprint(event: &OrderEvent) -> [u8; 32] {
    let reason = event.reason.as_ref().map_or("", |reason| reason.as_str());
    let mut text = format!("{} {}\n{reason}\n", event.kind, event.order);
    for line in &event.lines {
        let product = match &line.product {
            ProductRef::Id(id) => id.to_string(),
            ProductRef::Sku(sku) => format!("sku {sku}"),
        };
        let _ = writeln!(text, "{product} {}", line.quantity); // writing to a string does not fail
    }
    Sha256::digest(text.as_bytes()).into()
}
