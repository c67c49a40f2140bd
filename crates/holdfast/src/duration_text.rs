//! Durations as people write them: `500ms`, `30s`, `30m`, `24h`, `14d`, `1h30m`.

use std::time::Duration;

/// Reads a duration. `None` when the text is not one.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let figures = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(figures);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let number: u64 = number.parse().ok()?;
        let part = match unit {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(60 * 60)?),
            "d" => Duration::from_secs(number.checked_mul(24 * 60 * 60)?),
            _ => return None,
        };
        total = total.checked_add(part)?;
        rest = tail;
    }
    Some(total)
}

/// Reads a duration or `never`, which is `None`.
///
/// # Errors
///
/// The text is neither.
pub(crate) fn parse_or_never(text: &str) -> Result<Option<Duration>, NoDuration> {
    if text.trim() == "never" { Ok(None) } else { parse(text).map(Some).ok_or(NoDuration) }
}

/// A text that is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoDuration;

/// Writes a duration in its largest whole unit.
pub(crate) fn show(duration: Duration) -> String {
    const UNITS: [(u128, &str); 5] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let millis = duration.as_millis();
    let whole = UNITS.iter().find_map(|(size, unit)| {
        let number = millis.checked_div(*size).filter(|_| millis.checked_rem(*size) == Some(0))?;
        (number > 0).then(|| format!("{number}{unit}"))
    });
    whole.unwrap_or_else(|| "0s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_writes_it_back() {
        for text in ["500ms", "30s", "30m", "24d", "90m", "36h"] {
            assert_eq!(parse(text).map(show).as_deref(), Some(text));
        }
        assert_eq!(parse("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(parse("24h").map(show).as_deref(), Some("1d"));
        assert_eq!(parse_or_never("never"), Ok(None));
        assert_eq!(show(Duration::ZERO), "0s");
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in ["", "30", "m", "1.5h", "-1s", "1 h", "1y", "99999999999999999999d", "300000000000000000d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
