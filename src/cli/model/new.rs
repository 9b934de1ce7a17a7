//! `touchstone model new`.

use super::super::failure::done;
use super::{Numbers, fault, replaceable};
use crate::model::checkpoint::{Export, SHARD_BYTES, export};
use crate::model::{Initial, ModelConfig, ModelError, Tokenizer};
use anyhow::Context;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make a model with random weights.
///
/// `tiny`, `1m` and `10m` get a tokenizer of bytes and a chat template (ChatML) and are ready to be
/// trained. `qwen2.5-0.5b` and `qwen2.5-1.5b` have the shapes of those models; their tokenizers have
/// to be copied into the folder. The same seed gives the same weights.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder to write.
    folder: PathBuf,
    /// The model's shape: tiny, 1m, 10m, qwen2.5-0.5b or qwen2.5-1.5b.
    #[arg(long, value_name = "NAME")]
    preset: String,
    /// Decides the weights.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How numbers are written.
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    dtype: Numbers,
    /// Replace a model that is there.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = ModelConfig::preset(&args.preset).map_err(fault)?;
    replaceable(&args.folder, args.force)?;
    let files = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tokenizer = Tokenizer::bytes()?;
    let fits = tokenizer.eos_token_ids() == config.eos_token_ids;
    if fits {
        tokenizer.save(files.path())?;
    }
    let what = Export {
        config: &config,
        dtype: args.dtype.into(),
        shard_bytes: SHARD_BYTES,
        source: Some(files.path()),
    };
    let mut initial = Initial::new(&config, args.seed);
    let mut parameters = config.parameters().into_iter();
    export(&args.folder, &what, |name| match parameters.next() {
        Some(parameter) if parameter.name == name => Ok(initial.draw(&parameter)),
        _ => Err(ModelError::Input(format!("{name} was not expected"))),
    })?;
    let (count, folder) = (config.parameter_count(), args.folder.display());
    eprintln!("{folder}: {count} parameters");
    if !fits {
        eprintln!(
            "it has no tokenizer: copy tokenizer.json and tokenizer_config.json of the published model \
             into it"
        );
    }
    Ok(done(true))
}
