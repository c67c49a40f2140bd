//! What the service is compared with: a transaction for each order, as shops write it. Each client has a connection of
//! its own and prepared statements; the rows are as narrow as the service's, and READ COMMITTED locks no gaps.

use std::fmt::Write as _;

use mysql::prelude::Queryable as _;
use mysql::{Conn, TxOpts};

use crate::mysql::connect::{Address, Purpose};

/// The tables, which belong to nobody else.
pub(super) const TABLES: [&str; 4] = ["naive_levels", "naive_movements", "naive_orders", "naive_reservations"];

const SCHEMA: [&str; 4] = [
    "CREATE TABLE naive_levels (
        product   BINARY(16) NOT NULL PRIMARY KEY,
        available BIGINT NOT NULL CHECK (available >= 0),
        reserved  BIGINT NOT NULL CHECK (reserved >= 0)
    ) ENGINE = InnoDB",
    "CREATE TABLE naive_movements (
        id         BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        product    BINARY(16) NOT NULL,
        order_id   BINARY(16) NOT NULL,
        quantity   BIGINT NOT NULL,
        available  BIGINT NOT NULL,
        reserved   BIGINT NOT NULL,
        created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
        KEY naive_movements_of_product (product, id)
    ) ENGINE = InnoDB",
    "CREATE TABLE naive_orders (
        id         BINARY(16) NOT NULL PRIMARY KEY,
        status     TINYINT NOT NULL,
        created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
    ) ENGINE = InnoDB",
    "CREATE TABLE naive_reservations (
        order_id BINARY(16) NOT NULL,
        product  BINARY(16) NOT NULL,
        quantity BIGINT NOT NULL,
        status   TINYINT NOT NULL,
        PRIMARY KEY (order_id, product)
    ) ENGINE = InnoDB",
];

/// Connections that are left to others.
const LEFT_TO_OTHERS: usize = 24;
/// Products made by one statement.
const PRODUCTS_AT_ONCE: usize = 1_000;
/// How long such a client waits for a row, in seconds: what these databases do by themselves.
const LOCK_WAIT_SECONDS: u32 = 50;

/// The clients, connected, and their tables.
pub struct NaiveOrders {
    /// One for each connection.
    pub clients: Vec<NaiveClient>,
}

impl std::fmt::Debug for NaiveOrders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NaiveOrders").field("clients", &self.clients.len()).finish()
    }
}

impl NaiveOrders {
    pub(super) fn prepare(
        address: &Address,
        connection: &mut Conn,
        products: &[[u8; 16]],
        stock: u32,
        clients: usize,
    ) -> mysql::Result<Self> {
        for statement in SCHEMA {
            connection.query_drop(statement)?;
        }
        for some in products.chunks(PRODUCTS_AT_ONCE) {
            connection.query_drop(levels(some, stock))?;
        }
        let taken = connection.query_first::<usize, _>("SELECT @@max_connections")?.unwrap_or_default();
        let clients = clients.min(taken.saturating_sub(LEFT_TO_OTHERS)).max(1);
        let clients = (0..clients).map(|_| NaiveClient::connect(address)).collect::<mysql::Result<Vec<_>>>()?;
        Ok(Self { clients })
    }

    /// What the tables say: units reserved, by the levels, by the reservations and by the movements. All three are the
    /// same where nothing was lost.
    ///
    /// # Errors
    ///
    /// The database's.
    pub fn reserved(&mut self) -> Result<[u64; 3], mysql::Error> {
        let Some(client) = self.clients.first_mut() else { return Ok([0; 3]) };
        let mut sum = |column: &str, table: &str| {
            let asked = format!("SELECT CAST(COALESCE(SUM({column}), 0) AS UNSIGNED) FROM {table}");
            client.0.query_first::<u64, _>(asked).map(Option::unwrap_or_default)
        };
        Ok([
            sum("reserved", "naive_levels")?,
            sum("quantity", "naive_reservations")?,
            sum("quantity", "naive_movements")?,
        ])
    }
}

/// One client and its connection.
pub struct NaiveClient(Conn);

impl std::fmt::Debug for NaiveClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NaiveClient").finish_non_exhaustive()
    }
}

impl NaiveClient {
    fn connect(address: &Address) -> mysql::Result<Self> {
        let mut connection = address.connect(Purpose::Filling)?;
        connection.query_drop(format!("SET SESSION innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}"))?;
        Ok(Self(connection))
    }

    /// Writes an order of some units of each product, in one transaction; whether there was enough. The products are
    /// locked in the order they are given in, which is the caller's to keep the same for all.
    ///
    /// # Errors
    ///
    /// The database's; nothing was written, unless it was the commit that failed.
    pub fn order(&mut self, order: [u8; 16], lines: &[([u8; 16], u32)]) -> Result<bool, mysql::Error> {
        let mut transaction = self.0.start_transaction(TxOpts::default())?;
        let mut levels = Vec::with_capacity(lines.len());
        for (product, quantity) in lines {
            let units = i64::from(*quantity);
            let level = "SELECT available, reserved FROM naive_levels WHERE product = ? FOR UPDATE";
            match transaction.exec_first::<(i64, i64), _, _>(level, (product,))? {
                Some((available, reserved)) if available >= units => {
                    levels.push((product, units, available.saturating_sub(units), reserved.saturating_add(units)));
                }
                _ => {
                    transaction.rollback()?;
                    return Ok(false);
                }
            }
        }
        for (product, units, available, reserved) in levels {
            let level = "UPDATE naive_levels SET available = ?, reserved = ? WHERE product = ?";
            transaction.exec_drop(level, (available, reserved, product))?;
            let movement = "INSERT INTO naive_movements (product, order_id, quantity, available, reserved) \
                            VALUES (?, ?, ?, ?, ?)";
            transaction.exec_drop(movement, (product, order, units, available, reserved))?;
            let reservation =
                "INSERT INTO naive_reservations (order_id, product, quantity, status) VALUES (?, ?, ?, 1)";
            transaction.exec_drop(reservation, (order, product, units))?;
        }
        transaction.exec_drop("INSERT INTO naive_orders (id, status) VALUES (?, 1)", (order,))?;
        transaction.commit()?;
        Ok(true)
    }
}

/// The statement that makes products with `stock` units each.
fn levels(products: &[[u8; 16]], stock: u32) -> String {
    let mut statement = String::from("INSERT INTO naive_levels (product, available, reserved) VALUES ");
    for (place, product) in products.iter().enumerate() {
        let id = u128::from_be_bytes(*product);
        let comma = if place == 0 { "" } else { ", " };
        // A string takes whatever is written to it.
        let _ = write!(statement, "{comma}(x'{id:032x}', {stock}, 0)");
    }
    statement
}
