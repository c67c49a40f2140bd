//! A disk without room: writes are refused and not done, reads go on, and with room again everything goes on by itself.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::patience::eventually;
use crate::program::{Program, argument};
use crate::running::Service;
use crate::small_disk::SmallDisk;
use crate::test_data::checks_every_change;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const CLIENTS: usize = 4;

#[test]
fn a_full_disk_refuses_writes_and_with_room_again_they_go_on_by_themselves() {
    let program = Program::new();
    let Some(disk) = SmallDisk::mount(program.folder(), 6) else { return };
    let store = ["--data", argument(&disk.folder)];
    let service = Service::start(&program, &store);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "maxStockLevel": 1_000_000});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let mut told = Told::default();

    // Twice: what was made of a full disk must not be in the way of the next one.
    for mib in [12, 64] {
        told.until_the_disk_is_full(&service);
        assert_eq!(service.get("/health/live").0, 200);
        let health = service.get("/health").1;
        assert!(["Degraded", "Unhealthy"].contains(&health["status"].as_str().expect("a text")), "{health}");
        told.must_be_read(&service);
        assert_eq!(program.done(&[&["verify"][..], &store].concat()).json()["ok"], true);

        disk.resize(mib);
        // Nobody needs to write for that: it looks by itself.
        eventually("it is ready again", || service.get("/health/ready").0 == 200);
        assert_eq!(service.get("/health").1["status"], "Healthy");
        told.must_be_read(&service);
        for _ in 0..20 {
            let answer = add(&service.client(), "there is room");
            assert_eq!(answer.status, 200, "{answer:?}");
            told.hear(&answer);
        }
    }
    assert_eq!(service.stop(), Some(0));

    let proof = program.done(&[&["verify"][..], &store].concat()).json();
    assert_eq!((&proof["movements"], &proof["faults"]), (&json!(told.applied), &json!([])));
    let service = Service::start_again(&program, &store);
    told.must_be_read(&service);
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_service_that_was_killed_on_a_full_disk_lost_nothing() {
    let program = Program::new();
    let Some(disk) = SmallDisk::mount(program.folder(), 6) else { return };
    let store = ["--data", argument(&disk.folder)];
    let mut service = Service::start(&program, &store);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "maxStockLevel": 1_000_000});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let mut told = Told::default();
    told.until_the_disk_is_full(&service);
    service.kill();

    disk.resize(12);
    let service = Service::start_again(&program, &store);
    told.must_be_read(&service);
    told.hear(&add(&service.client(), "there is room"));
    told.must_be_read(&service);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&[&["verify"][..], &store].concat()).json()["ok"], true);
}

#[test]
fn a_limit_of_room_refuses_writes_as_a_full_disk_does() {
    if Command::new("prlimit").output().is_err() {
        assert!(!checks_every_change(), "prlimit cannot run");
        eprintln!("LEFT OUT: the story of the limit of room (it needs prlimit, of util-linux)");
        return;
    }
    let program = Program::new();
    let mut service = Service::start(&program, &[]);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "maxStockLevel": 1_000_000});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    let mut told = Told::default();

    for (now, then) in [(300 << 10, Some(600 << 10)), (900 << 10, None)] {
        service.limit_files(Some(now));
        told.until_the_disk_is_full(&service);
        let health = service.get("/health").1;
        assert!(["Degraded", "Unhealthy"].contains(&health["status"].as_str().expect("a text")), "{health}");
        told.must_be_read(&service);
        assert_eq!(program.done(&["verify"]).json()["ok"], true, "as another process sees it");
        service.limit_files(then);
        eventually("it is ready again", || service.get("/health/ready").0 == 200);
        told.must_be_read(&service);
        told.hear(&add(&service.client(), "there is room"));
    }

    // What a service reads that starts anew is what was told, and no more.
    service.limit_files(Some(1_200 << 10));
    told.until_the_disk_is_full(&service);
    service.kill();
    let mut command = program.other(Path::new("prlimit"));
    let served = program.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--fsize=4096:").arg(served.get_program()).args(served.get_args());
    let (ended, log) = Service::try_to_spawn(&program, command).err().expect("it cannot be opened at all");
    assert_eq!(ended.code(), Some(8), "{log}");
    assert!(log.contains("there is no room on the disk to open the store"), "{log}");
    let service = Service::start_limited(&program, 64 << 10, &[]);
    told.must_be_read(&service);
    told.until_the_disk_is_full(&service);
    service.limit_files(None);
    eventually("it is ready again", || service.get("/health/ready").0 == 200);
    told.hear(&add(&service.client(), "there is room"));
    told.must_be_read(&service);
    assert_eq!(service.stop(), Some(0));
    let proof = program.done(&["verify"]).json();
    assert_eq!((&proof["movements"], &proof["faults"]), (&json!(told.applied), &json!([])));
}

/// What the clients were told.
#[derive(Debug, Default)]
struct Told {
    applied: u64,
}

impl Told {
    /// Several write until none of them can.
    fn until_the_disk_is_full(&mut self, service: &Service) {
        let client = service.client();
        // A word may still fit where a page full of them does not, so it takes more than one refusal to be full.
        loop {
            let heard: Vec<Answer> = std::thread::scope(|scope| {
                let writers: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| write_until_refused(&client))).collect();
                writers.into_iter().flat_map(|writer| writer.join().expect("it was answered")).collect()
            });
            let refused = heard.iter().filter(|answer| answer.status == 503).count();
            for answer in &heard {
                self.hear(answer);
            }
            let ready = client.get("/health/ready").expect("an answer");
            if refused == heard.len() && ready.status == 503 {
                break;
            }
        }
    }

    fn hear(&mut self, answer: &Answer) {
        let body = answer.json();
        if answer.status == 200 {
            self.applied += 1;
            return;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(body["code"], "store_unavailable", "{answer:?}");
        assert_eq!((&body["outcome"], &body["retryable"]), (&json!("not_applied"), &json!(true)), "{answer:?}");
        assert!(answer.retry_after.is_some(), "{answer:?}");
    }

    /// Every unit that was acknowledged is there, and no other.
    fn must_be_read(&self, service: &Service) {
        let (status, item) = service.get(&format!("/api/inventory/product/{LAMP}"));
        assert_eq!(
            (status, &item["quantityAvailable"], &item["sequence"]),
            (200, &json!(self.applied), &json!(self.applied))
        );
        let (status, movements) = service.get(&format!("/api/inventory/product/{LAMP}/movements?limit=1"));
        assert_eq!((status, &movements[0]["quantityAfter"]), (200, &json!(self.applied)));
    }
}

fn write_until_refused(client: &Client) -> Vec<Answer> {
    let mut heard = Vec::new();
    loop {
        let answer = add(client, &"words that take room ".repeat(20));
        let was_refused = answer.status != 200;
        heard.push(answer);
        if was_refused {
            return heard;
        }
    }
}

fn add(client: &Client, notes: &str) -> Answer {
    let body: Value = json!({"quantity": 1, "notes": notes});
    client.post(&format!("/api/inventory/product/{LAMP}/add-stock"), None, &body).expect("an answer")
}
