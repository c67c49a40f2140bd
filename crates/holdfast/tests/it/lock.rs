//! The lock by which replicas take turns: what a service with one says, and that it goes on when Redis does not.

use std::ffi::OsStr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::own_redis::{OwnRedis, PASSWORD, eventually, free_port};
use crate::program::Program;
use crate::running::{Service, counted};

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

#[test]
fn a_service_says_how_its_lock_is_and_goes_on_without() {
    if !OwnRedis::is_there() {
        return;
    }
    let mut redis = OwnRedis::start("");
    let program = Program::new();
    let service = Service::start(&program, &["--redis-url", &redis.url(), "--set", "lock.required=true"]);
    eventually("the lock is found", || state(&service) == "Healthy");
    make_a_lamp(&service);
    redis.kill();
    assert_eq!(reserve(&service, 1).0, 201);
    eventually("it shows", || state(&service) == "Degraded");
    let (status, health) = service.get("/health");
    assert_eq!((status, &health["status"]), (200, &json!("Degraded")), "{health}");
    assert_eq!(service.get("/health/ready").0, 200);
    assert_eq!(reserve(&service, 2).0, 201);
    redis.start_again();
    eventually("it is found again", || state(&service) == "Healthy");
    assert_eq!(reserve(&service, 3).0, 201);
    redis.pause();
    assert_eq!(reserve(&service, 4).0, 201);
    eventually("it shows", || state(&service) == "Degraded");
    redis.resume();
    eventually("it goes on", || state(&service) == "Healthy");
    let metrics = service.text("/metrics");
    assert!(counted(&metrics, "holdfast_lock_bypassed_total{reason=") > 0.0, "{metrics}");
    assert!(counted(&metrics, "holdfast_lock_wait_seconds_count") > 0.0, "{metrics}");
    let log = service.log();
    assert!(log.contains("the lock does not answer") && log.contains("the lock answers again"), "{log}");
    assert!(!log.contains(PASSWORD) && !health.to_string().contains("127.0.0.1"), "{log}");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_service_starts_and_works_while_its_redis_is_down_or_turns_it_away() {
    if !OwnRedis::is_there() {
        return;
    }
    let redis = OwnRedis::start("");
    let nobody = format!("redis://:{PASSWORD}@127.0.0.1:{}", free_port());
    let stranger = format!("redis://:wrong-{PASSWORD}@127.0.0.1:{}", redis.port);
    for url in [nobody, stranger] {
        let program = Program::new();
        let service = Service::start(&program, &["--redis-url", &url, "--set", "lock.required=true"]);
        make_a_lamp(&service);
        assert_eq!(reserve(&service, 1).0, 201);
        eventually("it shows", || state(&service) == "Degraded");
        assert!(!service.log().contains(PASSWORD), "{}", service.log());
        assert_eq!(service.stop(), Some(0));
    }
}

#[test]
fn a_lock_that_another_holds_until_the_deadline_is_503_where_the_lock_is_required() {
    if !OwnRedis::is_there() {
        return;
    }
    let redis = OwnRedis::start("");
    let url = redis.url();
    let demand = ["--redis-url", &url, "--set", "lock.required=true", "--set", "queue.wait_max=300ms"];
    let program = Program::new();
    let service = Service::start(&program, &demand);
    eventually("the lock is found", || state(&service) == "Healthy");
    make_a_lamp(&service);
    redis.tell(&format!("SET inventory:lock:{LAMP} somebody PX 60000"));
    // Until the lane has its connection, it goes without.
    let mut number = 0;
    let mut problem = Value::Null;
    eventually("the lock is asked", || {
        number += 1;
        let (status, said) = reserve(&service, number);
        problem = said;
        status == 503
    });
    let words = ["code", "outcome", "retryable"].map(|name| problem[name].clone());
    assert_eq!(words, [json!("lock_timeout"), json!("not_applied"), json!(true)], "{problem}");
    let answer = service.client().post("/api/inventory/reservations", Some("k"), &order(number)).expect("an answer");
    assert_eq!((answer.status, answer.retry_after), (503, Some(1)), "nothing is kept under a key: {answer:?}");
    redis.tell(&format!("DEL inventory:lock:{LAMP}"));
    let answer = service.client().post("/api/inventory/reservations", Some("k"), &order(number)).expect("an answer");
    assert_eq!((answer.status, answer.is_replayed), (201, false), "{answer:?}");
    assert_eq!(redis.tell(&format!("EXISTS inventory:lock:{LAMP}")).trim(), ":0", "it is given back");
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn a_lock_that_grants_to_nobody_ends_every_write_as_a_time_out() {
    if cfg!(not(feature = "failpoints")) {
        eprintln!("left out: locks that lie (the program is built without the feature failpoints)");
        return;
    }
    let program = Program::new();
    let demand = ["--redis-url", "test:nobody", "--set", "lock.required=true", "--set", "queue.wait_max=200ms"];
    let service = Service::start(&program, &[]);
    make_a_lamp(&service);
    assert_eq!(service.stop(), Some(0));
    let service = Service::start(&program, &demand);
    for number in 1..=3 {
        let (status, problem) = reserve(&service, number);
        assert_eq!((status, &problem["code"]), (503, &json!("lock_timeout")), "{problem}");
        assert_eq!(problem["outcome"], "not_applied");
    }
    assert_eq!(service.stop(), Some(0));
    let verified = program.done(&["verify"]).json();
    assert_eq!((&verified["movements"], &verified["reservations"]), (&json!(1), &json!(0)), "{verified}");
}

#[test]
fn an_address_that_is_none_is_told_without_its_password() {
    let said = Program::new().run(&["serve", "--listen", "127.0.0.1:0", "--redis-url", "redis+ring://:geheim@h"]);
    assert_eq!(said.exit, Some(2), "{said:?}");
    assert!(said.stderr.contains("lock.redis_url: the address of the lock says neither"), "{said:?}");
    assert!(!said.stderr.contains("geheim"), "{said:?}");
}

#[test]
fn a_lock_behind_tls_is_reached_by_whoever_trusts_its_certificate() {
    if !OwnRedis::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("certificate.pem"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("left out: there is no openssl to make a certificate with");
        return;
    }
    let port = free_port();
    let settings = format!(
        "tls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-auth-clients no",
        certificate.display(),
        key.display()
    );
    let _redis = OwnRedis::start(&settings);
    let url = format!("rediss://:{PASSWORD}@localhost:{port}");
    let program = Program::new();
    let trusted = [("SSL_CERT_FILE", certificate.as_os_str())];
    let service = Service::start_under(&program, &trusted, &["--redis-url", &url]);
    eventually("the lock is found", || state(&service) == "Healthy");
    assert_eq!(service.stop(), Some(0));
    let strange = [("SSL_CERT_FILE", OsStr::new("/nowhere"))];
    let service = Service::start_under(&program, &strange, &["--redis-url", &url]);
    eventually("it is not trusted", || state(&service) == "Degraded");
    assert_eq!(service.stop(), Some(0));
}

/// What `/health` says about the lock, once it has been looked at.
fn state(service: &Service) -> String {
    // A service that has just started has not looked yet.
    std::thread::sleep(Duration::from_millis(100));
    let (_, health) = service.get("/health");
    let parts = health["components"].as_array().expect("a list");
    let lock = parts.iter().find(|part| part["name"] == "lock").expect("the lock");
    lock["status"].as_str().unwrap_or_else(|| panic!("no text in {lock}")).to_owned()
}

fn make_a_lamp(service: &Service) {
    let item = json!({"productId": LAMP, "productName": "Lamp", "sku": "L", "initialQuantity": 1_000});
    assert_eq!(service.post("/api/inventory", &item).0, 201);
}

fn order(number: u32) -> Value {
    let order = format!("95570777-a170-5cd6-98a5-{number:012x}");
    json!({"orderId": order, "lines": [{"productId": LAMP, "quantity": 1}]})
}

fn reserve(service: &Service, number: u32) -> (u16, Value) {
    service.post("/api/inventory/reservations", &order(number))
}
