//! Places that keep stock.

use std::ops::ControlFlow;

use holdfast_application::ports::StoreError;
use holdfast_domain::{Location, LocationCode, Name};

use crate::sql::codec;
use crate::sql::session::{RowWriter, SqlSession, Upsert, Value};

pub(crate) static LOCATIONS: RowWriter =
    RowWriter { insert: "INSERT INTO locations (number, code, name, priority)", columns: 4, upsert: Upsert::Never };

pub(crate) fn load(session: &mut dyn SqlSession) -> Result<Vec<Location>, StoreError> {
    let mut locations = Vec::new();
    session.query("SELECT number, code, name, priority FROM locations ORDER BY number", &[], &mut |row| {
        locations.push(Location {
            number: codec::location(row.int(0)?)?,
            code: codec::text(row.text(1)?, LocationCode::new)?,
            name: codec::text(row.text(2)?, Name::new)?,
            priority: codec::number(row.int(3)?)?,
        });
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(locations)
}

pub(crate) fn save(session: &mut dyn SqlSession, locations: &[Location]) -> Result<(), StoreError> {
    let mut rows = locations.iter().map(|location| {
        vec![
            Value::Int(i64::from(location.number.0)),
            Value::Text(location.code.as_str()),
            Value::Text(location.name.as_str()),
            Value::Int(i64::from(location.priority)),
        ]
    });
    session.write_rows(&LOCATIONS, &mut rows)
}
