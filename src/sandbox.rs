//! A fresh Python for every program, inside WebAssembly.
//!
//! Owns the engine, the runtime's artefacts, the guest's world (files, clock, randomness, output)
//! and its limits. Knows a program, its input and its limits; knows nothing of checks, verdicts or
//! rewards, and is the only module that speaks to wasmtime.

mod run;
pub mod values;

pub use run::{Ending, Execution, Job, LimitKind, Phase, Raised, Run};
