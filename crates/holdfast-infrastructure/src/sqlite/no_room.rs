//! Whether a write failed because there is no room for it, whichever way the system says so.
//!
//! SQLite has a code of its own for a full disk only. A quota that is used up, and a file that may not grow any more,
//! it reports as any other failed write; the system's error behind it tells them apart.

use std::io::{self, ErrorKind};

use rusqlite::{ErrorCode, ffi};

/// Whether what has failed just now, on this thread, failed for want of room.
///
/// Of a COMMIT this means that it did not happen: the frame that makes a commit is the last one written to the log, the
/// log is synced after it, and nothing is written behind it, for this VFS promises that an overwrite is safe in a power
/// cut (`walFrames` in SQLite's `wal.c`; PROTOCOL, section 3.3). A sync that fails has another code, and so has a
/// failed write of any other cause another system error: of those nobody knows.
pub(crate) fn is_no_room(error: &rusqlite::Error) -> bool {
    if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
        return true;
    }
    let is_write = error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_WRITE);
    // What failed last was that write: taking a transaction back writes nothing to the log. Were it something else,
    // this would not be one of the kinds below.
    is_write && is_room(io::Error::last_os_error().kind())
}

const fn is_room(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_room_is_told_from_a_disk_that_fails() {
        // ENOSPC, EDQUOT and EFBIG, as Linux numbers them; then EIO and EROFS.
        let kind = |number| io::Error::from_raw_os_error(number).kind();
        for number in if cfg!(target_os = "linux") { [28, 122, 27] } else { [28, 69, 27] } {
            assert!(is_room(kind(number)), "{number}");
        }
        for number in [5, 30] {
            assert!(!is_room(kind(number)), "{number}");
        }
    }
}
