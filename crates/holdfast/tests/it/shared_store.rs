//! The service on a shared store: the same commands and the same answers, and it outlives the database's faults.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::load::Load;
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const ORDER: &str = "95570777-a170-5cd6-98a5-117f65ca1582";

#[test]
fn a_service_wants_the_present_schema_and_makes_it_only_when_told() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new().on(SharedDatabase::empty());
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["verify"], &["import", "-"]] {
        let said = program.run(arguments);
        assert_eq!(said.exit, Some(5), "{said:?}");
        assert!(said.stderr.contains("run `holdfast migrate`"), "{said:?}");
    }
    let dry = program.done(&["migrate", "--dry-run"]).json();
    assert!(dry["statements"].as_array().is_some_and(|statements| statements.len() > 10), "{dry}");
    assert_eq!(program.run(&["verify"]).exit, Some(5), "a dry run makes nothing");

    let service = Service::start(&program, &["--migrate"]);
    assert_eq!(service.ready["store"], "mysql");
    assert!(service.log().contains("the schema was brought up to date"), "{}", service.log());
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 5});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let order = json!({"orderId": ORDER, "lines": [{"sku": "L", "quantity": 2}]});
    assert_eq!(service.post("/api/inventory/reservations", &order).0, 201);
    assert_eq!(service.get("/health").0, 200);
    assert_eq!(service.stop(), Some(0));

    let service = Service::start(&program, &[]);
    let (status, item) = service.get(&format!("/api/inventory/product/{LAMP}"));
    assert_eq!((status, &item["quantityAvailable"], &item["quantityReserved"]), (200, &json!(3), &json!(2)));
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["reservations"], 1);
    assert!(!program.folder().join("data").exists(), "the folder of an embedded store is not made");
}

#[test]
fn a_database_that_does_not_answer_is_retry_later() {
    let program = Program::new().with_variable("HOLDFAST_STORE__DATABASE_URL", "mysql://u:p@127.0.0.1:9/x");
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["verify"]] {
        let said = program.run(arguments);
        assert_eq!(said.exit, Some(8), "{said:?}");
        assert!(said.stderr.contains("the database cannot be reached"), "{said:?}");
    }
}

#[test]
fn killed_under_load_and_nothing_is_lost_or_doubled_on_a_shared_store() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new().on(SharedDatabase::migrated());
    let mut load = Load::on(&program);
    for _ in 0..8 {
        let mut service = Service::start_again(&program, &[]);
        let moment = Duration::from_millis(load.within(20, 250));
        let url = service.url().to_owned();
        load.run(&url, || {
            std::thread::sleep(moment);
            service.kill();
        });
    }
    load.must_be_kept_after_a_crash(&program);
}

#[test]
fn a_service_outlives_connections_that_are_cut_under_load() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new().on(SharedDatabase::migrated());
    let mut load = Load::on(&program);
    for _ in 0..8 {
        let mut service = Service::start(&program, &[]);
        let url = service.url().to_owned();
        load.run(&url, || {
            // Whoever hears "later" has written enough for this round.
            for _ in 0..10 {
                std::thread::sleep(Duration::from_millis(40));
                program.database().cut_connections();
            }
            must_take_writes_again(&service);
            service.terminate();
            assert_eq!(service.ended().code(), Some(0));
        });
    }
    load.must_be_kept_after_a_crash(&program);
}

/// Without anybody's help.
fn must_take_writes_again(service: &Service) {
    let asked = Instant::now();
    while service.get("/health/ready").0 != 200 {
        assert!(asked.elapsed() < Duration::from_secs(10), "{}", service.text("/health"));
        std::thread::sleep(Duration::from_millis(100));
    }
}
