//! One safetensors file, written a tensor at a time.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use half::bf16;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::model::{ModelError, Parameter};

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// 32 bits, as they are computed.
    F32,
    /// The upper half of the same, rounded to the nearest.
    Bf16,
}

impl Dtype {
    /// What a number takes, in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::Bf16 => 2,
        }
    }

    /// As `config.json` has it.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "float32",
            Dtype::Bf16 => "bfloat16",
        }
    }

    fn of_file(self) -> safetensors::Dtype {
        match self {
            Dtype::F32 => safetensors::Dtype::F32,
            Dtype::Bf16 => safetensors::Dtype::BF16,
        }
    }

    fn encode(self, numbers: &[f32]) -> Vec<u8> {
        match self {
            Dtype::F32 => numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Dtype::Bf16 => {
                let halves = numbers.iter().map(|n| bf16::from_f32(*n));
                halves.flat_map(|n| n.to_le_bytes()).collect()
            }
        }
    }
}

/// Writes a file with the tensors of `parameters`, which `read` gives by name; no more than one is
/// held at a time. The file is on the disk when this returns.
pub(crate) fn write_file(
    path: &Path,
    parameters: &[Parameter],
    dtype: Dtype,
    mut read: impl FnMut(&Parameter) -> Result<Vec<f32>, ModelError>,
) -> Result<(), ModelError> {
    let failed = |error: io::Error| unwritten(path, &error);
    let mut file = File::create(path).map_err(failed)?;
    file.write_all(&header(path, parameters, dtype)?)
        .map_err(failed)?;
    for parameter in parameters {
        let numbers = read(parameter)?;
        if numbers.len() != parameter.elements() {
            return Err(ModelError::Input(format!(
                "{} has {} numbers, and was given {}",
                parameter.name,
                parameter.elements(),
                numbers.len()
            )));
        }
        file.write_all(&dtype.encode(&numbers)).map_err(failed)?;
    }
    file.sync_all().map_err(failed)
}

/// A file that cannot be written, such as on a full disk.
pub(crate) fn unwritten(path: &Path, error: &io::Error) -> ModelError {
    ModelError::file(path, format_args!("cannot be written: {error}"))
}

/// The length of the header, and the header, padded so that what follows is aligned.
fn header(path: &Path, parameters: &[Parameter], dtype: Dtype) -> Result<Vec<u8>, ModelError> {
    let mut end = 0;
    let tensor = |parameter: &Parameter| {
        let start = end;
        end += parameter.elements() * dtype.bytes();
        let info = TensorInfo {
            dtype: dtype.of_file(),
            shape: parameter.shape.clone(),
            data_offsets: (start, end),
        };
        (parameter.name.clone(), info)
    };
    let tensors = parameters.iter().map(tensor).collect();
    // transformers refuses files that do not say which framework's they are.
    let origin = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let metadata = Metadata::new(Some(origin), tensors)
        .map_err(|error| ModelError::file(path, format_args!("cannot be described: {error}")))?;
    let mut json = serde_json::to_vec(&metadata)
        .map_err(|error| ModelError::file(path, format_args!("cannot be described: {error}")))?;
    json.resize(json.len().next_multiple_of(size_of::<u64>()), b' ');
    let mut header = (json.len() as u64).to_le_bytes().to_vec();
    header.append(&mut json);
    Ok(header)
}
