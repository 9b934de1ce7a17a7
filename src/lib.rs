//! Touchstone: generated Python judged in fresh WebAssembly sandboxes.

pub mod api;
pub mod cli;
pub mod config;
pub mod domain;
pub mod sandbox;
pub mod validator;
