//! Packages beside those that come with the interpreter: which of their files are taken, and the
//! archive that guests import them from.
//!
//! Their wheels hold sources. The archive holds what the interpreter compiled of them, once, so that
//! no execution compiles them again.

use super::EngineError;
use super::wheel;
use super::world::files::{PACKAGES_PATH, WORKING_DIRECTORY};
use crate::domain::File;
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

/// Compiles what lies in the working directory.
const COMPILE: &str = include_str!("../../sandbox/packages.py");

/// Of Pygments what pytest imports: the rest is 500 languages that nobody colours here.
const PARTS: [&str; 22] = [
    "pygments/__init__.py",
    "pygments/console.py",
    "pygments/filter.py",
    "pygments/filters/__init__.py",
    "pygments/formatter.py",
    "pygments/formatters/__init__.py",
    "pygments/formatters/_mapping.py",
    "pygments/formatters/terminal.py",
    "pygments/lexer.py",
    "pygments/lexers/__init__.py",
    "pygments/lexers/_mapping.py",
    "pygments/lexers/diff.py",
    "pygments/lexers/python.py",
    "pygments/modeline.py",
    "pygments/plugin.py",
    "pygments/regexopt.py",
    "pygments/style.py",
    "pygments/styles/__init__.py",
    "pygments/styles/_mapping.py",
    "pygments/token.py",
    "pygments/unistring.py",
    "pygments/util.py",
];

/// Packages out of their wheels.
pub(super) struct Packages {
    /// Sources by their paths in the archive.
    pub sources: Vec<File>,
    /// What is taken as it is: metadata and licences.
    others: Vec<File>,
    /// Versions by names.
    pub versions: BTreeMap<String, String>,
}

impl Packages {
    /// Reads wheels.
    ///
    /// # Errors
    /// Where one is no wheel.
    pub fn open(wheels: &[PathBuf]) -> Result<Self, EngineError> {
        let mut packages = Packages {
            sources: Vec::new(),
            others: Vec::new(),
            versions: BTreeMap::new(),
        };
        for path in wheels {
            for (path, contents) in wheel::members(path, is_taken)? {
                let file = File { path, contents };
                if file.path.ends_with(".py") {
                    packages.sources.push(file);
                    continue;
                }
                if file.path.ends_with(".dist-info/METADATA") {
                    packages.versions.extend(named(&file.contents));
                }
                packages.others.push(file);
            }
        }
        Ok(packages)
    }

    /// What the interpreter executes beside the sources, so that each becomes a `.pyc` beside it.
    pub fn compiling() -> String {
        format!("FOLDER = \"/{WORKING_DIRECTORY}\"\nARCHIVE = {PACKAGES_PATH:?}\n{COMPILE}")
    }

    /// Where the compiled modules are then.
    pub fn compiled(&self) -> Vec<String> {
        let paths = self.sources.iter();
        paths.map(|source| format!("{}c", source.path)).collect()
    }

    /// The archive, of compiled modules. The same files give the same bytes: they are sorted, have no
    /// time and are not packed, which would depend on who packs them.
    ///
    /// # Errors
    /// Where a path is none for an archive.
    pub fn archive(&self, compiled: Vec<File>) -> Result<Vec<u8>, zip::result::ZipError> {
        let mut files: Vec<&File> = self.others.iter().chain(&compiled).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let options = SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Stored);
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for file in files {
            writer.start_file(file.path.as_str(), options)?;
            writer.write_all(&file.contents)?;
        }
        Ok(writer.finish()?.into_inner())
    }
}

/// What all of this depends on beside the wheels.
pub(super) fn inputs() -> Vec<&'static str> {
    [COMPILE, PACKAGES_PATH].into_iter().chain(PARTS).collect()
}

/// Modules, metadata and licences; of what is in part here, the parts.
fn is_taken(path: &str) -> bool {
    let Some((top, rest)) = path.split_once('/') else {
        return path.ends_with(".py");
    };
    if top.ends_with(".dist-info") {
        return matches!(rest, "METADATA" | "entry_points.txt") || rest.starts_with("licenses/");
    }
    let in_part = PARTS.iter().any(|part| part.split('/').next() == Some(top));
    path.ends_with(".py") && (!in_part || PARTS.contains(&path))
}

/// The name and the version that metadata begins with.
fn named(metadata: &[u8]) -> Option<(String, String)> {
    let metadata = String::from_utf8_lossy(metadata);
    let field = |name: &str| {
        let value = metadata.lines().find_map(|line| line.strip_prefix(name))?;
        Some(value.trim().to_owned())
    };
    Some((field("Name:")?.to_lowercase(), field("Version:")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_wheel_modules_metadata_and_licences_are_taken() {
        for (path, expect) in [
            ("py.py", true),
            ("pytest/__init__.py", true),
            ("pytest/py.typed", false),
            ("pygments/token.py", true),
            ("pygments/lexers/c_cpp.py", false),
            ("a-1.dist-info/METADATA", true),
            ("a-1.dist-info/licenses/LICENSE", true),
            ("a-1.dist-info/RECORD", false),
        ] {
            assert_eq!(is_taken(path), expect, "{path}");
        }
    }

    #[test]
    fn the_same_files_give_the_same_archive() {
        let file = |path: &str| File {
            path: path.to_owned(),
            contents: path.as_bytes().to_vec(),
        };
        let packages = Packages {
            sources: vec![file("b.py")],
            others: vec![
                file("c-1.dist-info/METADATA"),
                file("a-1.dist-info/METADATA"),
            ],
            versions: BTreeMap::new(),
        };
        assert_eq!(packages.compiled(), ["b.pyc"]);
        let archive = packages.archive(vec![file("b.pyc")]).expect("an archive");
        assert_eq!(
            packages.archive(vec![file("b.pyc")]).expect("again"),
            archive
        );
        let read = zip::ZipArchive::new(Cursor::new(archive)).expect("it can be read");
        let names: Result<Vec<_>, _> = read.file_names().collect();
        let names = names.expect("names in Unicode");
        assert_eq!(
            names,
            ["a-1.dist-info/METADATA", "b.pyc", "c-1.dist-info/METADATA"]
        );
    }

    #[test]
    fn metadata_tells_name_and_version() {
        let metadata = b"Metadata-Version: 2.4\nName: Pygments\nVersion: 2.21.0\n\nVersion: x\n";
        let expect = ("pygments".to_owned(), "2.21.0".to_owned());
        assert_eq!(named(metadata), Some(expect));
        assert_eq!(named(b"Name: a\n"), None);
    }
}
