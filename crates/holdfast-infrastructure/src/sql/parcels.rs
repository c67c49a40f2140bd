//! Events that stand together in one row of the outbox, packed: those of a batch say nearly the same.
//!
//! One behind the other, each as its key (16 bytes), sequence (8), part (4), kind (1), time (8), the length of what it
//! says (4) and what it says, numbers with their lowest byte first; all of it as a block of LZ4 behind its length (4).
//! This layout never changes.

use holdfast_application::events::{EventKind, OutgoingEvent, Parcel, PlaceInStream, Stream};
use holdfast_application::ports::StoreError;
use lz4_flex::block;

use crate::sql::codec::{self, broken};

/// Fewer events than these are not worth it.
const EVENTS_MIN: usize = 8;
/// The most bytes of a parcel before it is packed.
const BYTES_MAX: usize = 64 << 10;
/// Bytes of an event besides what it says.
const HEAD: usize = 41;

/// Cuts events, which are in their order, into those that go together; who is alone goes as he is.
pub(super) fn cut<'e, 'a>(events: &'e [&'a OutgoingEvent]) -> Vec<&'e [&'a OutgoingEvent]> {
    let mut parcels = Vec::new();
    let mut rest = events;
    while !rest.is_empty() {
        let mut bytes = 0_usize;
        let fits = |event: &&&OutgoingEvent| {
            bytes = bytes.saturating_add(event.data.len()).saturating_add(HEAD);
            bytes <= BYTES_MAX
        };
        let together = rest.iter().take_while(fits).count();
        let (parcel, others) = rest.split_at(if together < EVENTS_MIN { 1 } else { together });
        parcels.push(parcel);
        rest = others;
    }
    parcels
}

/// Packs events.
pub(super) fn pack(events: &[&OutgoingEvent]) -> Vec<u8> {
    let bytes = events.iter().map(|event| event.data.len().saturating_add(HEAD)).sum();
    let mut all = Vec::with_capacity(bytes);
    for OutgoingEvent { place, kind, at, data } in events {
        all.extend_from_slice(&place.key);
        all.extend_from_slice(&place.sequence.to_le_bytes());
        all.extend_from_slice(&place.part.to_le_bytes());
        all.push(kind.code());
        all.extend_from_slice(&at.micros().to_le_bytes());
        all.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
        all.extend_from_slice(data);
    }
    block::compress_prepend_size(&all)
}

/// The events of a row, of which the first is of this kind and from this time.
///
/// # Errors
///
/// [`StoreError::Broken`]: nobody has written that.
pub(super) fn events(
    Parcel { first, events, .. }: Parcel,
    kind: i64,
    at: i64,
    data: &[u8],
) -> Result<Vec<OutgoingEvent>, StoreError> {
    if events == 1 {
        return Ok(vec![event(first, kind, at, data)?]);
    }
    let unpacked = unpack(data, first.stream)?;
    let says = |event: &OutgoingEvent| (event.place, i64::from(event.kind.code()), event.at.micros());
    if unpacked.len() == events && unpacked.first().is_some_and(|event| says(event) == (first, kind, at)) {
        Ok(unpacked)
    } else {
        Err(broken("other events than their row says"))
    }
}

/// What was packed, of this stream.
fn unpack(packed: &[u8], stream: Stream) -> Result<Vec<OutgoingEvent>, StoreError> {
    let unfit = || broken("events that cannot be unpacked");
    let (bytes, packed) = block::uncompressed_size(packed).map_err(|_short| unfit())?;
    if bytes > BYTES_MAX {
        return Err(unfit());
    }
    let all = block::decompress(packed, bytes).map_err(|_other| unfit())?;
    let (mut rest, mut events) = (all.as_slice(), Vec::new());
    while !rest.is_empty() {
        events.push(take(&mut rest, stream).ok_or_else(unfit)??);
    }
    Ok(events)
}

fn take(bytes: &mut &[u8], stream: Stream) -> Option<Result<OutgoingEvent, StoreError>> {
    let key = take_bytes(bytes)?;
    let sequence = u64::from_le_bytes(take_bytes(bytes)?);
    let part = u32::from_le_bytes(take_bytes(bytes)?);
    let [code] = take_bytes(bytes)?;
    let at = i64::from_le_bytes(take_bytes(bytes)?);
    let length = usize::try_from(u32::from_le_bytes(take_bytes(bytes)?)).ok()?;
    let (data, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    let place = PlaceInStream { stream, key, sequence, part };
    Some(event(place, i64::from(code), at, data))
}

fn take_bytes<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// An event out of what a store kept of it.
fn event(place: PlaceInStream, code: i64, at: i64, data: &[u8]) -> Result<OutgoingEvent, StoreError> {
    let kind = u8::try_from(code).ok().and_then(EventKind::from_code);
    let kind = kind.ok_or_else(|| broken(format!("the kind of event {code}")))?;
    Ok(OutgoingEvent { place, kind, at: codec::moment(at)?, data: data.to_vec() })
}

#[cfg(test)]
mod tests {
    use holdfast_domain::Timestamp;

    use super::*;

    fn events(sizes: &[usize]) -> Vec<OutgoingEvent> {
        let place = |sequence| PlaceInStream { stream: Stream::Stock, key: [7; 16], sequence, part: 1 };
        let event = |(sequence, size): (u64, &usize)| OutgoingEvent {
            place: place(sequence),
            kind: EventKind::LowStock,
            at: Timestamp::from_micros(1_700_000_000_000_000),
            data: vec![b'x'; *size],
        };
        (1..).zip(sizes).map(event).collect()
    }

    fn lengths(sizes: &[usize]) -> Vec<usize> {
        let events = events(sizes);
        cut(&events.iter().collect::<Vec<_>>()).iter().map(|parcel| parcel.len()).collect()
    }

    #[test]
    fn what_was_packed_comes_back() {
        for sizes in [&[400; 50][..], &[0; 8], &[0, 1, 60_000, 3]] {
            let events = events(sizes);
            let packed = pack(&events.iter().collect::<Vec<_>>());
            assert_eq!(unpack(&packed, Stream::Stock).expect("packed"), events);
        }
    }

    #[test]
    fn many_small_events_go_together_and_few_or_large_ones_by_themselves() {
        assert_eq!(lengths(&[]), [0; 0]);
        assert_eq!(lengths(&[400; 7]), [1; 7]);
        assert_eq!(lengths(&[400; 8]), [8]);
        assert_eq!(lengths(&[959; 70]), [65, 1, 1, 1, 1, 1]);
        assert_eq!(lengths(&[70_000, 70_000]), [1, 1]);
        let mixed: Vec<usize> = [70_000].into_iter().chain([400; 20]).collect();
        assert_eq!(lengths(&mixed), [1, 20]);
    }

    #[test]
    fn garbage_is_told_apart() {
        let whole = pack(&events(&[400; 50]).iter().collect::<Vec<_>>());
        let too_long = [&u32::MAX.to_le_bytes()[..], &whole[4..]].concat();
        let another_kind = {
            let mut plain = vec![0; HEAD];
            plain[28] = 99;
            block::compress_prepend_size(&plain)
        };
        let cut_off = block::compress_prepend_size(&[0; HEAD - 1]);
        for packed in [&[][..], &[1, 2, 3], &whole[..whole.len() / 2], &too_long, &another_kind, &cut_off] {
            assert!(unpack(packed, Stream::Stock).is_err(), "{packed:?}");
        }
    }
}
