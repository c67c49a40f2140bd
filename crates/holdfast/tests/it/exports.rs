//! What is written out, and what is proved.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use crate::program::{Program, argument};
use crate::test_data::kept;

#[test]
fn every_export_has_the_columns_of_the_contract_in_a_stable_order() {
    let program = replayed();
    for (what, header) in [
        ("products", "product_id,sku,name,available,reserved,reorder_level,max_stock_level,sequence"),
        (
            "movements",
            "product_id,sequence,location_id,type,quantity,quantity_before,quantity_after,reserved_before,reserved_after,\
             reservation_id,reference,reason_code,notes,actor,created_at",
        ),
        (
            "reservations",
            "id,order_id,product_id,location_id,quantity,status,reserved_at,expires_at,confirmed_at,released_at,reason",
        ),
        ("orders", "order_id,status,reason,reserved_at,expires_at,ended_at"),
    ] {
        let table = program.done(&["export", what]).stdout;
        assert_eq!(table.lines().next(), Some(header));
        let rows = program.done(&["export", what, "--format", "jsonl"]).json_lines();
        assert_eq!(table.lines().count(), rows.len() + 1, "{what}");
        let names: Vec<&str> = rows[0].as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(names.join(","), header);
        let keys: Vec<(String, Option<u64>)> = rows
            .iter()
            .map(|row| match what {
                "products" => (row["sku"].to_string(), None),
                "movements" => (row["product_id"].to_string(), row["sequence"].as_u64()),
                _ => (row["order_id"].to_string(), None),
            })
            .collect();
        assert!(keys.is_sorted(), "{what}");
    }
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let program = replayed();
    let mut child = program
        .command(&["export", "movements"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut first).expect("a line");
    let output = child.wait_with_output().expect("ended");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_result_that_nobody_reads_still_has_its_exit_code() {
    let program = replayed();
    let unread = |arguments: &[&str]| {
        let mut command = program.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("started");
        drop(child.stdout.take());
        child.wait().expect("ended").code()
    };
    let file = program.file("bad.csv", "product_id,sku,name,initial_quantity\nnone,S,Name,5\n");
    assert_eq!(unread(&["import", argument(&file)]), Some(9));
    assert_eq!(unread(&["replay", argument(&program.file("bad.jsonl", "{}\n"))]), Some(9));
    assert_eq!(unread(&["config", "show", "--set", "webhooks.endpoints=nonsense"]), Some(2));
    let store = rusqlite::Connection::open(program.folder().join("data/holdfast.db")).expect("the store");
    store.execute("UPDATE levels SET available = available + 1 WHERE item = 1", []).expect("changed");
    drop(store);
    assert_eq!(unread(&["verify"]), Some(1));
}

#[test]
fn a_proof_tells_what_it_read() {
    let program = replayed();
    let mut said = program.done(&["verify"]).json();
    assert!(said["seconds"].take().is_number());
    let whole =
        json!({"ok": true, "products": 1834, "movements": 8132, "reservations": 3124, "faults": [], "seconds": null});
    assert_eq!(said, whole);
    let product = "369f7d35-b375-5b49-98de-9a9c5f334b00";
    let said = program.done(&["verify", "--product", product]).json();
    assert_eq!((&said["ok"], &said["products"], &said["movements"]), (&json!(true), &json!(1), &json!(6)));
    let unknown = program.run(&["verify", "--product", "00000000-0000-4000-8000-000000000000"]);
    assert_eq!(unknown.exit, Some(5));
    assert_eq!(program.run(&["verify", "--product", "1"]).exit, Some(2));
}

#[test]
fn without_a_store_there_is_nothing_to_read() {
    let program = Program::new();
    for arguments in [&["verify"][..], &["export", "products"]] {
        let said = program.run(arguments);
        assert_eq!(said.exit, Some(5), "{said:?}");
        assert!(said.stderr.contains("there is no store in"), "{said:?}");
    }
    assert_eq!(program.run(&["export", "everything"]).exit, Some(2));
}

fn replayed() -> Program {
    let (program, folder) = (Program::new(), kept("online_retail_small"));
    program.done(&["import", argument(&folder.join("products.csv"))]);
    program.done(&["replay", argument(&folder.join("events.jsonl.gz"))]);
    program
}
