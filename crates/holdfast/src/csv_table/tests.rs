//! Stories of tables, and the foreign files of the test data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn a_mark_quotes_and_line_ends_of_any_kind_are_understood() {
    let text = "\u{feff}SKU,Name\r\nA,\"one, \"\"two\"\"\"\r\n\r\nB,\"over\r\ntwo lines\"\nC,5\" pipe\nD,";
    let records = all(text);
    assert_eq!(
        records,
        [
            Ok((2, vec!["A", "one, \"two\""])),
            Ok((4, vec!["B", "over\ntwo lines"])),
            Ok((6, vec!["C", "5\" pipe"])),
            Ok((7, vec!["D", ""])),
        ]
        .map(owned)
    );
}

#[test]
fn a_bad_record_is_told_with_its_line_and_the_next_one_is_read() {
    let text = b"a,b\n1\n2,3,4\n\"x\"y,2\nok,\xff\nfine,1\n\"open,2\n".to_vec();
    let mut table = CsvTable::open(text.as_slice()).expect("a header");
    let mut told = Vec::new();
    while let Some(record) = table.next_record().expect("read") {
        told.push(match record {
            Ok(record) => format!("{}: {}", record.line, record.fields.join("|")),
            Err(bad) => format!("{}: {}", bad.line, bad.detail),
        });
    }
    assert_eq!(
        told,
        [
            "2: the record has 1 fields, the header 2",
            "3: the record has 3 fields, the header 2",
            "4: there is text behind a closing quotation mark",
            "5: the record is not UTF-8",
            "6: fine|1",
            "7: a quotation mark is never closed",
        ]
    );
}

#[test]
fn columns_are_found_whatever_their_capitals() {
    let table = CsvTable::open("Product_ID, sku ,x,X\n".as_bytes()).expect("a header");
    assert_eq!(table.column("product_id"), Ok(Some(0)));
    assert_eq!(table.column("SKU"), Ok(Some(1)));
    assert_eq!(table.column("name"), Ok(None));
    assert!(table.column("x").is_err());
    assert!(CsvTable::open("".as_bytes()).is_err());
}

#[test]
fn what_is_written_can_be_read() {
    let mut text = Vec::new();
    let fields = ["plain", "with, comma", "with \"quotes\"", "two\nlines", ""];
    write_record(&mut text, ["a", "b", "c", "d", "e"]).expect("written");
    write_record(&mut text, fields).expect("written");
    let records = all(&String::from_utf8(text).expect("text"));
    assert_eq!(records, [owned(Ok((2, fields.to_vec())))]);
}

#[test]
fn the_days_of_the_gift_wholesaler_read_as_counted() {
    let Some(folder) = data("online_retail/raw_sample") else { return };
    for (file, expected) in expected(&folder) {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        let (mut invoices, mut codes) = (BTreeSet::new(), BTreeSet::new());
        let (mut most, mut least) = (i64::MIN, i64::MAX);
        for row in rows(&folder.join(&file)) {
            let (invoice, code) = (row["invoiceno"].as_str(), row["stockcode"].trim());
            let quantity: i64 = row["quantity"].parse().expect("a whole number");
            let price: f64 = row["unitprice"].parse().expect("a number");
            (most, least) = (most.max(quantity), least.min(quantity));
            let facts = [
                ("rows", true),
                ("rows_invoice_C", invoice.starts_with('C')),
                ("rows_invoice_A", invoice.starts_with('A')),
                ("rows_code_lower_case", code.chars().any(|c| c.is_ascii_lowercase())),
                ("rows_code_not_stock", !is_stock_code(&code.to_ascii_uppercase())),
                ("rows_no_description", row["description"].is_empty()),
                ("rows_no_customer", row["customerid"].is_empty()),
                ("rows_negative_quantity_without_C", quantity < 0 && !invoice.starts_with('C')),
                ("rows_price_zero", price == 0.0),
                ("rows_price_negative", price < 0.0),
                ("rows_description_with_comma_or_quote", row["description"].contains([',', '"'])),
            ];
            for (name, holds) in facts {
                let count = counts.entry(name).or_default();
                *count = count.saturating_add(u64::from(holds));
            }
            invoices.insert(invoice.to_owned());
            if is_stock_code(&code.to_ascii_uppercase()) {
                codes.insert(code.to_ascii_uppercase());
            }
        }
        for (name, count) in counts {
            assert_eq!(expected[name], count, "{name} of {file}");
        }
        assert_eq!(expected["invoices"], invoices.len(), "{file}");
        assert_eq!(expected["distinct_stock_codes_normalised"], codes.len(), "{file}");
        assert_eq!((&expected["max_quantity"], &expected["min_quantity"]), (&most.into(), &least.into()), "{file}");
    }
}

#[test]
fn the_catalogue_of_a_shop_system_reads_as_counted() {
    let Some(folder) = data("catalogues") else { return };
    for (file, expected) in expected(&folder) {
        let rows = rows(&folder.join(&file));
        let mut uses: BTreeMap<&str, u64> = BTreeMap::new();
        for row in &rows {
            let uses = uses.entry(&row["sku"]).or_default();
            *uses = uses.saturating_add(1);
        }
        let slugs: BTreeSet<&str> = rows.iter().map(|row| row["slug"].as_str()).collect();
        let stock: Vec<u64> = rows.iter().filter_map(|row| row["inventory_count"].parse().ok()).collect();
        let beyond_ascii = rows.iter().filter(|row| row.values().any(|field| !field.is_ascii())).count();
        assert_eq!(expected["rows"], rows.len());
        assert_eq!(expected["slugs"], slugs.len());
        assert_eq!(expected["rows_with_sku"], rows.iter().filter(|row| !row["sku"].is_empty()).count());
        assert_eq!(expected["distinct_skus"], uses.len());
        assert_eq!(expected["skus_used_more_than_once"], uses.values().filter(|uses| **uses > 1).count());
        assert_eq!(expected["rows_by_currency"]["EUR"], rows.iter().filter(|row| row["currency"] == "EUR").count());
        assert_eq!(expected["rows_with_inventory_count"], stock.len());
        assert_eq!(expected["inventory_count_total"], stock.iter().sum::<u64>());
        assert_eq!(expected["rows_with_empty_name"], rows.iter().filter(|row| row["name"].is_empty()).count());
        assert_eq!(expected["rows_with_non_ascii"], beyond_ascii);
    }
}

/// What the source's own cleaning takes for a stock code (data/README.md).
fn is_stock_code(code: &str) -> bool {
    let figures = code.bytes().take_while(u8::is_ascii_digit).count();
    let letters = code.get(figures..).unwrap_or_default();
    let numbered = figures == 5 && letters.len() <= 2 && letters.bytes().all(|byte| byte.is_ascii_uppercase());
    let gift = code.strip_prefix("SP").is_some_and(|rest| rest.len() == 4 && rest.bytes().all(|b| b.is_ascii_digit()));
    numbered || gift || code.starts_with("DCGS") || code == "PADS"
}

type Told = Result<(u64, Vec<String>), String>;

fn all(text: &str) -> Vec<Told> {
    let mut table = CsvTable::open(text.as_bytes()).expect("a header");
    let mut records = Vec::new();
    while let Some(record) = table.next_record().expect("read") {
        records.push(record.map(|record| (record.line, record.fields)).map_err(|bad| bad.detail));
    }
    records
}

fn owned(record: Result<(u64, Vec<&str>), &str>) -> Told {
    record.map(|(line, fields)| (line, fields.into_iter().map(str::to_owned).collect())).map_err(str::to_owned)
}

/// A folder of the large test data, which is not part of the project: `HOLDFAST_DATA`, or beside the checkout.
fn data(folder: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("HOLDFAST_DATA").map_or(beside, PathBuf::from);
    let folder = root.join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none_or(|value| value.is_empty()),
        "the test data is missing: {}",
        folder.display()
    );
    eprintln!("left out: {} is not there", folder.display());
    None
}

fn expected(folder: &Path) -> serde_json::Map<String, serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("the expected counts");
    serde_json::from_str(&text).expect("JSON")
}

fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let input = io::BufReader::new(std::fs::File::open(path).expect("the file"));
    let mut table = CsvTable::open(input).expect("a header");
    let mut rows = Vec::new();
    while let Some(record) = table.next_record().expect("read") {
        let record = record.expect("a good record");
        rows.push(table.header.iter().cloned().zip(record.fields).collect());
    }
    rows
}
