//! Links in the documents lead somewhere.

use anyhow::{Result, bail};

use crate::shell::{program, read, root};

pub(crate) fn check() -> Result<()> {
    let listed = read(&mut program("git", &["ls-files", "--cached", "--others", "--exclude-standard", "*.md"]))?;
    let mut faults = Vec::new();
    for document in listed.lines().filter(|document| !document.starts_with("testdata/")) {
        let path = root().join(document);
        let Ok(words) = std::fs::read_to_string(&path) else { continue };
        for target in targets(&words) {
            let file = target.split('#').next().unwrap_or("");
            let is_elsewhere = target.contains("://") || target.starts_with("mailto:");
            if is_elsewhere || file.is_empty() {
                continue;
            }
            let folder = path.parent().unwrap_or(&path);
            if !folder.join(file).exists() {
                faults.push(format!("{document}: the link to {target} leads nowhere"));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

/// What stands in the round brackets of `[words](target)`.
fn targets(words: &str) -> impl Iterator<Item = &str> {
    words.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}
