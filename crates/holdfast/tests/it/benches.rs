//! Benches measure, and check their own result.

use serde_json::{Value, json};

use crate::program::Program;
use crate::running::{Service, counted};
use crate::shared_database::SharedDatabase;
use crate::test_data::kept;

#[test]
fn every_bench_proves_the_books_it_wrote() {
    let benches: [&[&str]; 5] = [
        &["commit", "--orders", "3000", "--batch", "100", "--products", "10", "--lines", "3"],
        &["http", "--seconds", "1", "--rounds", "1", "--connections", "8", "--products", "5", "--baseline"],
        &["batch", "--seconds", "1", "--connections", "2", "--orders", "20"],
        &["latency", "--seconds", "1", "--rate", "200", "--connections", "4"],
        &["flash-sale", "--stock", "50", "--clients", "40"],
    ];
    for bench in benches {
        let program = Program::new();
        let said = program.done(&[&["bench"], bench].concat()).json();
        check(&said);
        assert_eq!(said["verified"], true, "{said}");
        let left: Vec<_> = std::fs::read_dir(program.folder()).expect("a folder").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_running_service_can_be_loaded() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let said =
        program.done(&["bench", "flash-sale", "--stock", "50", "--clients", "40", "--server", service.url()]).json();
    check(&said);
    assert_eq!((&said["accepted"], &said["refused"]), (&json!(50), &json!(40)));
    let said = program.done(&["bench", "--seconds", "1", "--rounds", "1", "--server", service.url()]).json();
    check(&said);
    assert_eq!(said["verified"], true, "{said}");
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn several_services_on_one_database_can_be_loaded() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new().on(SharedDatabase::migrated());
    let services = [(); 2].map(|()| Service::start(&program, &[]));
    let [first, second] = services.each_ref().map(Service::url);
    let asking = Program::new();
    let load = ["bench", "http", "--seconds", "1", "--rounds", "1", "--connections", "8", "--server", first];
    let said = asking.done(&[&load[..], &["--replica", second]].concat()).json();
    check(&said);
    assert_eq!(said["verified"], true, "{said}");
    for service in services {
        let applied = "holdfast_commands_total{command=\"reserve_order\",outcome=\"applied\"}";
        assert!(counted(&service.text("/metrics"), applied) > 0.0, "each had its share");
        assert_eq!(service.stop(), Some(0));
    }
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn a_bench_on_a_shared_database_takes_turns_with_naive_clients_and_leaves_it_empty() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new();
    let database = SharedDatabase::empty();
    let url = database.url();
    let bench = ["bench", "commit", "--database-url", &url, "--callers", "16", "--products", "40", "--lines", "3"];
    let bench = [&bench[..], &["--seconds", "1", "--rounds", "2", "--naive"]].concat();
    let said = program.done(&bench).json();
    check(&said);
    assert_eq!((&said["verified"], &said["naive_errors"]), (&json!(true), &json!(0)), "{said}");
    assert!(said["naive_per_s"].as_f64().expect("a number") > 0.0, "{said}");
    assert_eq!(said["ratios"].as_array().map(Vec::len), Some(2), "{said}");

    // The first one left nothing, so a second one may come; this one leaves its books.
    let said = program.done(&[&bench[..], &["--keep"]].concat()).json();
    assert_eq!(said["verified"], true, "{said}");
    let verify = ["verify", "--database-url", &url];
    let before = program.done(&verify).json();
    assert!(before["ok"] == true && before["reservations"].as_u64() > Some(0), "{before}");
    let rows = |proof: &Value| ["movements", "reservations"].map(|member| proof[member].clone());
    let refused = program.run(&bench);
    assert_eq!(refused.exit, Some(6), "{refused:?}");
    assert!(refused.stderr.contains("the database holds something"), "{refused:?}");
    let after = program.done(&verify).json();
    assert_eq!((&after["ok"], rows(&after)), (&json!(true), rows(&before)), "what was there is as it was");
}

#[test]
fn real_orders_can_be_the_load_of_a_shared_database() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new();
    let database = SharedDatabase::empty();
    let url = database.url();
    let events = kept("online_retail_small").join("events.jsonl.gz");
    let events = events.to_str().expect("text");
    let bench = ["bench", "commit", "--database-url", &url, "--callers", "16", "--seconds", "1", "--rounds", "1"];
    let said = program.done(&[&bench[..], &["--naive", "--orders-from", events]].concat()).json();
    check(&said);
    assert_eq!((&said["verified"], &said["naive_errors"]), (&json!(true), &json!(0)), "{said}");
    assert!(said["products"].as_u64() > Some(1_000), "{said}");
    assert!(said["lines"].as_f64() > Some(10.0), "{said}");

    let refused = program.run(&[&bench[..], &["--orders-from", events, "--products", "5"]].concat());
    assert_eq!(refused.exit, Some(2), "{refused:?}");
}

#[test]
fn naive_clients_and_real_orders_want_a_shared_database() {
    for flags in [&["--naive"][..], &["--orders-from", "events.jsonl"]] {
        let refused = Program::new().run(&[&["bench", "commit"], flags].concat());
        assert_eq!(refused.exit, Some(2), "{refused:?}");
        assert!(refused.stderr.contains("--database-url"), "{refused:?}");
    }
}

#[test]
fn a_demonstration_has_a_catalogue_and_traffic() {
    let program = Program::new();
    let demo = Service::start_with(&program, &["demo", "--listen", "127.0.0.1:0"]);
    let server = ["--server", demo.url()];
    let products = program.done(&[&["export", "products", "--format", "jsonl"], &server[..]].concat()).json_lines();
    assert_eq!(products.len(), 200);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while program.done(&[&["export", "orders", "--format", "jsonl"], &server[..]].concat()).json_lines().is_empty() {
        assert!(std::time::Instant::now() < until, "no order came");
    }
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn a_demonstration_and_a_bench_keep_to_themselves_whatever_stands_around() {
    let nobody = "127.0.0.1:9";
    let program = Program::new()
        .with_variable("ConnectionStrings__DefaultConnection", "server=127.0.0.1;port=9;database=inventory;user=app")
        .with_variable("HOLDFAST_LOCK__REDIS_URL", &format!("redis://{nobody}"))
        .with_variable("HOLDFAST_KAFKA__BROKERS", nobody)
        .with_variable("HOLDFAST_WEBHOOKS__ENDPOINTS", "shop=https://shop.example/hook");
    let demo = Service::start_with(&program, &["demo", "--listen", "127.0.0.1:0"]);
    assert_eq!(demo.ready["store"], "sqlite");
    let (_, health) = demo.get("/health");
    let parts = health["components"].as_array().expect("a list");
    for name in ["lock", "kafka", "outbox"] {
        let part = parts.iter().find(|part| part["name"] == name).expect("a part");
        assert_eq!(part["detail"], "not configured", "{health}");
    }
    assert_eq!(demo.stop(), Some(0));
    let said = program.done(&["bench", "--seconds", "1", "--rounds", "1", "--connections", "2"]).json();
    assert_eq!(said["verified"], true, "{said}");

    for named in [["--data", "elsewhere"], ["--database-url", "mysql://db/inventory"]] {
        let refused = program.run(&[&["demo"][..], &named].concat());
        assert_eq!(refused.exit, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(named[0]), "{refused:?}");
    }
}

/// The members of the contract.
fn check(said: &Value) {
    assert_eq!((&said["errors"], &said["oversold"]), (&json!(0), &json!(0)), "{said}");
    assert!(said["accepted"].as_u64().expect("a count") > 0 && said["refused"].is_u64(), "{said}");
    for member in ["throughput_per_s", "p50_ms", "p99_ms", "p999_ms"] {
        assert!(said[member].as_f64().expect("a number") > 0.0, "{member} in {said}");
    }
}
