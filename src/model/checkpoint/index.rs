//! `model.safetensors.index.json`: which shard has which tensor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::tensors::{Tensors, listed};
use crate::model::ModelError;

/// What is written.
#[derive(Serialize)]
pub(super) struct Index {
    pub(super) metadata: Metadata,
    /// From a tensor's name to that of a file in the same folder.
    pub(super) weight_map: BTreeMap<String, String>,
}

/// What an index says about all tensors together.
#[derive(Serialize)]
pub(super) struct Metadata {
    /// Bytes of all tensors.
    pub(super) total_size: usize,
}

/// What is read: the map alone matters.
#[derive(Deserialize)]
struct Map {
    weight_map: BTreeMap<String, String>,
}

/// Opens the shards that an index names.
pub(super) fn open(path: &Path) -> Result<Tensors, ModelError> {
    let text = std::fs::read(path)
        .map_err(|error| ModelError::file(path, format_args!("cannot be read: {error}")))?;
    let Map { weight_map } = serde_json::from_slice(&text)
        .map_err(|error| ModelError::file(path, format_args!("is not an index: {error}")))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let shards: BTreeSet<&String> = weight_map.values().collect();
    for shard in &shards {
        if !is_plain(shard) {
            let what = format_args!("names {shard:?}, which is not a file of the same folder");
            return Err(ModelError::file(path, what));
        }
    }
    let shards: Vec<PathBuf> = shards.into_iter().map(|name| folder.join(name)).collect();
    let absent = shards.iter().filter(|shard| !shard.exists());
    let absent: Vec<String> = absent.map(|shard| shard.display().to_string()).collect();
    if !absent.is_empty() {
        let what = format_args!("names shards that are not there: {}", listed(&absent));
        return Err(ModelError::file(path, what));
    }
    let tensors = Tensors::open(&shards)?;
    let misplaced = weight_map
        .iter()
        .filter(|(name, shard)| tensors.file_of(name) != Some(&folder.join(shard)));
    let misplaced: Vec<String> = misplaced
        .map(|(name, shard)| format!("{name} in {shard}"))
        .collect();
    match misplaced.is_empty() {
        true => Ok(tensors),
        false => Err(ModelError::file(
            path,
            format_args!("names tensors that are not there: {}", listed(&misplaced)),
        )),
    }
}

/// Whether a name cannot lead out of the folder.
fn is_plain(name: &str) -> bool {
    let mut components = Path::new(name).components();
    matches!(
        (components.next(), components.next()),
        (Some(Component::Normal(_)), None)
    ) && !name.contains(['/', '\\'])
}
