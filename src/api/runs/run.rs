//! One run: its folder, and the indexes of its files.

use super::folder::{Folder, Opened};
use super::lines::{self, Lines, Span};
use super::samples::{Filter, Found};
use serde::Serialize;
use serde_json::value::RawValue;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

const CONFIG: &str = "config.json";
const METRICS: &str = "metrics.jsonl";
const SAMPLES: &str = "samples.jsonl";
const WARM: &str = "warm.jsonl";
const ENDED: &str = "ended.json";

/// Files that are read whole: settings, which have a few thousand bytes.
const DOCUMENT_BYTES: usize = 1 << 20;

/// Of the warm start's progress the end is given: some ten thousand lines.
const WARM_BYTES: u64 = 1 << 20;

/// What one answer has of metrics, at least one line; a page asks again for the rest.
const ANSWER_BYTES: usize = 4 << 20;

/// A folder is a run's once there is something to see.
pub(super) fn is_run(folder: &Folder) -> io::Result<bool> {
    Ok(folder.file(METRICS)?.is_some() || folder.file(WARM)?.is_some())
}

/// What a list says of a run.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    name: String,
    #[serde(flatten)]
    state: State,
    /// The last line of the metrics, as it stands there.
    last: Option<Box<RawValue>>,
}

/// What a run's page says beside curves and samples.
#[derive(Debug, Serialize)]
pub(super) struct Details {
    name: String,
    #[serde(flatten)]
    state: State,
    /// Progress of the warm start: the last lines, as they stand there.
    warm: Vec<Box<RawValue>>,
    /// The iterations that have samples.
    iterations: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct State {
    /// Another one than before: what was known of this run holds no more.
    generation: String,
    config: Option<Box<RawValue>>,
    ended: Option<Box<RawValue>>,
    /// Since its files were written last.
    seconds_since_change: Option<f64>,
}

/// Lines of metrics.
#[derive(Debug, Serialize)]
pub(super) struct Metrics {
    generation: String,
    lines: Vec<Box<RawValue>>,
    /// Whether there are more, for another request.
    more: bool,
}

/// Which metrics are asked for.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The last iteration that the client has.
    pub after: Option<u64>,
    /// The generation that it has it from.
    pub generation: Option<String>,
}

/// Samples of one iteration.
#[derive(Debug, Serialize)]
pub(super) struct Samples {
    generation: String,
    /// The one that was asked for, or the newest; none where there are no samples.
    iteration: Option<u64>,
    /// The newest that has samples.
    newest: Option<u64>,
    #[serde(flatten)]
    found: Found,
}

/// What is known of a run's files between requests.
#[derive(Debug)]
pub(super) struct Followed {
    generation: u64,
    metrics: Lines,
    samples: Lines,
}

impl Followed {
    pub(super) fn new() -> Self {
        Followed {
            generation: new_generation(),
            metrics: Lines::default(),
            samples: Lines::default(),
        }
    }

    /// What a list says of this run.
    pub(super) fn summary(
        &mut self,
        name: String,
        folder: &Folder,
        now: f64,
    ) -> io::Result<Summary> {
        let files = self.follow_metrics(folder)?;
        let last_span = self.metrics.spans().last().copied();
        let mut last = None;
        files.metrics_lines(last_span, |line| {
            last = Some(line);
            ControlFlow::Continue(())
        })?;
        let state = self.state(folder, &files, now)?;
        Ok(Summary { name, state, last })
    }

    /// What this run's page says beside curves and samples.
    pub(super) fn details(
        &mut self,
        name: String,
        folder: &Folder,
        now: f64,
    ) -> io::Result<Details> {
        let files = self.follow(folder)?;
        Ok(Details {
            name,
            state: self.state(folder, &files, now)?,
            warm: files.warm.as_ref().map_or(Ok(Vec::new()), last_lines)?,
            iterations: self.samples.iterations(),
        })
    }

    /// Metrics that the client does not have yet.
    pub(super) fn metrics(&mut self, folder: &Folder, known: &Known) -> io::Result<Metrics> {
        let files = self.follow_metrics(folder)?;
        let generation = self.generation.to_string();
        let holds = known
            .generation
            .as_ref()
            .is_none_or(|known| *known == generation);
        let after = known.after.filter(|_| holds);
        let spans = self.metrics.spans().iter().copied();
        let new = spans.filter(|span| after.is_none_or(|after| span.iteration > after));
        let (mut lines, mut bytes, mut more) = (Vec::new(), 0, false);
        files.metrics_lines(new, |line: Box<RawValue>| {
            bytes += line.get().len();
            more = bytes > ANSWER_BYTES && !lines.is_empty();
            if more {
                return ControlFlow::Break(());
            }
            lines.push(line);
            ControlFlow::Continue(())
        })?;
        Ok(Metrics {
            generation,
            lines,
            more,
        })
    }

    /// Samples of an iteration; of the newest where none is named.
    pub(super) fn samples(&mut self, folder: &Folder, filter: &Filter) -> io::Result<Samples> {
        let files = self.follow(folder)?;
        let newest = self.samples.spans().iter().map(|span| span.iteration).max();
        let iteration = filter.iteration.or(newest);
        let spans = self.samples.spans().iter().copied();
        let spans = spans.filter(|span| Some(span.iteration) == iteration);
        let mut found = Found::default();
        if let Some(file) = &files.samples {
            lines::read(file, spans, |line| {
                found.take(line, filter);
                ControlFlow::Continue(())
            })?;
        }
        Ok(Samples {
            generation: self.generation.to_string(),
            iteration,
            newest,
            found,
        })
    }

    /// Takes up what was appended to the metrics. Where they were cut, so were the samples, even if
    /// that does not show there: lines of metrics hold times, and so never are the same twice.
    fn follow_metrics(&mut self, folder: &Folder) -> io::Result<Files> {
        let files = Files::open(folder)?;
        if self.metrics.follow(files.metrics.as_ref())? {
            self.samples = Lines::default();
            self.generation = new_generation();
        }
        Ok(files)
    }

    /// The same for the samples too, of which there may be a hundred times as much to read.
    fn follow(&mut self, folder: &Folder) -> io::Result<Files> {
        let files = self.follow_metrics(folder)?;
        if self.samples.follow(files.samples.as_ref())? {
            self.generation = new_generation();
        }
        Ok(files)
    }

    fn state(&self, folder: &Folder, files: &Files, now: f64) -> io::Result<State> {
        let written = files.written();
        Ok(State {
            generation: self.generation.to_string(),
            config: document(folder, CONFIG)?,
            ended: document(folder, ENDED)?,
            seconds_since_change: written.map(|written| (now - written).max(0.0)),
        })
    }
}

/// A number that no other state of a run has had, in this process or one before: pages outlive
/// servers.
fn new_generation() -> u64 {
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    super::nanoseconds_now().wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed))
}

/// The files that grow.
struct Files {
    metrics: Option<Opened>,
    samples: Option<Opened>,
    warm: Option<Opened>,
}

impl Files {
    fn open(folder: &Folder) -> io::Result<Files> {
        Ok(Files {
            metrics: folder.file(METRICS)?,
            samples: folder.file(SAMPLES)?,
            warm: folder.file(WARM)?,
        })
    }

    fn metrics_lines(
        &self,
        spans: impl IntoIterator<Item = Span>,
        each: impl FnMut(Box<RawValue>) -> ControlFlow<()>,
    ) -> io::Result<()> {
        match &self.metrics {
            Some(file) => lines::read(file, spans, each),
            None => Ok(()),
        }
    }

    /// When the last of them was written.
    fn written(&self) -> Option<f64> {
        let files = [&self.metrics, &self.samples, &self.warm];
        let times = files.into_iter().flatten().map(Opened::written);
        times.reduce(f64::max)
    }
}

/// A whole file of JSON; none where it is absent, or only half written.
fn document(folder: &Folder, name: &'static str) -> io::Result<Option<Box<RawValue>>> {
    let Some(file) = folder.file(name)? else {
        return Ok(None);
    };
    Ok(value(&file.read(0, DOCUMENT_BYTES)?))
}

/// The last whole lines of a file that are JSON.
fn last_lines(file: &Opened) -> io::Result<Vec<Box<RawValue>>> {
    let start = file.length().saturating_sub(WARM_BYTES);
    let bytes = file.read(start, (file.length() - start) as usize)?;
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.filter(|line| line.ends_with(b"\n"));
    // The first may have begun before.
    Ok(whole.skip((start > 0).into()).filter_map(value).collect())
}

fn value(bytes: impl AsRef<[u8]>) -> Option<Box<RawValue>> {
    let text = std::str::from_utf8(bytes.as_ref()).ok()?.trim();
    RawValue::from_string(text.to_owned()).ok()
}
