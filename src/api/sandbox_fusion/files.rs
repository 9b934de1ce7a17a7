//! Files of programs, as requests send them and answers give them back: by their paths, in base64.

use crate::api::programs::{BASE64, clash, relative};
use crate::api::v1::wire::{FieldErrors, Path};
use crate::domain::File;
use base64::Engine;
use std::collections::BTreeMap;

/// Files asked for: the name in the request, and where it is.
pub type Fetched = Vec<(String, String)>;

/// Decodes files.
pub(super) fn files(
    files: BTreeMap<String, Option<String>>,
    path: Path<'_>,
    errors: &mut FieldErrors,
) -> Vec<File> {
    let mut decoded = Vec::new();
    for (name, contents) in files {
        let Some(contents) = contents else { continue };
        match (relative(&name), BASE64.decode(contents)) {
            (Ok(path), Ok(contents)) => decoded.push(File { path, contents }),
            (Err(fault), _) => errors.add(path.field(&name), fault),
            (_, Err(fault)) => {
                errors.add(path.field(&name), format_args!("is not base64: {fault}"))
            }
        }
    }
    if clash(&decoded) {
        errors.add(path, "holds a file that lies in another one");
    }
    decoded
}

/// Where the files are that are asked for.
pub(super) fn fetched(names: Vec<String>, path: Path<'_>, errors: &mut FieldErrors) -> Fetched {
    let mut fetched = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        match relative(&name) {
            Ok(place) => fetched.push((name, place)),
            Err(fault) => errors.add(path.item(index), fault),
        }
    }
    fetched
}

/// Each place once: a file that is asked for by two names is read back once.
pub(super) fn paths(fetched: &Fetched) -> Vec<String> {
    let mut paths: Vec<String> = fetched.iter().map(|(_, path)| path.clone()).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The files that were there, under the names that they were asked for by.
pub(super) fn told_files(files: &[File], fetched: &Fetched) -> BTreeMap<String, String> {
    let encode = |(name, place): &(String, String)| {
        let file = files.iter().find(|file| file.path == *place)?;
        Some((name.clone(), BASE64.encode(&file.contents)))
    };
    fetched.iter().filter_map(encode).collect()
}
