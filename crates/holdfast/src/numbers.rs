//! Counts as floating-point numbers, for rates and percentiles.

/// A count as a floating-point number.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "a rate does not need more than 53 bits")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// A length as a count.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Seconds to three places, as results print them.
pub(crate) fn seconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1_000.0).round() / 1_000.0
}
