//! The service on a Galera cluster, once it is told that all know of it: nodes are killed, several of them are written
//! to, and nothing that was acknowledged is lost or promised twice.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use crate::client::Client;
use crate::galera_cluster::Cluster;
use crate::load::{Load, Shape};
use crate::program::Program;
use crate::running::Service;
use crate::shared_database::SharedDatabase;

/// How long a client waits before it asks again, or somebody else.
const PATIENCE: Duration = Duration::from_secs(3);
/// More clients than products.
const CONTENDED: Shape = Shape { clients: 32, products: 4, stock: 1_000, sent_again_max: 20 };

#[test]
fn nodes_are_killed_under_load_the_service_moves_and_nothing_is_lost() {
    if !Cluster::is_there() {
        return;
    }
    let _turn = turn();
    let mut cluster = Cluster::start(3);
    let database = SharedDatabase::migrated_at(&cluster.url(0));
    let programs = [0, 1, 2].map(|node| program(&cluster, &database, node));
    let mut load = Load::of(CONTENDED, &programs[0]);
    let mut service = Service::start(&programs[0], &[]);
    let url = Mutex::new(service.url().to_owned());
    let client = Client::impatient("http://nowhere", PATIENCE);
    load.run_on_any(
        |_| client.at(&url.lock().unwrap_or_else(PoisonError::into_inner)),
        || {
            std::thread::sleep(Duration::from_secs(1));
            cluster.kill(1);
            // The others miss it after some seconds, and go on.
            std::thread::sleep(Duration::from_secs(8));
            cluster.start_again(1);
            cluster.must_have(&[0, 1, 2]);
            std::thread::sleep(Duration::from_secs(1));
            cluster.kill(0);
            cluster.must_have(&[1, 2]);
            service.kill();
            service = Service::start(&programs[2], &[]);
            service.url().clone_into(&mut url.lock().unwrap_or_else(PoisonError::into_inner));
            std::thread::sleep(Duration::from_secs(2));
        },
    );
    load.settle(&service);
    assert_eq!(service.stop(), Some(0));
    cluster.must_agree(&[1, 2]);
    load.must_be_kept_by(&programs[2]);
    load.must_be_kept_by(&programs[1]);
}

#[test]
fn services_that_write_to_three_nodes_promise_each_unit_once() {
    if !Cluster::is_there() {
        return;
    }
    let _turn = turn();
    let cluster = Cluster::start(3);
    let database = SharedDatabase::migrated_at(&cluster.url(0));
    let programs = [0, 1, 2].map(|node| program(&cluster, &database, node));
    let mut load = Load::of(CONTENDED, &programs[0]);
    cluster.must_agree(&[0, 1, 2]);
    let [first, second, third] = programs.each_ref().map(|program| Service::start(program, &[]));
    let urls = [&first, &second, &third].map(|service| service.url().to_owned());
    let client = Client::impatient("http://nowhere", PATIENCE);
    // Each client stays with one service: what a node has acknowledged another one may not have applied yet.
    let seats: Mutex<HashMap<ThreadId, usize>> = Mutex::default();
    let seat = || {
        let mut seats = seats.lock().expect("no panic");
        let next = seats.len() % urls.len();
        *seats.entry(std::thread::current().id()).or_insert(next)
    };
    load.run_on_any(|_| client.at(&urls[seat()]), || std::thread::sleep(Duration::from_secs(5)));
    for service in [second, third] {
        let metrics = service.text("/metrics");
        let met = metrics.lines().filter(|line| line.starts_with("holdfast_store_retries_total"));
        eprintln!("{:?}", met.collect::<Vec<_>>());
        assert_eq!(service.stop(), Some(0));
    }
    cluster.must_agree(&[0, 1, 2]);
    load.settle(&first);
    assert_eq!(first.stop(), Some(0));
    cluster.must_agree(&[0, 1, 2]);
    for program in &programs {
        load.must_be_kept_by(program);
    }
}

#[test]
fn a_service_refuses_a_cluster_that_nobody_has_told_it_of() {
    if !Cluster::is_there() {
        return;
    }
    let _turn = turn();
    let cluster = Cluster::start(1);
    let program = Program::new().on(SharedDatabase::migrated_at(&cluster.url(0)));
    let said = program.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.exit, Some(1), "{said:?}");
    assert!(said.stderr.contains("all replicas of the service must write to one and the same node"), "{said:?}");
}

/// The program with the database as one node has it.
fn program(cluster: &Cluster, database: &SharedDatabase, node: usize) -> Program {
    let url = format!("{}/{}", cluster.url(node), database.name());
    Program::new()
        .with_variable("HOLDFAST_STORE__DATABASE_URL", &url)
        .with_variable("HOLDFAST_STORE__ACCEPT_RISKS", "galera")
}

/// One cluster at a time: three databases are as many as a small machine carries.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
