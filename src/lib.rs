//! Touchstone: generated Python judged in fresh WebAssembly sandboxes.

pub mod domain;
pub mod sandbox;
pub mod validator;
