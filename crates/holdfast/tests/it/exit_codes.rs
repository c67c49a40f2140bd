//! Every exit code that scripts rely on, command by command.

use crate::program::{Program, Said, argument};
use crate::running::Service;

const NOBODY: &str = "http://127.0.0.1:9";
const UNKNOWN: &str = "3fa85f64-5717-4562-b3fc-2c963f66afff";
const CATALOGUE: &str = "product_id,sku,name,initial_quantity\n3fa85f64-5717-4562-b3fc-2c963f66afa6,L,Lamp,5\n";

#[test]
fn what_is_done_is_zero() {
    let program = Program::new();
    program.file("catalogue.csv", CATALOGUE);
    program.file("events.jsonl", "");
    for line in [
        "--help",
        "--version",
        "serve --help",
        "config show",
        "openapi",
        "completions bash",
        "migrate --dry-run",
        "import catalogue.csv --dry-run",
        "migrate",
        "import catalogue.csv",
        "import catalogue.csv",
        "replay events.jsonl",
        "export products",
        "export movements --format jsonl",
        "verify",
        "bench commit --orders 10 --products 1",
    ] {
        must_end(&program, line, 0, "");
    }
}

#[test]
fn what_is_asked_wrongly_is_two() {
    let program = Program::new();
    program.file("catalogue.csv", CATALOGUE);
    program.file("events.jsonl", "");
    for (line, words) in [
        ("sell", "unrecognized subcommand"),
        ("import", "required"),
        ("import catalogue.csv --quantity 1000000001", "--quantity"),
        ("import catalogue.csv --quantity 1 --quantity-column a", "cannot be used with"),
        ("import catalogue.csv --server ftp://x", "is no URL"),
        ("import catalogue.csv --server http://x --data y", "cannot be used with"),
        ("bench http --seconds 0", "--seconds"),
        ("bench commit --batch 0", "--batch"),
        ("demo --data elsewhere", "--data"),
        ("export", "required"),
        ("export prices", "invalid value"),
        ("export products --server localhost", "is no URL"),
        ("replay", "required"),
        ("replay events.jsonl --ttl 1s", "--ttl"),
        ("replay events.jsonl --kinds order_shipped", "--kinds"),
        ("replay events.jsonl --server http://127.0.0.1:9 --clock events", "works on a store only"),
        ("verify --product lamp", "no UUID"),
        ("verify --server http://127.0.0.1:9", "a proof needs one moment"),
        ("bench flash-sale --stock 0", ""),
        ("serve --listen nowhere", "server.listen"),
        ("serve --listen 127.0.0.1:0 --kafka-brokers localhost:9092 --set kafka.properties=nonsense=1", "nonsense"),
        (
            "serve --listen 127.0.0.1:0 --kafka-brokers localhost:9092 --set kafka.properties=nonsense",
            "a property is name=value",
        ),
        ("serve --listen 127.0.0.1:0 --kafka-brokers localhost:9092 --set kafka.topics_in=", "names no topic"),
        ("migrate --database-url mysql://u:p@localhost", "it names no database"),
        ("verify --database-url postgres://u:p@localhost/x", "the database URL cannot be read"),
        ("demo --listen nowhere", "server.listen"),
        ("completions tcsh", "invalid value"),
        ("config", "config"),
        ("config show --config nosuch.toml", "nosuch.toml cannot be read"),
        ("serve --listen 127.0.0.1:0 --config nosuch.toml", "nosuch.toml cannot be read"),
        ("config show --set server.listn=x", "did you mean"),
    ] {
        must_end(&program, line, 2, words);
    }
}

#[test]
fn what_is_not_there_is_five() {
    let program = Program::new();
    program.file("catalogue.csv", CATALOGUE);
    program.file("events.jsonl", "");
    let nobody = format!("--server {NOBODY}");
    for (line, words) in [
        ("import nosuch.csv".to_owned(), "nosuch.csv cannot be imported"),
        ("import nosuch.csv --dry-run".to_owned(), "nosuch.csv cannot be imported"),
        (format!("import nosuch.csv {nobody}"), "nosuch.csv cannot be imported"),
        ("replay nosuch.jsonl".to_owned(), "nosuch.jsonl cannot be read"),
        (format!("replay nosuch.jsonl {nobody}"), "nosuch.jsonl cannot be read"),
        ("verify".to_owned(), "--data"),
        ("export products --data nosuch".to_owned(), "nosuch"),
    ] {
        must_end(&program, &line, 5, words);
    }
    assert!(!program.folder().join("data").exists(), "nothing was made on the way");
    program.done(&["import", "catalogue.csv"]);
    must_end(&program, &format!("verify --product {UNKNOWN}"), 5, UNKNOWN);
}

#[test]
fn an_input_that_is_none_is_seven() {
    let program = Program::new();
    program.file("prices.csv", "sku,price\n");
    program.file("broken.csv", [b"product_id,sku,name,initial_quantity\n".as_slice(), &[0xFF, 0xFE]].concat());
    program.file("broken.jsonl.gz", [0x1F, 0x8B, 8, 0, 0, 0]);
    std::fs::create_dir(program.folder().join("folder")).expect("a folder");
    for line in ["import prices.csv", "import folder", "replay broken.jsonl.gz", "replay folder"] {
        must_end(&program, line, 7, "");
    }
    let said = run(&program, "import broken.csv");
    assert!(matches!(said.exit, Some(7 | 9)), "{said:?}");
}

#[test]
fn a_store_that_is_taken_or_a_service_that_is_away_is_eight() {
    let program = Program::new();
    let catalogue = program.file("catalogue.csv", CATALOGUE);
    program.file("events.jsonl", "");
    for line in [
        format!("import catalogue.csv --server {NOBODY}"),
        format!("export products --server {NOBODY}"),
        format!("replay events.jsonl --server {NOBODY}"),
        format!("bench http --server {NOBODY}"),
    ] {
        must_end(&program, &line, 8, "127.0.0.1:9");
    }
    let service = Service::start(&program, &[]);
    for line in ["serve --listen 127.0.0.1:0", "migrate", "import catalogue.csv", "replay events.jsonl"] {
        must_end(&program, line, 8, "another process writes to");
    }
    let taken = service.url().trim_start_matches("http://");
    must_end(&Program::new(), &format!("serve --listen {taken}"), 1, "cannot be listened on");
    must_end(&Program::new(), &format!("demo --listen {taken}"), 1, "cannot be listened on");
    // The service's own answers have their codes too.
    let server = ["import", argument(&catalogue), "--server", service.url()];
    assert_eq!(program.run(&server).exit, Some(0));
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn what_is_partly_done_is_nine() {
    let program = Program::new();
    program.file("catalogue.csv", format!("{CATALOGUE}x,y,z,1\n"));
    program.file("events.jsonl", "{\n");
    must_end(&program, "import catalogue.csv", 9, "line 3");
    must_end(&program, "import catalogue.csv --dry-run", 9, "line 3");
    must_end(&program, "replay events.jsonl", 9, "line 1");
}

fn run(program: &Program, line: &str) -> Said {
    program.run(&line.split(' ').collect::<Vec<_>>())
}

fn must_end(program: &Program, line: &str, exit: i32, words: &str) {
    let said = run(program, line);
    assert_eq!(said.exit, Some(exit), "{line}: {said:?}");
    assert!(said.stderr.contains(words), "{line}: {said:?}");
}
