//! The signals that end a service, where the first asks it to leave and the second does not wait; and one that must
//! not.

use std::sync::mpsc;

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Failure;

/// A write beyond the size that files may have; the number is the same on Linux, but for MIPS, and on macOS.
const SIGXFSZ: i32 = 25;

/// Lets such a write fail instead of ending the process: a store that has no room refuses writes and goes on reading.
pub(crate) fn outlive_file_limits() -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::failed("signals cannot be heard", &error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let _inside = runtime.enter();
    // It is caught for good, whether somebody listens or not.
    signal(SignalKind::from_raw(SIGXFSZ)).map_err(cannot).map(drop)
}

/// Hears SIGTERM and SIGINT from now on. The receiver hears the first; a second one ends the process at once.
pub(crate) fn listen() -> Result<mpsc::Receiver<()>, Failure> {
    let cannot = |error: std::io::Error| Failure::failed("signals cannot be heard", &error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let (mut terminate, mut interrupt) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate()).map_err(cannot)?, signal(SignalKind::interrupt()).map_err(cannot)?)
    };
    let (tell, told) = mpsc::channel();
    let hear = move || {
        let mut next = || {
            runtime.block_on(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            });
        };
        next();
        // A service that ends by itself does not listen any more.
        let _ = tell.send(());
        next();
        tracing::warn!("told to stop twice: ending at once");
        std::process::exit(1);
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(hear).map_err(cannot)?;
    Ok(told)
}
