//! Where the library of ONNX Runtime is.

use super::engine::Device;
use std::path::{Path, PathBuf};

/// The version that graphs and results are proved with.
pub const VERSION: &str = "1.31.1";

/// The library for a device below the user's cache folder.
pub fn library(cache: &Path, device: Device) -> PathBuf {
    let kind = match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
    };
    cache
        .join(format!("onnxruntime-{VERSION}-{kind}"))
        .join("libonnxruntime.so")
}
