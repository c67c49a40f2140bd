//! Signals to the processes of stories.

use std::process::{Child, Command};

/// Sends a signal, such as `-STOP`.
pub(crate) fn signal(process: &Child, signal: &str) {
    let kill = Command::new("kill").args([signal, &process.id().to_string()]).status();
    assert!(kill.expect("kill runs").success());
}
