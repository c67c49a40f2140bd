//! Five hundred clients want the last unit at the same moment: one gets it, and everybody is answered.

use std::sync::Barrier;
use std::time::Duration;

use serde_json::json;

use crate::client::Client;
use crate::program::Program;
use crate::running::Service;

const CLIENTS: usize = 500;
const PRODUCTS: usize = 20;

#[test]
fn each_last_unit_of_a_stampede_has_exactly_one_winner() {
    stampede(&[]);
}

#[test]
fn those_for_whom_the_queue_has_no_room_are_told_when_to_come_again() {
    let told_to_wait = stampede(&["--set", "queue.commands_max=16"]);
    assert!(told_to_wait > 0, "five hundred do not fit into a queue of sixteen");
}

#[test]
fn of_two_batches_that_race_under_one_key_one_is_carried_out() {
    let program = Program::new();
    let service = Service::start(&program, &[]);
    let item = json!({"productId": product(0), "productName": "Common", "sku": sku(0), "initialQuantity": 10_000});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let (client, start) = (service.client(), Barrier::new(2));
    for round in 0..60 {
        let send = |side: usize| {
            let order = |at: usize| json!({"orderId": format!("95570777-a170-{round:04x}-{side:04x}-{at:012x}"), "lines": [{"sku": sku(0), "quantity": 1}]});
            let orders: Vec<_> = (0..5).map(order).collect();
            start.wait();
            let path = "/api/inventory/reservations/batch";
            client.post(path, Some(&format!("round {round}")), &json!({"orders": orders})).expect("both are answered")
        };
        let heard = std::thread::scope(|scope| {
            let other = scope.spawn(|| send(1));
            [send(0), other.join().expect("it was answered")]
        });
        let mut statuses = heard.each_ref().map(|answer| answer.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [207, 422], "{heard:?}");
        let carried_out = heard.iter().find(|answer| answer.status == 207).map(|answer| answer.json().to_string());
        assert_eq!(carried_out.map(|results| results.matches("\"status\":201").count()), Some(5));
    }
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["reservations"], 300);
}

/// Every client orders a unit of every product, of which there is one each. Says how often somebody was told to wait.
fn stampede(settings: &[&str]) -> usize {
    let program = Program::new();
    let service = Service::start(&program, settings);
    for number in 0..PRODUCTS {
        let item =
            json!({"productId": product(number), "productName": "Rare", "sku": sku(number), "initialQuantity": 1});
        assert_eq!(service.post("/api/inventory", &item).0, 201);
    }

    let (client, start) = (service.client(), Barrier::new(CLIENTS));
    let heard: Vec<Heard> = std::thread::scope(|scope| {
        let (client, start) = (&client, &start);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                scope.spawn(move || {
                    start.wait();
                    order_everything(client, number)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().expect("it was answered")).collect()
    });

    for number in 0..PRODUCTS {
        let winners = heard.iter().filter(|heard| heard.won.contains(&number)).count();
        assert_eq!(winners, 1, "winners of {}", sku(number));
        let (_, item) = service.get(&format!("/api/inventory/product/{}", product(number)));
        assert_eq!((&item["quantityAvailable"], &item["quantityReserved"]), (&json!(0), &json!(1)));
    }
    assert_eq!(service.stop(), Some(0));
    let proof = program.done(&["verify"]).json();
    assert_eq!((&proof["reservations"], &proof["faults"]), (&json!(PRODUCTS), &json!([])));
    heard.iter().map(|heard| heard.told_to_wait).sum()
}

/// What a client heard.
#[derive(Debug, Default)]
struct Heard {
    won: Vec<usize>,
    told_to_wait: usize,
}

/// Client `number` begins with another product than its neighbours.
fn order_everything(client: &Client, number: usize) -> Heard {
    let mut heard = Heard::default();
    for next in 0..PRODUCTS {
        let wanted = (number + next) % PRODUCTS;
        let order = format!("95570777-a170-5cd6-{number:04x}-{wanted:012x}");
        let body = json!({"orderId": order, "lines": [{"sku": sku(wanted), "quantity": 1}]});
        loop {
            let answer = client.post("/api/inventory/reservations", None, &body).expect("everybody is answered");
            let problem = answer.json();
            match answer.status {
                201 => heard.won.push(wanted),
                409 => assert_eq!(problem["code"], "insufficient_stock", "{answer:?}"),
                503 => {
                    assert_eq!((&problem["code"], &problem["outcome"]), (&json!("overloaded"), &json!("not_applied")));
                    assert!(answer.retry_after.is_some(), "{answer:?}");
                    heard.told_to_wait += 1;
                    // Sooner than asked for, so that the stampede goes on.
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                }
                _ => panic!("{answer:?}"),
            }
            break;
        }
    }
    heard
}

fn product(number: usize) -> String {
    format!("3fa85f64-5717-4562-b3fc-{number:012x}")
}

fn sku(number: usize) -> String {
    format!("RARE-{number}")
}
