//! The signals that end a long command: the first after what is under way, a second at once.

use anyhow::Context;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// As shells tell of a command that SIGINT ended.
const INTERRUPTED: i32 = 130;

/// Listens for SIGINT and SIGTERM on a thread of its own. What it gives is true after the first, which is
/// answered with a line of `what` happens then; a second ends the process.
pub(super) fn listen(what: &'static str) -> anyhow::Result<Arc<AtomicBool>> {
    let context = "cannot listen for signals";
    let stop = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(context)?;
    let heard = stop.clone();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || runtime.block_on(hear(&heard, what)))
        .context(context)?;
    Ok(stop)
}

async fn hear(stop: &AtomicBool, what: &str) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // Whether anybody reads it or not.
        let mut stderr = std::io::stderr();
        if stop.swap(true, Ordering::Relaxed) {
            let _ = writeln!(stderr, "a second signal: leaving at once");
            std::process::exit(INTERRUPTED);
        }
        let _ = writeln!(stderr, "{what}; a second signal ends at once");
    }
}
