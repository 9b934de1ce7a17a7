//! What the terminal shows of an evaluation: a bar, what passed, what is waited for.

use crate::cli::signals;
use crate::eval::lanes::Watch;
use crate::eval::run::Listener;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Lines are said where there is no terminal: one for so many samples.
const SAID_EVERY: u64 = 10_000;

/// A bar on a terminal, lines elsewhere; and the signal to end.
pub(super) struct Bar {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
    said: AtomicU64,
}

impl Bar {
    /// Listens for SIGINT and SIGTERM: the first ends the evaluation after what is under way, a second at
    /// once.
    pub fn new() -> anyhow::Result<Self> {
        let stop = signals::listen("ending after the batches that are under way")?;
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {pos} {msg} {per_sec}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Ok(Bar {
            bar,
            stop,
            said: AtomicU64::new(0),
        })
    }

    /// So many tasks know what is expected.
    pub fn settled(&self, done: usize, tasks: usize) {
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("of {tasks} tasks settled"));
    }

    /// Samples come now.
    pub fn begin(&self) {
        self.bar.set_position(0);
        self.bar.reset_elapsed();
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Watch for Bar {
    fn absent(&self, why: &str) {
        match self.bar.is_hidden() {
            true => say(why),
            false => self.bar.println(why),
        }
    }

    fn stops(&self) -> bool {
        self.is_stopped()
    }
}

impl Listener for Bar {
    fn samples(&self, done: u64, passed: u64) {
        self.bar.set_position(done);
        self.bar.set_message(format!("samples, {passed} passed"));
        let steps = done / SAID_EVERY;
        if self.bar.is_hidden() && self.said.swap(steps, Ordering::Relaxed) < steps {
            say(&format!("{done} samples, {passed} passed"));
        }
    }
}

/// A line, unless nobody reads it.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
