//! Where events go: brokers, or a webhook.

use crate::events::OutgoingEvent;

/// Takes events on their way out.
pub trait EventSink: Send {
    /// Sends events, of each key in their order, and waits until it is known what became of them, or until `give_up`
    /// says so. Says of each, in order, whether it was taken for certain. Of a key nothing is sent any more once one
    /// event was not taken, so what was taken of a key are its first ones (PROTOCOL, E20). A sink may send the first of
    /// them only and leave the rest for the next time.
    fn send(&mut self, events: &[&OutgoingEvent], give_up: &dyn Fn() -> bool) -> Vec<bool>;
    /// Why the last events were not taken, for people. None where some were, and the others were only left for the next
    /// time.
    fn fault(&self) -> Option<String>;
    /// Whether, after events were not taken, those of other keys may be: then nothing else has to wait for these.
    fn takes_other_keys(&self) -> bool {
        false
    }
}
