//! Corrections to the interpreter's machine code, before anything is run with it.
//!
//! wasm32 is not the machine that programs are written for: numpy's default integer is 32 bits
//! wide there, in numpy's own C code, where no Python can reach it. `sandbox/runtime-patches.json`
//! names each place with its reason; every byte is compared before it is replaced.

use super::EngineError;
use super::artifacts::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The list, as it stands in the repository.
pub(super) const PATCHES: &str = include_str!("../../sandbox/runtime-patches.json");

#[derive(Deserialize)]
struct Patches {
    /// SHA-256 of the module that the offsets are of.
    sha256: String,
    patches: Vec<Patch>,
}

#[derive(Deserialize)]
struct Patch {
    function: String,
    offset: usize,
    old: String,
    new: String,
}

/// Applies all of the patches.
///
/// # Errors
/// Where the module is not the one that they were made for.
pub(super) fn apply(wasm: &mut [u8]) -> Result<(), EngineError> {
    let patches: Patches = serde_json::from_str(PATCHES)
        .map_err(|error| EngineError::Build(format!("runtime-patches.json: {error}")))?;
    if hex(&Sha256::digest(&wasm[..])) != patches.sha256 {
        return Err(EngineError::Build(
            "the interpreter is not the one that runtime-patches.json was made for".to_owned(),
        ));
    }
    for patch in &patches.patches {
        apply_one(wasm, patch).ok_or_else(|| {
            EngineError::Build(format!(
                "runtime-patches.json: the patch of {} does not fit",
                patch.function
            ))
        })?;
    }
    Ok(())
}

fn apply_one(wasm: &mut [u8], patch: &Patch) -> Option<()> {
    let (old, new) = (bytes(&patch.old)?, bytes(&patch.new)?);
    let place = wasm.get_mut(patch.offset..patch.offset + old.len())?;
    if place != old || old.len() != new.len() {
        return None;
    }
    place.copy_from_slice(&new);
    Some(())
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    (0..hexadecimal.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hexadecimal.get(at..at + 2)?, 16).ok())
        .collect()
}
