//! Events that wait and dead letters that somebody has changed behind the service's back: the proof names them, on
//! either store.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const LETTERS: &str = "/api/inventory/dead-letters";
/// The tables that a story changes.
const TABLES: [&str; 3] = ["outbox", "dead_letters", "orders"];

/// `{"productId":"4fa85f64-5717-4562-b3fc-2c963f66afa6","sequence":1,"part":0,"adjustedAt":1}` in place of what the
/// first event says.
const ANOTHER_PRODUCTS: &str = "UPDATE outbox SET data = x'7b2270726f647563744964223a2234666138356636342d353731372d343536322d623366632d326339363366363661666136222c2273657175656e6365223a312c2270617274223a302c2261646a75737465644174223a317d' WHERE stream = 0 AND key_seq = 1";

/// What somebody changes, and the invariant, or the table of a row that cannot be read, that the proof must name.
const CHANGES: [(&str, &str); 25] = [
    ("UPDATE outbox SET kind = 1 WHERE stream = 0 AND key_seq = 1 AND part = 0", "I18"),
    ("UPDATE outbox SET data = x'7b7d' WHERE stream = 0 AND key_seq = 1", "I18"),
    (ANOTHER_PRODUCTS, "I18"),
    ("UPDATE outbox SET key_seq = 99 WHERE stream = 0 AND key_seq = 1", "I18"),
    ("UPDATE outbox SET event_key = x'09090909090909090909090909090909' WHERE stream = 0", "I18"),
    ("UPDATE outbox SET event_key = x'09090909090909090909090909090909' WHERE stream = 1", "I18"),
    ("UPDATE outbox SET key_seq = 99 WHERE stream = 1", "I18"),
    ("UPDATE orders SET event_seq = 0", "I18"),
    ("UPDATE outbox SET kind = 10 WHERE stream = 0 AND key_seq = 1", "I18"),
    ("UPDATE outbox SET told_at = told_at + 3600000000 WHERE stream = 1", "I18"),
    ("UPDATE outbox SET written_at = written_at + 3600000000 WHERE stream = 0 AND key_seq = 1", "I19"),
    ("UPDATE outbox SET data = x'7b' WHERE stream = 0 AND key_seq = 1", "outbox"),
    ("UPDATE outbox SET kind = 99 WHERE stream = 0 AND key_seq = 1", "outbox"),
    ("UPDATE outbox SET told_at = -5 WHERE stream = 1", "outbox"),
    ("UPDATE outbox SET stream = 7 WHERE stream = 1", "outbox"),
    ("UPDATE dead_letters SET status = 9 WHERE status = 0", "dead_letters"),
    ("UPDATE dead_letters SET topic = 'x' WHERE status = 0", "dead_letters"),
    ("UPDATE dead_letters SET content = x'00' WHERE status = 0", "dead_letters"),
    ("UPDATE dead_letters SET status = 2 WHERE status = 0", "I20"),
    ("UPDATE dead_letters SET status = 1 WHERE status = 2", "I20"),
    ("UPDATE dead_letters SET note = NULL WHERE status = 2", "I20"),
    ("UPDATE dead_letters SET settled_by = NULL WHERE status = 2", "I20"),
    ("UPDATE dead_letters SET settled_at = 5 WHERE status = 2", "I20"),
    ("UPDATE dead_letters SET put_away_at = put_away_at - 3600000000 WHERE status = 0", "I20"),
    ("UPDATE dead_letters SET code = '' WHERE status = 0", "I20"),
];

#[test]
fn the_proof_names_what_was_changed_of_events_that_wait_and_of_dead_letters() {
    let program = some_books(Program::new());
    let (change, restore) = changes_of_its_file(&program);
    must_be_named(&program, &CHANGES, change, restore);
}

/// What changes the file of a program's store, and what brings it back.
fn changes_of_its_file(program: &Program) -> (impl Fn(&str) + use<>, impl Fn() + use<>) {
    let file = program.folder().join("data/holdfast.db");
    let kept = program.folder().join("kept.db");
    std::fs::copy(&file, &kept).expect("room");
    let changed = file.clone();
    let change = move |statement: &str| {
        let connection = Connection::open(&changed).expect("its file");
        connection.execute_batch(statement).expect(statement);
        assert!(connection.changes() > 0, "{statement} changes something");
    };
    let restore = move || {
        std::fs::copy(&kept, &file).expect("room");
    };
    (change, restore)
}

/// The same of a row that holds what a whole batch tells; in what it says no event can be changed by itself.
const CHANGES_OF_PARCELS: [(&str, &str); 7] = [
    ("UPDATE outbox SET events = events + 1 WHERE events > 1", "outbox"),
    ("UPDATE outbox SET events = 1 WHERE events > 1", "outbox"),
    ("UPDATE outbox SET key_seq = key_seq + 1 WHERE events > 1", "outbox"),
    ("UPDATE outbox SET kind = 10 WHERE events > 1 AND stream = 0", "outbox"),
    ("UPDATE outbox SET data = x'00' WHERE events > 1", "outbox"),
    ("UPDATE outbox SET data = substr(data, 1, length(data) - 9) WHERE events > 1", "outbox"),
    ("UPDATE outbox SET written_at = told_at - 1 WHERE events > 1", "I18"),
];

#[test]
fn the_proof_names_what_was_changed_of_events_that_stand_together() {
    let program = books_with_events_together();
    let (change, restore) = changes_of_its_file(&program);
    must_be_named(&program, &CHANGES_OF_PARCELS, change, restore);
}

#[test]
fn the_proof_of_a_shared_store_names_it_too() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = some_books(Program::new().on(SharedDatabase::migrated()));
    let (database, kept) = (program.database(), SharedDatabase::empty());
    for table in TABLES {
        database.change(&format!("CREATE TABLE {}.{table} AS SELECT * FROM {table}", kept.name()));
    }
    let restore = || {
        for table in TABLES {
            database.change(&format!("DELETE FROM {table}"));
            database.change(&format!("INSERT INTO {table} SELECT * FROM {}.{table}", kept.name()));
        }
    };
    must_be_named(&program, &CHANGES, |statement| database.change(statement), restore);
}

/// Makes one change after the other; the proof must name each.
fn must_be_named(program: &Program, changes: &[(&str, &str)], change: impl Fn(&str), restore: impl Fn()) {
    for (statement, named) in changes {
        change(statement);
        let said = program.run(&["verify"]);
        assert_eq!(said.exit, Some(1), "{statement}: {said:?}");
        let found = said.json();
        assert_eq!((&found["ok"], &found["products"]), (&json!(false), &json!(1)), "the rest is proved all the same");
        let faults = found["faults"].as_array().expect("a list");
        let is_named = |fault: &Value| fault["invariant"] == *named || fault["table"] == *named;
        assert!(faults.iter().any(is_named), "{statement}: {named} is not among {faults:?}");
        restore();
        assert_eq!(program.done(&["verify"]).json()["ok"], true, "what was changed is as it was");
    }
}

/// A store that has not told an endpoint yet of an item, of its units at 12 more locations, and of an order of one from
/// each: 12 movements of one command, and its outcome.
pub(crate) fn books_with_events_together() -> Program {
    let program = Program::new();
    let service = Service::start(&program, &endpoint_that_is_not_there());
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 50});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let places: Vec<String> = (1..=12).map(|number| format!("place-{number}")).collect();
    for place in &places {
        let made = service.post("/api/inventory/locations", &json!({"id": place, "name": place, "priority": 1}));
        assert_eq!(made.0, 201, "{made:?}");
        let add = json!({"quantity": 5, "locationId": place});
        assert_eq!(service.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &add).0, 200);
    }
    let line = |place: &String| json!({"sku": "L", "quantity": 1, "locationId": place});
    let lines: Vec<Value> = places.iter().map(line).collect();
    let order = json!({"orderId": "95570777-a170-5cd6-98a5-000000000001", "lines": lines});
    assert_eq!(service.post("/api/inventory/reservations", &order).0, 201);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["faults"], json!([]));
    program
}

/// An endpoint that is told nothing.
fn endpoint_that_is_not_there() -> Vec<&'static str> {
    let settings = [
        "webhooks.endpoints=shop=http://127.0.0.1:1/hooks",
        "webhooks.secrets=shop=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "webhooks.allow_private=true",
    ];
    settings.into_iter().flat_map(|setting| ["--set", setting]).collect()
}

/// A store of which an endpoint that is not there was told nothing yet, with two dead letters: one open, one discarded.
fn some_books(program: Program) -> Program {
    let service = Service::start(&program, &endpoint_that_is_not_there());
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 50});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let order = json!({"orderId": "95570777-a170-5cd6-98a5-000000000001", "lines": [{"sku": "L", "quantity": 45}]});
    assert_eq!(service.post("/api/inventory/reservations", &order).0, 201);
    for nonsense in ["one", "two"] {
        let event = json!({"type": "OrderCreated", "orderId": nonsense});
        assert_eq!(service.post("/api/inventory/events", &event).1["results"][0]["outcome"], "rejected");
    }
    let (_, letters) = service.get(LETTERS);
    let letter = letters[0]["id"].as_str().expect("an id");
    assert_eq!(service.post(&format!("{LETTERS}/{letter}/discard"), &json!({"note": "a test"})).0, 200);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["faults"], json!([]));
    program
}
