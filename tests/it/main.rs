//! All integration tests as one binary.

mod validator;
mod values;
