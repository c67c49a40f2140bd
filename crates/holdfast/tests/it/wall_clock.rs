//! The wall clock jumps while a service runs: nothing expires early, nothing late, and no time runs backwards.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::patience::eventually;
use crate::program::Program;
use crate::running::Service;
use crate::test_data::checks_every_change;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
/// Orders that are held for half an hour.
const LONG_ORDERS: u64 = 50;

#[test]
fn a_wall_clock_that_jumps_ahead_ends_nothing_early() {
    let program = Program::new();
    let Some(clock) = FakeClock::of(&program) else { return };
    let service = a_service_whose_clock_jumps(&program, &clock, "+2h");
    only_what_was_due_has_ended(&program, service);
}

#[test]
fn a_wall_clock_that_jumps_back_keeps_nothing_longer() {
    let program = Program::new();
    let Some(clock) = FakeClock::of(&program) else { return };
    let service = a_service_whose_clock_jumps(&program, &clock, "-2h");
    only_what_was_due_has_ended(&program, service);
}

#[test]
fn a_service_that_starts_in_1970_goes_on_from_its_last_decision() {
    let program = Program::new();
    let Some(clock) = FakeClock::of(&program) else { return };
    let service = a_service_whose_clock_jumps(&program, &clock, "@1970-01-01 00:00:01");
    assert_eq!(service.stop(), Some(0));
    let service = clock.start(&program);
    reserve(&service, LONG_ORDERS + 2, None);
    // Back where it belongs, 56 years later.
    clock.set("+0");
    std::thread::sleep(Duration::from_secs(2));
    reserve(&service, LONG_ORDERS + 3, None);
    only_what_was_due_has_ended(&program, service);
}

/// A service with orders that are held for long and one that is not: that one ends when its time has really gone by.
fn a_service_whose_clock_jumps(program: &Program, clock: &FakeClock, jump: &str) -> Service {
    let service = clock.start(program);
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 1_000});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
    for number in 1..=LONG_ORDERS {
        reserve(&service, number, None);
    }
    let short = LONG_ORDERS + 1;
    reserve(&service, short, Some(5));
    clock.set(jump);
    eventually("its time is over", || status(&service, short) == "Expired");
    assert!(service.log().contains("the wall clock has jumped"), "the clock was moved: {}", service.log());
    service
}

fn only_what_was_due_has_ended(program: &Program, service: Service) {
    for number in 1..=LONG_ORDERS {
        assert_eq!(status(&service, number), "Reserved", "order {number}");
    }
    assert_eq!(service.stop(), Some(0));
    let movements = program.done(&["export", "movements", "--format", "jsonl"]).json_lines();
    let times: Vec<&str> = movements.iter().map(|row| row["created_at"].as_str().expect("a time")).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(movements.iter().filter(|row| row["type"] == "Released").count(), 1);
    program.done(&["verify"]);
}

fn reserve(service: &Service, number: u64, ttl_seconds: Option<u64>) {
    let mut body = json!({"orderId": order(number), "lines": [{"sku": "L", "quantity": 1}]});
    if let Some(seconds) = ttl_seconds {
        body["ttlSeconds"] = json!(seconds);
    }
    let (status, answer) = service.post("/api/inventory/reservations", &body);
    assert_eq!(status, 201, "{answer}");
}

fn status(service: &Service, number: u64) -> String {
    let (_, found): (_, Value) = service.get(&format!("/api/inventory/orders/{}", order(number)));
    found["status"].as_str().expect("a text").to_owned()
}

fn order(number: u64) -> String {
    format!("95570777-a170-5cd6-98a5-{number:012x}")
}

/// A wall clock that is set by writing into a file, with libfaketime (Debian's package faketime).
struct FakeClock {
    library: PathBuf,
    file: PathBuf,
}

impl FakeClock {
    /// Nothing, and a word on the screen, where the library is not installed; on a machine that checks every change
    /// that is a failure.
    fn of(program: &Program) -> Option<Self> {
        let places = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
        let mut places = places.map(|place| place.join("faketime/libfaketime.so.1"));
        let Some(library) = places.find(|library| Path::exists(library)) else {
            assert!(!checks_every_change(), "libfaketime is not installed");
            eprintln!("LEFT OUT: the story of the wall clock (it needs libfaketime: apt-get install faketime)");
            return None;
        };
        let clock = Self { library, file: program.file("wall-clock", "+0") };
        Some(clock)
    }

    /// Moves the wall clock: by a difference, or to a moment.
    fn set(&self, to: &str) {
        // In one step, for the service reads it all the time.
        let next = self.file.with_extension("next");
        std::fs::write(&next, to).expect("written");
        std::fs::rename(next, &self.file).expect("moved");
    }

    fn start(&self, program: &Program) -> Service {
        let variables = [
            ("LD_PRELOAD", self.library.as_path()),
            ("FAKETIME_TIMESTAMP_FILE", &self.file),
            ("FAKETIME_NO_CACHE", Path::new("1")),
            ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
        ];
        Service::start_under(program, &variables.map(|(name, value)| (name, value.as_os_str())), &[])
    }
}
