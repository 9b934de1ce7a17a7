//! t
pub mod v1;
