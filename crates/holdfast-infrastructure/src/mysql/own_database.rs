//! A database that holds nothing yet, taken for a while: what is made in it goes away again, and nothing of anybody
//! else's is touched.

use mysql::Conn;
use mysql::prelude::Queryable as _;

use crate::mysql::connect::{Address, MysqlSettings, Purpose};
use crate::mysql::naive_orders::{self, NaiveOrders};
use crate::mysql::open::OpenError;
use crate::mysql::schema;

/// The table that says whose the database is: of two who come at once only one can make it.
const MARK: &str = "holdfast_bench";

/// A database that was empty, with the present schema.
pub struct OwnDatabase {
    address: Address,
    connection: Conn,
}

impl std::fmt::Debug for OwnDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnDatabase").finish_non_exhaustive()
    }
}

impl OwnDatabase {
    /// Takes a database and makes the tables of the present schema in it; `None` where it holds something, which stays
    /// as it is.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn take(settings: &MysqlSettings) -> Result<Option<Self>, OpenError> {
        let address = Address::parse(&settings.url).map_err(OpenError::Url)?;
        let mut connection = address.connect(Purpose::Filling)?;
        let held = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()";
        if connection.query_first::<i64, _>(held)? != Some(0) {
            return Ok(None);
        }
        connection.query_drop(format!("CREATE TABLE {MARK} (taken BIGINT NOT NULL PRIMARY KEY) ENGINE = InnoDB"))?;
        schema::upgrade(&mut connection)?;
        Ok(Some(Self { address, connection }))
    }

    /// Clients that write a transaction for each order, over `products` with `stock` units each: `clients` of them, or
    /// as many as the database takes connections, less a few that others need.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn naive(&mut self, products: &[[u8; 16]], stock: u32, clients: usize) -> Result<NaiveOrders, OpenError> {
        Ok(NaiveOrders::prepare(&self.address, &mut self.connection, products, stock, clients)?)
    }

    /// Removes what was made here.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; some of it is still there.
    pub fn clear(mut self) -> Result<(), OpenError> {
        let mut tables: Vec<&str> = schema::tables().into_iter().collect();
        tables.push("schema_versions");
        tables.extend(naive_orders::TABLES);
        tables.push(MARK);
        for table in tables {
            self.connection.query_drop(format!("DROP TABLE IF EXISTS {table}"))?;
        }
        Ok(())
    }
}
