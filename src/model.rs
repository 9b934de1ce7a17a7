//! Language models as ONNX graphs: read, sampled and trained by ONNX Runtime.
//!
//! Owns everything between text and numbers: a decoder's definition, the graphs made from it, their
//! derivatives, the weights on a device, checkpoints on disk. Knows tensors and text, never tests,
//! verdicts or rewards; of the rest of the crate it uses nothing.

pub mod adapter;
pub mod chat;
pub mod checkpoint;
pub mod config;
mod error;
pub mod tokenizer;

pub use adapter::{Adapter, LoraConfig};
pub use chat::{Chat, Message};
pub use checkpoint::Checkpoint;
pub use config::{Architecture, ModelConfig, Parameter, RopeScaling, rope_tables};
pub use error::ModelError;
pub use tokenizer::Tokenizer;
