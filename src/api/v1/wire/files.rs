//! Files that a check puts into the working directory.

use super::{FieldErrors, Path};
use crate::domain::File;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::collections::BTreeMap;

/// The standard alphabet; whether the end is padded does not matter.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The longest name that common file systems take.
const NAME_BYTES: usize = 255;

/// Far below what any file system takes for a path.
const PATH_BYTES: usize = 1024;

/// Decodes the files; they come in the order of their paths, so that equal files are equal.
pub(super) fn convert(
    files: BTreeMap<String, String>,
    path: Path<'_>,
    errors: &mut FieldErrors,
) -> Vec<File> {
    for name in files.keys() {
        if let Some(fault) = fault(name, &files) {
            errors.add(path.field(name), fault);
        }
    }
    let mut converted = Vec::with_capacity(files.len());
    for (name, text) in files {
        match BASE64.decode(text) {
            Ok(contents) => converted.push(File {
                path: name,
                contents,
            }),
            Err(fault) => errors.add(path.field(&name), format_args!("is not base64: {fault}")),
        }
    }
    converted
}

fn fault(name: &str, files: &BTreeMap<String, String>) -> Option<&'static str> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= NAME_BYTES;
    if !name.split('/').all(plain) || name.len() > PATH_BYTES {
        return Some("is no plain relative path: names joined by `/`, without `.` and `..`");
    }
    if name.contains('\0') {
        return Some("holds a NUL");
    }
    let inside_file = |(end, _)| files.contains_key(&name[..end]);
    if name.match_indices('/').any(inside_file) {
        return Some("lies in a folder that is a file here");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expect: bool) {
        let files = [(name, "aGk"), ("data", "")].map(|(n, c)| (n.into(), c.into()));
        let mut errors = FieldErrors::default();
        convert(files.into(), Path::Root, &mut errors);
        assert_eq!(errors.is_empty(), expect, "{name:?}: {:?}", errors.listed());
    }

    #[test]
    fn only_plain_relative_paths() {
        for name in ["a", "a/b.txt", "..a", "ü/%", "datas/x"] {
            check(name, true);
        }
        for name in [
            "", "/a", "a/", "a//b", "./a", "..", "a/../b", "a\0b", "data/x",
        ] {
            check(name, false);
        }
        check(&"n".repeat(256), false);
    }
}
