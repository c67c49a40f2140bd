//! A whole store goes from the embedded store to a shared one and back, and nothing is lost on the way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;
use crate::tampered_outbox::books_with_events_together;
use crate::test_data::kept;
use crate::webhook_receiver::{Receiver, Reply};
use crate::webhooks;

const ORDER: &str = "11111111-a170-4cd6-98a5-117f65ca1582";

#[test]
fn a_store_grows_out_of_its_folder_and_comes_back_row_by_row() {
    if !SharedDatabase::is_there() {
        return;
    }
    let shared = SharedDatabase::empty();
    let url = shared.url();
    let program = Program::new();
    let data = kept("online_retail_small");
    let path = |name: &str| data.join(name).to_str().expect("text").to_owned();
    program.done(&["import", &path("products.csv")]);
    program.done(&["replay", &path("events.jsonl.gz")]);
    let reserve = json!({"orderId": ORDER, "lines": [{"sku": some_sku(&program), "quantity": 1}]});
    let answered = {
        let service = Service::start(&program, &[]);
        let answer = reserve_under_a_key(&service, &reserve);
        service.stop();
        answer
    };
    let exports = |arguments: &[&str]| {
        ["products", "movements", "reservations", "orders"].map(|what| {
            let mut line = vec!["export", what];
            line.extend(arguments);
            program.done(&line).stdout
        })
    };
    let before = exports(&[]);

    let said = program.done(&["copy", "--from", "data", "--to", &url]).json();
    assert_eq!((&said["ok"], &said["faults"]), (&json!(true), &json!(0)), "{said}");
    assert!(said["rows"]["movements"].as_u64().is_some_and(|rows| rows > 1_000), "{said}");
    assert!(said["rows"]["answers"].as_u64().is_some_and(|rows| rows > 100), "{said}");
    assert_eq!(exports(&["--database-url", &url]), before);

    // The service goes on there: the same answer under the same key, and new numbers behind the old ones.
    let service = Service::start(&program, &["--database-url", &url]);
    assert_eq!(reserve_under_a_key(&service, &reserve), answered);
    let next = json!({"orderId": "22222222-a170-4cd6-98a5-117f65ca1582", "lines": reserve["lines"]});
    let (status, _) = service.post("/api/inventory/reservations", &next);
    assert!(status == 201 || status == 409, "{status}");
    service.stop();
    assert_eq!(program.done(&["verify", "--database-url", &url]).json()["ok"], true);

    // A store that holds something is not copied over, and a missing one is not copied.
    assert_eq!(program.run(&["copy", "--from", &url, "--to", "data"]).exit, Some(6));
    assert_eq!(program.run(&["copy", "--from", "nowhere", "--to", "other"]).exit, Some(5));
    assert!(!program.folder().join("nowhere").exists());
    for (from, to) in [(url.as_str(), url.as_str()), ("data", "./data/")] {
        let said = program.run(&["copy", "--from", from, "--to", to]);
        assert!(said.exit == Some(2) && said.stderr.contains("the same store"), "{said:?}");
    }

    let now = exports(&["--database-url", &url]);
    assert_eq!(program.done(&["copy", "--from", &url, "--to", "back"]).json()["ok"], true);
    assert_eq!(exports(&["--data", "back"]), now);
    let service = Service::start(&program, &["--data", "back"]);
    assert_eq!(reserve_under_a_key(&service, &reserve), answered);
    service.stop();
    assert_eq!(program.done(&["verify", "--data", "back"]).json()["ok"], true);
}

#[test]
fn events_that_stand_together_go_over_one_by_one() {
    if !SharedDatabase::is_there() {
        return;
    }
    let (shared, program) = (SharedDatabase::empty(), books_with_events_together());
    let events = 1 + 12 + 12 + 1;
    let said = program.done(&["copy", "--from", "data", "--to", &shared.url()]).json();
    assert_eq!((&said["ok"], &said["rows"]["outbox"]), (&json!(true), &json!(events)), "{said}");
    assert_eq!(program.done(&["verify", "--database-url", &shared.url()]).json()["ok"], true);
    assert_eq!(program.done(&["copy", "--from", &shared.url(), "--to", "back"]).json()["ok"], true);
    let told =
        [program.done(&["copy", "--from", "back", "--to", "there"]).json()["rows"].clone(), said["rows"].clone()];
    assert_eq!(told[0], told[1]);

    // The service there tells each of them, in the order of its product.
    let receiver = Receiver::start(|_, _| Reply::Status(200));
    let service = webhooks::start(&program, &[("shop", &receiver)], &["--database-url", &shared.url()]);
    receiver.wait_until(|came| came.len() >= events);
    assert_eq!(service.stop(), Some(0));
    let taken = receiver.taken();
    let of_stock = taken.iter().filter(|event| event.headers["ce_type"].starts_with("com.holdfast.stock."));
    let sequences: Vec<u64> = of_stock.map(|event| event.value["sequence"].as_u64().expect("a number")).collect();
    assert_eq!(sequences, (1..=25).collect::<Vec<u64>>());
    assert_eq!(taken.len(), events);
}

#[test]
fn a_store_that_somebody_writes_to_is_not_copied() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let said = program.run(&["copy", "--from", "data", "--to", "other"]);
    assert_eq!(said.exit, Some(8), "{said:?}");
    service.stop();
    assert_eq!(program.done(&["copy", "--from", "data", "--to", "other"]).json()["rows"]["locations"], 1);
}

#[test]
fn a_shared_store_that_a_service_works_on_is_not_copied() {
    if !SharedDatabase::is_there() {
        return;
    }
    let (from, to) = (SharedDatabase::migrated(), SharedDatabase::migrated());
    let program = Program::new();
    let copy = || program.run(&["copy", "--from", &from.url(), "--to", &to.url()]);
    for url in [from.url(), to.url()] {
        let service = Service::start(&program, &["--database-url", &url]);
        let asked = Instant::now();
        while service.get("/health").1["role"] != "sweeper" {
            assert!(asked.elapsed() < Duration::from_secs(30), "{}", service.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        let said = copy();
        assert_eq!(said.exit, Some(8), "{said:?}");
        assert!(said.stderr.contains("works on the database: stop it first"), "{said:?}");
        assert_eq!(service.stop(), Some(0));
    }
    assert_eq!(copy().exit, Some(0), "whoever was stopped has given up its duty");
}

fn reserve_under_a_key(service: &Service, order: &Value) -> (u16, String) {
    let answer = service.client().post("/api/inventory/reservations", Some("story"), order).expect("an answer");
    // The first answer and its repeats differ in this word alone.
    (answer.status, answer.body.replace("\"applied\"", "\"replayed\""))
}

fn some_sku(program: &Program) -> Value {
    let products = program.done(&["export", "products", "--format", "jsonl"]).stdout;
    let stocked = products.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut stocked = stocked.filter(|product| product["available"].as_u64() > Some(2));
    stocked.next().expect("there is some stock")["sku"].clone()
}
