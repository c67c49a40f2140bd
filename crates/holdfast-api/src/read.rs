//! Readers of single values: a text or a JSON value becomes what the domain calls it, or a complaint.

use std::time::Duration;

use holdfast_application::policy::{TTL_MAX, TTL_MIN};
use holdfast_domain::text::Unfit;
use holdfast_domain::{Count, DeadLetterId, OrderId, ProductId, Quantity, ReservationId, Strategy, Timestamp};
use serde_json::Value;

use crate::faults::Complaint;

const NO_UUID: &str = "must be a UUID, such as 3fa85f64-5717-4562-b3fc-2c963f66afa6";
const NO_QUANTITY: &str = "must be a whole number from 1 to 1000000000";
const NO_COUNT: &str = "must be a whole number from 0 to 9007199254740991";
const NO_TTL: &str = "must be a whole number of seconds from 5 to 1209600";

/// A product id.
pub(crate) fn product_id(text: &str) -> Result<ProductId, Complaint> {
    ProductId::parse(text).ok_or(Complaint::Borrowed(NO_UUID))
}

/// An order id.
pub(crate) fn order_id(text: &str) -> Result<OrderId, Complaint> {
    OrderId::parse(text).ok_or(Complaint::Borrowed(NO_UUID))
}

/// A reservation id.
pub(crate) fn reservation_id(text: &str) -> Result<ReservationId, Complaint> {
    ReservationId::parse(text).ok_or(Complaint::Borrowed(NO_UUID))
}

/// The id of a dead letter.
pub(crate) fn dead_letter_id(text: &str) -> Result<DeadLetterId, Complaint> {
    DeadLetterId::parse(text).ok_or(Complaint::Borrowed(NO_UUID))
}

/// A point in time.
pub(crate) fn time(text: &str) -> Result<Timestamp, Complaint> {
    Timestamp::parse(text).ok_or(Complaint::Borrowed("must be a time, such as 2026-11-22T10:00:00Z"))
}

/// A quantity in digits.
pub(crate) fn quantity_text(text: &str) -> Result<Quantity, Complaint> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() <= 10;
    let units = if plain { text.parse::<u64>().ok() } else { None };
    units.and_then(Quantity::from_u64).ok_or(Complaint::Borrowed(NO_QUANTITY))
}

/// `true` or `false`.
pub(crate) fn truth(text: &str) -> Result<bool, Complaint> {
    text.parse().map_err(|_| "must be true or false".into())
}

/// A strategy of allocation.
pub(crate) fn strategy(text: &str) -> Result<Strategy, Complaint> {
    match text {
        "priority" => Ok(Strategy::Priority),
        "mostAvailable" => Ok(Strategy::MostAvailable),
        "fewestSplits" => Ok(Strategy::FewestSplits),
        _ => Err("must be priority, mostAvailable or fewestSplits".into()),
    }
}

/// A text with limits of the domain.
pub(crate) fn fit<T>(make: fn(&str) -> Result<T, Unfit>) -> impl Fn(&str) -> Result<T, Complaint> {
    move |text| make(text).map_err(|unfit| Complaint::Borrowed(unfit.0))
}

/// A reader of JSON strings from a reader of texts.
pub(crate) fn string<T>(read: impl Fn(&str) -> Result<T, Complaint>) -> impl Fn(&Value) -> Result<T, Complaint> {
    move |value| match value {
        Value::String(text) => read(text),
        _ => Err("must be a string".into()),
    }
}

/// A quantity.
pub(crate) fn quantity(value: &Value) -> Result<Quantity, Complaint> {
    value.as_u64().and_then(Quantity::from_u64).ok_or(Complaint::Borrowed(NO_QUANTITY))
}

/// A count.
pub(crate) fn count(value: &Value) -> Result<Count, Complaint> {
    value.as_u64().and_then(Count::new).ok_or(Complaint::Borrowed(NO_COUNT))
}

/// How long an order is to be held.
pub(crate) fn time_to_live(value: &Value) -> Result<Duration, Complaint> {
    let ttl = value.as_u64().map(Duration::from_secs).filter(|ttl| (TTL_MIN..=TTL_MAX).contains(ttl));
    ttl.ok_or(Complaint::Borrowed(NO_TTL))
}

/// A boolean.
pub(crate) fn boolean(value: &Value) -> Result<bool, Complaint> {
    value.as_bool().ok_or(Complaint::Borrowed("must be true or false"))
}

/// A location's place in the order in which locations are served.
pub(crate) fn priority(value: &Value) -> Result<u32, Complaint> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= 1_000_000_000);
    number.ok_or(Complaint::Borrowed("must be a whole number from 0 to 1000000000"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_whole_numbers_within_the_limits_are_quantities() {
        for bad in [json!(0), json!(-1), json!(1.0), json!(1e3), json!("5"), json!(true), json!(null), json!([1])] {
            assert!(quantity(&bad).is_err(), "{bad}");
        }
        assert!(quantity(&json!(1_000_000_001)).is_err());
        assert!(quantity(&json!(18_446_744_073_709_551_615_u64)).is_err());
        assert!(quantity(&json!(1_000_000_000)).is_ok());
        assert!(count(&json!(9_007_199_254_740_993_u64)).is_err());
        assert!(count(&json!(9_007_199_254_740_991_u64)).is_ok());
    }

    #[test]
    fn digits_only_make_a_quantity_of_a_query() {
        for bad in ["", "0", "-1", "+1", "1.0", "1e3", " 1", "１", "99999999999999999999"] {
            assert!(quantity_text(bad).is_err(), "{bad}");
        }
        assert!(quantity_text("5").is_ok());
    }
}
