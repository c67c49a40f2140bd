//! Which file system a folder lies on: one over a network loses what it acknowledged.

use std::path::Path;

/// File systems over a network, as `/proc/mounts` names them.
const NETWORKED: &[&str] =
    &["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs", "afs"];

/// The networked file system that `folder` lies on, if it lies on one and the system tells.
pub(crate) fn networked(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    kind_of(&mounts, &folder).filter(|kind| NETWORKED.contains(&kind.as_str()))
}

/// The kind of the mount that `folder` lies on: the longest mount point that leads to it, the last one mounted there.
fn kind_of(mounts: &str, folder: &Path) -> Option<String> {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (words.next(), words.next()) else { continue };
        let point = point.replace("\\040", " ");
        if folder.starts_with(&point) && found.is_none_or(|(length, _)| point.len() >= length) {
            found = Some((point.len(), kind));
        }
    }
    found.map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_point_counts() {
        let mounts = "/dev/sda / ext4 rw 0 0\nhost:/x /srv/net\\040work nfs4 rw 0 0\ntmpfs /srv tmpfs rw 0 0\n";
        let kind = |folder: &str| kind_of(mounts, Path::new(folder));
        assert_eq!(kind("/srv/net work/data").as_deref(), Some("nfs4"));
        assert_eq!(kind("/srv/data").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/srvdata").as_deref(), Some("ext4"));
    }
}
