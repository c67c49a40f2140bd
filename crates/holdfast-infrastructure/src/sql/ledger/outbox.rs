//! What waits in the outbox.

use std::ops::ControlFlow;

use holdfast_application::events::Stream;
use holdfast_application::ports::StoreError;
use holdfast_application::queries::{OutboxReader, UnfitReader};
use holdfast_domain::ProductId;

use super::question::Question;
use crate::sql::outbox;
use crate::sql::session::{SqlSession, Value};

/// How a row is called.
const KEY: &[(usize, &str)] = &[(3, "key"), (4, "sequence"), (5, "part")];

/// Reads what waits in a stream, of all products or of one, a destination's one behind the other and in the order in
/// which they were written.
pub(super) fn read_unsent<R: OutboxReader + ?Sized>(
    session: &mut dyn SqlSession,
    stream: Stream,
    product: Option<ProductId>,
    reader: &mut R,
) -> Result<(), StoreError> {
    let mut destinations = Vec::new();
    session.query("SELECT DISTINCT destination FROM outbox", &[], &mut |row| {
        destinations.push(row.text(0)?.to_owned());
        Ok(ControlFlow::Continue(()))
    })?;
    let product = product.map(ProductId::to_bytes);
    let is_asked = |key: [u8; 16]| product.is_none_or(|product| product == key);
    let order = session.dialect().written_order;
    let sql = format!("SELECT {} FROM outbox WHERE destination = ? AND stream = ? ORDER BY {order}", outbox::COLUMNS);
    for destination in destinations {
        let values = [Value::Text(&destination), Value::Int(i64::from(stream.code()))];
        let question = Question { table: "outbox", sql: &sql, values: &values, key: KEY };
        question.ask(session, reader, |row, reader| {
            let unsent = outbox::from_row(row)?;
            let asked = unsent.iter().filter(|unsent| is_asked(unsent.event.place.key));
            asked.for_each(|unsent| reader.unsent(&destination, unsent));
            Ok(())
        })?;
    }
    Ok(())
}

/// Looks for what waits in a stream that nobody reads.
pub(super) fn read_lost<R: UnfitReader + ?Sized>(
    session: &mut dyn SqlSession,
    reader: &mut R,
) -> Result<(), StoreError> {
    let known = Stream::ALL.map(|stream| stream.code().to_string()).join(", ");
    let sql = format!("SELECT {} FROM outbox WHERE stream NOT IN ({known})", outbox::COLUMNS);
    Question { table: "outbox", sql: &sql, values: &[], key: KEY }
        .ask(session, reader, |row, _| outbox::from_row(row).map(drop))
}
