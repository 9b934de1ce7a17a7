//! What can go wrong with a model.

use std::path::{Path, PathBuf};

/// Why a model cannot be loaded, run or trained. Every message says what happened and where.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The ONNX Runtime library is missing or not the right one.
    #[error("{0}")]
    Library(String),
    /// A file or folder cannot be used.
    #[error("{}: {what}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it, and what to do where that is known.
        what: String,
    },
    /// A model, or an option of one, that there is no code for.
    #[error("{0}")]
    Unsupported(String),
    /// What the caller asked for cannot be done: a prompt longer than the context, an empty batch.
    #[error("{0}")]
    Input(String),
    /// A number is not finite: of the weights, a loss or what was sampled. A trainer's weights are
    /// those of the last good step.
    #[error("{0} is not finite")]
    NotFinite(String),
    /// The device has not enough memory for what was asked.
    #[error("{0}")]
    Memory(String),
    /// ONNX Runtime refused a graph or failed to execute it.
    #[error("{what}: {source}")]
    Runtime {
        /// What was being done.
        what: String,
        /// What ONNX Runtime says.
        source: Box<ort::Error>,
    },
}

impl ModelError {
    /// A file and what is wrong with it.
    pub(crate) fn file(path: &Path, what: impl std::fmt::Display) -> Self {
        ModelError::File {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }

    /// For `map_err`: names what was being done.
    pub(crate) fn runtime<T>(what: impl Into<String>) -> impl FnOnce(ort::Error<T>) -> Self
    where
        ort::Error: From<ort::Error<T>>,
    {
        let what = what.into();
        move |error| ModelError::Runtime {
            what,
            source: Box::new(error.into()),
        }
    }
}
