//! Folders of stores.

use std::path::Path;

/// Copies a folder with all files in it; a server's socket is none.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a new folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else if path.is_file() {
            std::fs::copy(path, copy).expect("copied");
        }
    }
}
