//! `verify`: reads the whole store and proves that every number follows from its movements (CONTRACT, section 5).

use std::time::Instant;

use holdfast_application::audit::{self, LedgerFault, RowsRead};
use holdfast_domain::book::ProductRef;
use serde_json::{Value, json};

use crate::cli::{CommonArgs, VerifyArgs};
use crate::exit::{Exit, Failure, unless_unread};
use crate::numbers::seconds;
use crate::progress::Progress;
use crate::wiring;

/// The largest embedded store whose indexes are compared with its tables unasked: some 2 s. It takes three times as
/// long as the rest of a proof, and damage of that kind comes from a disk, not from a program.
const INDEXES_COMPARED_MAX: u64 = 256 << 20;

/// Proves the books, or tells the faults.
pub(super) fn run(common: &CommonArgs, args: &VerifyArgs) -> Result<Exit, Failure> {
    let settings = super::settings(common)?;
    let queries = wiring::open_for_proof(&settings)?;
    let unreadable = |error| Failure::failed("the store cannot be read", &error);
    if let Some(product) = args.product {
        // An item that cannot be read is there, and the proof names it.
        if queries.items(&[ProductRef::Id(product)]).is_ok_and(|known| known.is_empty()) {
            return Err(Failure::new(Exit::NotFound, format!("there is no product {product}")));
        }
    }
    let started = Instant::now();
    let read = RowsRead::default();
    let progress = Progress::new(common, "verify", "rows", None);
    let proved = progress.watch(|| read.get(), || audit::prove_watched(&*queries, args.product, &read));
    let mut report = proved.map_err(unreadable)?;
    if args.indexes || wiring::embedded_bytes(&settings) <= INDEXES_COMPARED_MAX {
        report.add_unfit(queries.damage().map_err(unreadable)?);
    }

    let faults: Vec<Value> = report.faults.iter().map(fault).collect();
    let mut output = super::output(common);
    unless_unread(output.object(&json!({
        "ok": report.is_clean(),
        "products": report.products,
        "movements": report.movements,
        "reservations": report.reservations,
        "faults": faults,
        "seconds": seconds(started.elapsed()),
    })))?;
    Ok(if report.is_clean() { Exit::Done } else { Exit::Failed })
}

fn fault(fault: &LedgerFault) -> Value {
    json!({
        "invariant": fault.invariant,
        "productId": fault.product.map(|product| product.to_string()),
        "sequence": fault.sequence,
        "table": fault.row.as_ref().map(|(table, _)| *table),
        "row": fault.row.as_ref().map(|(_, row)| row),
        "detail": fault.detail,
    })
}
