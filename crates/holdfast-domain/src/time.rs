//! Points in time: UTC microseconds, written as RFC 3339.

use std::fmt;
use std::time::Duration;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// 9999-12-31T23:59:59.999999Z, the last moment RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The moment `micros` microseconds after [`Self::EPOCH`], held within 1970 … 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(0, Self::MAX.0))
    }

    /// Microseconds since [`Self::EPOCH`].
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since [`Self::EPOCH`], never negative.
    pub fn millis(self) -> u64 {
        u64::try_from(self.0.div_euclid(1_000)).unwrap_or(0)
    }

    /// The microseconds within the millisecond: 0 … 999.
    pub fn submillis(self) -> u16 {
        u16::try_from(self.0.rem_euclid(1_000)).unwrap_or(0)
    }

    /// This moment and `duration` more, at most [`Self::MAX`].
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This moment and `duration` less, at least [`Self::EPOCH`].
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads an RFC 3339 date and time, such as `2026-11-22T10:00:00.25Z` or `2026-11-22T11:00:00+01:00`. Digits beyond
    /// microseconds are cut off. `None` when the text is not one, or lies outside 1970 … 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let digits = |from: usize, to: usize| -> Option<i64> {
            let part = bytes.get(from..to)?;
            part.iter().all(u8::is_ascii_digit).then_some(())?;
            text.get(from..to)?.parse().ok()
        };
        let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
        let shape = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
        shape.then_some(())?;
        let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
        let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
        let in_range = (1..=12).contains(&month)
            && (1..=days_of_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60;
        in_range.then_some(())?;

        let mut rest = text.get(19..)?;
        let mut fraction = 0;
        if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
            let (figures, after) = tail.split_at(end);
            (!figures.is_empty()).then_some(())?;
            let micros: String = figures.chars().chain("000000".chars()).take(6).collect();
            fraction = micros.parse().ok()?;
            rest = after;
        }
        let offset_minutes = match rest {
            "Z" | "z" => 0,
            _ => {
                let sign = match rest.as_bytes().first()? {
                    b'+' => 1,
                    b'-' => -1,
                    _ => return None,
                };
                let (hours, minutes) = rest.get(1..)?.split_once(':')?;
                let plain = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
                (plain(hours) && plain(minutes)).then_some(())?;
                let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
                (hours < 24 && minutes < 60).then_some(())?;
                hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(sign)?
            }
        };

        let seconds = days_since_epoch(year, month, day)
            .checked_mul(SECONDS_PER_DAY)?
            .checked_add(hour.checked_mul(3_600)?)?
            .checked_add(minute.checked_mul(60)?)?
            .checked_add(second.min(59))?
            .checked_sub(offset_minutes.checked_mul(60)?)?;
        let micros = seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(fraction)?;
        (0..=Self::MAX.0).contains(&micros).then_some(Self(micros))
    }
}

/// The text of a point in time: `2026-11-22T10:00:00.000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeText([u8; 27]);

impl TimeText {
    /// The characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are text")
    }

    /// Writes `number` into `width` places that end before `end`.
    fn put(&mut self, end: usize, width: usize, number: i64) {
        let mut rest = number;
        for place in self.0.iter_mut().take(end).rev().take(width) {
            *place = b'0'.saturating_add(u8::try_from(rest.rem_euclid(10)).unwrap_or(0));
            rest = rest.div_euclid(10);
        }
    }
}

impl Timestamp {
    /// Its text.
    pub fn text(self) -> TimeText {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        let (year, month, day) = civil_date(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let mut text = TimeText(*b"0000-00-00T00:00:00.000000Z");
        text.put(4, 4, year);
        text.put(7, 2, month);
        text.put(10, 2, day);
        text.put(13, 2, of_day.div_euclid(3_600));
        text.put(16, 2, of_day.div_euclid(60).rem_euclid(60));
        text.put(19, 2, of_day.rem_euclid(60));
        text.put(26, 6, self.0.rem_euclid(MICROS_PER_SECOND));
        text
    }
}

impl fmt::Display for Timestamp {
    /// `2026-11-22T10:00:00.000000Z`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text().as_str())
    }
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
/// algorithms").
#[expect(clippy::arithmetic_side_effects, reason = "years 0 … 9999 stay far inside an i64")]
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date `days` after 1970-01-01, the inverse of [`days_since_epoch`].
#[expect(clippy::arithmetic_side_effects, reason = "years 0 … 9999 stay far inside an i64")]
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_and_reads_rfc_3339() {
        for text in [
            "1970-01-01T00:00:00.000000Z",
            "2000-02-29T23:59:59.999999Z",
            "2026-11-22T10:00:00.000001Z",
            "9999-12-31T23:59:59.999999Z",
        ] {
            assert_eq!(Timestamp::parse(text).map(|at| at.to_string()).as_deref(), Some(text));
        }
        let zoned = Timestamp::parse("2026-11-22T11:30:00.5+01:30").expect("an offset");
        assert_eq!(zoned.to_string(), "2026-11-22T10:00:00.500000Z");
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T10:00:00",
            "2026-02-29T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T10:00:00.Z",
            "2026-11-22T10:00:00+1:00",
            "1969-12-31T23:59:59Z",
            "٢٠٢٦-11-22T10:00:00Z",
            "2026-11-22T10:00:00Zjunk",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_year_has_every_day_once() {
        for day in 0..40_000 {
            let (year, month, date) = civil_date(day);
            assert_eq!(days_since_epoch(year, month, date), day);
        }
    }
}
