//! A checkpoint as a folder that Hugging Face's libraries load.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::folder::replace;
use super::index::{Index, Metadata};
use super::write::{Dtype, unwritten, write_file};
use super::{INDEX, WHOLE};
use crate::model::{ModelConfig, ModelError, Parameter};

/// What a tokenizer and its chat template consist of, whichever of them are there.
const TOKENIZER_FILES: [&str; 8] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
];

/// Files of the model itself.
const MODEL_FILES: [&str; 4] = ["config.json", "generation_config.json", WHOLE, INDEX];

/// Weights of more bytes than this are written in several files, as Hugging Face's libraries do.
pub const SHARD_BYTES: usize = 5_000_000_000;

/// What is exported beside the weights, and how.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The model's shape.
    pub config: &'a ModelConfig,
    /// How weights are written.
    pub dtype: Dtype,
    /// Weights of more bytes than this are split over several files. A tensor is never split, so
    /// that one larger than this makes a file of its own.
    pub shard_bytes: usize,
    /// The folder that the tokenizer's files are copied from, and the settings of generation.
    pub source: Option<&'a Path>,
}

/// Writes a model into `folder`: `model.safetensors`, or shards with an index, `config.json`,
/// `generation_config.json` and the tokenizer's files. `read` is asked for each parameter once, in
/// the order of [`ModelConfig::parameters`], and answers in row-major order.
///
/// Everything is written beside the folder and put in its place at the end, replacing an older
/// checkpoint. No more than one tensor is held in memory.
///
/// # Errors
/// If something cannot be written, `read` fails or gives another count of numbers, or the folder
/// holds files that are not a checkpoint's. What was there before is there then.
pub fn export(
    folder: &Path,
    what: &Export,
    mut read: impl FnMut(&str) -> Result<Vec<f32>, ModelError>,
) -> Result<(), ModelError> {
    replace(folder, is_ours, |new| {
        write_weights(new, what, |parameter| read(&parameter.name))?;
        write_json(
            &new.join("config.json"),
            &what.config.to_json(what.dtype.name()),
        )?;
        let generation = what.config.generation_to_json(what.source)?;
        write_json(&new.join("generation_config.json"), &generation)?;
        match what.source {
            Some(source) => copy_tokenizer(source, new),
            None => Ok(()),
        }
    })
}

/// Whether a file of this name is one that an export may replace.
fn is_ours(name: &str) -> bool {
    MODEL_FILES.contains(&name)
        || TOKENIZER_FILES.contains(&name)
        || (name.starts_with("model-") && name.ends_with(".safetensors"))
}

fn write_weights(
    folder: &Path,
    what: &Export,
    mut read: impl FnMut(&Parameter) -> Result<Vec<f32>, ModelError>,
) -> Result<(), ModelError> {
    let parameters = what.config.parameters();
    let bytes = |parameter: &Parameter| parameter.elements() * what.dtype.bytes();
    let shards = shards(&parameters, what.shard_bytes, bytes);
    if let [only] = &shards[..] {
        return write_file(&folder.join(WHOLE), only, what.dtype, read);
    }
    let mut weight_map = BTreeMap::new();
    for (at, shard) in shards.iter().enumerate() {
        let name = format!("model-{:05}-of-{:05}.safetensors", at + 1, shards.len());
        write_file(&folder.join(&name), shard, what.dtype, &mut read)?;
        weight_map.extend(shard.iter().map(|one| (one.name.clone(), name.clone())));
    }
    let total_size = parameters.iter().map(bytes).sum();
    let index = Index {
        metadata: Metadata { total_size },
        weight_map,
    };
    write_json(&folder.join(INDEX), &index)
}

/// Runs of parameters of at most `most` bytes each, or of one parameter.
fn shards(
    parameters: &[Parameter],
    most: usize,
    bytes: impl Fn(&Parameter) -> usize,
) -> Vec<&[Parameter]> {
    let mut shards = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (at, parameter) in parameters.iter().enumerate() {
        let more = bytes(parameter);
        if at > start && size + more > most {
            shards.push(&parameters[start..at]);
            (start, size) = (at, 0);
        }
        size += more;
    }
    shards.push(&parameters[start..]);
    shards
}

/// Writes a file for machines and people: indented, a newline at its end.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ModelError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| ModelError::file(path, format_args!("cannot be described: {error}")))?;
    text.push(b'\n');
    write(path, &text)
}

/// Writes a file, which is on the disk when this returns.
fn write(path: &Path, text: &[u8]) -> Result<(), ModelError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(text)?;
        file.sync_all()
    };
    write().map_err(|error| unwritten(path, &error))
}

fn copy_tokenizer(source: &Path, to: &Path) -> Result<(), ModelError> {
    for name in TOKENIZER_FILES {
        let from = source.join(name);
        if from.exists() {
            let text = fs::read(&from).map_err(|error| {
                ModelError::file(&from, format_args!("cannot be read: {error}"))
            })?;
            write(&to.join(name), &text)?;
        }
    }
    Ok(())
}
