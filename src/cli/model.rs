//! `touchstone model`: makes, converts, samples and trains language models.
//!
//! A model is a folder in Hugging Face's layout. Files are checked where they are read; a mistake in
//! them is the user's, a file that cannot be written is not.

mod export;
mod generate;
mod import;
mod info;
mod new;
mod sft;

use super::{Usage, runtime};
use crate::model::checkpoint::Dtype;
use crate::model::memory::{self, Plan};
use crate::model::{Device, Engine, ModelConfig, ModelError, library};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

/// Make, convert, sample and train language models.
///
/// A model is a folder in Hugging Face's layout: config.json, safetensors, tokenizer.json. Llama,
/// Qwen2 and Qwen3 decoders are supported. `import`, `generate` and `sft` execute the model; they
/// need ONNX Runtime, which `touchstone runtime onnx` fetches once.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  A small model with random weights, trained to answer, then asked:
    touchstone runtime onnx
    touchstone model new base --preset tiny --seed 1
    touchstone model sft base --data examples.jsonl --out run --steps 200
    touchstone model generate run/model --prompt 'def add(a, b):'

  A model from elsewhere, such as a clone of huggingface.co/Qwen/Qwen2.5-0.5B-Instruct:
    touchstone model import Qwen2.5-0.5B-Instruct qwen
    touchstone model generate qwen --chat --prompt 'Write a haiku about rust.'

Exit status: 0 done, 1 training stopped because a number was not finite, 2 wrong usage, 3 our fault.";

#[derive(clap::Subcommand)]
enum Command {
    New(new::Args),
    Import(import::Args),
    Export(export::Args),
    Info(info::Args),
    Generate(generate::Args),
    Sft(sft::Args),
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::New(args) => new::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Generate(args) => generate::run(args),
        Command::Sft(args) => sft::run(&args),
    }
}

/// What executes a model.
#[derive(clap::Args, Clone, Debug)]
struct OnDevice {
    /// Where the model is executed: cpu, or cuda:N for an NVIDIA GPU.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: Device,
    /// Threads that compute on the processor [default: the number of cores].
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl OnDevice {
    /// The processor, with all of its cores.
    fn processor() -> Self {
        OnDevice {
            device: Device::Cpu,
            threads: None,
        }
    }

    /// Refuses what the device has no memory for, before anything is loaded.
    fn check(&self, config: &ModelConfig, plan: &Plan) -> anyhow::Result<()> {
        match memory::available(self.device) {
            Some(available) => memory::check(config, plan, self.device, available)
                .map(|_| ())
                .map_err(fault),
            None => Ok(()),
        }
    }

    fn engine(&self) -> anyhow::Result<Engine> {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = self.threads.map_or_else(cores, NonZeroUsize::get);
        let library = library::library(&runtime::cache()?, self.device);
        Engine::start(&library, self.device, threads).map_err(fault)
    }
}

/// How the numbers of a model are written.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Numbers {
    /// 32 bits, as they are trained.
    F32,
    /// 16 bits (bfloat16), rounded to the nearest: half the size.
    Bf16,
}

impl From<Numbers> for Dtype {
    fn from(numbers: Numbers) -> Self {
        match numbers {
            Numbers::F32 => Dtype::F32,
            Numbers::Bf16 => Dtype::Bf16,
        }
    }
}

/// Whose mistake it is where something was read: a file, an option or the set-up is the user's.
fn fault(error: ModelError) -> anyhow::Error {
    match error {
        ModelError::Library(_)
        | ModelError::File { .. }
        | ModelError::Unsupported(_)
        | ModelError::Input(_) => Usage(error.to_string()).into(),
        ModelError::NotFinite(_) | ModelError::Memory(_) | ModelError::Runtime { .. } => {
            error.into()
        }
    }
}

/// That a folder may be written, which replaces what it holds.
fn replaceable(folder: &Path, force: bool) -> anyhow::Result<()> {
    let empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    if force || empty || !folder.exists() {
        return Ok(());
    }
    let folder = folder.display();
    Err(Usage(format!("{folder}: is there already; --force replaces it")).into())
}
