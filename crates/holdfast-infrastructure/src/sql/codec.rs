//! How the domain's types stand in columns.

use holdfast_application::ports::StoreError;
use holdfast_domain::text::Unfit;
use holdfast_domain::{AskedLine, Count, LocationNumber, ProductId, Quantity, Timestamp};

/// What is read back is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("the store holds an invalid value: {0}")]
pub(crate) struct Unreadable(pub(crate) String);

pub(crate) fn broken(what: impl Into<String>) -> StoreError {
    StoreError::Broken(Box::new(Unreadable(what.into())))
}

pub(crate) fn count(units: i64) -> Result<Count, StoreError> {
    let count = u64::try_from(units).ok().and_then(Count::new);
    count.ok_or_else(|| broken(format!("the count {units}")))
}

pub(crate) fn quantity(units: i64) -> Result<Quantity, StoreError> {
    let quantity = u32::try_from(units).ok().and_then(Quantity::new);
    quantity.ok_or_else(|| broken(format!("the quantity {units}")))
}

/// A number of a kind of its own.
pub(crate) fn number<T: TryFrom<i64>>(number: i64) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_too_large| broken(format!("the number {number}")))
}

pub(crate) fn location(at: i64) -> Result<LocationNumber, StoreError> {
    number(at).map(LocationNumber)
}

pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// A time as strictly as a proof takes it: one that no clock can have told is not brought into the range of clocks.
pub(crate) fn moment(micros: i64) -> Result<Timestamp, StoreError> {
    let at = time(micros);
    if at.micros() == micros { Ok(at) } else { Err(broken(format!("the time {micros}"))) }
}

/// The same, where there need not be one.
pub(crate) fn moment_or_null(micros: Option<i64>) -> Result<Option<Timestamp>, StoreError> {
    micros.map(moment).transpose()
}

pub(crate) fn uuid(bytes: &[u8]) -> Result<[u8; 16], StoreError> {
    bytes.try_into().map_err(|_other| broken(format!("an id of {} bytes", bytes.len())))
}

pub(crate) fn text<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, Unfit>) -> Result<T, StoreError> {
    parse(text).map_err(|unfit| broken(format!("the text {text:?} ({unfit})")))
}

pub(crate) fn text_or_null<T>(
    found: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Unfit>,
) -> Result<Option<T>, StoreError> {
    found.map(|found| text(found, parse)).transpose()
}

/// What an order asked for, as bytes: per line the item's number, the location's (0 for none) and the quantity.
pub(crate) fn asked_to_bytes(asked: &[AskedLine], item_of: impl Fn(ProductId) -> u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(asked.len().saturating_mul(6));
    for line in asked {
        put_number(&mut bytes, item_of(line.product));
        put_number(&mut bytes, line.location.map_or(0, |location| u32::from(location.0)));
        put_number(&mut bytes, line.quantity.get());
    }
    bytes
}

/// A line of [`asked_to_bytes`]: item, location, quantity.
pub(crate) type AskedNumbers = (u32, Option<LocationNumber>, Quantity);

/// The lines of [`asked_to_bytes`], up to the first that cannot be read.
pub(crate) fn asked(bytes: &[u8]) -> impl Iterator<Item = Result<AskedNumbers, StoreError>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let line = (!rest.is_empty()).then(|| take_line(&mut rest))?;
        if line.is_err() {
            rest = &[];
        }
        Some(line)
    })
}

fn take_line(bytes: &mut &[u8]) -> Result<AskedNumbers, StoreError> {
    let item = take_number(bytes)?;
    let at = take_number(bytes)?;
    let units = take_number(bytes)?;
    let location = if at == 0 { None } else { Some(location(i64::from(at))?) };
    Ok((item, location, quantity(i64::from(units))?))
}

/// Seven bits a byte, the lowest first; the high bit says that more follow (LEB128).
fn put_number(bytes: &mut Vec<u8>, number: u32) {
    let mut rest = number;
    loop {
        let low = u8::try_from(rest & 0x7F).unwrap_or(0);
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn take_number(bytes: &mut &[u8]) -> Result<u32, StoreError> {
    let mut number = 0_u32;
    for shift in [0_u32, 7, 14, 21, 28] {
        let (first, rest) = bytes.split_first().ok_or_else(|| broken("a number that ends too early"))?;
        *bytes = rest;
        number |= u32::from(first & 0x7F).checked_shl(shift).unwrap_or(0);
        if first & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(broken("a number that does not end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_comes_back() {
        let asked = |location: Option<u16>, units: u32| AskedLine {
            product: ProductId::from_bytes([7; 16]),
            location: location.map(LocationNumber),
            quantity: Quantity::new(units).expect("a quantity"),
        };
        let lines = [asked(None, 1), asked(Some(65_535), 1_000_000_000), asked(Some(1), 128)];
        let bytes = asked_to_bytes(&lines, |_| 268_435_455);
        let back: Vec<_> = super::asked(&bytes).map(|line| line.expect("readable")).collect();
        let expected: Vec<_> = lines.iter().map(|line| (268_435_455, line.location, line.quantity)).collect();
        assert_eq!(back, expected);
    }

    #[test]
    fn garbage_is_told_apart() {
        for bytes in [&[0x80_u8][..], &[1, 2], &[1, 0, 0], &[0xFF; 6]] {
            assert!(asked(bytes).any(|line| line.is_err()), "{bytes:?}");
        }
    }
}
