//! What the terminal shows of a run: a bar, the main figures, the time left.

use crate::cli::signals;
use crate::train::judge::Unavailable;
use crate::train::log::Metrics;
use crate::train::run::Listener;
use crate::train::warm;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A bar on a terminal, lines elsewhere; and the signal to end.
pub(super) struct Progress {
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
}

impl Progress {
    /// Listens for SIGINT and SIGTERM: the first ends the run after its iteration, a second at once.
    pub fn new() -> anyhow::Result<Self> {
        let stop = signals::listen("ending after this iteration")?;
        let bar = ProgressBar::new(0);
        bar.set_style(style());
        Ok(Progress { bar, stop })
    }

    pub fn warm(&mut self, told: warm::Progress) {
        self.bar.set_length(told.steps);
        self.bar.set_position(told.step);
        let message = format!("warm start, {}: loss {:.3}", told.player, told.loss);
        self.show(
            &message,
            told.step.is_multiple_of(200) || told.step == told.steps,
        );
    }

    pub fn begin(&mut self, iteration: u64, iterations: u64) {
        self.bar.set_length(iterations);
        self.bar.set_position(iteration);
        self.bar.reset_eta();
        if iteration > 0 {
            eprintln!("going on after iteration {iteration}");
        }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Where there is no terminal, a line now and then.
    fn show(&self, message: &str, now: bool) {
        self.bar.set_message(message.to_owned());
        if self.bar.is_hidden() && now {
            let (at, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
            eprintln!("{at}/{all} {message}");
        }
    }
}

impl Listener for Progress {
    fn line(&mut self, metrics: &Metrics) {
        self.bar.set_position(metrics.iteration);
        let evaluated = metrics.found.pass_at_1;
        let shown = |name: &str, value: Option<f64>| match value {
            Some(value) => format!(", {name} {value:.3}"),
            None => String::new(),
        };
        let message = format!(
            "{} executions{}{}{}{}",
            metrics.executions,
            shown("pass@1", evaluated),
            shown("detection", metrics.detection),
            shown("hard bugs found", metrics.found.hard_detection),
            shown("passed in training", metrics.train_pass_rate),
        );
        if evaluated.is_some() && !self.bar.is_hidden() {
            self.bar
                .println(format!("iteration {}: {message}", metrics.iteration));
        }
        self.show(&message, evaluated.is_some());
    }

    fn waiting(&mut self, why: Option<&Unavailable>) {
        let message = match why {
            Some(why) => format!("waiting for the validator: {why}"),
            None => "the validator is there again".to_owned(),
        };
        self.show(&message, true);
    }

    fn stops(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} (left: {eta})");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}
