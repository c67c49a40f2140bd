//! `openapi.json`, `docs/asyncapi.json` and `docs/events/`, as the program tells them.

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::shell::{cargo, read, root};

/// The channels of `docs/asyncapi.json` on which events are sent that have a schema of their own.
const SENT_ON: [&str; 2] = ["stock", "orders"];

pub(crate) fn write() -> Result<()> {
    write_one("openapi.json", &["openapi"])?;
    let document: Value = serde_json::from_str(&write_one("docs/asyncapi.json", &["asyncapi"])?)?;
    std::fs::create_dir_all(root().join("docs/events")).context("docs/events cannot be made")?;
    for channel in SENT_ON {
        let messages = document["channels"][channel]["messages"].as_object();
        for word in messages.with_context(|| format!("nothing is sent on {channel}"))?.keys() {
            write_one(&format!("docs/events/{word}.json"), &["asyncapi", "--event", word])?;
        }
    }
    Ok(())
}

/// Writes what the program says into a file, and returns it.
fn write_one(file: &str, arguments: &[&str]) -> Result<String> {
    let run = [&["run", "--quiet", "--package", "holdfast", "--"], arguments].concat();
    let document = read(&mut cargo(&run))?;
    std::fs::write(root().join(file), &document).with_context(|| format!("{file} cannot be written"))?;
    Ok(document)
}
