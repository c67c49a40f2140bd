//! `openapi.json`, as the program tells it.

use anyhow::{Context as _, Result};

use crate::shell::{cargo, read, root};

pub(crate) fn write() -> Result<()> {
    let document = read(&mut cargo(&["run", "--quiet", "--package", "holdfast", "--", "openapi"]))?;
    std::fs::write(root().join("openapi.json"), document).context("openapi.json cannot be written")
}
