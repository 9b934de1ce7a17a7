//! `touchstone model import`.

use super::super::failure::done;
use super::super::{Usage, output};
use super::{Numbers, OnDevice, fault, replaceable};
use crate::model::checkpoint::Dtype;
use crate::model::{Batch, Chat, Policy, Scorer, Sequence, Tokenizer};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check a model from elsewhere and write a copy.
///
/// Everything is read and checked: shape, weights, tokenizer, chat template; then the model is
/// executed once, on the processor, to see that its numbers are finite. What is written is a folder in
/// the same layout, with what belongs to the model and nothing else.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder to read: config.json, safetensors, tokenizer.json.
    from: PathBuf,
    /// The folder to write.
    folder: PathBuf,
    /// How numbers are written [default: as they are in the model, 16 or 32 bits].
    #[arg(long, value_name = "TYPE")]
    dtype: Option<Numbers>,
    /// Replace a model that is there.
    #[arg(long)]
    force: bool,
    /// Threads that compute [default: the number of cores].
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    replaceable(&args.folder, args.force)?;
    // In 32 bits, so that nothing is rounded on the way.
    let device = OnDevice {
        device: crate::model::Device::Cpu,
        threads: args.threads,
    };
    let engine = device.engine()?;
    let policy = Policy::load(&engine, &args.from).map_err(fault)?;
    let tokenizer = Tokenizer::open(&args.from).map_err(fault)?;
    tokenizer.check_vocabulary(policy.config()).map_err(fault)?;
    let template = match Chat::open(&args.from) {
        Ok(_) => "with a chat template".to_owned(),
        Err(error) => format!("without a chat template ({error})"),
    };
    finite(&policy, &args.from)?;
    let dtype = match args.dtype {
        Some(dtype) => dtype.into(),
        None => dtype(&args.from),
    };
    policy.export(&args.folder, dtype, Some(&args.from))?;
    let (name, folder) = (dtype.name(), args.folder.display());
    let count = policy.config().parameter_count();
    output::print(&format!(
        "{folder}: {count} parameters in {name}, {template}\n"
    ))?;
    Ok(done(true))
}

/// Executes the model on a few tokens. An entropy is a sum over all logits of a prediction.
fn finite(policy: &Policy, from: &Path) -> anyhow::Result<()> {
    let config = policy.config();
    let length = config.max_positions.min(8);
    let spread = config.vocab_size / (length + 1);
    let sequence = Sequence {
        tokens: (0..=length).map(|at| (at * spread) as u32).collect(),
        prompt: 1,
    };
    let batch = Batch::of(&[&sequence], length)?;
    let scores = Scorer::new(policy, true)?.score(&batch)?;
    let entropy = scores.entropy.unwrap_or_default();
    if scores.logp.iter().chain(&entropy).all(|x| x.is_finite()) {
        return Ok(());
    }
    let what = "the model computes numbers that are not finite; it is broken";
    Err(Usage(format!("{}: {what}", from.display())).into())
}

/// What the model is said to be in; unknown kinds are written in 32 bits, which holds them all.
fn dtype(from: &Path) -> Dtype {
    let config = std::fs::read(from.join("config.json")).unwrap_or_default();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap_or_default();
    let named = |field| config.get(field).and_then(|name| name.as_str()) == Some("bfloat16");
    match named("torch_dtype") || named("dtype") {
        true => Dtype::Bf16,
        false => Dtype::F32,
    }
}
