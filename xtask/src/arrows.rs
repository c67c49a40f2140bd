//! Arrows between crates point inwards, and every source file says what it holds.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::shell::{cargo, read, root};

/// What each crate may see of the others.
const ARROWS: &[(&str, &[&str])] = &[
    ("holdfast-domain", &[]),
    ("holdfast-application", &["holdfast-domain"]),
    ("holdfast-infrastructure", &["holdfast-application", "holdfast-domain"]),
    ("holdfast-api", &["holdfast-application", "holdfast-domain"]),
    ("holdfast", &["holdfast-api", "holdfast-application", "holdfast-domain", "holdfast-infrastructure"]),
    ("xtask", &[]),
];

pub(crate) fn check() -> Result<()> {
    let metadata = read(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("what cargo tells of the workspace")?;
    let mut faults = Vec::new();
    for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
        let name = text(package, "name");
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            faults.push(format!("crate {name} has no place among the arrows of xtask/src/arrows.rs"));
            continue;
        };
        for dependency in package.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
            let (seen, kind) = (text(dependency, "name"), text(dependency, "kind"));
            let is_ours = ARROWS.iter().any(|(ours, _)| *ours == seen);
            if is_ours && kind != "dev" && !allowed.contains(&seen) {
                faults.push(format!("{name} must not see {seen}"));
            }
            if name == "holdfast-domain" && kind != "dev" {
                faults.push(format!("holdfast-domain must see nobody, but sees {seen}"));
            }
        }
    }
    for folder in ["crates", "xtask"] {
        first_sentences(&root().join(folder), &mut faults)?;
    }
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or("")
}

/// Every source file opens with a sentence about what it holds.
fn first_sentences(folder: &Path, faults: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            first_sentences(&path, faults)?;
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !std::fs::read_to_string(&path)?.starts_with("//! ")
        {
            faults.push(format!("{} does not open with a sentence about what it holds", path.display()));
        }
    }
    Ok(())
}
