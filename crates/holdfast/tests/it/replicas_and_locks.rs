//! Several services with a lock between them: whatever the lock does, each unit is promised once and what was
//! acknowledged is there.

use std::time::{Duration, Instant};

use crate::load::{Load, Shape};
use crate::own_redis::{OwnRedis, PASSWORD, eventually};
use crate::program::Program;
use crate::replicas::{HOT, Replicas, SPREAD};
use crate::running::counted;
use crate::shared_database::SharedDatabase;

/// How long clients write.
const A_WHILE: Duration = Duration::from_secs(3);

#[test]
fn replicas_take_turns_on_a_hot_product() {
    if there_is_all() {
        let redis = OwnRedis::start("");
        let metrics = three_replicas(HOT, &["--redis-url", &redis.url()], || std::thread::sleep(A_WHILE));
        assert!(counted(&metrics, "holdfast_lock_wait_seconds_count") > 0.0, "nobody asked for a lock: {metrics}");
    }
}

#[test]
fn replicas_that_must_have_every_lock_take_turns_everywhere() {
    if there_is_all() {
        let redis = OwnRedis::start("");
        let demand = ["--redis-url", &redis.url(), "--set", "lock.required=true"];
        three_replicas(SPREAD, &demand, || std::thread::sleep(A_WHILE));
        // At once, or by itself where a busy machine did not answer in time.
        eventually("every lock is free again", || redis.tell("KEYS inventory:lock:3fa85f64*").trim() == "*0");
    }
}

#[test]
fn replicas_whose_lock_is_forgotten_every_50_ms_promise_each_unit_once() {
    if there_is_all() {
        let redis = OwnRedis::start("");
        three_replicas(HOT, &["--redis-url", &redis.url(), "--set", "lock.required=true"], || {
            let started = Instant::now();
            while started.elapsed() < A_WHILE {
                redis.tell("FLUSHALL");
                std::thread::sleep(Duration::from_millis(50));
            }
        });
    }
}

#[test]
fn replicas_whose_redis_is_killed_and_paused_promise_each_unit_once() {
    if there_is_all() {
        let mut redis = OwnRedis::start("");
        let url = redis.url();
        three_replicas(HOT, &["--redis-url", &url, "--set", "lock.required=true"], || {
            std::thread::sleep(Duration::from_millis(700));
            redis.pause();
            std::thread::sleep(Duration::from_secs(1));
            redis.resume();
            std::thread::sleep(Duration::from_millis(700));
            redis.kill();
            std::thread::sleep(Duration::from_secs(1));
            redis.start_again();
            std::thread::sleep(Duration::from_millis(700));
        });
    }
}

#[test]
fn a_replica_that_sleeps_longer_than_its_locks_last_takes_nothing_away_from_the_others() {
    if there_is_all() {
        let redis = OwnRedis::start("");
        let settings = ["--redis-url", &redis.url(), "--set", "lock.required=true", "--set", "lock.ttl=500ms"];
        let program = Program::new().on(SharedDatabase::migrated());
        let mut load = Load::of(HOT, &program);
        let replicas = Replicas::start(&program, 3, &settings);
        load.run_on_any(
            |random| replicas.pick(random),
            || {
                for replica in [0, 1, 2] {
                    std::thread::sleep(Duration::from_millis(500));
                    replicas.with(replica, |service| service.pause());
                    std::thread::sleep(Duration::from_millis(1_500));
                    replicas.with(replica, |service| service.resume());
                }
            },
        );
        replicas.must_keep(load);
    }
}

#[test]
fn replicas_whose_redis_turns_them_away_promise_each_unit_once() {
    if there_is_all() {
        let redis = OwnRedis::start("");
        let stranger = format!("redis://:wrong-{PASSWORD}@127.0.0.1:{}", redis.port);
        let demand = ["--redis-url", &stranger, "--set", "lock.required=true"];
        let metrics = three_replicas(HOT, &demand, || std::thread::sleep(A_WHILE));
        assert!(counted(&metrics, "holdfast_lock_bypassed_total") > 0.0, "nobody went without: {metrics}");
    }
}

#[test]
fn replicas_whose_lock_lies_promise_each_unit_once() {
    if cfg!(not(feature = "failpoints")) {
        eprintln!("left out: locks that lie (the program is built without the feature failpoints)");
        return;
    }
    if SharedDatabase::is_there() {
        let everybody = ["--redis-url", "test:everybody", "--set", "lock.required=true"];
        three_replicas(HOT, &everybody, || std::thread::sleep(A_WHILE));
        // Where the lock is a hint, those who never get it go without after a while.
        let nobody = ["--redis-url", "test:nobody", "--set", "lock.ttl=100ms"];
        three_replicas(HOT, &nobody, || std::thread::sleep(A_WHILE));
    }
}

/// Lets clients write through three services until `meanwhile` is over, compares the books with what they were told,
/// and returns what the services counted.
fn three_replicas(shape: Shape, settings: &[&str], meanwhile: impl FnOnce()) -> String {
    let program = Program::new().on(SharedDatabase::migrated());
    let mut load = Load::of(shape, &program);
    let replicas = Replicas::start(&program, 3, settings);
    load.run_on_any(|random| replicas.pick(random), meanwhile);
    let metrics = (0..3).map(|replica| replicas.with(replica, |service| service.text("/metrics"))).collect();
    replicas.must_keep(load);
    metrics
}

fn there_is_all() -> bool {
    SharedDatabase::is_there() && OwnRedis::is_there()
}
