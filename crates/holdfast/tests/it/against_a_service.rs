//! The same commands against a running service instead of a store.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

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
    for named in [["--data", "elsewhere"], ["--set", "store.data = elsewhere"]] {
        let said = in_environment.run(&[&["export", "products"][..], &named].concat());
        assert_eq!(said.exit, Some(5), "a store that is named is meant: {said:?}");
    }
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
fn a_service_that_wants_a_key_with_every_write_gets_one() {
    let (program, folder) = (Program::new(), kept("online_retail_small"));
    let service = Service::start(&program, &["--set", "idempotency.required=true"]);
    let server = ["--server", service.url()];
    let import = |file: &std::path::Path| program.done(&[&["import", argument(file)], &server[..]].concat()).json();
    assert_eq!(import(&folder.join("products.csv"))["created"], 1834);
    let products = std::fs::read_to_string(folder.join("products.csv")).expect("it is read");
    let mut renamed: Vec<String> = products.lines().take(3).map(str::to_owned).collect();
    for row in renamed.iter_mut().skip(1) {
        *row = row.replacen(',', ",X", 1);
    }
    let renamed = program.file("renamed.csv", renamed.join("\n"));
    assert_eq!(import(&renamed)["updated"], 2, "a change of a name or a SKU is a write too");
    let events = folder.join("events.jsonl.gz");
    let said = program.done(&[&["replay", argument(&events)], &server[..]].concat()).json();
    assert_eq!(said["events"], 799);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn an_import_into_a_service_knows_all_of_its_locations() {
    let (program, product) = (Program::new(), "3fa85f64-5717-4562-b3fc-2c963f66afa6");
    let service = Service::start(&program, &[]);
    for number in 0..60 {
        let location = json!({"id": format!("a{number:02}"), "name": "Shelf", "priority": 1});
        assert_eq!(service.post("/api/inventory/locations", &location).0, 201);
    }
    let file =
        format!("product_id,sku,name,initial_quantity,location_id\n{product},A,Lamp,2,\n{product},A,Lamp,3,a59\n");
    let file = program.file("catalogue.csv", file);
    let said = program.done(&["import", argument(&file), "--server", service.url()]).json();
    assert_eq!((&said["created"], &said["bad"]), (&json!(1), &json!(0)), "{said}");
    assert_eq!(service.get(&format!("/api/inventory/product/{product}")).1["totalQuantity"], 5);
}

#[test]
fn events_about_a_product_that_is_not_there_are_refused_and_the_others_go_on() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let product = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
    let line = |id: u32, kind: &str, how: &str, which: &str| {
        format!(
            r#"{{"eventId":"e-{id}","ts":"2026-01-01T00:00:00Z","kind":"{kind}","movementType":"{how}",{which},"quantity":2}}"#
        )
    };
    let by_id = format!(r#""productId":"{product}""#);
    let lines = [
        line(1, "stock_added", "Adjustment", &by_id),
        line(2, "stock_added", "StockIn", &by_id),
        line(3, "stock_removed", "StockOut", r#""sku":"nobody's""#),
        r#"{"eventId":"e-4","ts":"2026-01-01T00:00:00Z","kind":"order_cancelled","orderId":"95570777-a170-5cd6-98a5-117f65ca1582"}"#.to_owned(),
    ];
    let file = program.file("events.jsonl", lines.join("\n"));
    let replay = ["replay", argument(&file), "--server", service.url()];
    let said = program.done(&replay).json();
    assert_eq!((&said["refused"], &said["applied"]), (&json!(3), &json!(1)), "{said}");
    // What the service was told it knows, though the product is there by now.
    let item = json!({"productId": product, "productName": "Lamp", "sku": "L", "initialQuantity": 5});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let said = program.done(&replay).json();
    assert_eq!((&said["refused"], &said["replayed"]), (&json!(1), &json!(3)), "{said}");
}

#[test]
fn an_import_that_broke_off_is_brought_to_its_end_by_the_same_again() {
    let (program, product) = (Program::new(), "3fa85f64-5717-4562-b3fc-2c963f66afa6");
    let service = Service::start(&program, &[]);
    for location in ["berlin", "paris"] {
        let made = service.post("/api/inventory/locations", &json!({"id": location, "name": location, "priority": 1}));
        assert_eq!(made.0, 201);
    }
    let rows = |name: &str, berlin: u32| {
        let row = |location: &str, quantity: u32| format!("{product},A,{name},{quantity},{location}\n");
        let header = "product_id,sku,name,initial_quantity,location_id\n";
        format!("{header}{}{}{}", row("main", 1), row("berlin", berlin), row("paris", 3))
    };
    let file = program.file("catalogue.csv", rows("Lamp", 2));
    let import = |file: &std::path::Path| program.run(&["import", argument(file), "--server", service.url()]);
    let levels = || {
        let (_, item) = service.get(&format!("/api/inventory/product/{product}"));
        let locations = item["locations"].as_array().expect("locations").clone();
        locations.iter().map(|level| level["totalQuantity"].clone()).collect::<Vec<_>>()
    };

    // The service goes away once the product is made: a proxy lets one POST through and no other.
    let proxy = OnePost::before(service.url());
    let said = program.run(&["import", argument(&file), "--server", proxy.url()]);
    assert_ne!(said.exit, Some(0), "{said:?}");
    assert_eq!(levels(), [1], "it broke off");

    let other = program.file("other.csv", rows("Lamp", 7));
    assert_eq!(import(&other).json()["unchanged"], 1, "rows that say something else are another import");
    assert_eq!(levels(), [1]);
    assert_eq!(import(&file).json()["created"], 1);
    assert_eq!(levels(), [1, 2, 3]);
    assert_eq!(import(&file).json()["unchanged"], 1);
    assert_eq!(levels(), [1, 2, 3]);
    let second = program
        .file("second.csv", "product_id,sku,name,initial_quantity\n95570777-a170-5cd6-98a5-117f65ca1582,A,B,1\n");
    for _ in 0..3 {
        assert_eq!(import(&second).json()["bad"], 1, "its SKU is another's");
    }
    let other_sku = program.file("sku.csv", rows("Lamp", 2).replace(",A,", ",C,"));
    assert_eq!(import(&other_sku).json()["updated"], 1);
    assert_eq!(import(&second).json()["created"], 1, "the SKU is free now");
    let renamed = program.file("renamed.csv", rows("Lantern", 2).replace(",A,", ",C,"));
    assert_eq!(import(&renamed).json()["updated"], 1);
    assert_eq!(levels(), [1, 2, 3]);
}

#[test]
fn an_event_is_decided_once_whichever_road_it_takes() {
    let folder = kept("online_retail_small");
    let (products, events) = (folder.join("products.csv"), folder.join("events.jsonl.gz"));
    for store_first in [true, false] {
        let program = Program::new();
        program.done(&["import", argument(&products)]);
        let into_store = || program.done(&["replay", argument(&events)]).json();
        let into_service = || {
            let service = Service::start(&program, &[]);
            let said = program.done(&["replay", argument(&events), "--server", service.url()]).json();
            assert_eq!(service.stop(), Some(0));
            said
        };
        let (first, second) = if store_first { (into_store(), into_service()) } else { (into_service(), into_store()) };
        assert_eq!((&first["applied"], &first["refused"]), (&json!(541), &json!(252)));
        assert_eq!((&second["applied"], &second["replayed"]), (&json!(0), &json!(799)), "{second}");
        assert!(Books::of(&program) == Books::expected(&folder, "full"), "the books differ");
        if store_first {
            assert_eq!(program.done(&["verify"]).json()["ok"], true);
        }
    }
}

#[test]
fn corrections_and_other_contents_are_known_on_both_roads() {
    let program = Program::new();
    let catalogue = "product_id,sku,name,initial_quantity\n3fa85f64-5717-4562-b3fc-2c963f66afa6,A,Lamp,5\n";
    program.done(&["import", argument(&program.file("catalogue.csv", catalogue))]);
    let line = |id: &str, kind: &str, movement: &str, quantity: u32| {
        json!({"eventId": id, "ts": "2020-01-01T00:00:00Z", "kind": kind, "sku": "A", "quantity": quantity,
            "movementType": movement})
    };
    let long = "größe ".repeat(30);
    let lines = [
        line("1", "stock_added", "Adjustment", 7),
        line("2", "stock_removed", "Adjustment", 2),
        line("3", "stock_removed", "Adjustment", 1_000),
        line(&long, "stock_removed", "Damaged", 1),
    ];
    let file = program.file("events.jsonl", lines.map(|line| line.to_string()).join("\n"));
    let other = program.file("other.jsonl", line("1", "stock_added", "Adjustment", 8).to_string());
    let service = Service::start(&program, &[]);
    let server = ["--server", service.url()];
    let replay = |file: &std::path::Path, more: &[&str]| {
        let said = program.run(&[&["replay", argument(file)], more].concat());
        // A line that can never be applied is one that was bad.
        assert_eq!(said.exit, Some(if said.json()["rejected"] == 0 { 0 } else { 9 }), "{said:?}");
        said.json()
    };
    let said = replay(&file, &server);
    assert_eq!((&said["applied"], &said["refused"]), (&json!(3), &json!(1)), "{said}");
    assert_eq!(replay(&file, &server)["replayed"], 4);
    assert_eq!(replay(&other, &server)["rejected"], 1);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(replay(&file, &[])["replayed"], 4);
    assert_eq!(replay(&other, &[])["rejected"], 1);
    let products = program.done(&["export", "products", "--format", "jsonl"]).json_lines();
    assert_eq!(products[0]["available"], 9);
}

/// Stands before a service, one request a connection, and after the first `POST` it answers nobody.
struct OnePost {
    url: String,
}

impl OnePost {
    fn before(service: &str) -> Self {
        let service = service.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            let mut posts = 0;
            for client in listener.incoming() {
                let mut client = client.expect("a connection");
                let request = one_request(&mut client);
                posts += u32::from(request.starts_with(b"POST"));
                if posts > 1 {
                    continue;
                }
                let mut onwards = TcpStream::connect(&service).expect("the service");
                onwards.write_all(&request).expect("sent");
                let mut answer = Vec::new();
                onwards.read_to_end(&mut answer).expect("an answer");
                client.write_all(&answer).expect("answered");
            }
        });
        Self { url }
    }

    fn url(&self) -> &str {
        &self.url
    }
}

/// A request as it came, but that it asks for its connection to be closed.
fn one_request(client: &mut TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        if let Some(digits) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = digits.trim().parse().expect("a number");
        }
        if line == "\r\n" || line.is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    [format!("{head}Connection: close\r\n\r\n").as_bytes(), &body].concat()
}

#[test]
fn a_service_that_is_not_there_is_told_and_so_is_what_it_would_decide_itself() {
    let program = Program::new();
    let file = program.file("events.jsonl", "");
    let nobody = ["--server", "http://127.0.0.1:9"];
    let said = program.run(&[&["export", "products"], &nobody[..]].concat());
    assert_eq!(said.exit, Some(8), "{said:?}");
    assert!(said.stderr.contains("no service answers at http://127.0.0.1:9"), "{said:?}");
    assert_eq!(said.stdout, "", "an export that never began is no table without rows");
    for flags in [&["--ttl", "24h"][..], &["--clock", "events"], &["--late-payment", "refuse"], &["--data", "x"]] {
        let said = program.run(&[&["replay", argument(&file)], &nobody[..], flags].concat());
        assert_eq!(said.exit, Some(2), "{said:?}");
    }
    assert_eq!(program.run(&["export", "products", "--server", "localhost"]).exit, Some(2));
}
