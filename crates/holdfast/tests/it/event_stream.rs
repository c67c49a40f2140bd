//! Stock events for those who listen over HTTP: in order, without a hole, and nobody waits for anybody who is slow.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::listener::{Chronicle, Listener, ask};
use crate::patience::eventually;
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

/// Products that meet often.
const PRODUCTS: u8 = 4;
/// Those who write at a time.
const WRITERS: u8 = 4;

fn product(number: u8) -> String {
    format!("3fa85f64-5717-4562-b3fc-2c963f66af{number:02x}")
}

fn open_shop(service: &Service, stock: u32) {
    for number in 0..PRODUCTS {
        let item = json!({"productId": product(number), "productName": "P", "sku": format!("P-{number}"),
            "initialQuantity": stock, "maxStockLevel": 1_000_000});
        assert_eq!(service.post("/api/inventory", &item).0, 201);
    }
}

/// One more of the first product.
fn add_one(service: &Service) {
    let path = format!("/api/inventory/product/{}/add-stock", product(0));
    assert_eq!(service.post(&path, &json!({"quantity": 1})).0, 200);
}

/// Order after order, each of two products, every other one confirmed.
fn sell(clients: &[Client], writer: u8, orders: u32) {
    for number in 0..orders {
        let client = &clients[usize::try_from(number).expect("few") % clients.len()];
        let order = format!("0195a000-{writer:04x}-7000-8000-{number:012x}");
        let first = u8::try_from(number % u32::from(PRODUCTS)).expect("few");
        let line = |number: u8| json!({"productId": product(number % PRODUCTS), "quantity": 1});
        let body = json!({"orderId": order, "lines": [line(first), line(first + 1)]});
        assert_eq!(client.post("/api/inventory/reservations", None, &body).expect("an answer").status, 201);
        if number % 2 == 0 {
            let confirmed = client.post(&format!("/api/inventory/orders/{order}/confirm"), None, &json!({}));
            assert_eq!(confirmed.expect("an answer").status, 200);
        }
    }
}

/// Every movement there is was heard, each as what it is.
fn must_be_complete(program: &Program, heard: &Chronicle) {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for movement in program.done(&["export", "movements", "--format", "jsonl"]).json_lines() {
        let text = |name: &str| movement[name].as_str().expect("text").to_owned();
        let (product, sequence) = (text("product_id"), movement["sequence"].as_u64().expect("a number"));
        let expected = match text("type").as_str() {
            "Reserved" => "StockReserved",
            "Confirmed" => "StockConfirmed",
            "StockIn" => "StockAdjusted",
            other => panic!("nobody did {other}"),
        };
        assert_eq!(heard.kind(&product, sequence), Some(expected), "{product} {sequence}");
        last.insert(product, sequence);
    }
    for (product, last) in last {
        assert_eq!(heard.sequences(&product), (1..=last).collect::<Vec<_>>(), "{product}: every movement, in order");
    }
}

/// Each product's last sequence.
fn last_sequences(service: &Service) -> Vec<u64> {
    let item = |number| service.get(&format!("/api/inventory/product/{}", product(number))).1;
    (0..PRODUCTS).map(|number| item(number)["sequence"].as_u64().expect("a number")).collect()
}

/// Whether each product was heard up to these.
fn is_heard(heard: &Chronicle, last: &[u64]) -> bool {
    (0..PRODUCTS).map(|number| heard.last(&product(number))).eq(last.iter().copied())
}

#[test]
fn whoever_listens_hears_each_product_in_order() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let mut all = Listener::to(service.url(), "", None);
    let some = format!("?productId={}&types=LowStock,OutOfStock,BackInStock", product(1));
    let mut low = Listener::to(service.url(), &some, None);
    open_shop(&service, 260);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let client = service.client();
            scope.spawn(move || sell(&[client], writer, 125));
        }
    });
    let mut heard = Chronicle::default();
    let last = last_sequences(&service);
    while !is_heard(&heard, &last) {
        let event = all.next().expect("the stream goes on");
        assert_eq!(event.data["specversion"], "1.0");
        assert!(event.data["id"].as_str().is_some_and(|id| id.starts_with("stock:")), "{}", event.data);
        heard.note(&event);
    }
    must_be_complete(&program, &heard);
    // 250 of 260 units are promised: the line at 10 was crossed once.
    let event = low.next().expect("the stream goes on");
    assert_eq!((event.kind.as_str(), event.product()), ("LowStock", product(1)));
    assert_eq!(event.data["data"]["quantityAvailable"], 10);
    assert_eq!(service.stop(), Some(0));
    assert!(low.next().is_none(), "nothing else was wanted, and the service has stopped");
}

/// Cut off again and again under load, each time coming back to one of `services` in turn.
fn cut_off_again_and_again(program: &Program, services: &[Service]) {
    let first = &services[0];
    open_shop(first, 10_000);
    let clients: Vec<Client> = services.iter().map(Service::client).collect();
    let last: OnceLock<Vec<u64>> = OnceLock::new();
    let mut heard = Chronicle::default();
    // Behind nothing: from the beginning.
    let begin = "00000000-0000-7001-8000-000000000000.0".to_owned();
    thread::scope(|scope| {
        let writing: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let clients = &clients;
                scope.spawn(move || sell(clients, writer, 150))
            })
            .collect();
        scope.spawn(|| {
            for writer in writing {
                writer.join().expect("a writer");
            }
            let mut sequences = last_sequences(first);
            sequences[0] += 1;
            last.set(sequences).expect("once");
            // This comes last, so nobody waits in vain.
            add_one(first);
        });
        let mut last_id = begin;
        for round in 0.. {
            let service = &services[round % services.len()];
            // Where it was sent by the same service it goes on exactly there; every other time it goes by the ledger.
            let id =
                if round % 2 == 0 { last_id.clone() } else { last_id.split('.').take(2).collect::<Vec<_>>().join(".") };
            let mut listener = Listener::to(service.url(), "", Some(&id));
            let mut new = 0;
            while new < 120 {
                let event = listener.next().expect("the stream goes on");
                assert_eq!(listener.last_id.as_ref(), Some(&event.id));
                new += u32::from(heard.note(&event));
                last_id = event.id;
                if last.get().is_some_and(|last| is_heard(&heard, last)) {
                    return;
                }
            }
        }
    });
    must_be_complete(program, &heard);
}

#[test]
fn who_was_cut_off_misses_nothing() {
    let program = Program::new();
    cut_off_again_and_again(&program, &[Service::start(&program, &[])]);
}

#[test]
fn who_was_cut_off_from_one_replica_misses_nothing_at_another() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new().on(SharedDatabase::migrated());
    cut_off_again_and_again(&program, &[Service::start(&program, &[]), Service::start(&program, &[])]);
}

#[test]
fn who_comes_back_after_a_restart_misses_nothing() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    open_shop(&service, 100);
    let mut listener = Listener::to(service.url(), "", None);
    add_one(&service);
    let event = listener.next().expect("the stream goes on");
    assert_eq!(event.place(), (2, 0), "what was before is not told");
    assert_eq!(service.stop(), Some(0));
    assert!(listener.next().is_none(), "its stream has ended");
    let service = Service::start(&program, &[]);
    add_one(&service);
    let mut listener = Listener::to(service.url(), "", listener.last_id.as_deref());
    add_one(&service);
    assert_eq!(listener.next().expect("the stream goes on").place(), (3, 0));
    assert_eq!(listener.next().expect("the stream goes on").place(), (4, 0));
}

#[test]
fn who_does_not_read_is_dropped_and_told_so_and_nobody_else_waits() {
    let program = Program::new();
    let service = Service::start(&program, &["--set", "server.stream_buffer_kib=64"]);
    open_shop(&service, 1_000_000);
    let address = service.url().trim_start_matches("http://");
    let mut deaf = TcpStream::connect(address).expect("a connection");
    write!(deaf, "GET /api/inventory/events/stream HTTP/1.1\r\nHost: {address}\r\n\r\n").expect("asked");
    let mut first = [0; 512];
    assert!(deaf.read(&mut first).expect("the head") > 0);
    for batch in 0..25 {
        let order = |number: u32| {
            let lines = [json!({"productId": product(0), "quantity": 1})];
            json!({"orderId": format!("0195a000-0000-7000-8000-{:012x}", batch * 1_000 + number), "lines": lines})
        };
        let orders: Vec<Value> = (0..1_000).map(order).collect();
        let (status, _) = service.post("/api/inventory/reservations/batch", &json!({"orders": orders}));
        assert_eq!(status, 207, "writers do not wait for who does not read");
    }
    deaf.set_read_timeout(Some(Duration::from_mins(1))).expect("set");
    let mut rest = Vec::new();
    // The connection stays open for further requests; so it is read up to the end of the stream.
    let mut piece = vec![0; 1 << 16];
    while !rest.ends_with(b"0\r\n\r\n") {
        let read = deaf.read(&mut piece).expect("the stream ends");
        assert!(read > 0, "the stream ends in good order");
        rest.extend_from_slice(&piece[..read]);
    }
    let text = String::from_utf8_lossy(&rest);
    let tail = &text[text.len().saturating_sub(200)..];
    assert!(tail.contains("event: dropped\ndata: {\"reason\":\"too_slow\"}\n\n"), "{tail}");
    let metrics = service.text("/metrics");
    assert!(metrics.contains("holdfast_event_streams_dropped_total{reason=\"too_slow\"} 1"), "{metrics}");
}

#[test]
fn there_is_room_for_so_many_streams() {
    let program = Program::new();
    let service = Service::start(&program, &["--set", "server.streams_max=1"]);
    let listener = Listener::to(service.url(), "", None);
    let refused = ask(service.url(), "", None);
    assert_eq!(refused.status().as_u16(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = serde_json::from_str(&refused.text().expect("text")).expect("JSON");
    assert_eq!(problem["code"], "overloaded");
    drop(listener);
    eventually("the first one has gone", || ask(service.url(), "?types=OutOfStock", None).status().as_u16() != 503);
}

#[test]
fn a_quiet_stream_says_that_it_is_still_there() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    Listener::to(service.url(), "", None).wait_for_a_comment();
}
