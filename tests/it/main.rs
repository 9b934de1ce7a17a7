//! Tests of the whole, through what users see.

mod api;
mod cli;
mod fake;
