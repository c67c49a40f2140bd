//! A store that is older than what was published: a copy was restored, or a database came back as a replica that lagged
//! behind. What it has lost is left alone until somebody has looked (PROTOCOL, sections 4.3 and 4.4).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::broker::{Broker, wait_until_told};
use crate::folders::copy_folder;
use crate::own_server::OwnServer;
use crate::program::{Program, argument};
use crate::running::{Service, counted};

/// Longer than the service takes to look again.
const PATIENCE: Duration = Duration::from_mins(1);

/// What time it is, by a service that publishes nothing.
fn now(program: &Program) -> String {
    let service = Service::start(program, &[]);
    let item = json!({"productId": "5f0c1d1e-0000-4000-8000-000000000000", "productName": "Desk", "sku": "DESK"});
    let (_, made) = service.post("/api/inventory", &item);
    assert_eq!(service.stop(), Some(0));
    made["createdAt"].as_str().expect("a time").to_owned()
}

/// A lamp and a chair of this run alone: plain events go to topics that all stories share.
fn products() -> [String; 2] {
    [1, 2].map(|number| format!("5f0c1d1e-0000-4000-8000-{number:04x}{:08x}", std::process::id()))
}

fn make_products(service: &Service) {
    for (product, sku) in products().iter().zip(["LAMP", "CHAIR"]) {
        let item = json!({"productId": product, "productName": sku, "sku": sku, "initialQuantity": 50});
        assert_eq!(service.post("/api/inventory", &item).0, 201);
    }
    wait_until_told(service);
}

fn change(service: &Service, product: &str) -> (u16, Value) {
    service.post(&format!("/api/inventory/product/{product}/add-stock"), &json!({"quantity": 3}))
}

fn has_frozen(service: &Service) -> bool {
    counted(&service.text("/metrics"), "holdfast_frozen_products") > 0.0
}

/// The lamp is left alone, the chair is not.
fn must_leave_the_lamp_alone(service: &Service) {
    let [lamp, chair] = products();
    let (status, problem) = change(service, &lamp);
    assert_eq!((status, &problem["code"]), (503, &json!("store_unavailable")), "{problem}");
    assert_eq!(problem["outcome"], "not_applied", "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|words| words.contains(&lamp)), "{problem}");
    assert_eq!(change(service, &chair).0, 200, "nothing of it was lost");
    service.must_say("Degraded");
    assert!(service.log().contains(&lamp), "the log names it");
}

#[test]
fn a_restored_copy_leaves_alone_what_it_has_lost_until_somebody_has_looked() {
    for format in ["kafka.mode=binary", "kafka.mode=structured", "kafka.compatibility=plain"] {
        let Some(broker) = Broker::find() else { return };
        let program = Program::new();
        // What other runs have left in shared topics is none of this one's concern.
        let since = format!("kafka.rollback_check_since={}", now(&program));
        let own = ["--set".to_owned(), format.to_owned(), "--set".to_owned(), since];
        let flags = [&broker.flags("group")[..], &own].concat();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let service = Service::start(&program, &flags);
        make_products(&service);
        assert_eq!(service.stop(), Some(0));
        let copy = program.folder().join("copy");
        copy_folder(&program.folder().join("data"), &copy);

        let service = Service::start(&program, &flags);
        service.must_say("Healthy");
        let [lamp, _] = products();
        assert_eq!((change(&service, &lamp).0, has_frozen(&service)), (200, false));
        wait_until_told(&service);
        assert_eq!(service.stop(), Some(0));

        let on_copy = [&["--data", argument(&copy)], &flags[..]].concat();
        let restored = Service::start_again(&program, &on_copy);
        must_leave_the_lamp_alone(&restored);
        wait_until_told(&restored);
        let (_, chair) = change(&restored, &products()[1]);
        assert_eq!(restored.stop(), Some(0));

        let seen = format!("kafka.rollback_check_since={}", chair["updatedAt"].as_str().expect("a time"));
        for looked_into in [seen.as_str(), "kafka.rollback_check=false"] {
            let service = Service::start_again(&program, &[&on_copy[..], &["--set", looked_into]].concat());
            assert_eq!((change(&service, &lamp).0, has_frozen(&service)), (200, false), "{looked_into}");
            wait_until_told(&service);
            assert_eq!(service.stop(), Some(0));
        }
        let program = program.done(&[&["verify"], &on_copy[..2]].concat());
        assert_eq!(program.json()["ok"], true);
    }
}

#[test]
fn a_database_that_comes_back_older_under_a_running_service_is_noticed() {
    let Some(broker) = Broker::find() else { return };
    let mut server = OwnServer::start(&[]);
    let program = Program::new().on(server.database(server.address()));
    let flags = broker.flags("group");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let service = Service::start(&program, &flags);
    make_products(&service);
    server.kill();
    server.keep_copy();
    server.start_again();
    let [lamp, _] = products();
    let asked = Instant::now();
    while change(&service, &lamp).0 != 200 {
        assert!(asked.elapsed() < PATIENCE, "{}", service.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    wait_until_told(&service);
    assert!(!has_frozen(&service), "a server that crashed has lost nothing");
    server.kill();
    server.restore_copy();
    server.start_again();
    let asked = Instant::now();
    while !has_frozen(&service) {
        assert!(asked.elapsed() < PATIENCE, "{}", service.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    must_leave_the_lamp_alone(&service);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_time_that_is_none_is_told_before_anything_starts() {
    let program = Program::new();
    let said = program.run(&["serve", "--listen", "127.0.0.1:0", "--set", "kafka.rollback_check_since=yesterday"]);
    assert_eq!(said.exit, Some(2));
    assert!(said.stderr.contains("kafka.rollback_check_since"), "{said:?}");
}
