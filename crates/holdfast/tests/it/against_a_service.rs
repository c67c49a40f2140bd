//! The same commands against a running service instead of a store.

use serde_json::json;

use crate::program::{Program, argument};
use crate::running::Service;
use crate::test_data::{Books, kept};

#[test]
fn real_orders_lead_to_the_same_books_over_http() {
    let (program, folder) = (Program::new(), kept("online_retail_small"));
    let service = Service::start(&program, &[]);
    let (products, events) = (folder.join("products.csv"), folder.join("events.jsonl.gz"));
    let server = ["--server", service.url()];
    let import = [&["import", argument(&products)], &server[..]].concat();
    let dry = program.done(&[&import[..], &["--dry-run"]].concat()).json();
    assert_eq!((&dry["created"], &dry["bad"]), (&json!(1834), &json!(0)));
    assert_eq!(program.done(&import).json()["created"], 1834);
    assert_eq!(program.done(&import).json()["unchanged"], 1834);

    let replay = [&["replay", argument(&events)], &server[..]].concat();
    let said = program.done(&replay).json();
    assert_eq!((&said["events"], &said["applied"], &said["refused"]), (&json!(799), &json!(541), &json!(252)));
    assert_eq!(
        said["orders"],
        json!({"Reserved": 2, "Confirmed": 206, "Released": 13, "Expired": 0, "Refused": 115, "Closed": 0})
    );
    let again = program.done(&replay).json();
    assert_eq!((&again["replayed"], &again["applied"]), (&json!(799), &json!(0)));

    let from_service: Vec<String> = ["products", "movements", "reservations", "orders"]
        .iter()
        .map(|what| program.done(&[&["export", what], &server[..]].concat()).stdout)
        .collect();
    let in_environment = Program::new().with_variable("HOLDFAST_SERVER", service.url());
    assert_eq!(in_environment.done(&["export", "products"]).stdout, from_service[0]);
    assert_eq!(service.stop(), Some(0));
    let from_store: Vec<String> = ["products", "movements", "reservations", "orders"]
        .iter()
        .map(|what| program.done(&["export", what]).stdout)
        .collect();
    for (told, kept) in from_service.iter().zip(&from_store) {
        assert_eq!(told.lines().count(), kept.lines().count());
        assert!(told == kept, "the service exports something else than its store");
    }
    assert!(Books::of(&program) == Books::expected(&folder, "full"), "the books differ");
    assert_eq!(program.done(&["verify"]).json()["ok"], true);
}

#[test]
fn a_service_that_is_not_there_is_told_and_so_is_what_it_would_decide_itself() {
    let program = Program::new();
    let file = program.file("events.jsonl", "");
    let nobody = ["--server", "http://127.0.0.1:9"];
    let said = program.run(&[&["export", "products"], &nobody[..]].concat());
    assert_eq!(said.exit, Some(8), "{said:?}");
    assert!(said.stderr.contains("no service answers at http://127.0.0.1:9"), "{said:?}");
    for flags in [&["--ttl", "24h"][..], &["--clock", "events"], &["--late-payment", "refuse"], &["--data", "x"]] {
        let said = program.run(&[&["replay", argument(&file)], &nobody[..], flags].concat());
        assert_eq!(said.exit, Some(2), "{said:?}");
    }
    assert_eq!(program.run(&["export", "products", "--server", "localhost"]).exit, Some(2));
}
