//! Tests of the whole, through what users see, and of its parts through their interfaces.

mod api;
mod cli;
mod fake;
mod validator;
mod values;
