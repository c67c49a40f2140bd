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

/// The most lines of an order in one event: it stays under 256 KiB (PROTOCOL, section 4.6).
pub const LINES_MAX: usize = 1_000;

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
    let parts = count(state.lines.len().div_ceil(LINES_MAX).max(1));
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
    if state.lines.is_empty() {
        return vec![of_part(0, &[])];
    }
    (0..).zip(state.lines.chunks(LINES_MAX)).map(|(part, lines)| of_part(part, lines)).collect()
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
