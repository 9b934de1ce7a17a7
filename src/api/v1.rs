//! `/v1`: our own routes.
pub mod wire;
