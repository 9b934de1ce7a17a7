//! Language models as ONNX graphs: read, sampled and trained by ONNX Runtime.
//!
//! Owns everything between text and numbers: a decoder's definition, the graphs made from it, their
//! derivatives, the weights on a device, checkpoints on disk. Knows tensors and text, never tests,
//! verdicts or rewards; of the rest of the crate it uses `wheel` alone.

pub mod adapter;
mod batch;
mod ceiling;
pub mod chat;
pub mod checkpoint;
pub mod config;
mod decoder;
mod decoding;
mod denormal;
mod engine;
mod error;
mod generator;
pub mod graph;
mod graphs;
mod initial;
pub mod library;
mod load;
mod loss;
pub mod memory;
mod onnx;
mod optimizer;
mod policy;
mod sampler;
mod sampling;
mod state;
pub mod tokenizer;
mod trainer;
mod weights;

pub use adapter::{Adapter, LoraConfig};
pub use batch::{Batch, Sequence};
pub use ceiling::matmul_rate;
pub use chat::{Chat, Message};
pub use checkpoint::Checkpoint;
pub use config::{Architecture, ModelConfig, Parameter, RopeScaling, rope_tables};
pub use decoder::Precision;
pub use engine::{Device, Engine};
pub use error::ModelError;
pub use generator::{Answer, Generator, Piece, Prompt};
pub use graph::{ElementType, ScatterSum};
pub use graphs::graphs;
pub use initial::{Initial, initial_adapter};
pub use loss::Loss;
pub use optimizer::{AdamW, Schedule};
pub use policy::Policy;
pub use sampler::{Completion, Drawn, Finish, Next, Request, Sampler};
pub use sampling::Sampling;
pub use tokenizer::Tokenizer;
pub use trainer::{Evaluated, Extra, Memory, Scorer, Scores, Trainer};
pub use weights::Weights;
