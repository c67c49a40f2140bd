//! The users of `docs/deployment.md` may what they must, and no more is needed.

use serde_json::{Value, json};

use crate::own_server::OwnServer;
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

/// User, and what it is granted, as the page says.
const USERS: [(&str, &str); 3] = [
    ("holdfast", "SELECT, INSERT, UPDATE, DELETE"),
    ("holdfast_migrate", "SELECT, INSERT, UPDATE, CREATE, ALTER, INDEX"),
    ("holdfast_read", "SELECT"),
];

#[test]
fn the_privileges_that_the_page_names_are_enough() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/deployment.md")).expect("the page");
    if !SharedDatabase::is_there() {
        return;
    }
    let server = OwnServer::start(&[]);
    server.tell("CREATE DATABASE books CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    for (user, privileges) in USERS {
        assert!(page.contains(&format!("GRANT {privileges} ON holdfast.* TO {user}@")), "the page grants {user} that");
        server.tell(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'grain-of-salt'"));
        server.tell(&format!("GRANT {privileges} ON books.* TO {user}@'%'"));
    }
    let program = Program::new();
    let url = |user: &str| format!("mysql://{user}:grain-of-salt@{}/books", server.address());
    for user in ["holdfast", "holdfast_read"] {
        let said = program.run(&["migrate", "--database-url", &url(user)]);
        assert_eq!(said.exit, Some(1), "{user} makes nothing: {said:?}");
    }
    program.done(&["migrate", "--database-url", &url("holdfast_migrate")]);
    program.done(&["migrate"]);
    // A schema that is there needs nobody's right to make one.
    program.done(&["copy", "--from", "data", "--to", &url("holdfast")]);
    let service = Service::start(&program, &["--migrate", "--database-url", &url("holdfast")]);
    assert!(service.log().contains("the schema is the present one"), "{}", service.log());
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 5});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let order = json!({"orderId": "95570777-a170-5cd6-98a5-117f65ca1582", "lines": [{"sku": "L", "quantity": 2}]});
    assert_eq!(service.post("/api/inventory/reservations", &order).0, 201);
    service.must_say("Healthy");
    assert_eq!(service.stop(), Some(0));
    let proof = program.done(&["verify", "--database-url", &url("holdfast_read")]).json();
    assert_eq!((&proof["ok"], &proof["movements"]), (&json!(true), &json!(2)));
    program.done(&["export", "orders", "--database-url", &url("holdfast_read")]);
}

#[test]
fn a_user_who_may_not_write_is_told_at_the_start_what_is_lacking_and_no_more_is() {
    if !SharedDatabase::is_there() {
        return;
    }
    let server = OwnServer::start(&[]);
    server.tell("CREATE DATABASE books CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    let program = Program::new();
    program.done(&["migrate", "--database-url", &format!("mysql://root@{}/books", server.address())]);
    server.tell("CREATE USER clerk@'%' IDENTIFIED BY 'grain-of-salt'");
    server.tell("GRANT SELECT ON books.* TO clerk@'%'");
    let url = format!("mysql://clerk:grain-of-salt@{}/books", server.address());
    let refused = program.run(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url]);
    assert_eq!(refused.exit, Some(1), "{refused:?}");

    // Table by table, and nothing that was not asked for.
    let named = refused.stderr.split("; ").filter_map(|sentence| sentence.split_once("lacks the privilege "));
    let lacking: Vec<(&str, &str)> = named.filter_map(|(_, lacks)| lacks.trim().split_once(" on ")).collect();
    let privileges: Vec<&str> = lacking.iter().map(|(privilege, _)| *privilege).collect();
    assert_eq!(privileges, ["INSERT", "UPDATE", "DELETE"], "{refused:?}");
    for (privilege, tables) in lacking {
        for table in tables.split(", ") {
            server.tell(&format!("GRANT {privilege} ON books.{table} TO clerk@'%'"));
        }
    }
    let service = Service::start(&program, &["--database-url", &url, "--set", "kafka.brokers=127.0.0.1:9"]);
    let posts = |path: &str, body: &Value| service.post(&format!("/api/inventory{path}"), body);
    let order = |number: u32| format!("44444444-0000-4000-8000-{number:012}");
    let lines = json!([{"sku": "L", "quantity": 1}]);
    assert_eq!(posts("", &json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 9})).0, 201);
    assert_eq!(posts("/locations", &json!({"id": "berlin", "name": "Berlin", "priority": 1})).0, 201);
    let moved = json!({"quantity": 2, "fromLocationId": "main", "toLocationId": "berlin"});
    assert_eq!(posts(&format!("/product/{LAMP}/transfer"), &moved).0, 200);
    for (number, end) in [(1, "confirm"), (2, "release")] {
        assert_eq!(posts("/reservations", &json!({"orderId": order(number), "lines": lines})).0, 201);
        assert_eq!(posts(&format!("/orders/{}/{end}", order(number)), &json!({})).0, 200);
    }
    let happened = |kind: &str| json!({"type": kind, "orderId": order(3), "items": lines});
    let (_, heard) = posts("/events", &json!([happened("PaymentCompleted"), {"type": "Nope"}]));
    let outcomes = |heard: &Value| [heard["results"][0]["outcome"].clone(), heard["results"][1]["outcome"].clone()];
    assert_eq!(outcomes(&heard), ["waiting", "rejected"], "{heard}");
    assert_eq!(posts("/events", &happened("OrderCreated")).1["results"][0]["outcome"], "applied");
    let (_, letters) = service.get("/api/inventory/dead-letters");
    let letter = letters[0]["id"].as_str().expect("a letter");
    assert_eq!(posts(&format!("/dead-letters/{letter}/discard"), &json!({"note": "of no use"})).0, 200);
    assert!(!service.log().contains("denied"), "{}", service.log());
    assert_eq!(service.stop(), Some(0));
    let proof = program.done(&["verify", "--database-url", &url]).json();
    assert_eq!((&proof["ok"], &proof["reservations"]), (&json!(true), &json!(3)));
}
