//! The shared store shows what every store must show, on a real database: `cargo xtask services up` starts one, and its
//! address stands in `HOLDFAST_TEST_MYSQL`. Every story has a database of its own, which goes away with it.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use holdfast_application::answer::Reply;
use holdfast_application::audit::prove;
use holdfast_application::batch::BatchLimits;
use holdfast_application::clock::ManualClock;
use holdfast_application::command::{Remarks, Submission};
use holdfast_application::duties::{Duties as _, Duty};
use holdfast_application::lane::{Lane, decide_at_once};
use holdfast_application::ports::contract::warehouse::{lines, new_item, order, product, reserve, submission};
use holdfast_application::ports::{Collision, CommitError, Store, StoreError, StoreTransaction};
use holdfast_application::queries::StockQueries;
use holdfast_application::queue::{Class, CommandQueue, QueueLimits};
use holdfast_application::ticket::Ticket;
use holdfast_application::{Command, Policy, store_contract};
use holdfast_domain::book::ProductRef;
use holdfast_domain::book::stocking::NewItem;
use holdfast_domain::{Name, OrderId};
use holdfast_infrastructure::mysql::{MysqlLeases, MysqlSettings, MysqlStore, OpenError, TimeSource, migrate, open};
use mysql::prelude::Queryable as _;
use mysql::{Conn, Opts};

store_contract!(shared, is_there);

#[test]
fn the_schema_is_made_once_and_told_beforehand() {
    let Some(database) = Database::make() else { return left_out("the_schema_is_made_once_and_told_beforehand") };
    let settings = database.settings();
    let refused = open(&settings, TimeSource::Database).err().expect("there is no schema yet");
    assert!(matches!(refused, OpenError::Older { found: 0, known: 4 }), "{refused}");
    let told = migrate(&settings, true).expect("tells");
    assert!(told.first().is_some_and(|first| first.starts_with("CREATE TABLE IF NOT EXISTS locations (")), "{told:?}");
    assert!(open(&settings, TimeSource::Database).is_err(), "a dry run makes nothing");
    assert_eq!(migrate(&settings, false).expect("makes"), told);
    assert_eq!(migrate(&settings, false).expect("nothing to do"), Vec::<String>::new());
    open(&settings, TimeSource::Database).expect("the schema is there");
    database.run("UPDATE schema_versions SET version = 5 WHERE version = 4");
    let refused = open(&settings, TimeSource::Database).err().expect("another program's schema");
    assert!(matches!(refused, OpenError::Newer { found: 5, known: 4 }), "{refused}");
}

#[test]
fn a_migration_that_was_cut_off_goes_on() {
    let Some(database) = Database::make() else { return left_out("a_migration_that_was_cut_off_goes_on") };
    let settings = database.settings();
    let statements = migrate(&settings, true).expect("tells");
    for cut in 0..statements.len() {
        database.empty();
        statements.iter().take(cut).for_each(|statement| database.run(statement));
        migrate(&settings, false).expect("goes on");
        open(&settings, TimeSource::Database).expect("the schema is there");
    }
}

#[test]
fn the_databases_clock_decides() {
    let Some(database) = Database::make() else { return left_out("the_databases_clock_decides") };
    let (mut store, _) = database.opened();
    let mut tell = || store.begin().expect("a transaction").now().expect("the time");
    let (first, second) = (tell(), tell());
    let told = database.ask("SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)");
    assert!(first.micros() <= second.micros() && second.micros() <= told, "{first} {second} {told}");
    assert!(told - first.micros() < 60_000_000, "{first} is not the present");
}

#[test]
fn text_comes_back_as_it_was_whatever_it_holds() {
    let Some(database) = Database::make() else { return left_out("text_comes_back_as_it_was_whatever_it_holds") };
    let (mut store, queries) = database.opened();
    let names = ["O'Neil", "a\\", "\\' OR 1 = 1; -- ", "50 % \"off\"", "größer ✓ 😀", "x'41'", "?, ?", "{:name}"];
    for (number, name) in (1..).zip(names) {
        let item = NewItem { name: Name::new(name).expect("a name"), ..new_item(number, &[("main", 5)]) };
        let done = [submission(Command::CreateItem(item, Remarks::default()))];
        decide_at_once(&mut store, &done, &Policy::default()).expect("made");
        let found = queries.items(&[ProductRef::Id(product(number))]).expect("reads");
        assert_eq!(found.first().map(|item| item.name.as_str()), Some(name));
    }
    assert_eq!(database.ask("SELECT COUNT(*) FROM items WHERE name = 'O\\'Neil' AND LENGTH(name) = 6"), 1);
}

#[test]
fn a_writer_whose_connection_was_cut_makes_a_new_one() {
    let Some(database) = Database::make() else { return left_out("a_writer_whose_connection_was_cut_makes_a_new_one") };
    let (mut store, queries) = database.opened();
    let mut transaction = store.begin().expect("a transaction");
    transaction.load_locations().expect("it has begun");
    database.cut_connections();
    let cut = transaction.load_orders(&[order(1)]).expect_err("the connection is gone");
    assert!(matches!(cut, StoreError::Unavailable(_)), "{cut}");
    drop(transaction);
    database.cut_connections();
    let mut transaction = store.begin().expect("a new connection");
    assert_eq!(transaction.load_locations().expect("reads").len(), 1);
    transaction.now().expect("the time");
    assert_eq!(queries.locations().expect("readers make new ones too").len(), 1);
    database.cut_connections();
    let unknown = transaction.commit().expect_err("nobody answers");
    assert!(matches!(unknown, CommitError::Unknown(_)), "{unknown}");
    store.begin().expect("a new connection").commit().expect("and commits");
}

#[test]
fn a_row_that_somebody_holds_is_contention_and_nothing_stays_locked() {
    let Some(database) = Database::make() else {
        return left_out("a_row_that_somebody_holds_is_contention_and_nothing_stays_locked");
    };
    let (mut store, _) = database.opened();
    let mut holder = database.connect();
    holder.query_drop("START TRANSACTION").expect("begins");
    holder.query_drop("SELECT * FROM numbers FOR UPDATE").expect("holds");
    let mut transaction = store.begin().expect("a transaction");
    let waited = transaction.numbering(1).expect_err("waited in vain");
    assert!(matches!(waited, StoreError::Contention(Collision::LockWait, _)), "{waited}");
    drop(transaction);
    holder.query_drop("ROLLBACK").expect("lets go");
    let mut transaction = store.begin().expect("a transaction");
    transaction.numbering(1).expect("nobody holds it");
    drop(transaction);
    holder.query_drop("SET SESSION innodb_lock_wait_timeout = 1").expect("sets");
    holder.query_drop("SELECT * FROM numbers FOR UPDATE").expect("nothing stayed locked");
}

#[test]
fn writers_wait_for_nobody_whose_rows_they_do_not_want() {
    let Some(database) = Database::make() else {
        return left_out("writers_wait_for_nobody_whose_rows_they_do_not_want");
    };
    let (mut one, _) = database.opened();
    let made = (1..=20).map(|number| Command::CreateItem(new_item(number, &[("main", 100)]), Remarks::default()));
    let ordered = (1..=20).map(|number| reserve(number, &[(number, 1)]));
    let done: Vec<Submission> = made.chain(ordered).map(submission).collect();
    decide_at_once(&mut one, &done, &Policy::default()).expect("made");
    let products = |numbers: RangeInclusive<u8>| numbers.map(|it| ProductRef::Id(product(it))).collect::<Vec<_>>();
    let orders = |numbers: RangeInclusive<u8>| numbers.map(order).collect::<Vec<_>>();

    // Half of all there are, which a database would rather look for in the whole table.
    let mut holder = one.begin().expect("a transaction");
    assert_eq!(holder.load_orders(&orders(1..=10)).expect("nobody holds them").len(), 10);
    assert_eq!(holder.load_items(&products(1..=10)).expect("nobody holds them").len(), 10);
    let mut other = database.opened().0;
    let mut transaction = other.begin().expect("a transaction");
    assert_eq!(transaction.load_orders(&orders(11..=20)).expect("nobody holds these").len(), 10);
    assert_eq!(transaction.load_items(&products(11..=20)).expect("nobody holds these").len(), 10);
    let met = transaction.load_items(&products(10..=10)).expect_err("this one is held");
    assert!(matches!(met, StoreError::Contention(Collision::LockWait, _)), "{met}");
}

#[test]
fn a_writer_that_stands_still_does_not_keep_its_rows() {
    let Some(database) = Database::make() else { return left_out("a_writer_that_stands_still_does_not_keep_its_rows") };
    let (mut one, _) = database.opened();
    let mut other = one.another();
    let mut stands_still = one.begin().expect("a transaction");
    stands_still.numbering(1).expect("it holds the row");
    let asked = Instant::now();
    let goes_on = loop {
        let mut transaction = other.begin().expect("a transaction");
        if transaction.numbering(1).is_ok() {
            break transaction;
        }
        assert!(asked.elapsed() < Duration::from_secs(30), "the row is held still");
    };
    goes_on.commit().expect("it commits");
    let undone = stands_still.commit().expect_err("it was undone");
    assert!(matches!(undone, CommitError::NotApplied(StoreError::Unavailable(_))), "{undone}");
    one.begin().expect("a new connection").commit().expect("and commits");
}

#[test]
fn two_writers_never_share_a_number() {
    let Some(database) = Database::make() else { return left_out("two_writers_never_share_a_number") };
    let mut next = Vec::new();
    let (mut one, mut other) = (database.opened().0, database.opened().0);
    for store in [&mut one, &mut other] {
        let mut transaction = store.begin().expect("a transaction");
        next.push(transaction.numbering(5_000).expect("numbers"));
        transaction.commit().expect("committed");
    }
    let mut transaction = one.begin().expect("a transaction");
    next.push(transaction.numbering(6_000).expect("numbers"));
    let orders: Vec<u64> = next.iter().map(|numbering| numbering.order.0).collect();
    assert_eq!(orders, [1, 5_001, 10_001]);
}

#[test]
fn a_duty_has_one_holder_until_it_gives_it_up_or_its_time_is_over() {
    let Some(database) = Database::make() else {
        return left_out("a_duty_has_one_holder_until_it_gives_it_up_or_its_time_is_over");
    };
    let (store, _) = database.opened();
    let (one, other) = (MysqlLeases::of(&store, "one".to_owned()), MysqlLeases::of(&store, "other".to_owned()));
    let long = Duration::from_hours(1);
    let takes = |leases: &MysqlLeases, duty| leases.take(duty, long).expect("the database answers").is_some();
    let epoch = || database.ask("SELECT epoch FROM leases WHERE duty = 'sweep'");

    let told = one.take(Duty::Sweep, long).expect("the database answers").expect("nobody has it");
    let present = database.ask("SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)");
    assert!((present - 60_000_000..=present).contains(&told.micros()), "{told} is the database's time");
    assert!(!takes(&other, Duty::Sweep) && takes(&other, Duty::Purge), "each duty has its own holder");
    assert!(takes(&one, Duty::Sweep), "who has it keeps it");
    assert_eq!(epoch(), 1);

    one.leave();
    assert!(takes(&other, Duty::Sweep) && !takes(&one, Duty::Sweep));
    assert_eq!(epoch(), 2);

    database.run("UPDATE leases SET until = until - 2 * 3600 * 1000000 WHERE duty = 'sweep'");
    assert!(takes(&one, Duty::Sweep), "the time of the other is over");
    assert!(!takes(&other, Duty::Sweep));
    assert_eq!(epoch(), 3);

    database.cut_connections();
    assert!(takes(&one, Duty::Sweep), "a new connection is made");
    assert_eq!(epoch(), 3);
}

#[test]
fn of_many_who_want_a_duty_at_once_one_gets_it() {
    let Some(database) = Database::make() else { return left_out("of_many_who_want_a_duty_at_once_one_gets_it") };
    let (store, _) = database.opened();
    let all: Vec<MysqlLeases> = (0..8).map(|number| MysqlLeases::of(&store, format!("number {number}"))).collect();
    let holders = std::thread::scope(|threads| {
        let take = |leases| move || MysqlLeases::take(leases, Duty::Sweep, Duration::from_hours(1));
        let takers: Vec<_> = all.iter().map(|leases| threads.spawn(take(leases))).collect();
        let taken = takers.into_iter().map(|taker| taker.join().expect("a thread").expect("the database answers"));
        taken.flatten().count()
    });
    assert_eq!(holders, 1);
}

#[test]
fn two_writers_who_fight_for_the_same_units_promise_each_once() {
    let Some(database) = Database::make() else {
        return left_out("two_writers_who_fight_for_the_same_units_promise_each_once");
    };
    let (mut store, queries) = database.opened();
    let made = [1, 2].map(|number| Command::CreateItem(new_item(number, &[("main", 100)]), Remarks::default()));
    decide_at_once(&mut store, &made.map(submission), &Policy::default()).expect("made");
    // Small batches, so that the two meet often.
    let limits = BatchLimits { commands_max: 5, ..BatchLimits::default() };
    let winners: usize = std::thread::scope(|threads| {
        let lanes = [1_u8, 2].map(|lane| {
            let (store, _) = database.opened();
            let queue = CommandQueue::new(QueueLimits::default());
            let worker = Lane::new(Box::new(store), queue.clone().line(0), Policy::default(), limits);
            let tickets: Vec<Ticket> = (0..240_u8)
                .map(|number| queue.submit(wish(lane, number), Class::Interactive, None).expect("room"))
                .collect();
            queue.close();
            threads.spawn(move || {
                let _ = worker.run();
                tickets.into_iter().map(Ticket::wait).filter(|heard| matches!(heard, Ok(Reply::Decided(Ok(_))))).count()
            })
        });
        lanes.into_iter().map(|lane| lane.join().expect("a lane")).sum()
    });
    assert_eq!(winners, 100);
    let report = prove(&*queries, None).expect("reads");
    assert_eq!((report.faults, report.reservations), (Vec::new(), 200));
}

/// An order of this lane's for one unit of each of both products.
fn wish(lane: u8, number: u8) -> Submission {
    let order = OrderId::from_bytes([lane, number].repeat(8).try_into().expect("16 bytes"));
    let lines = lines(&[(1, 1), (2, 1)]);
    submission(Command::ReserveOrder { order, lines, ttl: None, strategy: None })
}

pub(crate) fn left_out(story: &str) {
    eprintln!("{story} is left out: there is no store to show it on");
}

/// Where databases can be made, if anywhere.
fn server() -> Option<String> {
    std::env::var("HOLDFAST_TEST_MYSQL").ok().filter(|url| !url.is_empty())
}

pub(crate) fn is_there() -> bool {
    server().is_some()
}

/// A store in a database of its own.
pub(crate) fn shared(clock: Arc<ManualClock>) -> (Box<dyn Store>, Arc<dyn StockQueries>) {
    let database = Database::make().expect("a server");
    migrate(&database.settings(), false).expect("a schema");
    let (store, queries) = open(&database.settings(), TimeSource::Clock(clock)).expect("an empty store");
    (Box::new(Shared { store, _database: database }), queries)
}

/// The store stands first, so that it is closed before its database goes.
struct Shared {
    store: MysqlStore,
    _database: Database,
}

impl Store for Shared {
    fn begin(&mut self) -> Result<Box<dyn StoreTransaction + '_>, StoreError> {
        self.store.begin()
    }

    fn outlives_unknown(&self) -> bool {
        self.store.outlives_unknown()
    }

    fn shares_rows(&self) -> bool {
        self.store.shares_rows()
    }

    fn rest(&mut self) -> Result<(), CommitError> {
        self.store.rest()
    }
}

/// A database that goes away with this value.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A new one, where there is a server.
    pub(crate) fn make() -> Option<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let name = format!("holdfast_test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name };
        database.on_server(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    pub(crate) fn settings(&self) -> MysqlSettings {
        MysqlSettings { url: format!("{}/{}", self.server, self.name), readers: 2, accepted_risks: Vec::new() }
    }

    /// A store in it that goes by its clock, and what asks it.
    pub(crate) fn opened(&self) -> (MysqlStore, Arc<dyn StockQueries>) {
        migrate(&self.settings(), false).expect("makes");
        open(&self.settings(), TimeSource::Database).expect("opens")
    }

    pub(crate) fn connect(&self) -> Conn {
        Conn::new(Opts::from_url(&self.settings().url).expect("an address")).expect("the server is there")
    }

    fn on_server(&self, sql: &str) {
        let mut connection = Conn::new(Opts::from_url(&self.server).expect("an address")).expect("the server is there");
        connection.query_drop(sql).expect("the server does it");
    }

    pub(crate) fn run(&self, sql: &str) {
        self.connect().query_drop(sql).expect("the database does it");
    }

    pub(crate) fn ask(&self, sql: &str) -> i64 {
        self.connect().query_first(sql).expect("the database answers").expect("a row")
    }

    pub(crate) fn empty(&self) {
        self.on_server(&format!("DROP DATABASE {}", self.name));
        self.on_server(&format!("CREATE DATABASE {}", self.name));
    }

    /// Ends all connections to the database but its own.
    fn cut_connections(&self) {
        let mut connection = self.connect();
        let others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
        let others: Vec<u64> = connection.query(others).expect("the database answers");
        for other in others {
            // One that has gone by itself is no matter.
            let _ = connection.query_drop(format!("KILL {other}"));
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.on_server(&format!("DROP DATABASE IF EXISTS {}", self.name));
    }
}
