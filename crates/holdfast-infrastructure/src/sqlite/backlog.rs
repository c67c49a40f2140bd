//! A backlog of due orders costs whoever is short little, however long it is.

use std::sync::{Arc, RwLock};

use holdfast_application::ports::StoreError;
use holdfast_application::queries::UnfitRow;
use holdfast_domain::{LocationNumber, Order, OrderId, ProductId, Timestamp};

use super::order_runs::OrderRuns;
use super::schema;
use super::session::SqliteSession;
use crate::sql::dialect::Dialect;
use crate::sql::due_holders::SharedHolders;
use crate::sql::due_orders::{Asker, holds_as_remembered};
use crate::sql::order_index::{OrderIndex, OrderRow, OrderStretch};
use crate::sql::session::{GuardedChange, RowFinder, RowGuard, RowRemover, RowVisitor, RowWriter, SqlSession, Value};

/// A session that counts the rows it hands over.
struct Counting {
    session: SqliteSession,
    rows: usize,
}

impl SqlSession for Counting {
    fn dialect(&self) -> &'static Dialect {
        self.session.dialect()
    }

    fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.session.execute(sql, values)
    }

    fn query(&mut self, sql: &str, values: &[Value<'_>], visit: RowVisitor<'_>) -> Result<(), StoreError> {
        let rows = &mut self.rows;
        self.session.query(sql, values, &mut |row| {
            *rows = rows.saturating_add(1);
            visit(row)
        })
    }

    fn write_rows(
        &mut self,
        writer: &'static RowWriter,
        rows: &mut dyn Iterator<Item = Vec<Value<'_>>>,
    ) -> Result<(), StoreError> {
        self.session.write_rows(writer, rows)
    }

    fn find_rows(
        &mut self,
        finder: &RowFinder,
        keys: &[Vec<Value<'_>>],
        visit: RowVisitor<'_>,
    ) -> Result<(), StoreError> {
        let rows = &mut self.rows;
        self.session.find_rows(finder, keys, &mut |row| {
            *rows = rows.saturating_add(1);
            visit(row)
        })
    }

    fn unfit_of_its_own(&mut self) -> Result<Vec<UnfitRow>, StoreError> {
        self.session.unfit_of_its_own()
    }

    fn damage(&mut self) -> Result<Vec<UnfitRow>, StoreError> {
        self.session.damage()
    }

    fn remove_rows(&mut self, remover: &RowRemover, keys: &[Vec<Value<'_>>]) -> Result<(), StoreError> {
        self.session.remove_rows(remover, keys)
    }

    fn change_rows(&mut self, guard: &'static RowGuard, changes: &[GuardedChange<'_>]) -> Result<(), StoreError> {
        self.session.change_rows(guard, changes)
    }
}

impl OrderIndex for Counting {
    fn find_orders(&mut self, ids: &[OrderId]) -> Result<Vec<OrderRow>, StoreError> {
        self.session.find_orders(ids)
    }

    fn list_orders(&mut self, stretch: OrderStretch<'_>) -> Result<Vec<Order>, StoreError> {
        self.session.list_orders(stretch)
    }
}

/// The time at which so many orders are due that hold a unit of item 1, each a microsecond behind the one before; the
/// last of them holds one of item 2.
fn backlog(orders: i64) -> (Counting, Timestamp) {
    let connection = rusqlite::Connection::open_in_memory().expect("memory");
    schema::upgrade(&connection).expect("a schema");
    let sql = format!(
        "INSERT INTO items VALUES (1, zeroblob(16), 'A', 'A', 0, 0, 0), (2, x'{:032x}', 'B', 'B', 0, 0, 0);
         WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {orders})
         INSERT INTO orders SELECT n, CAST(printf('%016d', n) AS BLOB), 0, 1, 1, 0, 0, n, 1, NULL, NULL, x'', 0 FROM n;
         INSERT INTO reservations
         SELECT number << 20 | 1, 1 + (number = {orders}), 1, 1, 1, 1, 0, NULL, NULL, NULL FROM orders;",
        2
    );
    connection.execute_batch(&sql).expect("rows");
    let session = SqliteSession::new(connection, Arc::new(RwLock::new(OrderRuns::default())));
    (Counting { session, rows: 0 }, Timestamp::from_micros(orders))
}

const LAST: [(ProductId, Option<LocationNumber>); 1] = [(ProductId::from_bytes(2_u128.to_be_bytes()), None)];

/// Asks until there is an answer: how many holds, and how often it was asked.
fn ask(session: &mut Counting, shared: &SharedHolders, asker: Asker, now: Timestamp) -> (usize, usize) {
    for asked in 1..100 {
        let found = holds_as_remembered(session, shared, asker, &LAST, now, 9).expect("reads");
        if let Some(holds) = found {
            return (holds.len(), asked);
        }
    }
    panic!("there is no answer");
}

#[test]
fn a_quote_that_is_short_looks_at_each_due_order_once() {
    let (mut session, now) = backlog(25_000);
    let shared = SharedHolders::default();
    assert_eq!(ask(&mut session, &shared, Asker::Reader, now), (1, 3), "in steps, so that the writer gets in between");
    session.rows = 0;
    assert_eq!(ask(&mut session, &shared, Asker::Reader, now), (1, 1));
    assert!(session.rows < 10, "{} rows were read", session.rows);
    session.rows = 0;
    assert_eq!(ask(&mut session, &shared, Asker::Writer, now), (1, 1), "the writer has it from the readers");
    assert!(session.rows < 10, "{} rows were read", session.rows);
}

#[test]
fn more_due_orders_than_are_remembered_cost_a_bounded_walk_each_time() {
    for (orders, found) in [(2_000, 1), (30_000, 0)] {
        let (mut session, now) = backlog(orders);
        let shared = SharedHolders::with_room_for(1_000);
        for asker in [Asker::Writer, Asker::Reader] {
            ask(&mut session, &shared, asker, now);
            session.rows = 0;
            assert_eq!(ask(&mut session, &shared, asker, now), (found, 1), "{orders} orders");
            assert!(session.rows < 10_010, "{} rows were read", session.rows);
        }
        // Whatever ends makes room.
        session.execute("UPDATE orders SET status = 5 WHERE number < ?", &[Value::Int(orders - 10)]).expect("ended");
        assert_eq!(ask(&mut session, &shared, Asker::Reader, now), (1, 1));
        session.rows = 0;
        assert_eq!(ask(&mut session, &shared, Asker::Writer, now), (1, 1));
        assert!(session.rows < 10, "{} rows were read", session.rows);
    }
}

#[test]
fn a_reader_does_not_pass_over_what_is_being_saved() {
    let (mut session, now) = backlog(10);
    let shared = SharedHolders::default();
    let mut saved = Order::new(
        OrderId::from_bytes([9; 16]),
        holdfast_domain::OrderNumber(11),
        Timestamp::EPOCH,
        holdfast_domain::OrderStatus::Reserved,
    );
    saved.expires_at = Some(Timestamp::from_micros(5));
    shared.lock().saved(&saved);
    // What is sure is remembered, the rest is looked for.
    assert_eq!(ask(&mut session, &shared, Asker::Reader, now), (1, 1));
    assert_eq!(shared.lock().seen_until, 4);
    shared.lock().settled();
    assert_eq!(ask(&mut session, &shared, Asker::Reader, now), (1, 1));
    assert_eq!(shared.lock().seen_until, 10);
}
