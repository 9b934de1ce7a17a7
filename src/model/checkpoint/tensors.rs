//! Tensors in one or more safetensors files.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensorError, SafeTensors};

use crate::model::{ModelError, Parameter};

/// How many names a message lists before it only counts.
const LISTED: usize = 10;

/// Mapped files and where each tensor stands in them.
#[derive(Debug)]
pub(crate) struct Tensors {
    files: Vec<(PathBuf, Mmap)>,
    /// By name, so that searches for the first of a kind always find the same.
    tensors: BTreeMap<String, Tensor>,
}

#[derive(Debug)]
struct Tensor {
    file: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

impl Tensors {
    /// Maps files and reads their headers. No two may have a tensor of the same name.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, ModelError> {
        let mut all = Tensors {
            files: Vec::new(),
            tensors: BTreeMap::new(),
        };
        for path in paths {
            all.add(path)?;
        }
        Ok(all)
    }

    fn add(&mut self, path: &Path) -> Result<(), ModelError> {
        let map = map(path)?;
        let (header, metadata) =
            SafeTensors::read_metadata(&map).map_err(|error| damaged(path, &map, &error))?;
        // The header's own length stands before it.
        let start = size_of::<u64>() + header;
        for (name, info) in metadata.tensors() {
            let (from, to) = info.data_offsets;
            let tensor = Tensor {
                file: self.files.len(),
                dtype: info.dtype,
                shape: info.shape.clone(),
                bytes: start + from..start + to,
            };
            if let Some(other) = self.tensors.insert(name.clone(), tensor) {
                let other = self.files[other.file].0.display();
                let what = format_args!("has the tensor {name}, and so has {other}");
                return Err(ModelError::file(path, what));
            }
        }
        self.files.push((path.to_owned(), map));
        Ok(())
    }

    /// The path of the file that has a tensor.
    pub(crate) fn file_of(&self, name: &str) -> Option<&Path> {
        let tensor = self.tensors.get(name)?;
        Some(&self.files[tensor.file].0)
    }

    /// Checks that there are exactly the tensors of `parameters`, but for those passed over.
    pub(crate) fn compare(
        &self,
        folder: &Path,
        parameters: &[Parameter],
        passed_over: impl Fn(&str) -> bool,
    ) -> Result<(), ModelError> {
        let (mut missing, mut misshaped, mut unsupported) = (Vec::new(), Vec::new(), Vec::new());
        for Parameter { name, shape } in parameters {
            let Some(tensor) = self.tensors.get(name) else {
                missing.push(name.clone());
                continue;
            };
            if tensor.shape != *shape {
                misshaped.push(format!("{name} is {:?}, not {shape:?}", tensor.shape));
            }
            if width(tensor.dtype).is_none() {
                unsupported.push(format!("{name} is {}", tensor.dtype));
            }
        }
        let expected: HashSet<&str> = parameters.iter().map(|one| &*one.name).collect();
        let names = self.tensors.keys();
        let unknown = names.filter(|name| !expected.contains(&***name) && !passed_over(name));
        let problems = [
            ("missing", missing),
            ("unknown", unknown.cloned().collect()),
            ("of another shape than the configuration says", misshaped),
            ("of a type other than F64, F32, BF16 and F16", unsupported),
        ];
        let told = problems
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(kind, names)| format!("{kind}: {}", listed(names)))
            .collect::<Vec<_>>();
        if told.is_empty() {
            return Ok(());
        }
        let what = format_args!("its tensors are not the model's; {}", told.join("; "));
        Err(ModelError::file(folder, what))
    }

    pub(crate) fn read_into(&self, name: &str, into: &mut [f32]) -> Result<(), ModelError> {
        let Some(tensor) = self.tensors.get(name) else {
            return Err(ModelError::Input(format!("there is no tensor {name}")));
        };
        let elements: usize = tensor.shape.iter().product();
        if elements != into.len() {
            return Err(ModelError::Input(format!(
                "{name} has {elements} numbers, and room was made for {}",
                into.len()
            )));
        }
        decode(tensor.dtype, self.bytes(tensor), into);
        Ok(())
    }

    pub(crate) fn first_not_finite(&self) -> Option<&str> {
        let mut all = self.tensors.iter();
        let found = all.find(|(_, tensor)| has_not_finite(tensor.dtype, self.bytes(tensor)));
        found.map(|(name, _)| name.as_str())
    }

    fn bytes(&self, tensor: &Tensor) -> &[u8] {
        &self.files[tensor.file].1[tensor.bytes.clone()]
    }
}

/// The bytes of a number, of the types that are supported.
fn width(dtype: Dtype) -> Option<usize> {
    match dtype {
        Dtype::F64 => Some(8),
        Dtype::F32 => Some(4),
        Dtype::BF16 | Dtype::F16 => Some(2),
        _ => None,
    }
}

fn has_not_finite(dtype: Dtype, bytes: &[u8]) -> bool {
    /// Enough to make the loop around it cheap, few enough to stay in the cache. Arbitrary.
    const AT_ONCE: usize = 4096;
    let Some(width) = width(dtype) else {
        return false;
    };
    let mut numbers = [0.0; AT_ONCE];
    bytes.chunks(AT_ONCE * width).any(|some| {
        let numbers = &mut numbers[..some.len() / width];
        decode(dtype, some, numbers);
        numbers.iter().any(|number| !number.is_finite())
    })
}

/// Of a type that is not supported nothing is decoded: [`Tensors::compare`] has refused those that
/// matter.
fn decode(dtype: Dtype, bytes: &[u8], into: &mut [f32]) {
    match dtype {
        Dtype::F32 => convert(bytes, into, f32::from_le_bytes),
        Dtype::BF16 => convert(bytes, into, |two| bf16::from_le_bytes(two).to_f32()),
        Dtype::F16 => convert(bytes, into, |two| f16::from_le_bytes(two).to_f32()),
        Dtype::F64 => convert(bytes, into, |eight| f64::from_le_bytes(eight) as f32),
        _ => {}
    }
}

/// Files need not be aligned to what stands in them, hence bytes.
fn convert<const N: usize>(bytes: &[u8], into: &mut [f32], number: impl Fn([u8; N]) -> f32) {
    let (whole, _) = bytes.as_chunks::<N>();
    for (to, from) in into.iter_mut().zip(whole) {
        *to = number(*from);
    }
}

fn map(path: &Path) -> Result<Mmap, ModelError> {
    let unreadable =
        |error: std::io::Error| ModelError::file(path, format_args!("cannot be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    // SAFETY: the map is only read, as bytes, of which every value is valid. Were the file changed
    // under us we would read other numbers, and were it truncated the process would be killed;
    // neither breaks Rust's rules about anything but these bytes. Exports never write into a file
    // that is there.
    unsafe { Mmap::map(&file) }.map_err(unreadable)
}

fn damaged(path: &Path, bytes: &[u8], error: &SafeTensorError) -> ModelError {
    if bytes.starts_with(b"version https://git-lfs") {
        let what = "is a pointer of Git LFS, not the weights; `git lfs pull` gets them";
        return ModelError::file(path, what);
    }
    let length = bytes.len();
    let what = "is cut short or damaged, get it again";
    ModelError::file(path, format_args!("{what} ({length} bytes; {error})"))
}

/// Some names and how many more.
pub(crate) fn listed(names: &[String]) -> String {
    let shown = names.iter().take(LISTED).map(String::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
