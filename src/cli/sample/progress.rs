//! What the terminal shows of sampling: a bar, tokens, what is waited for.

use crate::cli::signals;
use crate::eval::sample::{Failure, Listener, Progress, Wait};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A bar on a terminal, lines elsewhere; and the signal to end.
pub(super) struct Bar {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
}

impl Bar {
    pub fn new() -> anyhow::Result<Self> {
        let stop = signals::listen("waiting for what was asked")?;
        let bar = ProgressBar::new(0);
        bar.set_style(style());
        Ok(Bar { bar, stop })
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        match self.bar.is_hidden() {
            true => eprintln!("{line}"),
            false => self.bar.println(line),
        }
    }
}

impl Listener for Bar {
    fn begin(&mut self, progress: &Progress) {
        self.bar.set_length(progress.wanted);
        self.bar.set_position(progress.present);
        self.bar.reset_eta();
        if progress.present > 0 {
            self.say(&format!("going on after {} samples", progress.present));
        }
    }

    fn written(&mut self, progress: &Progress) {
        let written = &progress.written;
        self.bar.set_position(progress.present + written.samples);
        let tokens = written.usage.completion_tokens;
        self.bar.set_message(format!("{tokens} tokens"));
    }

    fn waiting(&mut self, wait: &Wait<'_>) {
        let (task, why) = (wait.task_id, wait.why);
        let seconds = wait.wait.as_secs_f64();
        self.say(&format!("{task}: {why}; again in {seconds:.1} s"));
    }

    fn failed(&mut self, failure: &Failure) {
        self.say(&format!("{} failed: {}", failure.task_id, failure.why));
    }

    fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} (left: {eta})");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}
