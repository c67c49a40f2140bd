//! A disk that is as small as a story wants it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::argument;
use crate::test_data::checks_every_change;

/// A file system in memory, mounted below a folder; it goes away with this value.
pub(crate) struct SmallDisk {
    /// Where it is mounted.
    pub(crate) folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one of `mib` MiB. Nothing, and a word on the screen, where that is not allowed; on a machine that checks
    /// every change that is a failure.
    pub(crate) fn mount(below: &Path, mib: u32) -> Option<Self> {
        let folder = below.join("small");
        std::fs::create_dir(&folder).expect("a folder");
        let size = format!("size={mib}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs", argument(&folder)]).output();
        let why = match mounted {
            Ok(said) if said.status.success() => return Some(Self { folder }),
            Ok(said) => String::from_utf8_lossy(&said.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        assert!(!checks_every_change(), "a small disk cannot be mounted: {why}");
        eprintln!("LEFT OUT: the story of the full disk, for a small disk cannot be mounted (root may): {why}");
        None
    }

    /// Makes it larger, or smaller if that leaves room for what is there.
    pub(crate) fn resize(&self, mib: u32) {
        let size = format!("remount,size={mib}m");
        let resized = Command::new("mount").args(["-o", &size, argument(&self.folder)]).status();
        assert!(resized.expect("mount runs").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, for a story that broke off may have left a service there that is just ending.
        let _ = Command::new("umount").args(["-l", argument(&self.folder)]).status();
    }
}
