//! The settings that rules depend on.

use std::time::Duration;

use holdfast_domain::Strategy;
use holdfast_domain::book::ExpiryRule;

use crate::events::Publishing;

/// What a `PaymentCompleted` does to an order that has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatePayment {
    /// Reserve and confirm in one decision, if there is stock.
    Reacquire,
    /// Refuse.
    Refuse,
}

/// The settings that rules depend on.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How long an order is held that does not say; `None` for good.
    pub ttl_default: Option<Duration>,
    /// Whether a due order that was not ended yet can still be confirmed.
    pub expiry: ExpiryRule,
    /// What a late payment does.
    pub late_payment: LatePayment,
    /// How long after `expiresAt` the sweep acts at the earliest.
    pub sweep_grace: Duration,
    /// How long a payment waits for its order.
    pub payment_wait: Duration,
    /// Where lines without a location are served from, unless the caller says.
    pub strategy: Strategy,
    /// The most due orders a batch ends to serve somebody else.
    pub reclaim_orders_max: usize,
    /// Who is told of events.
    pub publishing: Publishing,
}

/// The shortest time to live a caller may ask for (CONTRACT, section 4).
pub const TTL_MIN: Duration = Duration::from_secs(5);
/// The longest time to live a caller may ask for (CONTRACT, section 4).
pub const TTL_MAX: Duration = Duration::from_hours(14 * 24);

impl Default for Policy {
    fn default() -> Self {
        Self {
            ttl_default: Some(Duration::from_mins(30)),
            expiry: ExpiryRule::Lenient,
            late_payment: LatePayment::Reacquire,
            sweep_grace: Duration::from_secs(2),
            payment_wait: Duration::from_mins(15),
            strategy: Strategy::Priority,
            reclaim_orders_max: 1_024,
            publishing: Publishing::default(),
        }
    }
}
