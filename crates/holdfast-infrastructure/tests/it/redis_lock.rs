//! The lock in Redis shows what every lock must show, and is gone without where Redis fails: on the server that
//! `HOLDFAST_TEST_REDIS` names (`cargo xtask services up` starts it), and on servers of a story's own.

use std::sync::LazyLock;
use std::time::Duration;

use holdfast_application::lock_contract;
use holdfast_application::ports::{DistributedLock, Lease, LockFault, LockState, contract};
use holdfast_domain::ProductId;
use holdfast_infrastructure::redis::{RedisAddress, RedisDistributedLock, RedisKeeper};

use crate::own_redis::{OwnRedis, PASSWORD, eventually, free_port};
use crate::slow_proxy::SlowProxy;

lock_contract!(owner, is_there);

/// Longer than any story takes.
const LONG: Duration = Duration::from_mins(5);
/// How long a lane waits.
const SOON: Duration = Duration::from_millis(20);

#[test]
fn the_keys_are_those_of_the_contract_and_end_by_themselves() {
    if !OwnRedis::is_there() {
        return;
    }
    let redis = OwnRedis::start("");
    let mut lock = connected(&keeper(&redis.url()));
    let lease = lock.acquire(&[product(1)], LONG).expect("Redis answers");
    let key = format!("inventory:lock:{}", product(1));
    assert_eq!(redis.tell(&format!("GET {key}")).lines().nth(1), Some(lease.token.as_str()));
    let rest: u64 = redis.tell(&format!("PTTL {key}")).trim_start_matches(':').trim().parse().expect("a time");
    assert!((1..=300_000).contains(&rest), "{rest}");
    lock.release(lease).expect("Redis answers");
    assert_eq!(redis.tell(&format!("EXISTS {key}")).trim(), ":0");
}

#[test]
fn many_locks_are_asked_for_in_one_go() {
    if !OwnRedis::is_there() {
        return;
    }
    let redis = OwnRedis::start("");
    let proxy = SlowProxy::before(redis.port, Duration::ZERO);
    let keeper = keeper(&format!("redis://:{PASSWORD}@127.0.0.1:{}", proxy.port));
    let mut lock = connected(&keeper);
    let products: Vec<ProductId> = (0..100).map(product).collect();
    // Where the keeper looks at the lock just then, it speaks too; so the best of some tries counts.
    let least = (0..5)
        .map(|_| {
            let before = proxy.spoken();
            let lease = lock.acquire(&products, LONG).expect("Redis answers");
            let taken = proxy.spoken() - before;
            assert_eq!(lease.products, products);
            lock.release(lease).expect("Redis answers");
            (taken, proxy.spoken() - before - taken)
        })
        .min();
    assert_eq!(least, Some((1, 1)));
}

#[test]
fn nobody_waits_for_a_redis_that_is_down_from_the_start_and_it_is_found_when_it_comes() {
    if !OwnRedis::is_there() {
        return;
    }
    let port = free_port();
    let keeper = hasty_keeper(&format!("redis://:{PASSWORD}@127.0.0.1:{port}"));
    let mut lock = RedisDistributedLock::of(&keeper);
    assert_eq!(asked(&mut lock).err(), Some(LockFault::NotConnected));
    eventually("three errors in a row", || asked(&mut lock).err() == Some(LockFault::LeftAlone));
    assert_eq!(keeper.state(), LockState::GoneWithout);
    let _redis = OwnRedis::start_at(port, "", None);
    eventually("the lock is found", || asked(&mut lock).is_ok());
    assert_eq!(keeper.state(), LockState::Answers);
}

#[test]
fn a_redis_that_is_killed_is_gone_without_until_it_is_back() {
    if !OwnRedis::is_there() {
        return;
    }
    let mut redis = OwnRedis::start("");
    let keeper = keeper(&redis.url());
    let mut lock = connected(&keeper);
    redis.kill();
    assert_eq!(asked(&mut lock).err(), Some(LockFault::Failed));
    eventually("it shows", || keeper.state() == LockState::GoneWithout);
    redis.start_again();
    eventually("it is back", || asked(&mut lock).is_ok());
}

#[test]
fn a_connection_that_dies_before_anybody_took_it_is_made_anew() {
    if !OwnRedis::is_there() {
        return;
    }
    let mut redis = OwnRedis::start("");
    let keeper = keeper(&redis.url());
    let mut lock = RedisDistributedLock::of(&keeper);
    assert_eq!(asked(&mut lock).err(), Some(LockFault::NotConnected));
    let connections = || redis.tell("CLIENT LIST").matches("cmd=eval").count();
    eventually("the keeper has a connection and one to give", || connections() == 2);
    redis.kill();
    eventually("it shows", || keeper.state() == LockState::GoneWithout);
    redis.start_again();
    eventually("it is back", || asked(&mut lock).is_ok());
}

#[test]
fn a_paused_redis_is_gone_without_and_what_it_grants_too_late_is_given_back() {
    if !OwnRedis::is_there() {
        return;
    }
    let redis = OwnRedis::start("");
    let keeper = hasty_keeper(&redis.url());
    let mut lock = connected(&keeper);
    redis.pause();
    assert_eq!(lock.acquire(&[product(7)], LONG).err(), Some(LockFault::TimedOut));
    eventually("it is left alone", || asked(&mut lock).err() == Some(LockFault::LeftAlone));
    redis.resume();
    // It would stay for minutes by itself. Taken once it is kept: whoever took it again would find it taken.
    eventually("the lock that nobody has heard of is free", || {
        lock.acquire(&[product(7)], LONG).is_ok_and(|lease| !lease.products.is_empty())
    });
    eventually("nothing else is left", || redis.tell("DBSIZE").trim() == ":1");
}

#[test]
fn a_slow_redis_is_gone_without() {
    if !OwnRedis::is_there() {
        return;
    }
    let redis = OwnRedis::start("");
    let proxy = SlowProxy::before(redis.port, Duration::ZERO);
    let keeper = hasty_keeper(&format!("redis://:{PASSWORD}@127.0.0.1:{}", proxy.port));
    let mut lock = connected(&keeper);
    proxy.slow_down(Duration::from_millis(500));
    assert_eq!(asked(&mut lock).err(), Some(LockFault::TimedOut));
    eventually("it shows", || keeper.state() == LockState::GoneWithout);
    assert!(asked(&mut lock).is_err());
    proxy.slow_down(Duration::ZERO);
    eventually("it is fast again", || asked(&mut lock).is_ok());
}

#[test]
fn a_wrong_password_is_no_more_than_a_lock_that_fails() {
    if !OwnRedis::is_there() {
        return;
    }
    let redis = OwnRedis::start("");
    let keeper = keeper(&format!("redis://:wrong@127.0.0.1:{}", redis.port));
    let mut lock = RedisDistributedLock::of(&keeper);
    eventually("three errors in a row", || asked(&mut lock).err() == Some(LockFault::LeftAlone));
    assert_eq!(keeper.state(), LockState::GoneWithout);
}

#[test]
fn a_user_needs_the_keys_of_the_lock_and_five_commands() {
    if !OwnRedis::is_there() {
        return;
    }
    let user = "user lock on >key ~inventory:lock:* resetchannels -@all +set +get +del +pexpire +eval";
    let redis = OwnRedis::start(user);
    let keeper = keeper(&format!("redis://lock:key@127.0.0.1:{}", redis.port));
    let mut make = || -> Box<dyn DistributedLock> { Box::new(connected(&keeper)) };
    contract::only_its_owner_releases_a_lock(&mut make);
    contract::only_its_owner_extends_a_lock(&mut make);
}

#[test]
fn sentinels_name_the_server_and_the_next_one_when_it_dies() {
    if !OwnRedis::is_there() {
        return;
    }
    let mut primary = OwnRedis::start("");
    let replica = OwnRedis::start(&format!("replicaof 127.0.0.1 {}", primary.port));
    eventually("the replica follows", || replica.tell("INFO replication").contains("master_link_status:up"));
    let watched = format!(
        "sentinel monitor shop 127.0.0.1 {} 1\nsentinel auth-pass shop {PASSWORD}\n\
         sentinel down-after-milliseconds shop 500\nsentinel failover-timeout shop 3000",
        primary.port
    );
    let sentinel = OwnRedis::start_at(free_port(), &watched, Some("--sentinel"));
    let nobody = free_port();
    let url = format!("redis+sentinel://:{PASSWORD}@127.0.0.1:{nobody},127.0.0.1:{}/shop", sentinel.port);
    let keeper = keeper(&url);
    let mut make = || -> Box<dyn DistributedLock> { Box::new(connected(&keeper)) };
    contract::one_holds_a_lock_at_a_time(&mut make);
    eventually("the Sentinel knows the replica", || sentinel.tell("SENTINEL replicas shop").contains("127.0.0.1"));

    let mut lock = connected(&keeper);
    primary.kill();
    assert!(asked(&mut lock).is_err());
    eventually("the replica takes over", || asked(&mut lock).is_ok());
    assert!(replica.tell("INFO replication").contains("role:master"));
}

#[test]
fn the_servers_of_a_cluster_share_the_locks() {
    if !OwnRedis::is_there() {
        return;
    }
    let slots = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];
    let buses: Vec<u16> = slots.iter().map(|_| free_port()).collect();
    let start = |bus: &u16| OwnRedis::start(&format!("cluster-enabled yes\ncluster-port {bus}"));
    let servers: Vec<OwnRedis> = buses.iter().map(start).collect();
    for (server, (first, last)) in servers.iter().zip(slots) {
        server.tell(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
        for (other, bus) in servers.iter().zip(&buses) {
            server.tell(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port));
        }
    }
    eventually("the cluster is whole", || {
        servers.iter().all(|server| {
            let state = server.tell("CLUSTER INFO");
            state.contains("cluster_state:ok") && state.contains("cluster_known_nodes:3")
        })
    });
    let keeper = keeper(&format!("redis+cluster://:{PASSWORD}@127.0.0.1:{}", servers[1].port));
    let mut make = || -> Box<dyn DistributedLock> { Box::new(connected(&keeper)) };
    contract::one_holds_a_lock_at_a_time(&mut make);
    contract::only_its_owner_releases_a_lock(&mut make);
    contract::only_its_owner_extends_a_lock(&mut make);
    contract::thousands_of_locks_are_taken_at_once(&mut make);
    let mut lock = connected(&keeper);
    let products: Vec<ProductId> = (0..300).map(product).collect();
    let lease = lock.acquire(&products, LONG).expect("the cluster answers");
    for server in &servers {
        let keys: u32 = server.tell("DBSIZE").trim_start_matches(':').trim().parse().expect("a number");
        assert!(keys > 50, "each server has its share, not {keys}");
    }
    lock.release(lease).expect("the cluster answers");

    // Every slot of the first server moves to the last one.
    let id = servers[2].tell("CLUSTER MYID").lines().nth(1).expect("an id").to_owned();
    for server in &servers {
        let moves: Vec<String> = (0..=5_460).map(|slot| format!("CLUSTER SETSLOT {slot} NODE {id}")).collect();
        for some in moves.chunks(500) {
            server.tell(&some.join("\r\n"));
        }
    }
    assert_eq!(lock.acquire(&products, LONG).err(), Some(LockFault::Failed));
    eventually("the slots are found where they are", || {
        let lease = lock.acquire(&products, LONG);
        lease.is_ok_and(|lease| lease.products.len() == products.len() && lock.release(lease).is_ok())
    });
}

static SHARED: LazyLock<RedisKeeper> =
    LazyLock::new(|| keeper(&std::env::var("HOLDFAST_TEST_REDIS").expect("an address")));

fn is_there() -> bool {
    OwnRedis::is_there()
}

/// One more owner of the locks on the server that is there for all stories.
fn owner() -> Box<dyn DistributedLock> {
    Box::new(connected(&SHARED))
}

/// A keeper as patient as a story: what it shows does not depend on how busy this machine is.
fn keeper(url: &str) -> RedisKeeper {
    RedisKeeper::start(RedisAddress::parse(url).expect("an address"), LONG).expect("a thread")
}

/// A keeper as impatient as a lane.
fn hasty_keeper(url: &str) -> RedisKeeper {
    RedisKeeper::start(RedisAddress::parse(url).expect("an address"), SOON).expect("a thread")
}

/// An owner that has its connection.
fn connected(keeper: &RedisKeeper) -> RedisDistributedLock {
    let mut lock = RedisDistributedLock::of(keeper);
    eventually("the lock answers", || asked(&mut lock).is_ok());
    lock
}

/// Takes a lock that nobody else wants and gives it back.
fn asked(lock: &mut RedisDistributedLock) -> Result<Lease, LockFault> {
    let lease = lock.acquire(&[product(u32::MAX)], Duration::from_millis(1))?;
    Ok(lease)
}

fn product(number: u32) -> ProductId {
    ProductId::from_bytes((u128::from(number) << 3).to_be_bytes())
}
