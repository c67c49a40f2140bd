//! The audit trail: appended to, never changed.

use std::sync::LazyLock;

use holdfast_application::ports::StoreError;
use holdfast_domain::movement::{Balance, Cause, MovementReference};
use holdfast_domain::{
    Actor, Count, ItemNumber, Notes, OrderId, ProductId, Reason, Reference, ReservationId, StockMovement,
    StockMovementType,
};

use crate::sql::codec::{self, broken};
use crate::sql::reservations;
use crate::sql::session::{Row, RowWriter, SqlSession, Upsert, Value};

pub(crate) static MOVEMENTS: RowWriter = RowWriter {
    insert: "INSERT INTO movements (item, sequence, location, kind, quantity, available, reserved, reservation, \
             created_at, actor, reason, reference, notes)",
    columns: 13,
    upsert: Upsert::Fence,
};

/// The columns that [`from_row`] reads, of `movements` as `m`, `items` as `i` and `orders` as `o` (left joined).
pub(crate) const COLUMNS: &str = "m.item, m.sequence, m.location, m.kind, m.quantity, m.available, m.reserved, \
     m.reservation, m.created_at, m.actor, m.reason, m.reference, m.notes, i.product, o.id, o.numbered_at";

/// What [`COLUMNS`] come from.
pub(crate) static TABLES: LazyLock<String> = LazyLock::new(|| {
    let order = reservations::order_of("m.reservation");
    format!("movements m JOIN items i ON i.number = m.item LEFT JOIN orders o ON o.number = {order}")
});

pub(crate) fn append(session: &mut dyn SqlSession, movements: &[StockMovement]) -> Result<(), StoreError> {
    let mut rows = movements.iter().map(|movement| {
        let cause = &movement.cause;
        let reservation = cause.reservation.and_then(ReservationId::names);
        let reservation = reservation.map(|(order, line)| Value::Int(reservations::number(order, line)));
        let reference = match &cause.reference {
            MovementReference::Document(reference) => Some(reference.as_str()),
            MovementReference::Order(_) | MovementReference::None => None,
        };
        vec![
            Value::Int(i64::from(movement.item.0)),
            Value::count(movement.sequence),
            Value::Int(i64::from(movement.location.0)),
            Value::Int(i64::from(movement.kind.code())),
            Value::Int(signed_quantity(movement)),
            Value::count(movement.after.available.get()),
            Value::count(movement.after.reserved.get()),
            reservation.unwrap_or(Value::Null),
            Value::time(movement.created_at),
            Value::Text(cause.actor.as_str()),
            Value::text_or_null(cause.reason.as_ref().map(Reason::as_str)),
            Value::text_or_null(reference),
            Value::text_or_null(cause.notes.as_ref().map(Notes::as_str)),
        ]
    });
    session.write_rows(&MOVEMENTS, &mut rows)
}

/// The quantity, negative where an adjustment took units away.
fn signed_quantity(movement: &StockMovement) -> i64 {
    let units = i64::try_from(movement.quantity.get()).unwrap_or(i64::MAX);
    let takes = movement.kind == StockMovementType::Adjustment && movement.after.available < movement.before.available;
    if takes { units.saturating_neg() } else { units }
}

/// The kind that a code names.
pub(crate) fn kind(code: i64) -> Result<StockMovementType, StoreError> {
    let kind = u8::try_from(code).ok().and_then(StockMovementType::from_code);
    kind.ok_or_else(|| broken(format!("the movement type {code}")))
}

/// The movement of a row with [`COLUMNS`] first.
pub(crate) fn from_row(row: &dyn Row) -> Result<StockMovement, StoreError> {
    let kind = kind(row.int(3)?)?;
    let quantity = row.int(4)?;
    let after = Balance { available: codec::count(row.int(5)?)?, reserved: codec::count(row.int(6)?)? };
    let size = i64::try_from(quantity.unsigned_abs()).ok().map(codec::count).transpose()?;
    let size = size.ok_or_else(|| broken("a quantity beyond all limits"))?;
    let before = before(kind, quantity, size, after).ok_or_else(|| broken("a movement that leads nowhere"))?;
    let (reservation, reference) = match row.int_or_null(7)? {
        Some(number) => {
            let (number, line) = reservations::parts(number)?;
            let order = OrderId::from_bytes(codec::uuid(row.blob(14)?)?);
            let id = ReservationId::new(codec::time(row.int(15)?), number, line);
            (Some(id), MovementReference::Order(order))
        }
        None => {
            let document = codec::text_or_null(row.text_or_null(11)?, Reference::new)?;
            (None, document.map_or(MovementReference::None, MovementReference::Document))
        }
    };
    Ok(StockMovement {
        product: ProductId::from_bytes(codec::uuid(row.blob(13)?)?),
        item: ItemNumber(codec::number(row.int(0)?)?),
        sequence: codec::number(row.int(1)?)?,
        location: codec::location(row.int(2)?)?,
        kind,
        quantity: size,
        before,
        after,
        cause: Cause {
            actor: codec::text(row.text(9)?, Actor::new)?,
            reservation,
            reference,
            reason: codec::text_or_null(row.text_or_null(10)?, Reason::new)?,
            notes: codec::text_or_null(row.text_or_null(12)?, Notes::new)?,
        },
        created_at: codec::time(row.int(8)?),
    })
}

/// The level before a movement, which its kind, size and the level afterwards tell.
fn before(kind: StockMovementType, signed: i64, size: Count, after: Balance) -> Option<Balance> {
    use StockMovementType as Kind;
    let Balance { available, reserved } = after;
    let (available, reserved) = match kind {
        Kind::Reserved => (available.with(size)?, reserved.without(size)?),
        Kind::Released => (available.without(size)?, reserved.with(size)?),
        Kind::Confirmed => (available, reserved.with(size)?),
        Kind::StockOut | Kind::Damaged | Kind::TransferOut => (available.with(size)?, reserved),
        Kind::Adjustment if signed < 0 => (available.with(size)?, reserved),
        Kind::StockIn | Kind::Returned | Kind::TransferIn | Kind::Adjustment => (available.without(size)?, reserved),
    };
    Some(Balance { available, reserved })
}
