//! Training and sampling of models, beside what PyTorch and transformers take for the same.
//!
//! Peaks of memory are those of a process, so every measurement has one of its own: this program
//! again, with `--measure`.

mod one;

use super::Args;
use super::sample::{Sample, Series};
use crate::cli::failure::Usage;
use anyhow::{Context, ensure};
use one::{Measured, Work};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// What is measured.
#[derive(clap::Args)]
pub(super) struct Options {
    /// For models: where they are executed, cpu or cuda:N.
    #[arg(long, value_name = "DEVICE", default_value_t)]
    device: crate::model::Device,
    /// For models: the shapes; 1m and 10m where none is named, and on a GPU qwen2.5-0.5b and
    /// qwen2.5-1.5b too.
    #[arg(long = "shape", value_name = "NAME")]
    shapes: Vec<String>,
    /// For models: measure PyTorch and transformers in turns with ours; a Python that has both. In
    /// the repository.
    #[arg(long, value_name = "PYTHON")]
    rivals: Option<std::path::PathBuf>,
    /// One measurement in this process.
    #[arg(long, hide = true, value_name = "WORK")]
    measure: Option<Work>,
}

/// Shapes that fit a processor, and those that want a GPU.
const SMALL: [&str; 2] = ["1m", "10m"];
const LARGE: [&str; 2] = ["qwen2.5-0.5b", "qwen2.5-1.5b"];

/// Turns of ours and theirs, so that a slow moment of the machine strikes both.
const TURNS: usize = 3;

/// Where the rivals' programs are in the repository.
const RIVALS: &str = "benches/rivals";

/// Does one measurement and prints it, where this process is for that.
pub(super) fn measure_one(args: &Args) -> anyhow::Result<bool> {
    let Some(work) = args.models.measure else {
        return Ok(false);
    };
    let shape = args.models.shapes.first().context("a shape to measure")?;
    let measured = one::measure(work, shape, args.models.device)?;
    crate::cli::output::print(&(serde_json::to_string(&measured)? + "\n"))?;
    Ok(true)
}

pub(super) fn measure(options: &Options) -> anyhow::Result<Vec<Sample>> {
    let mut shapes: Vec<&str> = options.shapes.iter().map(String::as_str).collect();
    if shapes.is_empty() {
        shapes.extend(SMALL);
        if options.device != crate::model::Device::Cpu {
            shapes.extend(LARGE);
        }
    }
    let mut samples = Vec::new();
    for shape in shapes {
        for work in [Work::Train, Work::Decode] {
            samples.extend(in_turns(options, work, shape)?);
        }
    }
    Ok(samples)
}

fn in_turns(options: &Options, work: Work, shape: &str) -> anyhow::Result<Vec<Sample>> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        ours.push(in_a_process(options, work, shape)?);
        if let Some(python) = options.rivals.as_deref().filter(|_| SMALL.contains(&shape)) {
            theirs.push(rival(python, work, shape)?);
        }
    }
    let mut samples = vec![sample(work, shape, &ours)];
    if !theirs.is_empty() {
        let rival = rival_sample(work, shape, &theirs);
        let steps = ours.iter().map(|each| each.step_us).collect();
        let ratio = rival.median_us / median(steps);
        eprintln!("models/{work}-{shape}: {ratio:.2} times as fast as transformers");
        samples[0]
            .more
            .insert("times_as_fast".to_owned(), json!(ratio));
        samples.push(rival);
    }
    Ok(samples)
}

fn sample(work: Work, shape: &str, turns: &[Measured]) -> Sample {
    let mut series = Series::new(format!("models/{work}-{shape}"));
    for turn in turns {
        series.extend(turn.times_us.iter().copied());
    }
    let of = |number: fn(&Measured) -> f64| median(turns.iter().map(number).collect());
    let (tokens, rate) = (of(|x| x.tokens), of(|x| x.matmul_gflops));
    let mut sample = series.sample_of(1.0);
    let gflops = of(|x| x.tokens * x.flops_a_token) / sample.median_us / 1e3;
    let mut more = Map::new();
    let mut add = |name: &str, number: f64| more.insert(name.to_owned(), json!(round(number)));
    add("parameters", of(|x| x.parameters));
    add("tokens_per_second", tokens * 1e6 / sample.median_us);
    add("gflops", gflops);
    add("matmul_gflops", rate);
    add("matmul_share", gflops / rate);
    add("peak_bytes", of(|x| x.peak_bytes));
    sample.more = more;
    sample
}

/// Three digits behind the point say more than any machine is steady.
fn round(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

fn in_a_process(options: &Options, work: Work, shape: &str) -> anyhow::Result<Measured> {
    let program = std::env::current_exe().context("this program's own path")?;
    let device = options.device.to_string();
    let work = work.to_string();
    let mut command = Command::new(program);
    command.args(["bench", "--measure", &work, "--shape", shape]);
    command.args(["--device", &device]);
    serde_json::from_str(&output(&mut command)?).context("a measurement's line")
}

fn rival(python: &Path, work: Work, shape: &str) -> anyhow::Result<Map<String, Value>> {
    let script = Path::new(RIVALS).join(format!("{work}.py"));
    if !script.is_file() {
        let fault = format!("--rivals: no {} below this folder", script.display());
        return Err(Usage(fault).into());
    }
    let mut command = Command::new(python);
    command.arg(script).args(["--shape", shape, "--threads"]);
    command.arg(one::threads().to_string());
    let text = output(&mut command)?;
    serde_json::from_str(text.lines().last().unwrap_or_default()).context("a rival's line")
}

fn rival_sample(work: Work, shape: &str, turns: &[Map<String, Value>]) -> Sample {
    let number = |name: &str| {
        let each = turns
            .iter()
            .map(|turn| turn[name].as_f64().unwrap_or(f64::NAN));
        each.collect::<Vec<f64>>()
    };
    let (name, scale) = match work {
        Work::Train => ("step_seconds", 1e6),
        Work::Decode => ("step_milliseconds", 1e3),
    };
    let mut series = Series::new(format!("models/{work}-{shape}-transformers"));
    series.extend(number(name).into_iter().map(|time| time * scale));
    let mut sample = series.sample();
    for name in ["tokens_per_second", "matmul_gflops", "peak_bytes"] {
        let middle = json!(round(median(number(name))));
        sample.more.insert(name.to_owned(), middle);
    }
    sample
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().display().to_string();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} cannot be started"))?;
    ensure!(
        output.status.success(),
        "{program} failed: {}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(String::from_utf8(output.stdout)?)
}
