//! `openapi.json`, `docs/asyncapi.json` and `docs/events/`, as the program tells them.

use anyhow::{Context as _, Result};

use crate::shell::{cargo, read, root};

/// The events that are sent.
const EVENTS: [&str; 13] = [
    "StockReserved",
    "StockConfirmed",
    "StockReleased",
    "StockReservationExpired",
    "StockAdjusted",
    "LowStock",
    "OutOfStock",
    "BackInStock",
    "StockReservationFailed",
    "OrderReserved",
    "OrderConfirmed",
    "OrderReleased",
    "OrderExpired",
];

pub(crate) fn write() -> Result<()> {
    write_one("openapi.json", &["openapi"])?;
    write_one("docs/asyncapi.json", &["asyncapi"])?;
    std::fs::create_dir_all(root().join("docs/events")).context("docs/events cannot be made")?;
    EVENTS.iter().try_for_each(|word| write_one(&format!("docs/events/{word}.json"), &["asyncapi", "--event", word]))
}

fn write_one(file: &str, arguments: &[&str]) -> Result<()> {
    let run = [&["run", "--quiet", "--package", "holdfast", "--"], arguments].concat();
    let document = read(&mut cargo(&run))?;
    std::fs::write(root().join(file), document).with_context(|| format!("{file} cannot be written"))
}
