//! Servers whose defaults are odd: nothing depends on them, for a session says itself how it is to be treated.

use mysql::prelude::Queryable as _;
use serde_json::{Value, json};

use crate::own_server::OwnServer;
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

/// What somebody has told the server, and how it is undone.
const ODDITIES: &[(&str, &str)] = &[
    ("autocommit = 0", "autocommit = 1"),
    ("completion_type = 1", "completion_type = 0"),
    ("completion_type = 2", "completion_type = 0"),
    // Those who may do everything are not told it: without a word of their own, two users would write in two ways.
    ("init_connect = 'SET NAMES latin1'", "init_connect = ''"),
    ("sql_select_limit = 2", "sql_select_limit = DEFAULT"),
    ("max_join_size = 1", "max_join_size = DEFAULT"),
    ("sql_safe_updates = 1", "sql_safe_updates = 0"),
    ("tx_read_only = 1", "tx_read_only = 0"),
    ("sql_mode = 'ORACLE,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_UNSIGNED_SUBTRACTION'", "sql_mode = DEFAULT"),
    ("time_zone = '-11:30'", "time_zone = '+00:00'"),
];

#[test]
fn a_server_with_odd_defaults_keeps_the_books_as_any_other() {
    if !SharedDatabase::is_there() {
        return;
    }
    let server = OwnServer::start(&[]);
    server.tell("CREATE USER holdfast@'%' IDENTIFIED BY 'grain-of-salt'");
    server.tell("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON *.* TO holdfast@'%'");
    for (number, (odd, usual)) in (0..).zip(ODDITIES) {
        let books = format!("books_{number}");
        let mut administrator = server.session();
        administrator.query_drop(format!("CREATE DATABASE {books}")).expect("made");
        administrator.query_drop(format!("CREATE DATABASE {books}_copy")).expect("made");
        administrator.query_drop(format!("SET GLOBAL {odd}")).expect("the server takes it");
        the_books_are_kept(&server, &books, odd);
        administrator.query_drop(format!("SET GLOBAL {usual}")).expect("the server takes it");
        let names = format!("SELECT HEX(name) FROM {books}.items");
        let names: Vec<String> = administrator.query(names).expect("it answers");
        assert_eq!(names, ["4772C3B6C39F65"; 3], "{odd}: text is kept as it is");
    }
}

#[test]
fn what_is_too_large_for_the_server_is_refused_alone() {
    if !SharedDatabase::is_there() {
        return;
    }
    let server = OwnServer::start(&["--max-allowed-packet=1M"]);
    let program = Program::new().on(server.database(server.address()));
    let product = |number: u32| format!("3fa85f64-5717-4562-b3fc-{number:012}");
    let rows = (0..5_000).map(|number| format!("{},S{number},Thing,9,1,10\n", product(number)));
    let head = "product_id,sku,name,initial_quantity,reorder_level,max_stock_level\n".to_owned();
    let products = program.file("products.csv", std::iter::once(head).chain(rows).collect::<String>());
    program.done(&["import", products.to_str().expect("text")]);
    let service = Service::start(&program, &[]);
    let lines: Vec<Value> = (0..5_000).map(|number| json!({"productId": product(number), "quantity": 1})).collect();
    let order =
        |id: u32, lines: &[Value]| json!({"orderId": format!("{id:08}-a170-4cd6-98a5-117f65ca1582"), "lines": lines});
    let reserve = |key: &str, order: &Value| {
        service.client().post("/api/inventory/reservations", Some(key), order).expect("an answer")
    };
    // Its answer, which is kept under its key, is one row of more than 1 MiB.
    let answer = reserve("many", &order(1, &lines));
    assert_eq!((answer.status, &answer.json()["outcome"]), (500, &json!("not_applied")), "{answer:?}");
    assert_eq!(answer.json()["retryable"], false, "{answer:?}");
    assert_eq!(reserve("few", &order(2, &lines[..2_000])).status, 201, "the others go on");
    service.must_say("Healthy");
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["reservations"], 2_000);
}

/// A short life of a service, from the schema to the proof and to another database.
fn the_books_are_kept(server: &OwnServer, books: &str, odd: &str) {
    let url = format!("mysql://holdfast:grain-of-salt@{}/{books}", server.address());
    let copy = format!("{url}_copy");
    let program = Program::new().with_variable("HOLDFAST_STORE__DATABASE_URL", &url);
    program.done(&["migrate"]);
    assert_eq!(program.done(&["migrate"]).json()["statements"], json!([]), "{odd}: the schema is there to stay");
    let service = Service::start(&program, &[]);
    for number in 0..3 {
        let item = json!({"productId": format!("3fa85f64-5717-4562-b3fc-2c963f66afa{number}"), "productName": "Größe",
            "sku": sku(number), "initialQuantity": 9});
        assert_eq!(service.post("/api/inventory", &item).0, 201, "{odd}");
    }
    let lines: Vec<Value> = (0..3).map(|number| json!({"sku": sku(number), "quantity": 2})).collect();
    let order = json!({"orderId": "95570777-a170-4cd6-98a5-117f65ca1582", "lines": lines});
    let (status, reserved) = service.post("/api/inventory/reservations", &order);
    assert_eq!((status, reserved["reservations"].as_array().map(Vec::len)), (201, Some(3)), "{odd}: {reserved}");
    let confirm = format!("/api/inventory/orders/{}/confirm", order["orderId"].as_str().expect("an id"));
    assert_eq!(service.post(&confirm, &json!({})).0, 200, "{odd}");
    let (status, products) = service.get("/api/inventory/products");
    assert_eq!((status, products.as_array().map(Vec::len)), (200, Some(3)), "{odd}: {products}");
    service.must_say("Healthy");
    assert_eq!(service.stop(), Some(0), "{odd}");
    let proof = program.done(&["verify"]).json();
    assert_eq!((&proof["ok"], &proof["movements"]), (&json!(true), &json!(9)), "{odd}: {proof}");
    let copied = program.done(&["copy", "--from", &url, "--to", &copy]).json();
    assert_eq!((&copied["ok"], &copied["rows"]["movements"]), (&json!(true), &json!(9)), "{odd}: {copied}");
}

fn sku(number: u32) -> String {
    format!("O'Größe-{number}")
}
