//! The quick part of the checks: how the code looks and hangs together.

use anyhow::Result;

use crate::shell::{self, cargo};
use crate::{arrows, links};

/// Format, lints and documentation, with warnings as errors.
pub(crate) fn lint() -> Result<()> {
    shell::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    shell::run(&mut cargo(&[
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "--deny",
        "warnings",
    ]))?;
    let mut doc = cargo(&["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]);
    shell::run(doc.env("RUSTDOCFLAGS", "--deny warnings --allow rustdoc::private_intra_doc_links"))
}

pub(crate) fn run() -> Result<()> {
    arrows::check()?;
    links::check()?;
    lint()
}
