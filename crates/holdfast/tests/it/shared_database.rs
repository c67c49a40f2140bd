//! A database of one story's own on the server that `HOLDFAST_TEST_MYSQL` names; `cargo xtask services up` starts one.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use mysql::prelude::Queryable as _;
use mysql::{Conn, Opts};

/// A database that goes away with this value.
pub(crate) struct SharedDatabase {
    server: String,
    name: String,
}

impl SharedDatabase {
    /// Whether there is a server; where there is none, the story says that it is left out.
    pub(crate) fn is_there() -> bool {
        let is_there = server().is_some();
        if !is_there {
            eprintln!("left out: there is no shared store to show it on");
        }
        is_there
    }

    /// An empty database.
    pub(crate) fn empty() -> Self {
        Self::empty_at(&server().expect("a server"))
    }

    fn empty_at(server: &str) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("holdfast_story_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let database = Self { server: server.to_owned(), name };
        tell(&database.server, &format!("CREATE DATABASE {}", database.name));
        database
    }

    /// A database with the present schema.
    pub(crate) fn migrated() -> Self {
        Self::migrated_at(&server().expect("a server"))
    }

    /// The same on another server.
    pub(crate) fn migrated_at(server: &str) -> Self {
        let database = Self::empty_at(server);
        let binary = env!("CARGO_BIN_EXE_holdfast");
        let done = Command::new(binary).args(["migrate", "--database-url", &database.url()]).output().expect("it runs");
        assert!(done.status.success(), "{done:?}");
        database
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// Changes it as nobody should.
    pub(crate) fn change(&self, sql: &str) {
        tell(&self.url(), sql);
    }

    /// Ends the connections of everybody else.
    pub(crate) fn cut_connections(&self) {
        let mut connection = Conn::new(Opts::from_url(&self.url()).expect("an address")).expect("the server is there");
        let others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()";
        let others: Vec<u64> = connection.query(others).expect("the database answers");
        for other in others {
            // One that has gone by itself is no matter.
            let _ = connection.query_drop(format!("KILL {other}"));
        }
    }
}

impl Drop for SharedDatabase {
    fn drop(&mut self) {
        // A server that a story has ended takes its databases with it.
        let gone = Opts::from_url(&self.server).map_err(mysql::Error::from).and_then(Conn::new);
        let _ = gone.and_then(|mut server| server.query_drop(format!("DROP DATABASE IF EXISTS {}", self.name)));
    }
}

fn tell(url: &str, sql: &str) {
    let mut connection = Conn::new(Opts::from_url(url).expect("an address")).expect("the server is there");
    connection.query_drop(sql).expect("the server does it");
}

fn server() -> Option<String> {
    std::env::var("HOLDFAST_TEST_MYSQL").ok().filter(|url| !url.is_empty())
}
