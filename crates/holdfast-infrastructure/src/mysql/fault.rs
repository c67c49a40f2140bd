//! What an error of the database means (PROTOCOL, section 3.5).

use holdfast_application::ports::{Collision, CommitError, StoreError};
use mysql::Error;

/// What an error number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Another writer got in between; nothing was done once the transaction is rolled back.
    Contention(Collision),
    /// This database takes no writes at present; nothing was done.
    Unavailable,
    /// A limit, a check or a statement was broken: it is our bug.
    Broken,
    /// At COMMIT: it may have happened or not.
    Unknown,
}

/// What an error number means before COMMIT was sent.
const fn before_commit(code: u16) -> Class {
    match code {
        1213 => Class::Contention(Collision::Deadlock),
        // Only the statement was undone: the transaction is rolled back by us.
        1205 => Class::Contention(Collision::LockWait),
        1062 | 1586 => Class::Contention(Collision::Key),
        // A row changed since it was read; NOWAIT; write conflicts of TiDB.
        1020 | 3572 | 9007 | 8002 | 8022 | 8028 => Class::Contention(Collision::Conflict),
        // Too many connections, no rights, shutting down, disk or table full, network, read-only, not primary, replaced
        // session, killed or too slow a statement, TiDB's servers out of reach; a table that is not there yet while a
        // backup is put back; out of memory, of room for locks or statements; what proxies say when the server behind
        // them is gone; tables or transactions that are read-only, as on a server that has become a replica.
        1021
        | 1026
        | 1030
        | 1036
        | 1037
        | 1038
        | 1040
        | 1041
        | 1044
        | 1045
        | 1047
        | 1053
        | 1114
        | 1129
        | 1130
        | 1142
        | 1143
        | 1146
        | 1158..=1161
        | 1180
        | 1203
        | 1206
        | 1226
        | 1290
        | 1317
        | 1461
        | 1792
        | 1836
        | 1874
        | 1927
        | 1969
        | 2000..=2027
        | 3024
        | 4031
        | 9001..=9005 => Class::Unavailable,
        _ => Class::Broken,
    }
}

/// What an error number means as the answer to COMMIT.
const fn at_commit(code: u16) -> Class {
    match code {
        1213 => Class::Contention(Collision::Deadlock),
        1020 | 9007 | 8002 | 8022 | 8028 => Class::Contention(Collision::Conflict),
        // 4031: the session was ended, and its transaction undone, before COMMIT came.
        1047 | 1290 | 1836 | 4031 => Class::Unavailable,
        _ => Class::Unknown,
    }
}

/// What an error before COMMIT means: nothing was done.
pub(crate) fn fault(error: Error) -> StoreError {
    let class = match &error {
        Error::MySqlError(told) => before_commit(told.code),
        error if is_too_large(error) => Class::Broken,
        Error::IoError(_) | Error::CodecError(_) | Error::DriverError(_) | Error::TlsError(_) => Class::Unavailable,
        Error::UrlError(_) | Error::FromValueError(_) | Error::FromRowError(_) => Class::Broken,
    };
    as_fault(class, error)
}

/// Whether something does not fit into one packet, as it will not the next time. The driver tells that in words alone.
fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::CodecError(told) if told.to_string().contains("larger than max_allowed_packet"))
}

/// What an error as the answer to COMMIT means.
pub(crate) fn commit_fault(error: Error) -> CommitError {
    let class = match &error {
        Error::MySqlError(told) => at_commit(told.code),
        _ => Class::Unknown,
    };
    match class {
        Class::Unknown => CommitError::Unknown(Box::new(error)),
        known => CommitError::NotApplied(as_fault(known, error)),
    }
}

fn as_fault(class: Class, error: Error) -> StoreError {
    match class {
        Class::Contention(collision) => StoreError::Contention(collision, Box::new(error)),
        Class::Unavailable => StoreError::Unavailable(Box::new(error)),
        Class::Broken | Class::Unknown => StoreError::Broken(Box::new(error)),
    }
}

/// Whether the database may be there again later: it does not answer, takes nobody more, or is shutting down.
pub(crate) fn is_away(error: &Error) -> bool {
    match error {
        Error::MySqlError(told) => matches!(told.code, 1040 | 1047 | 1053 | 1203),
        Error::IoError(_) | Error::CodecError(_) | Error::DriverError(_) => true,
        // A certificate that is not trusted will not be later.
        Error::TlsError(_) | Error::UrlError(_) | Error::FromValueError(_) | Error::FromRowError(_) => false,
    }
}

/// Whether a row met another one with its key.
pub(crate) const fn is_key_there(error: &Error) -> bool {
    matches!(error, Error::MySqlError(told) if matches!(told.code, 1062 | 1586))
}

/// Whether the connection is of no use any more.
pub(crate) fn ends_connection(error: &Error) -> bool {
    match error {
        // Whoever is read-only or not primary is left, too: the address may lead to another one by now.
        Error::MySqlError(told) => matches!(told.code, 1036 | 1047 | 1053 | 1290 | 1792 | 1836 | 1874 | 1927 | 4031),
        Error::IoError(_) | Error::CodecError(_) | Error::DriverError(_) | Error::TlsError(_) => true,
        Error::UrlError(_) | Error::FromValueError(_) | Error::FromRowError(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: u16) -> Error {
        Error::MySqlError(mysql::error::MySqlError {
            state: "HY000".to_owned(),
            message: "told by a test".to_owned(),
            code,
        })
    }

    fn cut() -> Error {
        Error::IoError(std::io::ErrorKind::ConnectionReset.into())
    }

    #[test]
    fn who_met_another_writer_tries_again() {
        for (code, expected) in [
            (1213, Collision::Deadlock),
            (1205, Collision::LockWait),
            (1062, Collision::Key),
            (1020, Collision::Conflict),
            (3572, Collision::Conflict),
            (9007, Collision::Conflict),
            (8002, Collision::Conflict),
            (8022, Collision::Conflict),
            (8028, Collision::Conflict),
        ] {
            let fault = fault(told(code));
            assert!(matches!(fault, StoreError::Contention(met, _) if met == expected), "{code}: {fault:?}");
        }
    }

    #[test]
    fn a_database_that_takes_no_writes_is_unavailable() {
        for code in [1036, 1047, 1290, 1792, 1836, 1874, 1040, 1053, 1030, 1142, 1146, 2006, 2013] {
            assert!(matches!(fault(told(code)), StoreError::Unavailable(_)), "{code}");
        }
        assert!(matches!(fault(cut()), StoreError::Unavailable(_)));
    }

    #[test]
    fn a_broken_check_is_our_bug() {
        for code in [3819, 4025, 1264, 1064] {
            assert!(matches!(fault(told(code)), StoreError::Broken(_)), "{code}");
        }
    }

    #[test]
    fn nobody_knows_what_became_of_a_commit_without_its_answer() {
        assert!(matches!(commit_fault(cut()), CommitError::Unknown(_)));
        for code in [1180, 3101, 1053, 1105, 1317] {
            assert!(matches!(commit_fault(told(code)), CommitError::Unknown(_)), "{code}");
        }
    }

    #[test]
    fn a_commit_that_was_turned_down_was_not_applied() {
        let turned_down = |code| match commit_fault(told(code)) {
            CommitError::NotApplied(fault) => fault,
            CommitError::Unknown(_) => panic!("{code} is certain"),
        };
        for code in [1213, 1020, 9007, 8002, 8022, 8028] {
            assert!(matches!(turned_down(code), StoreError::Contention(..)), "{code}");
        }
        for code in [1047, 1290, 1836, 4031] {
            assert!(matches!(turned_down(code), StoreError::Unavailable(_)), "{code}");
        }
    }

    #[test]
    fn a_connection_is_left_when_it_or_its_database_is_of_no_use() {
        assert!(ends_connection(&cut()));
        assert!(ends_connection(&told(1290)));
        assert!(!ends_connection(&told(1213)));
    }
}
