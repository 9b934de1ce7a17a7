//! The runtime's files: where they are cached, and that they are what was built.
//!
//! A runtime is a folder: compiled code, two archives of modules, and a manifest with the digest of
//! each. Folders are named by the digest of all that goes into them, written elsewhere and renamed
//! into place, so a folder that is there is whole. Compiled code is executed as it is: its folder
//! is its owner's alone.

use super::EngineError;
use super::world::{Archive, Library};
use crate::domain::RuntimeInfo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Compiled code.
pub(crate) const CODE: &str = "runtime.cwasm";
/// The standard library, and the packages that come with the interpreter.
pub(crate) const LIBRARY: &str = "library.zip";
/// Packages beside those.
pub(crate) const PACKAGES: &str = "packages.zip";
/// What the folder holds.
pub(crate) const MANIFEST: &str = "manifest.json";

/// What a runtime is, as its manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `python`.
    pub name: String,
    /// The language's version.
    pub version: String,
    /// SHA-256 of all that decides how programs run.
    pub digest: String,
    /// What can be imported beside the standard library, with versions.
    pub packages: BTreeMap<String, String>,
    /// SHA-256 of each file.
    pub files: BTreeMap<String, String>,
}

impl From<&Manifest> for RuntimeInfo {
    fn from(manifest: &Manifest) -> Self {
        RuntimeInfo {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            digest: manifest.digest.clone(),
            packages: manifest.packages.clone().into_iter().collect(),
        }
    }
}

/// A runtime's files, checked.
pub(crate) struct Artifacts {
    folder: PathBuf,
    manifest: Manifest,
}

/// A file mapped into memory.
struct Mapped(memmap2::Mmap);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Artifacts {
    /// Opens a runtime's folder and checks owner and digests.
    ///
    /// # Errors
    /// Where it is missing, somebody else's, or changed since it was built.
    pub fn open(folder: &Path) -> Result<Self, EngineError> {
        let manifest = Manifest::read(folder)?;
        check_owner(folder)?;
        for (name, expected) in &manifest.files {
            let path = folder.join(name);
            check_owner(&path)?;
            if &file_digest(&path)? != expected {
                return Err(EngineError::Damaged {
                    path,
                    reason: "the file is not the one that was built".to_owned(),
                });
            }
        }
        Ok(Artifacts {
            folder: folder.to_owned(),
            manifest,
        })
    }

    /// The compiled code's file.
    pub fn code(&self) -> PathBuf {
        self.folder.join(CODE)
    }

    /// What the runtime is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The library, mapped: every guest reads the same pages.
    ///
    /// # Errors
    /// Where a file cannot be mapped.
    pub fn library(&self) -> Result<Library, EngineError> {
        Ok(Library {
            standard: map(&self.folder.join(LIBRARY))?,
            packages: map(&self.folder.join(PACKAGES))?,
        })
    }
}

impl Manifest {
    /// Reads the manifest of a runtime's folder.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub fn read(folder: &Path) -> Result<Self, EngineError> {
        let path = folder.join(MANIFEST);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(EngineError::Missing(folder.to_owned()));
            }
            Err(error) => return Err(EngineError::file(&path, error)),
        };
        serde_json::from_slice(&text).map_err(|error| EngineError::Damaged {
            path,
            reason: error.to_string(),
        })
    }
}

/// Maps a file that nobody changes.
pub(crate) fn map(path: &Path) -> Result<Archive, EngineError> {
    let file = File::open(path).map_err(|error| EngineError::file(path, error))?;
    // SAFETY: artefacts are renamed into place and never written to afterwards, in a folder that
    // is its owner's alone.
    let mapped = unsafe { memmap2::Mmap::map(&file) };
    Ok(Arc::new(Mapped(
        mapped.map_err(|error| EngineError::file(path, error))?,
    )))
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn file_digest(path: &Path) -> Result<String, EngineError> {
    crate::wheel::digest(path).map_err(|error| EngineError::file(path, error))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(unix)]
fn check_owner(path: &Path) -> Result<(), EngineError> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).map_err(|error| EngineError::file(path, error))?;
    let own = rustix::process::geteuid().as_raw();
    // An image's runtime belongs to root and is read by another user.
    let trusted = metadata.uid() == own || metadata.uid() == 0;
    let reason = match (trusted, metadata.mode() & 0o022) {
        (true, 0) => return Ok(()),
        (false, _) => "it belongs to another user, and it is executed as code",
        (true, _) => "others may write to it, and it is executed as code",
    };
    Err(EngineError::Damaged {
        path: path.to_owned(),
        reason: reason.to_owned(),
    })
}

#[cfg(not(unix))]
fn check_owner(_path: &Path) -> Result<(), EngineError> {
    Ok(())
}
