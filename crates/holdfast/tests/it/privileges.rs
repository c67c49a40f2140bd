//! The users of `docs/deployment.md` may what they must, and no more is needed.

use serde_json::json;

use crate::own_server::OwnServer;
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

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
    let item = json!({"productId": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "productName": "Lamp", "sku": "L", "initialQuantity": 5});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let order = json!({"orderId": "95570777-a170-5cd6-98a5-117f65ca1582", "lines": [{"sku": "L", "quantity": 2}]});
    assert_eq!(service.post("/api/inventory/reservations", &order).0, 201);
    service.must_say("Healthy");
    assert_eq!(service.stop(), Some(0));
    let proof = program.done(&["verify", "--database-url", &url("holdfast_read")]).json();
    assert_eq!((&proof["ok"], &proof["movements"]), (&json!(true), &json!(2)));
    program.done(&["export", "orders", "--database-url", &url("holdfast_read")]);
}
