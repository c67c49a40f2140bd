//! Why a store cannot be opened.

use std::path::PathBuf;

use rusqlite::ffi;

use crate::sqlite::no_room::is_no_room;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it cannot be used.
    #[error("{path} cannot be used")]
    Folder {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process writes there.
    #[error("another process writes to {0}: one writer at a time")]
    InUse(PathBuf),
    /// The folder lies on a file system over a network.
    #[error("{folder} lies on {kind}: a file system over a network loses what it acknowledged; use a local disk")]
    Networked {
        /// The folder.
        folder: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// There is no store in the folder.
    #[error("there is no store in {0}")]
    Missing(PathBuf),
    /// The file was written by a newer program.
    #[error("the store has schema {found}, this program knows {known}: use a newer holdfast")]
    Newer {
        /// The file's schema.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The file was written by an older program and can only be read after an upgrade.
    #[error("the store has schema {found}, this program needs {known}: run `holdfast migrate`")]
    Older {
        /// The file's schema.
        found: i64,
        /// The one this program needs.
        known: i64,
    },
    /// The file is somebody else's.
    #[error("holdfast.db is a database of another program: it has tables, but not `books`; use another folder")]
    Foreign,
    /// What the file says does not fit together.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// There is no room for what an open store needs beside its file.
    #[error("there is no room on the disk to open the store")]
    NoRoom(#[source] rusqlite::Error),
    /// SQLite failed.
    #[error("the store cannot be opened")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        // The index of the log, some 32 KiB, is a file that is made at every start.
        let has_no_index = error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE);
        if has_no_index || is_no_room(&error) { Self::NoRoom(error) } else { Self::Sqlite(error) }
    }
}
