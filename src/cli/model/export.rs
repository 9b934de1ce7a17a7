//! `touchstone model export`.

use super::super::Usage;
use super::super::failure::done;
use super::{Numbers, OnDevice, fault, replaceable};
use crate::model::adapter::export_adapter;
use crate::model::checkpoint::{Export, SHARD_BYTES, export};
use crate::model::{Adapter, Checkpoint, ModelConfig, ModelError, Parameter, Policy};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write a model or an adapter for other programs.
///
/// A model becomes a folder that transformers and vLLM load. With an adapter it is the adapter that is
/// written, as a folder that PEFT loads, or with --merge the model with the adapter's changes in its
/// weights. ONNX Runtime is needed for --onnx only.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The model's folder.
    folder: PathBuf,
    /// The folder to write.
    to: PathBuf,
    /// The folder of an adapter of this model, in PEFT's layout.
    #[arg(long, value_name = "FOLDER")]
    adapter: Option<PathBuf>,
    /// Add the adapter to the model's weights: W + scale · B · A.
    #[arg(long, requires = "adapter")]
    merge: bool,
    /// How numbers are written.
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    dtype: Numbers,
    /// Write the graphs that train, evaluate and sample the model as ONNX files instead. Weights are
    /// inputs of them.
    #[arg(long, conflicts_with_all = ["merge", "force"])]
    onnx: bool,
    /// Replace a model that is there.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.onnx {
        return write_graphs(args);
    }
    replaceable(&args.to, args.force)?;
    let config = ModelConfig::read(&args.folder).map_err(fault)?;
    let adapter = match &args.adapter {
        Some(folder) => Some(open_adapter(folder, &config)?),
        None => None,
    };
    match adapter {
        Some(adapter) if !args.merge => write_adapter(args, &config, &adapter)?,
        adapter => write_model(args, &config, adapter.as_ref())?,
    }
    eprintln!("{}", args.to.display());
    Ok(done(true))
}

/// The size of the cache in the graphs that sample.
const SLOTS: usize = 8;
const CONTEXT: usize = 512;

fn write_graphs(args: &Args) -> anyhow::Result<ExitCode> {
    let engine = OnDevice::processor().engine()?;
    let mut policy = Policy::load(&engine, &args.folder).map_err(fault)?;
    if let Some(adapter) = &args.adapter {
        policy = policy.load_adapter(adapter).map_err(fault)?;
    }
    let context = CONTEXT.min(policy.config().max_positions);
    let files = policy
        .write_graphs(&args.to, SLOTS, context)
        .map_err(fault)?;
    for file in files {
        eprintln!("{}", file.display());
    }
    Ok(done(true))
}

fn open_adapter(folder: &Path, config: &ModelConfig) -> anyhow::Result<Adapter> {
    let adapter = Adapter::open(folder, config).map_err(fault)?;
    match adapter.first_not_finite() {
        Some(name) => Err(broken(folder, name)),
        None => Ok(adapter),
    }
}

fn broken(folder: &Path, name: &str) -> anyhow::Error {
    let folder = folder.display();
    Usage(format!("{folder}: {name} has a number that is not finite")).into()
}

fn write_adapter(args: &Args, config: &ModelConfig, adapter: &Adapter) -> anyhow::Result<()> {
    let lora = adapter.config();
    let folder = args.folder.display().to_string();
    let base = adapter.base().unwrap_or(&folder);
    let mut sizes = sizes(lora.parameters(config));
    let dtype = args.dtype.into();
    export_adapter(&args.to, lora, config, Some(base), dtype, |name| {
        let mut numbers = vec![0.0; sizes.remove(name).map_or(0, |one| one.elements())];
        adapter.read_into(name, &mut numbers)?;
        Ok(numbers)
    })?;
    Ok(())
}

fn write_model(args: &Args, config: &ModelConfig, adapter: Option<&Adapter>) -> anyhow::Result<()> {
    let checkpoint = Checkpoint::open(&args.folder, config).map_err(fault)?;
    if let Some(name) = checkpoint.first_not_finite() {
        return Err(broken(&args.folder, name));
    }
    let mut sizes = sizes(config.parameters());
    let what = Export {
        config,
        dtype: args.dtype.into(),
        shard_bytes: SHARD_BYTES,
        source: Some(&args.folder),
    };
    export(&args.to, &what, |name| {
        let parameter = sizes
            .remove(name)
            .ok_or_else(|| ModelError::Input(format!("{name} was not expected")))?;
        let mut numbers = vec![0.0; parameter.elements()];
        checkpoint.read_into(name, &mut numbers)?;
        if let Some(adapter) = adapter {
            adapter.merge_into(&parameter, &mut numbers)?;
        }
        Ok(numbers)
    })?;
    Ok(())
}

fn sizes(parameters: Vec<Parameter>) -> HashMap<String, Parameter> {
    let named = |parameter: Parameter| (parameter.name.clone(), parameter);
    parameters.into_iter().map(named).collect()
}
