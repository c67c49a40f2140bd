//! What the events of an order say.

use holdfast_domain::location::Locations;
use holdfast_domain::outcome::{OrderFailure, OrderFate, OrderOutcome, OrderState, OutcomeLine};
use holdfast_domain::refusal::ShortLine;
use holdfast_domain::{LocationCode, OrderId, OrderStatus, ProductId, Reason, ReservationId, Sku, Timestamp};
use serde::Serialize;

use super::json;
use super::kind::{EventKind, Stream};
use super::outgoing::{OutgoingEvent, PlaceInStream};
use crate::shown::Shown;

/// The most lines of an order in one event (CONTRACT, section 7).
pub const LINES_MAX: usize = 1_000;
/// The most bytes of them: an event stays under 256 KiB (PROTOCOL, section 4.6).
const LINES_BYTES_MAX: usize = 250 << 10;
/// So many lines never have more bytes, whatever their SKUs and locations.
const LINES_THAT_FIT: usize = 400;

/// An order and some of its lines.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    order_id: Shown<OrderId>,
    status: &'static str,
    reason: Option<Shown<&'a Reason>>,
    lines: Vec<Line<'a>>,
    reserved_at: Option<Shown<Timestamp>>,
    expires_at: Option<Shown<Timestamp>>,
    ended_at: Option<Shown<Timestamp>>,
    order_sequence: u64,
    part: u32,
    parts: u32,
}

/// A reservation of an order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    reservation_id: Shown<ReservationId>,
    product_id: Shown<ProductId>,
    sku: Shown<&'a Sku>,
    location_id: Shown<LocationCode>,
    quantity: u32,
    sequence: u64,
}

impl<'a> Line<'a> {
    fn of(line: &'a OutcomeLine, locations: &Locations) -> Self {
        Self {
            reservation_id: Shown(line.reservation),
            product_id: Shown(line.product),
            sku: Shown(&line.sku),
            location_id: Shown(locations.code(line.location)),
            quantity: line.quantity.get(),
            sequence: line.sequence,
        }
    }
}

/// An order was not served: one short line, or none where no line is at fault.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FailedLine<'a> {
    order_id: Shown<OrderId>,
    product_id: Option<Shown<ProductId>>,
    sku: Option<Shown<&'a Sku>>,
    location_id: Option<Shown<&'a LocationCode>>,
    requested_quantity: Option<u64>,
    available_quantity: Option<u64>,
    reason: &'a str,
    code: &'static str,
    paid: bool,
    failed_at: Shown<Timestamp>,
    order_sequence: u64,
    part: u32,
    parts: u32,
}

/// The events of an order's outcome: its parts, in order.
pub fn told(outcome: &OrderOutcome, locations: &Locations) -> Vec<OutgoingEvent> {
    match &outcome.fate {
        OrderFate::Is(state) => state_events(outcome, state, locations),
        OrderFate::Failed(failure) => failure_events(outcome, failure),
    }
}

fn event(outcome: &OrderOutcome, kind: EventKind, part: u32, data: Vec<u8>) -> OutgoingEvent {
    let (key, sequence) = (outcome.order.to_bytes(), outcome.event_seq);
    OutgoingEvent {
        place: PlaceInStream { stream: Stream::Orders, key, sequence, part },
        kind,
        at: outcome.decided_at,
        data,
    }
}

fn state_events(outcome: &OrderOutcome, state: &OrderState, locations: &Locations) -> Vec<OutgoingEvent> {
    let kind = match state.status {
        OrderStatus::Confirmed => EventKind::OrderConfirmed,
        OrderStatus::Released | OrderStatus::Closed => EventKind::OrderReleased,
        OrderStatus::Expired => EventKind::OrderExpired,
        OrderStatus::Reserved | OrderStatus::Refused => EventKind::OrderReserved,
    };
    let lines_of_parts = parts_of(&state.lines, locations);
    let parts = count(lines_of_parts.len());
    let of_part = |part: u32, lines: &'_ [OutcomeLine]| {
        let data = json(&State {
            order_id: Shown(outcome.order),
            status: state.status.as_str(),
            reason: state.reason.as_ref().map(Shown),
            lines: lines.iter().map(|line| Line::of(line, locations)).collect(),
            reserved_at: state.reserved_at.map(Shown),
            expires_at: state.expires_at.map(Shown),
            ended_at: state.ended_at.map(Shown),
            order_sequence: outcome.event_seq,
            part,
            parts,
        });
        event(outcome, kind, part, data)
    };
    (0..).zip(lines_of_parts).map(|(part, lines)| of_part(part, lines)).collect()
}

/// The lines of each part: as many as fit, and none where there are none.
fn parts_of<'a>(lines: &'a [OutcomeLine], locations: &Locations) -> Vec<&'a [OutcomeLine]> {
    let (mut parts, mut rest) = (Vec::new(), lines);
    while rest.len() > LINES_THAT_FIT {
        let mut bytes = 0_usize;
        let fits = |line: &&OutcomeLine| {
            bytes = bytes.saturating_add(json(&Line::of(line, locations)).len()).saturating_add(1);
            bytes <= LINES_BYTES_MAX
        };
        let fitting = rest.iter().take(LINES_MAX).take_while(fits).count();
        let (part, others) = rest.split_at(fitting.max(1));
        parts.push(part);
        rest = others;
    }
    if parts.is_empty() || !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

fn failure_events(outcome: &OrderOutcome, failure: &OrderFailure) -> Vec<OutgoingEvent> {
    let parts = count(failure.lines.len().max(1));
    let of_part = |part: u32, line: Option<&ShortLine>| {
        let reason = match line {
            Some(line) => line_reason(failure, line),
            None => failure.detail.clone(),
        };
        let data = json(&FailedLine {
            order_id: Shown(outcome.order),
            product_id: line.and_then(|line| line.product).map(Shown),
            sku: line.and_then(|line| line.sku.as_ref()).map(Shown),
            location_id: line.and_then(|line| line.location.as_ref()).map(Shown),
            requested_quantity: line.map(|line| line.requested.get()),
            available_quantity: line.map(|line| line.available.get()),
            reason: &reason,
            code: failure.code,
            paid: failure.is_paid,
            failed_at: Shown(outcome.decided_at),
            order_sequence: outcome.event_seq,
            part,
            parts,
        });
        event(outcome, EventKind::StockReservationFailed, part, data)
    };
    if failure.lines.is_empty() {
        return vec![of_part(0, None)];
    }
    (0..).zip(&failure.lines).map(|(part, line)| of_part(part, Some(line))).collect()
}

/// A sentence about one line: the whole refusal may name thousands.
fn line_reason(failure: &OrderFailure, line: &ShortLine) -> String {
    if failure.code == "insufficient_stock" {
        format!("asked {}, available {}", line.requested, line.available)
    } else {
        failure.detail.clone()
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use holdfast_domain::location::Location;
    use holdfast_domain::{LocationNumber, OrderNumber, Quantity};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_long_order_is_told_in_parts_and_no_event_is_larger_than_it_may_be() {
        let code = LocationCode::new(&"x".repeat(64)).expect("a code");
        let locations = Locations::new(vec![Location { code, ..Location::main() }]);
        // Four bytes a character, and characters that JSON writes with two.
        for (sku, lines, parts) in [
            ("LAMP-7", 0, 1),
            ("LAMP-7", 1_000, 1),
            ("LAMP-7", 1_001, 2),
            ("LAMP-7", 5_000, 5),
            (&*"\u{1d11e}".repeat(64), 400, 1),
            (&"\u{1d11e}".repeat(64), 5_000, 10),
            (&"\"".repeat(64), 5_000, 8),
        ] {
            let told = told(&outcome(sku, lines), &locations);
            assert_eq!(told.len(), parts, "{lines} lines");
            let mut seen = Vec::new();
            for (part, event) in told.iter().enumerate() {
                assert!(event.data.len() <= 256 << 10, "{} bytes", event.data.len());
                let data: Value = serde_json::from_slice(&event.data).expect("JSON");
                assert_eq!((data["part"].as_u64(), data["parts"].as_u64()), (number(part), number(parts)));
                seen.extend(data["lines"].as_array().expect("lines").iter().map(|line| line["sequence"].as_u64()));
            }
            assert_eq!(seen, (0..lines).map(number).collect::<Vec<_>>());
        }
    }

    fn number(count: usize) -> Option<u64> {
        u64::try_from(count).ok()
    }

    fn outcome(sku: &str, lines: usize) -> OrderOutcome {
        let line = |at: usize| OutcomeLine {
            reservation: ReservationId::new(Timestamp::EPOCH, OrderNumber(1), 1),
            product: ProductId::from_bytes([7; 16]),
            sku: Sku::new(sku).expect("a sku"),
            location: LocationNumber::MAIN,
            quantity: Quantity::new(Quantity::MAX).expect("the largest"),
            sequence: number(at).expect("few"),
        };
        let state = OrderState {
            status: OrderStatus::Reserved,
            reason: None,
            reserved_at: Some(Timestamp::EPOCH),
            expires_at: None,
            ended_at: None,
            lines: (0..lines).map(line).collect(),
        };
        let order = OrderId::from_bytes([9; 16]);
        OrderOutcome { order, event_seq: 1, decided_at: Timestamp::EPOCH, fate: OrderFate::Is(state) }
    }
}
