//! Ctrl-C: long work says what was done and how to go on, and leaves nothing half-written; a service leaves in order.

use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::patience::eventually;
use crate::program::{Program, Said};
use crate::running::Service;
use crate::signals::signal;

const HEADER: &str = "product_id,sku,name,initial_quantity\n";

#[test]
fn an_import_that_is_interrupted_is_safe_to_repeat() {
    let program = Program::new();
    let mut import = start(&program, &["import", "-"]);
    let rows: String = (0..3_000).map(row).collect();
    let mut input = import.stdin.take().expect("its input");
    input.write_all(format!("{HEADER}{rows}").as_bytes()).expect("rows");
    // The input stays open: the import waits for more.
    eventually("some are there", || program.run(&["export", "products"]).stdout.lines().count() > 2_000);
    let said = interrupt(import);
    assert_eq!(said.exit, Some(130), "{said:?}");
    assert_eq!(
        said.stderr,
        "holdfast: interrupted after 2048 products were taken; run the same command again: products that are there stay \
         as they are\n"
    );
    assert_eq!(said.stdout, "", "no result");
    drop(input);
    assert_eq!(program.done(&["verify"]).json()["products"], 2_048, "whole batches and nothing else");
    let again = program.run_with_input(&["import", "-"], format!("{HEADER}{rows}").as_bytes()).json();
    assert_eq!((&again["created"], &again["unchanged"]), (&json!(952), &json!(2_048)));
}

#[test]
fn a_replay_that_is_interrupted_goes_on_where_it_was() {
    let program = Program::new();
    program.file("catalogue.csv", format!("{HEADER}{}", row(1)));
    program.done(&["import", "catalogue.csv"]);
    // The first two are due at once, the third an hour later.
    let event = |number: u32, time: &str| {
        json!({"eventId": format!("e-{number}"), "ts": time, "kind": "order_created", "orderId": id(number),
               "items": [{"productId": id(1), "quantity": 1}]})
    };
    let (now, later) = ("2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z");
    let file = program.file("events.jsonl", format!("{}\n{}\n{}\n", event(1, now), event(2, now), event(3, later)));
    let replay = start(&program, &["replay", "events.jsonl", "--speed", "1"]);
    eventually("some are there", || program.run(&["export", "orders"]).stdout.lines().count() == 3);
    let asked = Instant::now();
    let said = interrupt(replay);
    assert!(asked.elapsed() < Duration::from_mins(1), "it does not sleep on");
    assert_eq!(said.exit, Some(130), "{said:?}");
    assert_eq!(
        said.stderr,
        "holdfast: interrupted after 2 events were decided; run the same command again: those are known by their eventId\n"
    );
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
    let again = program.done(&["replay", file.to_str().expect("text")]).json();
    assert_eq!((&again["replayed"], &again["applied"]), (&json!(2), &json!(1)));
}

#[test]
fn an_export_that_is_interrupted_ends_with_a_whole_row() {
    let program = Program::new();
    let rows: String = (0..20_000).map(row).collect();
    program.file("catalogue.csv", format!("{HEADER}{rows}"));
    program.done(&["import", "catalogue.csv"]);
    let mut export = start(&program, &["export", "products", "--format", "jsonl"]);
    let mut output = export.stdout.take().expect("its output");
    let mut written = vec![0; 10];
    output.read_exact(&mut written).expect("it has begun");
    // Nobody reads on, so that it waits in the middle of its rows.
    signal(&export, "-INT");
    std::thread::sleep(Duration::from_millis(300));
    output.read_to_end(&mut written).expect("the rest");
    let said = said(export);
    assert_eq!(said.exit, Some(130), "{said:?}");
    let written = String::from_utf8(written).expect("text");
    let count = written.lines().count();
    assert!(written.ends_with("}\n") && count < 20_000, "{count} rows");
    assert_eq!(
        said.stderr,
        format!("holdfast: interrupted after {count} rows; run the same command again for all of them\n")
    );
}

#[test]
fn a_bench_that_is_interrupted_says_so() {
    let program = Program::new();
    let bench = start(&program, &["bench", "http", "--seconds", "60", "--connections", "2"]);
    // It hears before it makes its folder.
    let is_folder = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(".holdfast-bench-");
    let entries = || std::fs::read_dir(program.folder()).expect("readable").flatten();
    eventually("it has begun", || entries().any(|entry| is_folder(&entry.file_name())));
    let said = interrupt(bench);
    assert_eq!((said.exit, &*said.stdout), (Some(130), ""), "{said:?}");
    assert!(said.stderr.contains("interrupted; nothing was measured"), "{said:?}");
}

#[test]
fn a_service_that_hears_ctrl_c_leaves_as_it_does_when_it_is_told_to() {
    let program = Program::new();
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["demo", "--listen", "127.0.0.1:0"]] {
        let mut service = Service::start_with(&program, arguments);
        let (status, _) = service.get("/health/ready");
        assert_eq!(status, 200);
        service.interrupt();
        assert_eq!(service.ended().code(), Some(0), "{arguments:?}: {}", service.log());
    }
    program.done(&["verify"]);
}

fn start(program: &Program, arguments: &[&str]) -> Child {
    let mut command = program.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

fn interrupt(child: Child) -> Said {
    signal(&child, "-INT");
    said(child)
}

fn said(child: Child) -> Said {
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { exit: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn row(number: u32) -> String {
    format!("{},S{number:05},Product,5\n", id(number))
}

fn id(number: u32) -> String {
    format!("0195a000-0000-7000-8000-{number:012x}")
}
