//! A fresh Python for every program, inside WebAssembly.
//!
//! Owns the engine, the runtime's artefacts, the guest's world (files, clock, randomness, output)
//! and its limits. Knows a program, its input and its limits; knows nothing of checks, verdicts or
//! rewards, and is the only module that speaks to wasmtime.
//!
//! * [`Recipe`] builds a runtime: wheel, snapshot, compiled code.
//! * [`Runtime`] is one that is loaded, [`Sandbox`] a thread's place to run programs in.
//! * [`Run`] goes in, [`Execution`] comes out.

mod artifacts;
mod door;
mod engine;
mod error;
mod instance;
#[doc(hidden)]
pub mod message;
mod packages;
mod pages;
mod patches;
mod recipe;
mod relay;
mod report;
mod run;
mod runtime;
mod snapshot;
mod state;
pub mod values;
mod wasi;
mod wheel;
mod world;

pub use artifacts::Manifest;
pub use engine::THREAD_STACK_BYTES;
pub use error::EngineError;
pub use instance::Sandbox;
pub use recipe::{Recipe, Step};
pub use run::{
    Compiled, Ending, Execution, Expectation, Job, LimitKind, Phase, Place, Raised, Run, Test,
};
pub use runtime::{Backstop, Runtime, RuntimeSettings};

pub(crate) use artifacts::Artifacts;
