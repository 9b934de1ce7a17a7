//! Temporary.
use crate::domain::value::Value;
pub(crate) fn decode(_bytes: &[u8]) -> Result<Value, ()> { Ok(Value) }
