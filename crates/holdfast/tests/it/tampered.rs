//! Books that somebody has changed behind the service's back: what cannot be right is not served, and the proof names
//! it.

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::program::{Program, Said};
use crate::running::Service;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

#[test]
fn a_store_of_a_newer_program_is_left_alone() {
    let program = some_books();
    change(&program, "PRAGMA user_version = 99");
    let before = std::fs::read(file(&program)).expect("its file");
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["verify"], &["export", "products"]] {
        let said = program.run(arguments);
        assert_eq!(said.exit, Some(1), "{said:?}");
        assert!(said.stderr.contains("the store has schema 99"), "{said:?}");
        assert!(said.stderr.contains("use a newer holdfast"), "{said:?}");
    }
    assert!(std::fs::read(file(&program)).expect("its file") == before, "nothing was written to it");
}

#[test]
fn what_is_no_store_is_not_served_and_not_touched() {
    let program = Program::new();
    std::fs::create_dir(program.folder().join("data")).expect("a folder");
    let letter = "a letter to a friend\n".repeat(1_000);
    std::fs::write(file(&program), &letter).expect("written");
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["verify"]] {
        let said = program.run(arguments);
        assert_eq!(said.exit, Some(1), "{said:?}");
        assert!(said.stderr.contains("file is not a database"), "{said:?}");
    }
    assert!(std::fs::read_to_string(file(&program)).expect("its file") == letter);
}

#[test]
fn a_store_whose_items_and_movements_end_apart_is_not_served() {
    for change_behind in [
        "UPDATE stock SET sequence = sequence + 1 WHERE item = 1",
        "UPDATE stock SET sequence = sequence - 1 WHERE item = 1",
        "DELETE FROM stock WHERE item = 1",
        "DELETE FROM movements WHERE item = 1 AND sequence = (SELECT MAX(sequence) FROM movements WHERE item = 1)",
    ] {
        let program = some_books();
        change(&program, change_behind);
        let said = program.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(said.exit, Some(1), "{change_behind}: {said:?}");
        assert!(said.stderr.contains("the store is damaged"), "{said:?}");
        assert!(said.stderr.contains("holdfast verify"), "{said:?}");
    }
}

#[test]
fn the_proof_names_every_number_that_was_changed() {
    for (change_behind, invariant) in [
        ("UPDATE levels SET available = available + 1 WHERE item = 1", "I3"),
        ("UPDATE levels SET reserved = reserved + 1 WHERE item = 1", "I6"),
        ("UPDATE stock SET sequence = sequence + 1 WHERE item = 1", "I3"),
        ("UPDATE movements SET quantity = quantity + 1 WHERE item = 1 AND sequence = 2", "I2"),
        ("UPDATE movements SET available = available + 1 WHERE item = 1 AND sequence = 2", "I2"),
        ("UPDATE movements SET created_at = created_at - 86400000000 WHERE item = 1 AND sequence = 3", "I22"),
        ("UPDATE movements SET actor = '' WHERE item = 1 AND sequence = 2", "I22"),
        ("DELETE FROM movements WHERE item = 1 AND sequence = 2", "I1"),
        ("UPDATE reservations SET quantity = quantity + 1 WHERE item = 1 AND status = 1", "I6"),
        ("DELETE FROM reservations WHERE item = 1 AND status <> 1", "I7"),
        ("UPDATE reservations SET status = 1 WHERE item = 1 AND status <> 1", "I8"),
        ("UPDATE orders SET status = 4 WHERE status = 1", "I8"),
        ("DELETE FROM reservations WHERE status = 1", "I8"),
        (
            "INSERT INTO orders SELECT 2000, id, numbered_at, 2, 1, 0, NULL, NULL, NULL, 1, 'x', asked, 0 FROM orders WHERE number = 1",
            "I7",
        ),
        (
            "INSERT INTO orders SELECT 2000, x'00112233445566778899aabbccddeeff', 1, 1, 1, 0, 1, NULL, NULL, NULL, NULL, x'010102', 0",
            "I8",
        ),
        ("UPDATE orders SET asked = x'010009' WHERE status = 1", "I9"),
        ("UPDATE orders SET expires_at = NULL WHERE status = 1", "I8"),
        ("UPDATE orders SET expires_at = expires_at + 95 * 31557600000000 WHERE status = 1", "I8"),
        ("UPDATE orders SET reserved_at = NULL WHERE status = 1", "I8"),
        ("UPDATE orders SET ended_at = reserved_at WHERE status = 1", "I8"),
        ("UPDATE orders SET ended_at = NULL WHERE status = 3", "I8"),
        ("UPDATE reservations SET status = 4 WHERE status = 3", "I8"),
        ("UPDATE reservations SET reason = 'x' WHERE status = 1", "I8"),
        ("UPDATE reservations SET ended_at = NULL WHERE status = 2", "I8"),
        ("UPDATE reservations SET sequence = 99 WHERE status = 1", "I8"),
        ("UPDATE movements SET kind = 9 WHERE sequence = 1", "I2"),
        ("UPDATE locations SET code = 'elsewhere' WHERE number = 1", "I3"),
        ("INSERT INTO waiting_payments SELECT id, 9999 FROM orders WHERE status = 3", "I7"),
        (
            "INSERT INTO reservations SELECT number + (7000 << 20), item, location, quantity, 3, 3, 1, 1, 1, NULL FROM reservations WHERE status = 1",
            "I8",
        ),
        ("INSERT INTO levels VALUES (1, 77, 5, 0)", "I3"),
        ("INSERT INTO levels VALUES (77, 1, 5, 0)", "I3"),
        ("INSERT INTO levels VALUES (4000000000, 1, 0, 0)", "I3"),
        ("INSERT INTO stock VALUES (77, 0, 1, NULL, 1, 1)", "I3"),
        ("DELETE FROM levels WHERE item = 1", "I3"),
        ("DELETE FROM stock WHERE item = 1", "I3"),
        ("UPDATE stock SET low = 1 - low WHERE item = 1", "I3"),
        ("UPDATE items SET reorder_level = 100 WHERE number = 1", "I3"),
    ] {
        let program = some_books();
        change(&program, change_behind);
        let said = proof(&program);
        assert_eq!(said.exit, Some(1), "{change_behind}: {said:?}");
        let found = said.json();
        assert_eq!(found["ok"], false);
        let faults = found["faults"].as_array().expect("a list");
        let named = faults.iter().find(|fault| fault["invariant"] == invariant);
        let named = named.unwrap_or_else(|| panic!("{change_behind}: {invariant} is not among {faults:?}"));
        // An order's fault names the order, and nobody knows the product of an item that does not exist.
        let detail = named["detail"].as_str().expect("a sentence");
        let is_explained = named["productId"] == LAMP
            || detail.contains("order")
            || detail.contains("item number")
            || detail.contains("location number");
        assert!(is_explained, "{change_behind}: {named}");
        assert!(!detail.contains("18446744073709551615"), "{named}");
    }
}

#[test]
fn a_fault_names_the_location_by_its_code() {
    let program = some_books();
    change(&program, "UPDATE levels SET available = 17");
    let said = proof(&program);
    let detail = said.json()["faults"][0]["detail"].to_string();
    assert!(detail.contains("at main the books show 17/2 available/reserved, the movements 46/2"), "{detail}");
}

#[test]
fn books_that_have_lost_what_was_acknowledged_are_neither_proved_nor_exported() {
    let program = some_books();
    change(&program, "UPDATE books SET batch = batch - 1");
    for arguments in [&["verify"][..], &["export", "products"], &["serve", "--listen", "127.0.0.1:0"]] {
        let said = program.run(arguments);
        assert_eq!(said.exit, Some(1), "{said:?}");
        assert!(said.stderr.contains("was acknowledged, but the file ends at"), "{said:?}");
    }
    std::fs::remove_file(program.folder().join("data/holdfast.beacon")).expect("it is there");
    assert_eq!(proof(&program).exit, Some(0), "a backup that was restored on purpose");
}

#[test]
fn a_row_that_cannot_be_read_is_named_and_the_rest_is_proved() {
    for (change_behind, table, row) in [
        ("UPDATE movements SET kind = 99 WHERE item = 1 AND sequence = 2", "movements", "item 1, sequence 2"),
        ("UPDATE movements SET created_at = 9000000000000000000 WHERE sequence = 1", "movements", "item 1, sequence 1"),
        (
            "UPDATE movements SET created_at = -9000000000000000000 WHERE sequence = 2",
            "movements",
            "item 1, sequence 2",
        ),
        ("UPDATE reservations SET status = 99 WHERE status = 1", "reservations", "number 3145729"),
        ("UPDATE reservations SET quantity = -5 WHERE status = 1", "reservations", "number 3145729"),
        ("UPDATE orders SET status = 99 WHERE number = 3", "orders", "number 3"),
        ("UPDATE orders SET id = x'00' WHERE number = 3", "orders", "number 3"),
        ("UPDATE orders SET asked = x'80' WHERE number = 3", "orders", "number 3"),
        ("UPDATE orders SET first_ttl = -1 WHERE number = 3", "orders", "number 3"),
        ("UPDATE items SET name = ''", "items", "number 1"),
        ("UPDATE items SET name = printf('%300c', 'x')", "items", "number 1"),
        ("UPDATE items SET sku = ''", "items", "number 1"),
        ("UPDATE items SET sku = ' x '", "items", "number 1"),
        ("UPDATE items SET reorder_level = -5", "items", "number 1"),
        ("UPDATE stock SET low = 2", "stock", "item 1"),
        ("UPDATE stock SET version = -5", "stock", "item 1"),
        ("UPDATE levels SET location = -5", "levels", "item 1, location -5"),
        ("UPDATE locations SET name = ''", "locations", "number 1"),
        ("UPDATE books SET decided_at = -5", "books", "id 1"),
        ("INSERT INTO waiting_payments VALUES (x'00', 5)", "waiting_payments", "id 00"),
        ("INSERT INTO answers VALUES (7, 's', 'k', 0, x'00', 200, x'', NULL, NULL, 5)", "answers", "number 7"),
    ] {
        let program = some_books();
        change(&program, change_behind);
        let said = proof(&program);
        assert_eq!(said.exit, Some(1), "{change_behind}: {said:?}");
        let found = said.json();
        assert_eq!((&found["ok"], &found["products"]), (&json!(false), &json!(u8::from(table != "items"))));
        let faults = found["faults"].as_array().expect("a list");
        let named = faults.iter().find(|fault| fault["invariant"] == "unreadable");
        let named = named.unwrap_or_else(|| panic!("{change_behind}: no row is named among {faults:?}"));
        assert_eq!((&named["table"], &named["row"]), (&json!(table), &json!(row)), "{change_behind}: {named}");
        assert!(named["detail"].as_str().is_some_and(|words| words.starts_with(table)), "{named}");
    }
}

#[test]
fn a_part_of_the_schema_that_is_missing_or_changed_is_named() {
    for (change_behind, part) in [
        ("DROP TABLE waiting_payments", "table waiting_payments"),
        ("DROP TABLE answers", "table answers"),
        ("DROP INDEX movements_fence", "index movements_fence"),
        ("ALTER TABLE items ADD COLUMN colour TEXT", "table items"),
        ("CREATE TABLE notes (words TEXT)", "table notes"),
    ] {
        let program = some_books();
        Connection::open(file(&program)).expect("its file").execute_batch(change_behind).expect(change_behind);
        let said = proof(&program);
        assert_eq!(said.exit, Some(1), "{change_behind}: {said:?}");
        let found = said.json();
        let faults = found["faults"].as_array().expect("a list");
        let is_named = faults.iter().any(|fault| fault["table"] == "sqlite_schema" && fault["row"] == part);
        assert!(is_named, "{change_behind}: {part} is not among {faults:?}");
    }
}

#[test]
fn an_order_with_an_impossible_number_is_refused_and_named() {
    for number in [1_i64 << 30, 1 << 42, -5] {
        let program = some_books();
        change(&program, &format!("UPDATE orders SET number = {number} WHERE number = 3"));
        for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["export", "orders"]] {
            let said = program.run(arguments);
            assert_eq!(said.exit, Some(1), "{said:?}");
            assert!(said.stderr.contains(&format!("the number {number}")), "{said:?}");
            assert!(said.stderr.contains("holdfast verify"), "{said:?}");
        }
        let said = proof(&program);
        assert_eq!(said.exit, Some(1), "{said:?}");
        let found = said.json();
        let faults = found["faults"].as_array().expect("a list");
        assert!(faults.iter().any(|fault| fault.to_string().contains(&format!("number {number}"))), "{faults:?}");
    }
}

#[test]
fn a_store_that_has_lost_its_version_is_not_taken_for_an_empty_one() {
    let program = some_books();
    change(&program, "PRAGMA user_version = 0");
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["verify"]] {
        let said = program.run(arguments);
        assert_eq!(said.exit, Some(1), "{said:?}");
        assert!(said.stderr.contains("no version"), "{said:?}");
    }
}

#[test]
fn a_database_of_another_program_is_not_touched() {
    for version in [0, 2] {
        let program = Program::new();
        std::fs::create_dir(program.folder().join("data")).expect("a folder");
        let connection = Connection::open(file(&program)).expect("a file");
        let theirs = format!("CREATE TABLE letters (words TEXT); PRAGMA user_version = {version}");
        connection.execute_batch(&theirs).expect("a table of theirs");
        drop(connection);
        let before = std::fs::read(file(&program)).expect("its file");
        for arguments in
            [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["migrate", "--dry-run"], &["verify"]]
        {
            let said = program.run(arguments);
            assert_eq!(said.exit, Some(1), "{said:?}");
            assert!(said.stderr.contains("a database of another program"), "{said:?}");
        }
        assert!(std::fs::read(file(&program)).expect("its file") == before, "nothing was written to it");
    }
}

/// A bit of a page turns, in the table or in its index: what is looked up by the index is not found, and would be made
/// again.
#[test]
fn a_bit_that_turned_in_an_index_is_named_like_one_in_its_table() {
    let program = some_books();
    let whole = std::fs::read(file(&program)).expect("its file");
    let id = u128::from_str_radix(&LAMP.replace('-', ""), 16).expect("hexadecimal").to_be_bytes();
    let places: Vec<usize> = (0..whole.len()).filter(|at| whole[*at..].starts_with(&id)).collect();
    assert_eq!(places.len(), 2, "the product stands in the table and in its index");
    for place in places {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        std::fs::write(file(&program), damaged).expect("room");
        let said = proof(&program);
        assert_eq!(said.exit, Some(1), "{said:?}");
        assert_eq!(said.json()["ok"], false, "{said:?}");
    }
}

#[test]
fn the_file_itself_refuses_a_second_movement_of_one_number_and_levels_below_zero() {
    let program = some_books();
    let connection = Connection::open(file(&program)).expect("its file");
    for change_behind in [
        "INSERT INTO movements SELECT * FROM movements WHERE item = 1 AND sequence = 2",
        "UPDATE levels SET available = -1",
        "UPDATE levels SET reserved = -1",
    ] {
        let refused = connection.execute(change_behind, []).expect_err("it is refused");
        assert_eq!(refused.sqlite_error_code(), Some(rusqlite::ErrorCode::ConstraintViolation), "{refused}");
    }
}

/// A store with an order that is held, one that was confirmed and one that was released.
fn some_books() -> Program {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 50});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    for (number, verb) in [(1, Some("confirm")), (2, Some("release")), (3, None)] {
        let order = format!("95570777-a170-5cd6-98a5-{number:012x}");
        let body = json!({"orderId": order, "lines": [{"sku": "L", "quantity": 2}]});
        assert_eq!(service.post("/api/inventory/reservations", &body).0, 201);
        if let Some(verb) = verb {
            assert_eq!(service.post(&format!("/api/inventory/orders/{order}/{verb}"), &json!({})).0, 200);
        }
    }
    assert_eq!(service.stop(), Some(0));
    let said = proof(&program);
    assert_eq!((said.exit, &said.json()["faults"]), (Some(0), &Value::Array(Vec::new())));
    program
}

fn proof(program: &Program) -> Said {
    program.run(&["verify"])
}

fn file(program: &Program) -> PathBuf {
    program.folder().join("data/holdfast.db")
}

/// Changes the file of a store as nobody should.
fn change(program: &Program, statement: &str) {
    let connection = Connection::open(file(program)).expect("its file");
    connection.execute_batch(statement).expect(statement);
    assert!(statement.starts_with("PRAGMA") || connection.changes() > 0, "{statement} changes something");
}
