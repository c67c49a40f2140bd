//! Several services on one database: what each says goes for all, and none of them is needed.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::load::random::Random;
use crate::load::{Load, Shape};
use crate::patience::eventually;
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
/// How long a client waits before it asks another service.
const PATIENCE: Duration = Duration::from_secs(3);

/// Services that share a database, and clients' way to any of them.
pub(crate) struct Replicas<'a> {
    program: &'a Program,
    settings: Vec<String>,
    services: Mutex<Vec<Service>>,
    client: Client,
}

impl<'a> Replicas<'a> {
    /// Starts so many with these arguments.
    pub(crate) fn start(program: &'a Program, replicas: usize, settings: &[&str]) -> Self {
        let services = (0..replicas).map(|_| Service::start(program, settings)).collect();
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let client = Client::impatient("http://nowhere", PATIENCE);
        Self { program, settings, services: Mutex::new(services), client }
    }

    /// One of them, as a load balancer that knows nothing picks it.
    pub(crate) fn pick(&self, random: &mut Random) -> Client {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let last = u64::try_from(services.len()).expect("few") - 1;
        let at = usize::try_from(random.within(0, last)).expect("few");
        self.client.at(services[at].url())
    }

    /// Does something with one of them.
    pub(crate) fn with<T>(&self, replica: usize, done: impl FnOnce(&mut Service) -> T) -> T {
        done(&mut self.services.lock().unwrap_or_else(PoisonError::into_inner)[replica])
    }

    /// Kills one in the middle of whatever it does, and starts another in its place.
    pub(crate) fn kill_and_start_again(&self, replica: usize) {
        self.with(replica, Service::kill);
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        let started = Service::start(self.program, &settings);
        self.with(replica, |service| *service = started);
    }

    /// The others, when one is gone for good.
    fn without(self, replica: usize) -> Self {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).remove(replica);
        self
    }

    /// What each says it is called and does.
    pub(crate) fn roles(&self) -> Vec<(Value, Value)> {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let said = services.iter().map(|service| service.get("/health").1);
        said.map(|health| (health["replica"].clone(), health["role"].clone())).collect()
    }

    /// Stops all but the first, settles what is open through that one, and compares books with answers.
    pub(crate) fn must_keep(self, mut load: Load) {
        let mut services = self.services.into_inner().unwrap_or_else(PoisonError::into_inner);
        let first = services.remove(0);
        for service in services {
            let metrics = service.text("/metrics");
            let met = metrics.lines().filter(|line| line.starts_with("holdfast_store_retries_total"));
            eprintln!("{:?}", met.collect::<Vec<_>>());
            assert_eq!(service.stop(), Some(0));
        }
        load.settle(&first);
        assert_eq!(first.stop(), Some(0));
        load.must_be_kept_by(self.program);
    }

    /// The place of the one that sweeps, once there is one.
    fn sweeper(&self) -> usize {
        let mut found = None;
        eventually("one of them sweeps", || {
            let roles = self.roles();
            let sweepers: Vec<usize> = (0..roles.len()).filter(|at| roles[*at].1 == "sweeper").collect();
            found = sweepers.first().copied();
            sweepers.len() == 1
        });
        found.expect("a sweeper")
    }
}

/// Many clients who want one product.
pub(crate) const HOT: Shape = Shape { clients: 64, products: 1, stock: 3_000, sent_again_max: 20 };
/// Many clients who want something each.
pub(crate) const SPREAD: Shape = Shape { clients: 64, products: 200, stock: 20, sent_again_max: 20 };

#[test]
fn three_services_promise_each_unit_once() {
    if !SharedDatabase::is_there() {
        return;
    }
    for shape in [HOT, SPREAD] {
        let program = Program::new().on(SharedDatabase::migrated());
        let mut load = Load::of(shape, &program);
        let replicas = Replicas::start(&program, 3, &[]);
        load.run_on_any(|random| replicas.pick(random), || std::thread::sleep(Duration::from_secs(4)));
        replicas.must_keep(load);
    }
}

#[test]
fn one_service_stands_still_and_another_is_killed_every_second_and_the_books_are_right() {
    if !SharedDatabase::is_there() {
        return;
    }
    // Few enough products that a service that stands still holds rows that the others want.
    let shape = Shape { products: 20, stock: 400, ..SPREAD };
    let program = Program::new().on(SharedDatabase::migrated());
    let mut load = Load::of(shape, &program);
    let replicas = Replicas::start(&program, 3, &["--set", "store.lanes=2"]);
    load.run_on_any(
        |random| replicas.pick(random),
        || {
            std::thread::sleep(Duration::from_secs(1));
            replicas.with(0, |service| service.pause());
            let paused = Instant::now();
            while paused.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_secs(1));
                replicas.kill_and_start_again(1);
            }
            replicas.with(0, |service| service.resume());
            std::thread::sleep(Duration::from_secs(2));
        },
    );
    replicas.must_keep(load);
}

#[test]
fn what_one_service_has_acknowledged_all_of_them_show() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new().on(SharedDatabase::migrated());
    let replicas = Replicas::start(&program, 2, &[]);
    let path = format!("/api/inventory/product/{LAMP}");
    let clients = [0, 1].map(|replica| replicas.with(replica, |service| service.client()));
    let lamp = json!({"productId": LAMP, "productName": "Lamp", "sku": "L"});
    assert_eq!(clients[0].post("/api/inventory", None, &lamp).expect("an answer").status, 201);
    for number in 1..=100 {
        let writer = &clients[number % 2];
        let added = writer.post(&format!("{path}/add-stock"), None, &json!({"quantity": 1})).expect("an answer").json();
        for reader in &clients {
            let seen = reader.get(&path).expect("an answer").json();
            assert_eq!((&seen["sequence"], &seen["quantityAvailable"]), (&added["sequence"], &json!(number)), "{seen}");
        }
    }
}

#[test]
fn one_of_several_services_sweeps_and_another_goes_on_when_it_is_gone() {
    if !SharedDatabase::is_there() {
        return;
    }
    let program = Program::new().on(SharedDatabase::migrated());
    let replicas = Replicas::start(&program, 3, &[]);
    let names: Vec<Value> = replicas.roles().into_iter().map(|(name, _)| name).collect();
    assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2], "{names:?}");
    let first = replicas.sweeper();
    let other = (first + 1) % 3;
    let lamp = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 1_000});
    replicas.with(other, |service| assert_eq!(service.post("/api/inventory", &lamp).0, 201));
    replicas.with(other, |service| reserve(service, 1..=60));

    // Whoever sweeps is killed before anything is due, and the next one leaves in order.
    replicas.with(first, Service::kill);
    let left = replicas.without(first);
    eventually("all have ended", || left.with(0, |service| reserved(service)) == 0);
    let second = left.sweeper();
    left.with(1 - second, |service| reserve(service, 61..=80));
    let mut services = left.services.into_inner().expect("whole");
    assert_eq!(services.remove(second).stop(), Some(0));
    let last = services.pop().expect("one is left");
    eventually("the last one sweeps", || last.get("/health").1["role"] == "sweeper");
    eventually("all have ended", || reserved(&last) == 0);
    assert_eq!(last.stop(), Some(0));

    let movements = program.done(&["export", "movements", "--format", "jsonl"]).json_lines();
    let ends = movements.iter().filter(|row| row["type"] == "Released");
    assert_eq!(ends.clone().count(), 80, "each order has ended once");
    assert!(ends.clone().all(|row| row["actor"] == "sweep"), "and nobody else has ended it");
    assert_eq!(program.done(&["verify"]).json()["faults"], json!([]));
}

/// Orders of one lamp each, for as short a time as may be.
fn reserve(service: &Service, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        let order = format!("95570777-a170-5cd6-98a5-{number:012x}");
        let body = json!({"orderId": order, "lines": [{"productId": LAMP, "quantity": 1}], "ttlSeconds": 5});
        assert_eq!(service.post("/api/inventory/reservations", &body).0, 201);
    }
}

/// How many lamps are set aside.
fn reserved(service: &Service) -> u64 {
    let (_, lamp) = service.get(&format!("/api/inventory/product/{LAMP}"));
    lamp["quantityReserved"].as_u64().expect("a number")
}
