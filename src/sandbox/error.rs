//! What can fail on our side: never the program's doing.

use std::path::PathBuf;

/// We could not run a program, or not get ready to.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The runtime is not where it should be.
    #[error("there is no runtime in {}: build it with `touchstone runtime build`, or with `--out` for a folder of your own", .0.display())]
    Missing(PathBuf),
    /// A file of the runtime is not what was built.
    #[error("{}: {reason}; build the runtime again with `touchstone runtime build --force`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The engine does not take the runtime.
    #[error("the runtime cannot be loaded: {0:#}")]
    Load(wasmtime::Error),
    /// The runtime could not be built.
    #[error("the runtime could not be built: {0}")]
    Build(String),
    /// The engine failed while a program ran.
    #[error("the engine failed: {0:#}")]
    Run(wasmtime::Error),
    /// The system did not tell which pages were written.
    #[error("the page map cannot be read: {0}")]
    Pages(std::io::Error),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}

impl EngineError {
    pub(crate) fn load(error: wasmtime::Error) -> Self {
        EngineError::Load(error)
    }

    pub(crate) fn run(error: wasmtime::Error) -> Self {
        EngineError::Run(error)
    }

    pub(crate) fn pages(error: std::io::Error) -> Self {
        EngineError::Pages(error)
    }

    pub(crate) fn thread(error: std::io::Error) -> Self {
        EngineError::Thread(error)
    }

    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        EngineError::File {
            path: path.to_owned(),
            source,
        }
    }
}
