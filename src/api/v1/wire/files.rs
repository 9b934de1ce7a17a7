//! Files that a check puts into the working directory.

use super::bounded::take_item;
use super::{FieldErrors, Path};
use crate::domain::File;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{self, Deserialize, Deserializer, MapAccess};
use std::collections::BTreeMap;
use std::fmt;

/// The standard alphabet; whether the end is padded does not matter.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The longest name that common file systems take.
const NAME_BYTES: usize = 255;

/// Far below what any file system takes for a path.
const PATH_BYTES: usize = 1024;

/// Relative paths and what is in the files, in base64.
#[derive(Clone, Debug, Default)]
pub struct FilesWire(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for FilesWire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FilesVisitor)
    }
}

struct FilesVisitor;

impl<'de> de::Visitor<'de> for FilesVisitor {
    type Value = FilesWire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FilesWire, A::Error> {
        let mut files = BTreeMap::new();
        while let Some((name, contents)) = map.next_entry()? {
            take_item()?;
            files.insert(name, contents);
        }
        Ok(FilesWire(files))
    }
}

impl FilesWire {
    /// Decodes the files; they come in the order of their paths, so that equal files are equal.
    pub(super) fn convert(self, path: Path<'_>, errors: &mut FieldErrors) -> Vec<File> {
        for name in self.0.keys() {
            if let Some(fault) = fault(name, &self.0) {
                errors.add(path.field(name), fault);
            }
        }
        let mut files = Vec::with_capacity(self.0.len());
        for (name, text) in self.0 {
            match BASE64.decode(text) {
                Ok(contents) => files.push(File {
                    path: name,
                    contents,
                }),
                Err(fault) => errors.add(path.field(&name), format_args!("is not base64: {fault}")),
            }
        }
        files
    }
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
        FilesWire(files.into()).convert(Path::Root, &mut errors);
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
