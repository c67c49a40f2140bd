//! Where the real orders are, and what they must lead to.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::program::Program;

/// A folder of real orders that is part of the project.
pub(crate) fn kept(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(folder)
}

/// A folder of the large test data: `HOLDFAST_DATA`, or beside the checkout. `None`, and a word on the screen, when it
/// is not there; on a machine that checks every change (`CI`) that is a failure.
pub(crate) fn large(folder: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("HOLDFAST_DATA").map_or(beside, PathBuf::from).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(!checks_every_change(), "the test data is missing: {}", path.display());
    eprintln!("left out: {folder} (its data is not there)");
    None
}

/// The build for large data: the one `HOLDFAST_BIN` names, else this one. `None`, and a word on the screen, when this
/// one is a debug build.
pub(crate) fn fast_program(folder: &str) -> Option<Program> {
    if let Some(binary) = std::env::var_os("HOLDFAST_BIN") {
        return Some(Program::from_binary(Path::new(&binary)));
    }
    if cfg!(debug_assertions) && !checks_every_change() {
        eprintln!("left out: {folder} (a debug build is too slow; HOLDFAST_BIN names a release build)");
        return None;
    }
    Some(Program::new())
}

/// Whether this machine checks every change, so that nothing may be left out.
pub(crate) fn checks_every_change() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

/// Units available and reserved, by product, and the state of each order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Books {
    /// By product id.
    pub(crate) levels: BTreeMap<String, (u64, u64)>,
    /// By order id.
    pub(crate) orders: BTreeMap<String, String>,
}

impl Books {
    /// What a scenario must lead to.
    pub(crate) fn expected(folder: &Path, scenario: &str) -> Self {
        let mut books = Self::default();
        for row in table(&folder.join(format!("oracle/{scenario}_products.csv"))) {
            let units = |column: &str| row[column].parse().expect("a number");
            books.levels.insert(row["product_id"].clone(), (units("available"), units("reserved")));
        }
        for row in table(&folder.join(format!("oracle/{scenario}_orders.csv.gz"))) {
            let status = if row["status"] == "Failed" { "Refused" } else { &row["status"] };
            books.orders.insert(row["order_id"].clone(), status.to_owned());
        }
        books
    }

    /// What a store holds.
    pub(crate) fn of(program: &Program) -> Self {
        let mut books = Self::default();
        for row in program.done(&["export", "products", "--format", "jsonl"]).json_lines() {
            let units = |column: &str| row[column].as_u64().expect("a number");
            books.levels.insert(text(&row["product_id"]), (units("available"), units("reserved")));
        }
        for row in program.done(&["export", "orders", "--format", "jsonl"]).json_lines() {
            books.orders.insert(text(&row["order_id"]), text(&row["status"]));
        }
        books
    }
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The rows of a table whose fields have no commas.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = unpacked(path);
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let header: Vec<String> = lines.next().expect("a header").collect();
    lines.map(|fields| header.iter().cloned().zip(fields).collect()).collect()
}

/// The text of a file, packed or not.
pub(crate) fn unpacked(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "gz") {
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
        return text;
    }
    String::from_utf8(bytes).expect("text")
}
