//! `touchstone model sft`: training on examples.
//!
//! A run is a pure function of model, data, options and seed: which samples a step takes follows from
//! its number, so that a state and a step are all that there is to go on from.

mod data;
mod run;
mod saved;

use super::super::{Usage, output};
use super::{OnDevice, fault};
use crate::cli::failure::done;
use crate::model::chat::Date;
use crate::model::memory::{self, TrainingPlan};
use crate::model::{
    AdamW, Chat, LoraConfig, Memory, ModelConfig, ModelError, Policy, Schedule, Tokenizer, Trainer,
};
use data::{Data, Encoder};
use run::{Plan, Run};
use saved::Settings;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;

/// Train a model, or an adapter of it, on examples.
///
/// Each line of the data is a JSON object: {"prompt": …, "completion": …}, or {"messages": [{"role": …,
/// "content": …}, …]}, put into the model's chat template. The loss counts the completion, or the
/// last assistant's message, and the token that ends it. All weights are trained unless an adapter's
/// rank is given.
///
/// OUT gets `metrics.jsonl` with a line for each step; `state`, which is replaced as a whole every so
/// many steps; and at the end `model`, or `adapter` in PEFT's layout. A run that was stopped in any
/// way goes on with --resume and the same options, to the same bits.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// The model's folder.
    folder: PathBuf,
    /// The examples.
    #[arg(long, value_name = "FILE.jsonl")]
    data: PathBuf,
    /// The folder of the run.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Steps in all.
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    steps: Option<NonZeroU64>,
    /// How often each example is seen, instead of --steps [default: 1].
    #[arg(long, value_name = "N")]
    epochs: Option<NonZeroU64>,
    /// Examples that are computed at a time.
    #[arg(long, value_name = "N", default_value = "4")]
    batch_rows: NonZeroUsize,
    /// So many of these make a step.
    #[arg(long, value_name = "N", default_value = "1")]
    accumulate: NonZeroUsize,
    /// Tokens of an example at most; longer ones are cut, and counted [default: the model's context,
    /// at most 1024].
    #[arg(long, value_name = "N")]
    length: Option<NonZeroUsize>,
    /// The highest learning rate, from which half a cosine leads down to a tenth [default: 1e-4 for an
    /// adapter, 1e-5 for all weights].
    #[arg(long, value_name = "X")]
    learning_rate: Option<f64>,
    /// Steps until the learning rate is reached.
    #[arg(long, value_name = "N", default_value_t = 0)]
    warmup: u64,
    /// Train an adapter (LoRA) of this rank.
    #[arg(long, value_name = "N")]
    adapter_rank: Option<NonZeroUsize>,
    /// The adapter's changes count alpha / rank [default: twice the rank].
    #[arg(long, value_name = "X", requires = "adapter_rank")]
    alpha: Option<f64>,
    /// The matrices that it changes, such as q_proj,v_proj.
    #[arg(
        long,
        value_name = "NAMES",
        requires = "adapter_rank",
        value_delimiter = ',',
        default_value = "all-linear"
    )]
    targets: Vec<String>,
    /// Compute parts of the model twice, for less than half of the memory.
    #[arg(long)]
    save_memory: bool,
    /// Save the state every so many steps.
    #[arg(long, value_name = "N", default_value = "100")]
    checkpoint_every: NonZeroU64,
    /// Go on with the run in the folder.
    #[arg(long)]
    resume: bool,
    /// Decides the order of examples and an adapter's first weights.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// The day that the chat template tells the model, such as 2026-01-31; most need none.
    #[arg(long, value_name = "DAY")]
    date: Option<Date>,
    /// Print what became of the run as a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: OnDevice,
}

const EXAMPLES: &str = "\
Examples:
  echo '{\"prompt\": \"2 + 3 = \", \"completion\": \"5\"}' > sums.jsonl
  touchstone model sft base --data sums.jsonl --out run --steps 100 --learning-rate 1e-3
  touchstone model generate run/model --prompt '2 + 3 = '

  An adapter, and a run that was stopped:
    touchstone model sft base --data sums.jsonl --out run2 --adapter-rank 8 --epochs 200
    touchstone model sft base --data sums.jsonl --out run2 --adapter-rank 8 --epochs 200 --resume
    touchstone model generate base --adapter run2/adapter --prompt '2 + 3 = '

Exit status: 0 done, 1 stopped because a number was not finite, 2 wrong usage, 3 our fault.";

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = ModelConfig::read(&args.folder).map_err(fault)?;
    let length = args.length(&config)?;
    let lora = args.lora()?;
    let data = args.read(&config, length)?;
    let plan = args.plan(data.sequences.len());
    let settings = Settings {
        data: data.digest.clone(),
        model: saved::digest_of_model(&args.folder).map_err(fault)?,
        steps: plan.steps(),
        samples: plan.samples,
        batch_rows: args.batch_rows.get(),
        accumulate: args.accumulate.get(),
        length,
        learning_rate: args.learning_rate()?,
        warmup: args.warmup,
        seed: args.seed,
        adapter_rank: lora.as_ref().map(|lora| lora.rank),
        alpha: lora.as_ref().map(|lora| lora.alpha),
        targets: lora.as_ref().map(|lora| lora.targets.clone()),
    };
    let resumes = saved::resumes(&args.out, args.resume, &settings)?;
    let memory = Memory {
        checkpoint: args.save_memory,
        head_tokens: if args.save_memory { 1024 } else { 0 },
    };
    args.device.check(
        &config,
        &memory::Plan {
            training: Some(TrainingPlan {
                rows: args.batch_rows.get(),
                length,
                memory,
            }),
            adapter: lora.clone(),
            ..memory::Plan::default()
        },
    )?;
    let engine = args.device.engine()?;
    let mut policy = Policy::load(&engine, &args.folder).map_err(fault)?;
    if let Some(lora) = &lora {
        policy = policy
            .with_initial_adapter(lora, args.seed)
            .map_err(fault)?;
    }
    let mut trainer = Trainer::new(&policy, AdamW::default(), memory).map_err(fault)?;
    if resumes {
        trainer.resume(&saved::state(&args.out)).map_err(fault)?;
        eprintln!("going on after step {}", trainer.steps());
    }
    let schedule = Schedule {
        peak: settings.learning_rate,
        warmup: args.warmup,
        total: settings.steps,
        floor: 0.1,
    };
    let mut run = Run {
        out: &args.out,
        every: args.checkpoint_every.get(),
        length,
        limit: config.max_positions,
        data: &data,
        plan,
        schedule,
        settings: &settings,
    };
    let ended = run.train(&mut trainer);
    match ended {
        Ok(last) => {
            let written = write_result(args, &policy)?;
            let summary = run.summary(&written, last);
            output::print(&match args.json {
                true => serde_json::to_string_pretty(&summary)? + "\n",
                false => format!("{}\n", written.display()),
            })?;
            Ok(done(true))
        }
        Err(error) => match error.downcast_ref() {
            Some(ModelError::NotFinite(_)) => {
                let state = saved::describe(&args.out);
                eprintln!("stopped: {error:#}; {state}");
                eprintln!("a lower --learning-rate or a longer --warmup may help");
                Ok(done(false))
            }
            _ => Err(error),
        },
    }
}

/// The model, or the adapter.
fn write_result(args: &Args, policy: &Policy) -> anyhow::Result<PathBuf> {
    use crate::model::checkpoint::Dtype;
    if let Some(name) = policy.trained().not_finite()? {
        anyhow::bail!("{name} is not finite after the last step");
    }
    let place = args.out.join(match policy.lora() {
        Some(_) => "adapter",
        None => "model",
    });
    match policy.lora() {
        Some(_) => {
            let base = args.folder.display().to_string();
            policy.export_adapter(&place, Dtype::F32, Some(&base))?;
        }
        None => policy.export(&place, Dtype::F32, Some(&args.folder))?,
    }
    Ok(place)
}

impl Args {
    fn length(&self, config: &ModelConfig) -> anyhow::Result<usize> {
        let context = config.max_positions;
        match self.length.map(NonZeroUsize::get) {
            None => Ok(context.min(1024)),
            Some(length) if length <= context => Ok(length),
            Some(length) => Err(Usage(format!(
                "--length {length} is more than the model's context of {context}"
            ))
            .into()),
        }
    }

    fn learning_rate(&self) -> anyhow::Result<f64> {
        let all = if self.adapter_rank.is_some() {
            1e-4
        } else {
            1e-5
        };
        let rate = self.learning_rate.unwrap_or(all);
        match rate.is_finite() && rate > 0.0 {
            true => Ok(rate),
            false => Err(Usage(format!("--learning-rate {rate} is not a number above 0")).into()),
        }
    }

    fn lora(&self) -> anyhow::Result<Option<LoraConfig>> {
        let Some(rank) = self.adapter_rank.map(NonZeroUsize::get) else {
            return Ok(None);
        };
        let lora = LoraConfig {
            rank,
            alpha: self.alpha.unwrap_or(2.0 * rank as f64),
            targets: self.targets.clone(),
        };
        lora.check().map_err(fault)?;
        Ok(Some(lora))
    }

    fn read(&self, config: &ModelConfig, length: usize) -> anyhow::Result<Data> {
        let tokenizer = Tokenizer::open(&self.folder).map_err(fault)?;
        tokenizer.check_vocabulary(config).map_err(fault)?;
        let chat = || {
            let chat = Chat::open(&self.folder)?;
            Ok(match self.date {
                Some(date) => chat.with_date(date),
                None => chat,
            })
        };
        let mut encoder = Encoder::new(&tokenizer, config, &chat);
        let data = Data::read(&self.data, length, &mut encoder)?;
        if let Some(what) = data.told(length) {
            eprintln!("{what}");
        }
        Ok(data)
    }

    fn plan(&self, samples: usize) -> Plan {
        let step = self.batch_rows.get() * self.accumulate.get();
        let all = match (self.steps, self.epochs) {
            (Some(steps), _) => steps.get().saturating_mul(step as u64),
            (None, epochs) => epochs
                .map_or(1, NonZeroU64::get)
                .saturating_mul(samples as u64),
        };
        Plan {
            seed: self.seed,
            samples,
            rows: self.batch_rows.get(),
            step,
            all,
        }
    }
}
