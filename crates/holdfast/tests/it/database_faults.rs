//! What becomes of a service when its database fails: what was acknowledged stays, nothing is done twice, everybody
//! hears what may have happened, and it goes on by itself (PROTOCOL, section 4.4).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mysql::Conn;
use mysql::prelude::Queryable as _;
use serde_json::{Value, json};

use crate::cutting_proxy::{Cut, CuttingProxy};
use crate::load::Load;
use crate::own_server::OwnServer;
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

const LAMP: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
const CHAIR: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa7";

#[test]
fn a_database_that_is_killed_and_started_again_under_load() {
    if !SharedDatabase::is_there() {
        return;
    }
    let mut server = OwnServer::start(&[]);
    let program = Program::new().on(server.database(server.address()));
    let mut load = Load::on(&program);
    for _ in 0..3 {
        let service = Service::start(&program, &[]);
        let url = service.url().to_owned();
        let moment = Duration::from_millis(load.within(100, 400));
        load.run(&url, || {
            std::thread::sleep(moment);
            server.kill();
            must_hear_later(&service);
            server.start_again();
            ends_ready(service);
        });
    }
    load.must_be_kept_after_a_crash(&program);
}

#[test]
fn a_database_that_is_paused_for_ten_seconds() {
    if !SharedDatabase::is_there() {
        return;
    }
    let server = OwnServer::start(&[]);
    let program = Program::new().on(server.database(server.address()));
    let mut load = Load::on(&program);
    let service = Service::start(&program, &[]);
    let url = service.url().to_owned();
    load.run(&url, || {
        std::thread::sleep(Duration::from_millis(300));
        server.pause();
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(service.get("/health/ready").0, 503, "nobody is sent to a service that cannot write");
        assert_eq!(service.get("/health/live").0, 200);
        std::thread::sleep(Duration::from_secs(7));
        server.go_on();
        ends_ready(service);
    });
    load.must_be_kept_after_a_crash(&program);
}

#[test]
fn a_database_that_takes_no_writes_is_read_and_taken_up_again() {
    if !SharedDatabase::is_there() {
        return;
    }
    let server = OwnServer::start(&[]);
    let program = Program::new().on(server.database(server.address()));
    let service = Service::start(&program, &[]);
    assert_eq!(service.post("/api/inventory", &item(LAMP, "L")).0, 201);
    server.tell("SET GLOBAL read_only = 1");
    let (status, problem) = service.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 1}));
    assert_eq!((status, &problem["code"]), (503, &json!("store_unavailable")), "{problem}");
    assert_eq!((&problem["outcome"], &problem["retryable"]), (&json!("not_applied"), &json!(true)), "{problem}");
    let (status, read) = service.get(&format!("/api/inventory/product/{LAMP}"));
    assert_eq!((status, &read["quantityAvailable"]), (200, &json!(100)));
    server.tell("SET GLOBAL read_only = 0");
    must_become_ready(&service);
    assert_eq!(service.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 1})).0, 200);
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["movements"], 2);
}

#[test]
fn a_database_whose_connections_are_all_taken() {
    if !SharedDatabase::is_there() {
        return;
    }
    // One more is always kept for an administrator.
    let server = OwnServer::start(&["--max-connections=5"]);
    let database = server.database(server.address());
    let url = database.url();
    let program = Program::new().on(database);
    let service = Service::start(&program, &["--set", "store.readers=1", "--set", "store.lanes=1"]);
    assert_eq!(service.post("/api/inventory", &item(LAMP, "L")).0, 201);
    // Others take every place that is left, and those of the service once its own are cut.
    let mut others: Vec<Conn> = Vec::new();
    let mut administrator = server.session();
    cut_service(&mut administrator, &mut others, &url);
    let asked = Instant::now();
    let (status, problem) = service.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 1}));
    assert_eq!((status, &problem["outcome"]), (503, &json!("not_applied")), "{problem}");
    assert!(asked.elapsed() < Duration::from_secs(5), "it does not wait for a place for ever");
    others.clear();
    must_become_ready(&service);
    assert_eq!(service.post(&format!("/api/inventory/product/{LAMP}/add-stock"), &json!({"quantity": 1})).0, 200);
    assert_eq!(service.stop(), Some(0));
}

/// Takes every connection there is for a user who is no administrator, the service's too.
fn cut_service(administrator: &mut Conn, others: &mut Vec<Conn>, url: &str) {
    let opts = mysql::Opts::from_url(url).expect("an address");
    let asked = Instant::now();
    while others.len() < 4 {
        assert!(asked.elapsed() < Duration::from_secs(20), "the places can be taken");
        let mine: Vec<u32> = others.iter().map(Conn::connection_id).collect();
        let theirs: Vec<u32> = administrator
            .query("SELECT id FROM information_schema.processlist WHERE user = 'holdfast'")
            .expect("the server answers");
        for other in theirs.into_iter().filter(|id| !mine.contains(id)) {
            // One that has gone by itself is no matter.
            let _ = administrator.query_drop(format!("KILL {other}"));
        }
        while let Ok(one) = Conn::new(opts.clone()) {
            others.push(one);
        }
    }
}

#[test]
fn a_hostile_session_that_locks_the_other_way_round() {
    if !SharedDatabase::is_there() {
        return;
    }
    let server = OwnServer::start(&[]);
    let database = server.database(server.address());
    let name = database.name().to_owned();
    let program = Program::new().on(database);
    let service = Service::start(&program, &[]);
    for (product, sku) in [(LAMP, "L"), (CHAIR, "C")] {
        assert_eq!(service.post("/api/inventory", &item(product, sku)).0, 201);
    }
    let done = AtomicBool::new(false);
    let deadlocks = std::thread::scope(|threads| {
        let hostile = threads.spawn(|| {
            let mut session = server.session();
            session.query_drop(format!("USE {name}")).expect("it is there");
            let mut deadlocks = 0_u32;
            while !done.load(Ordering::Relaxed) {
                session.query_drop("START TRANSACTION").expect("begins");
                // More rows than the service has changed, so that the service is the one that gives way.
                session.query_drop("UPDATE locations SET name = CONCAT(name, '')").expect("changes");
                let sql = |sku: &str| {
                    format!("SELECT * FROM items JOIN stock ON item = number WHERE sku = '{sku}' FOR UPDATE")
                };
                let locked = session.query_drop(sql("C")).and_then(|()| {
                    std::thread::sleep(Duration::from_millis(3));
                    session.query_drop(sql("L"))
                });
                deadlocks += u32::from(locked.is_err());
                session.query_drop("ROLLBACK").expect("lets go");
                std::thread::sleep(Duration::from_millis(2));
            }
            deadlocks
        });
        let _ends_with_this = EndsAtLast(&done);
        let asked = Instant::now();
        for number in 0..60 {
            let order = json!({"orderId": format!("11111111-0000-4000-8000-{number:012}"),
                "lines": [{"sku": "L", "quantity": 1}, {"sku": "C", "quantity": 1}]});
            // Whoever loses too often hears that nothing was done, and asks again.
            let mut answered = service.post("/api/inventory/reservations", &order);
            while answered.0 == 503 && asked.elapsed() < Duration::from_secs(30) {
                assert_eq!(answered.1["outcome"], "not_applied", "{}", answered.1);
                answered = service.post("/api/inventory/reservations", &order);
            }
            assert_eq!(answered.0, 201, "{}", answered.1);
        }
        done.store(true, Ordering::Relaxed);
        hostile.join().expect("the hostile session")
    });
    let met = server.session().query_first::<(String, u64), _>("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'");
    let (_, met) = met.expect("it answers").expect("it counts them");
    eprintln!("{met} deadlocks, {deadlocks} of them lost by the hostile session");
    assert!(met > 0, "the story is about deadlocks");
    assert_eq!(service.stop(), Some(0));
    assert_eq!(program.done(&["verify"]).json()["reservations"], 120);
}

/// Ends the hostile session also when the story breaks off.
struct EndsAtLast<'a>(&'a AtomicBool);

impl Drop for EndsAtLast<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_connection_that_is_cut_before_in_and_after_commit() {
    if !SharedDatabase::is_there() {
        return;
    }
    let server = OwnServer::start(&[]);
    for cut in [Cut::Before, Cut::Within, Cut::After] {
        let proxy = CuttingProxy::start(server.address(), cut);
        let database = server.database(proxy.address);
        let program = Program::new().on(database);
        let service = Service::start(&program, &[]);
        assert_eq!(service.post("/api/inventory", &item(LAMP, "L")).0, 201);
        let client = service.client();
        let path = format!("/api/inventory/product/{LAMP}/add-stock");
        let body = json!({"quantity": 1});

        // Under a key the service finds out by itself, and says so once.
        for round in 0..5 {
            proxy.cut(1);
            let key = format!("{cut:?} {round}");
            let first = client.post(&path, Some(&key), &body).expect("an answer");
            assert!(proxy.has_cut(), "{cut:?}");
            assert_eq!(first.status, 200, "{cut:?}: {first:?}");
            let again = client.post(&path, Some(&key), &body).expect("an answer");
            assert!(again.is_replayed && again.json()["sequence"] == first.json()["sequence"], "{cut:?}: {again:?}");
        }
        assert_eq!(movements(&program), 6, "{cut:?}: each was done once");

        // Without a key it cannot: the caller hears that nobody knows.
        proxy.cut(1);
        let (status, problem) = service.post(&path, &body);
        assert_eq!((status, &problem["code"]), (503, &json!("outcome_unknown")), "{cut:?}: {problem}");
        assert_eq!(problem["outcome"], "unknown", "{cut:?}");
        let done = movements(&program) - 6;
        assert!(done == u64::from(cut != Cut::Before) || cut == Cut::Within, "{cut:?}: {done}");
        must_become_ready(&service);
        assert_eq!(service.stop(), Some(0));
    }
}

#[test]
fn settings_that_put_promises_at_risk_are_refused_unless_accepted() {
    if !SharedDatabase::is_there() {
        return;
    }
    let server = OwnServer::start(&["--log-bin=log", "--skip-innodb-doublewrite", "--max-allowed-packet=1M"]);
    server.tell("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
    let program = Program::new().on(server.database(server.address()));
    let said = program.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.exit, Some(1), "{said:?}");
    for words in [
        "innodb_flush_log_at_trx_commit is 2, must be 1",
        "innodb_doublewrite is OFF, must be ON",
        "sync_binlog is 0, must be 1 while log_bin is ON",
        "`store.accept_risks = durability` serves all the same",
    ] {
        assert!(said.stderr.contains(words), "{words}: {said:?}");
    }
    let service = Service::start(&program, &["--set", "store.accept_risks=durability"]);
    let log = service.log();
    assert!(log.contains("(accepted as `durability`)") && log.contains("replication is asynchronous"), "{log}");
    assert!(log.contains("max_allowed_packet is 1048576, should be 16777216 or more"), "{log}");
    assert_eq!(service.stop(), Some(0));
    let said = program.run(&["serve", "--listen", "127.0.0.1:0", "--set", "store.accept_risks=fire"]);
    assert_eq!(said.exit, Some(2), "{said:?}");
}

fn item(product: &str, sku: &str) -> Value {
    json!({"productId": product, "productName": "Thing", "sku": sku, "initialQuantity": 100})
}

fn movements(program: &Program) -> u64 {
    program.done(&["verify"]).json()["movements"].as_u64().expect("a number")
}

/// A write while the database is away.
fn must_hear_later(service: &Service) {
    let (status, problem) = service.post("/api/inventory", &item(LAMP, "other"));
    assert_eq!((status, &problem["retryable"]), (503, &json!(true)), "{problem}");
}

/// Without anybody's help.
fn must_become_ready(service: &Service) {
    let asked = Instant::now();
    while service.get("/health/ready").0 != 200 {
        assert!(asked.elapsed() < Duration::from_secs(30), "{}", service.text("/health"));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The service is ready again by itself, and leaves in order.
fn ends_ready(service: Service) {
    must_become_ready(&service);
    assert_eq!(service.stop(), Some(0));
}
