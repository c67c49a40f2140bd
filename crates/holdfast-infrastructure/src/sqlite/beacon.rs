//! The beacon: which batch was acknowledged last, beside the file it went into.
//!
//! SQLite cannot tell a log that lost its end from one that never had it (PROTOCOL, E14). The beacon can: it is written
//! after each commit, before anybody hears of it, and not synced, so it costs next to nothing. After a power cut it may
//! be older than the file, never newer; a file that is older than its beacon has lost what was acknowledged.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Its file in the store's folder.
pub(crate) const FILE: &str = "holdfast.beacon";
/// Bytes of a slot: the number of the batch and its check.
const SLOT: u64 = 16;

/// The beacon of a store.
#[derive(Debug)]
pub(crate) struct Beacon(File);

impl Beacon {
    /// Opens the beacon in `folder`, or makes a new one.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map(Self)
    }

    /// Opens the beacon in `folder` for reading; `None` when there is none.
    pub(crate) fn look(folder: &Path) -> io::Result<Option<Self>> {
        match File::open(folder.join(FILE)) {
            Ok(file) => Ok(Some(Self(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The last batch it tells of; 0 when it tells of none.
    pub(crate) fn batch(&self) -> io::Result<u64> {
        let mut last = 0;
        for slot in [0, SLOT] {
            let mut bytes = [0; 16];
            match self.0.read_exact_at(&mut bytes, slot) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                read => read?,
            }
            let number = u128::from_be_bytes(bytes);
            let (batch, told) = (number >> 64, number & u128::from(u64::MAX));
            let batch = u64::try_from(batch).unwrap_or(0);
            if told == u128::from(check(batch)) {
                last = last.max(batch);
            }
        }
        Ok(last)
    }

    /// Tells of `batch`. Two slots take turns, so one is whole whatever happens to the other.
    pub(crate) fn light(&self, batch: u64) -> io::Result<()> {
        let bytes = ((u128::from(batch) << 64) | u128::from(check(batch))).to_be_bytes();
        self.0.write_all_at(&bytes, if batch & 1 == 0 { 0 } else { SLOT })
    }
}

/// What a torn slot does not show by accident; never 0, so that an empty slot tells of nothing.
fn check(batch: u64) -> u64 {
    batch.rotate_left(17).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x484F_4C44_4641_5354
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_of_the_last_batch_even_with_one_slot_torn() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let beacon = Beacon::open(folder.path()).expect("a new beacon");
        assert_eq!(beacon.batch().expect("reads"), 0);
        for batch in [1, 2, 3, 4] {
            beacon.light(batch).expect("writes");
            assert_eq!(beacon.batch().expect("reads"), batch);
        }
        beacon.0.write_all_at(b"torn", 4).expect("writes");
        assert_eq!(Beacon::open(folder.path()).expect("the same").batch().expect("reads"), 3);
    }
}
