//! `export`: products, movements, reservations or orders, streamed in a stable order, as CSV or JSON lines.

use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use holdfast_application::queries::{ReadError, ReservationRow, StockQueries};
use holdfast_domain::location::Locations;
use holdfast_domain::movement::MovementReference;
use holdfast_domain::{InventoryItem, Order, StockMovement, Timestamp};
use serde_json::{Map, Value};

use crate::cli::{CommonArgs, ExportArgs, ExportFormat, ExportKind};
use crate::csv_table::write_record;
use crate::exit::{Exit, Failure};
use crate::interrupt::{Interrupt, Work};
use crate::progress::Progress;
use crate::remote::Remote;
use crate::wiring;

mod from_service;

/// The columns of CONTRACT, section 10.
const fn columns(what: ExportKind) -> &'static [&'static str] {
    match what {
        ExportKind::Products => {
            &["product_id", "sku", "name", "available", "reserved", "reorder_level", "max_stock_level", "sequence"]
        }
        ExportKind::Movements => &[
            "product_id",
            "sequence",
            "location_id",
            "type",
            "quantity",
            "quantity_before",
            "quantity_after",
            "reserved_before",
            "reserved_after",
            "reservation_id",
            "reference",
            "reason_code",
            "notes",
            "actor",
            "created_at",
        ],
        ExportKind::Reservations => &[
            "id",
            "order_id",
            "product_id",
            "location_id",
            "quantity",
            "status",
            "reserved_at",
            "expires_at",
            "confirmed_at",
            "released_at",
            "reason",
        ],
        ExportKind::Orders => &["order_id", "status", "reason", "reserved_at", "expires_at", "ended_at"],
    }
}

/// What an interrupted export says.
const EXPORTING: Work =
    Work { counted: Some("rows"), go_on: "run the same command again for all of them", looks: true };

/// Writes what was asked for.
pub(super) fn run(common: &CommonArgs, args: &ExportArgs) -> Result<Exit, Failure> {
    let interrupt = Interrupt::hear(EXPORTING)?;
    let source = match Remote::named(common, &args.server)? {
        Some(remote) => Source::Service(remote),
        None => Source::Store(wiring::open_reader(&super::settings(common)?)?),
    };
    let format = args.format.unwrap_or(if common.json { ExportFormat::Jsonl } else { ExportFormat::Csv });
    let mut writer = RowWriter::new(BufWriter::with_capacity(1 << 16, std::io::stdout().lock()), args.what, format);
    let mut progress = Progress::beside_data(common, "export", "rows");
    let read = {
        let mut receive = |row: Vec<Value>| {
            if interrupt.came() {
                return ControlFlow::Break(());
            }
            interrupt.note(1);
            progress.advance(1);
            writer.row(&row)
        };
        let read = match &source {
            Source::Service(remote) => from_service::export(remote, args.what, &mut receive),
            Source::Store(queries) => export(&**queries, args.what, &mut receive)
                .map_err(|error| Failure::failed("the store cannot be read", &error)),
        };
        let written = if read.is_ok() { writer.header() } else { Ok(()) };
        written.and_then(|()| writer.finish()).map(|()| read)
    };
    progress.finish();
    read.map_err(|error| Failure::output(&error))??;
    interrupt.look()?;
    Ok(Exit::Done)
}

/// Where rows come from.
enum Source {
    Store(Arc<dyn StockQueries>),
    Service(Remote),
}

/// Hands over row by row, in the order of [`columns`], until the receiver has had enough.
fn export(
    queries: &dyn StockQueries,
    what: ExportKind,
    receive: &mut dyn FnMut(Vec<Value>) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let locations = queries.locations()?;
    match what {
        ExportKind::Products => queries.each_item(&mut |item| receive(product(&item))),
        ExportKind::Movements => queries.each_movement(&mut |one| receive(movement(&one, &locations))),
        ExportKind::Reservations => queries.each_reservation(&mut |row| receive(reservation(&row, &locations))),
        ExportKind::Orders => queries.each_order(&mut |one| receive(order(&one))),
    }
}

fn product(item: &InventoryItem) -> Vec<Value> {
    vec![
        text(&item.product),
        text(&item.sku),
        text(&item.name),
        item.available().get().into(),
        item.reserved().get().into(),
        item.reorder_level.get().into(),
        item.max_stock_level.get().into(),
        item.sequence.into(),
    ]
}

fn movement(one: &StockMovement, locations: &Locations) -> Vec<Value> {
    let reference = Some(&one.cause.reference).filter(|reference| **reference != MovementReference::None);
    vec![
        text(&one.product),
        one.sequence.into(),
        text(&locations.code(one.location)),
        text(&one.kind),
        one.quantity.get().into(),
        one.before.available.get().into(),
        one.after.available.get().into(),
        one.before.reserved.get().into(),
        one.after.reserved.get().into(),
        maybe(one.cause.reservation.as_ref()),
        maybe(reference),
        maybe(one.cause.reason.as_ref()),
        maybe(one.cause.notes.as_ref()),
        text(&one.cause.actor),
        text(&one.created_at),
    ]
}

fn reservation(row: &ReservationRow, locations: &Locations) -> Vec<Value> {
    use holdfast_domain::ReservationStatus::{Confirmed, Expired, Released};
    let held = &row.reservation;
    let ended: Option<&Timestamp> = held.ended_at.as_ref();
    vec![
        text(&row.id),
        text(&row.order),
        text(&held.product),
        text(&locations.code(held.location)),
        held.quantity.get().into(),
        text(&held.status),
        text(&held.reserved_at),
        maybe(row.expires_at.as_ref()),
        maybe(ended.filter(|_| held.status == Confirmed)),
        maybe(ended.filter(|_| matches!(held.status, Released | Expired))),
        maybe(held.reason.as_ref()),
    ]
}

fn order(one: &Order) -> Vec<Value> {
    vec![
        text(&one.id),
        text(&one.status),
        maybe(one.reason.as_ref()),
        maybe(one.reserved_at.as_ref()),
        maybe(one.expires_at.as_ref()),
        maybe(one.ended_at.as_ref()),
    ]
}

fn text(value: &impl ToString) -> Value {
    Value::String(value.to_string())
}

fn maybe<T: ToString>(value: Option<&T>) -> Value {
    value.map_or(Value::Null, text)
}

/// Writes rows in one of the formats, and keeps the first error.
struct RowWriter<W> {
    writer: W,
    columns: &'static [&'static str],
    format: ExportFormat,
    /// Whether the header was written: with the first row, or when there is none. A failure before that writes nothing.
    has_begun: bool,
    failed: Option<std::io::Error>,
}

impl<W: Write> RowWriter<W> {
    fn new(writer: W, what: ExportKind, format: ExportFormat) -> Self {
        Self { writer, columns: columns(what), format, has_begun: false, failed: None }
    }

    fn header(&mut self) -> std::io::Result<()> {
        let had_begun = std::mem::replace(&mut self.has_begun, true);
        match self.format {
            ExportFormat::Csv if !had_begun => write_record(&mut self.writer, self.columns.iter().copied()),
            ExportFormat::Csv | ExportFormat::Jsonl => Ok(()),
        }
    }

    fn row(&mut self, row: &[Value]) -> ControlFlow<()> {
        let written = self.header().and_then(|()| match self.format {
            ExportFormat::Csv => {
                let fields: Vec<String> = row.iter().map(field).collect();
                write_record(&mut self.writer, fields.iter().map(String::as_str))
            }
            ExportFormat::Jsonl => {
                let names = self.columns.iter().map(|name| (*name).to_owned());
                let object: Map<String, Value> = names.zip(row.iter().cloned()).collect();
                writeln!(self.writer, "{}", Value::Object(object))
            }
        });
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    fn finish(&mut self) -> std::io::Result<()> {
        self.failed.take().map_or_else(|| self.writer.flush(), Err)
    }
}

/// A value as a field of CSV; what is absent is empty.
fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
