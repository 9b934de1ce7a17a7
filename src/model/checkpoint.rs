//! Weights on disk: `model.safetensors`, whole or in shards, as Hugging Face's libraries have them.
//!
//! Everything about the files is checked when they are opened, so that a run of hours does not end
//! at its last layer: which tensors there are, their shapes and types, the length of every file.

mod export;
mod folder;
mod index;
mod tensors;
mod write;

pub(crate) use export::write_json;
pub use export::{Export, SHARD_BYTES, export};
pub use write::Dtype;

pub(crate) use folder::replace;
pub(crate) use tensors::Tensors;
pub(crate) use write::write_file;

use std::path::{Path, PathBuf};

use crate::model::config::HEAD;
use crate::model::{ModelConfig, ModelError};

/// The file of weights that are not in shards.
const WHOLE: &str = "model.safetensors";
/// The file that says which shard has which tensor.
const INDEX: &str = "model.safetensors.index.json";

/// A model's weights, mapped into memory. Pages are read when they are first used and dropped by
/// the system when memory is short. A file that somebody else truncates meanwhile ends the process.
#[derive(Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    tensors: Tensors,
}

impl Checkpoint {
    /// Opens the weights of a folder and checks them against a model's parameters.
    ///
    /// A tied model's head and the rotary embedding's frequencies, which some old checkpoints have,
    /// are passed over.
    ///
    /// # Errors
    /// If files are absent, cut short or damaged; if tensors are missing, superfluous, of another
    /// shape or of another type than F64, F32, BF16 and F16. The message names what is wrong.
    pub fn open(folder: &Path, config: &ModelConfig) -> Result<Self, ModelError> {
        let whole = folder.join(WHOLE);
        let tensors = if whole.exists() {
            Tensors::open(&[whole])?
        } else if folder.join(INDEX).exists() {
            index::open(&folder.join(INDEX))?
        } else {
            return Err(nothing(folder));
        };
        let passed_over = |name: &str| {
            (name == HEAD && config.tied_embeddings) || name.ends_with(".rotary_emb.inv_freq")
        };
        tensors.compare(folder, &config.parameters(), passed_over)?;
        Ok(Checkpoint {
            folder: folder.to_owned(),
            tensors,
        })
    }

    /// Where the weights are, and what belongs to them.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads a parameter, in row-major order.
    ///
    /// # Errors
    /// If there is none of this name, or `into` has not its length.
    pub fn read_into(&self, name: &str, into: &mut [f32]) -> Result<(), ModelError> {
        self.tensors.read_into(name, into)
    }

    /// The name of the first tensor with a number that is infinite or none at all, also as an
    /// `f32`. Reads every file from start to end.
    pub fn first_not_finite(&self) -> Option<&str> {
        self.tensors.first_not_finite()
    }
}

fn nothing(folder: &Path) -> ModelError {
    let other = ["pytorch_model.bin", "pytorch_model.bin.index.json"];
    let what = match other.iter().find(|name| folder.join(name).exists()) {
        Some(name) => format!(
            "has {name} but no {WHOLE}; load and save it with transformers, which writes safetensors"
        ),
        None => format!("has neither {WHOLE} nor {INDEX}"),
    };
    ModelError::file(folder, what)
}
