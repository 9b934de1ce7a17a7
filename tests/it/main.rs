//! Tests of the whole, through what users see, and of its parts through their interfaces.

mod api;
mod arrows;
mod attacks;
mod backstop;
mod cli;
mod compatible;
mod compiled;
#[cfg(target_os = "linux")]
mod confinement;
mod determinism;
mod differential;
mod eval;
mod fake;
mod faults;
mod fetched;
mod fresh;
mod hostile_guests;
mod humaneval;
mod judging;
mod limits;
mod model;
mod outcomes;
mod programs;
mod receiver;
mod restored;
mod runs;
mod runtime;
mod serving;
mod train;
mod validator;
mod values;
